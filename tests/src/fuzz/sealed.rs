//! Two honest parties and a relay between them that does what it likes with ciphertexts: what was sealed is opened in order, and
//! nothing else is.

use arbitrary::{Arbitrary, Unstructured};
use gpux_proto::{
    evidence::Frame,
    node::{SessionRequest, session_request},
    sealed::{self, Opener, SEALED_BYTES_MAX, Sealer},
    signing::SigningKey,
};
use std::collections::VecDeque;

/// The most steps of an input.
const STEPS_MAX: usize = 24;
/// A message with so many bytes more has two pieces.
const PIECE_BYTES: usize = 65_519;

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Step {
    /// A party seals and sends.
    Send { node: bool, length: u16, large: bool },
    /// The oldest message on its way arrives.
    Deliver { node: bool },
    /// Something else arrives instead.
    Attack { node: bool, how: Attack },
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Attack {
    /// The next message with a changed byte.
    Change { at: u32, by: u8 },
    /// Its beginning, or with bytes added.
    Length(u32),
    /// It and the one after it as one.
    Joined,
    /// The one after it.
    Later,
    /// The last one that arrived.
    Replay,
    /// The other party's.
    OtherSide,
    /// Bytes of the carrier's own.
    MadeUp([u8; 24]),
}

/// One direction.
struct Way {
    sealer: Sealer,
    opener: Opener,
    under_way: VecDeque<(usize, Vec<u8>)>,
    arrived: Option<Vec<u8>>,
}

fn message(length: usize) -> SessionRequest {
    let frame = Frame { data: vec![7; length], seen: 0, signature: vec![9; 64] };
    SessionRequest { message: Some(session_request::Message::Frame(frame)) }
}

/// The input's beginning as a handshake to the node and from it, then its steps.
pub(super) fn run(input: &[u8]) {
    let key = SigningKey::from_bytes(&[3; 32]);
    for first in [input, input.get(..48).unwrap_or_default()] {
        assert!(sealed::answer(&key, first).is_err(), "nobody makes a handshake by chance");
        let Ok((handshake, _)) = sealed::begin(&key.verifying_key()) else { return };
        assert!(handshake.finish(first).is_err(), "nobody but the node answers");
    }
    let Ok((handshake, first)) = sealed::begin(&key.verifying_key()) else { return };
    let (nodes_sealer, nodes_opener, second) = sealed::answer(&key, &first).expect("an honest handshake");
    let (sealer, opener) = handshake.finish(&second).expect("an honest answer");
    let way = |sealer, opener| Way { sealer, opener, under_way: VecDeque::new(), arrived: None };
    let mut ways = [way(sealer, nodes_opener), way(nodes_sealer, opener)];
    let mut steps = Unstructured::new(input);
    for _ in 0..STEPS_MAX {
        if steps.is_empty() {
            break;
        }
        match steps.arbitrary() {
            Ok(Step::Send { node, length, large }) => {
                let way = &mut ways[usize::from(node)];
                let length = usize::from(length % 1_024) + if large { PIECE_BYTES - 512 } else { 0 };
                let sealed = way.sealer.seal(&message(length)).expect("it is not too large");
                assert!(sealed.len() <= SEALED_BYTES_MAX);
                way.under_way.push_back((length, sealed));
            }
            Ok(Step::Deliver { node }) => deliver(&mut ways[usize::from(node)]),
            Ok(Step::Attack { node, how }) => attack(&mut ways, node, how),
            Err(_) => break,
        }
    }
    for way in &mut ways {
        while !way.under_way.is_empty() {
            deliver(way);
        }
    }
}

fn deliver(way: &mut Way) {
    let Some((length, sealed)) = way.under_way.pop_front() else { return };
    assert_eq!(way.opener.open(&sealed), Ok(message(length)), "an honest message arrives, whatever came before it");
    way.arrived = Some(sealed);
}

fn attack(ways: &mut [Way; 2], node: bool, how: Attack) {
    let [one, two] = ways;
    let (way, other) = if node { (two, one) } else { (one, two) };
    let next = way.under_way.front().map(|(_, sealed)| sealed);
    let after = way.under_way.get(1).map(|(_, sealed)| sealed);
    let forged = match how {
        Attack::Change { at, by } => next.cloned().map(|mut sealed| {
            let at = at as usize % sealed.len();
            sealed[at] ^= by;
            sealed
        }),
        Attack::Length(length) => next.cloned().map(|mut sealed| {
            sealed.resize(length as usize % (sealed.len() + 64), 0);
            sealed
        }),
        Attack::Joined => next.zip(after).map(|(next, after)| [next.as_slice(), after].concat()),
        Attack::Later => after.cloned(),
        Attack::Replay => way.arrived.clone(),
        Attack::OtherSide => other.under_way.front().map(|(_, sealed)| sealed.clone()),
        Attack::MadeUp(bytes) => Some(bytes.to_vec()),
    };
    let Some(forged) = forged.filter(|forged| Some(forged) != next) else { return };
    assert!(way.opener.open::<SessionRequest>(&forged).is_err(), "accepted {how:?}");
}

/// Random bytes are steps.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut dice = super::replay::Dice::new("sealed");
    (1..8).map(|size| dice.bytes(size * 48)).collect()
}
