//! Two honest parties and somebody between them: what was sent arrives, and nothing else does.

use arbitrary::{Arbitrary, Unstructured};
use gpux_proto::{
    evidence::Frame,
    frames::{Chains, Side},
    signing::SigningKey,
};
use std::collections::{HashMap, VecDeque};

/// The most steps of an input.
const STEPS_MAX: usize = 64;
/// Lengths of frames, the empty one included, which nobody may send.
const LENGTHS: u16 = 1 << 10;

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Step {
    /// A party signs and sends.
    Send { node: bool, byte: u8, length: u16 },
    /// The oldest frame on its way arrives.
    Deliver { node: bool },
    /// Something else arrives instead.
    Attack { node: bool, how: Attack },
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Attack {
    /// The next frame with a changed byte.
    Data { at: u16, change: u8 },
    /// The next frame with a changed signature.
    Signature { at: u8, change: u8 },
    /// The next frame, which says that it saw another number of frames.
    Seen(u64),
    /// The frame after the next.
    Later,
    /// A frame that arrived before.
    Replay(u8),
    /// What the same party would have sent in another session.
    OtherSession,
    /// The other party's next frame.
    OtherSide,
    /// The next frame with bytes added or taken, so that its length is another.
    Length(u8),
}

/// One direction: the sender's and the receiver's view, and what is on its way.
struct Party {
    key: SigningKey,
    chains: Chains,
    on_the_way: VecDeque<Frame>,
    arrived: Vec<Frame>,
}

fn side(node: bool) -> Side {
    if node { Side::Node } else { Side::Renter }
}

/// Runs the steps of an input.
pub(super) fn run(input: &[u8]) {
    let mut steps = Unstructured::new(input);
    let party = |byte| Party {
        key: SigningKey::from_bytes(&[byte; 32]),
        chains: Chains::new([7; 32]),
        on_the_way: VecDeque::new(),
        arrived: Vec::new(),
    };
    let mut parties = [party(1), party(2)];
    // By head, what led to it: two transcripts never share one.
    let mut seen = HashMap::new();
    let mut sent = [Vec::new(), Vec::new()];
    for _ in 0..STEPS_MAX {
        match steps.arbitrary() {
            Ok(Step::Send { node, byte, length }) => {
                let (own, sent) = (&mut parties[usize::from(node)], &mut sent[usize::from(node)]);
                let length = length % LENGTHS;
                let Ok(frame) = own.chains.send(side(node), vec![byte; length.into()], &own.key) else { continue };
                own.on_the_way.push_back(frame);
                sent.push((byte, length));
                let told = seen.insert(own.chains.head(side(node)), (node, sent.clone()));
                assert!(told.is_none(), "two transcripts with one head");
            }
            Ok(Step::Deliver { node }) => deliver(&mut parties, node),
            Ok(Step::Attack { node, how }) => attack(&mut parties, node, how),
            Err(_) => break,
        }
        if steps.is_empty() {
            break;
        }
    }
    for node in [false, true] {
        while !parties[usize::from(node)].on_the_way.is_empty() {
            deliver(&mut parties, node);
        }
    }
    for node in [false, true] {
        assert_eq!(parties[0].chains.head(side(node)), parties[1].chains.head(side(node)), "both know one transcript");
    }
}

fn deliver(parties: &mut [Party; 2], node: bool) {
    let [renter, other] = parties;
    let (sender, receiver) = if node { (other, renter) } else { (renter, other) };
    let Some(frame) = sender.on_the_way.pop_front() else { return };
    let key = sender.key.verifying_key();
    receiver.chains.receive(side(node), &frame, &key).expect("an honest frame arrives");
    sender.arrived.push(frame);
}

fn attack(parties: &mut [Party; 2], node: bool, how: Attack) {
    let Some(forged) = forge(parties, node, how) else { return };
    let receiver = usize::from(!node);
    let key = parties[usize::from(node)].key.verifying_key();
    let before = [parties[receiver].chains.head(Side::Renter), parties[receiver].chains.head(Side::Node)];
    let chains = &mut parties[receiver].chains;
    assert!(chains.receive(side(node), &forged, &key).is_err(), "accepted {how:?}");
    assert_eq!([chains.head(Side::Renter), chains.head(Side::Node)], before, "a refused frame changes nothing");
}

/// A frame that the sender did not send next; `None` if the attack leaves the next frame as it is.
fn forge(parties: &[Party; 2], node: bool, how: Attack) -> Option<Frame> {
    let (sender, other) = (&parties[usize::from(node)], &parties[usize::from(!node)]);
    let next = sender.on_the_way.front();
    let mut forged = match how {
        Attack::Later => sender.on_the_way.get(1)?.clone(),
        Attack::Replay(which) => sender.arrived.get(usize::from(which) % sender.arrived.len().max(1))?.clone(),
        Attack::OtherSide => other.on_the_way.front()?.clone(),
        Attack::OtherSession => {
            let mut elsewhere = Chains::new([8; 32]);
            elsewhere.send(side(node), next?.data.clone(), &sender.key).ok()?
        }
        Attack::Data { .. } | Attack::Signature { .. } | Attack::Seen(_) | Attack::Length(_) => next?.clone(),
    };
    match how {
        Attack::Data { at, change } => {
            let at = usize::from(at) % forged.data.len();
            forged.data[at] ^= change;
        }
        Attack::Signature { at, change } => forged.signature[usize::from(at) % 64] ^= change,
        Attack::Seen(seen) => forged.seen = seen,
        Attack::Length(length) => forged.data.resize(usize::from(length), forged.data[0]),
        Attack::Later | Attack::Replay(_) | Attack::OtherSide | Attack::OtherSession => {}
    }
    (next != Some(&forged)).then_some(forged)
}

/// Random bytes are steps.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut dice = super::replay::Dice::new("frames");
    (1..8).map(|size| dice.bytes(size * 64)).collect()
}
