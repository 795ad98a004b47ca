//! Evidence: bundles as bytes, and valid sessions that were changed before both sides signed them.
//!
//! A fisher and a host who work together sign what they like, so everything behind the signatures meets any conversation.

use super::transcript::{CHAIN, RENTALS, Said, Transcript};
use arbitrary::{Arbitrary, Unstructured};
use gpux_kernels::{
    evidence::{CONVICTING_UNITS, Depth, Examination, Rules, claims, examine, expected, hello, measure},
    plan::Market,
};
use gpux_proto::{
    bundle,
    evidence::{Bundle, Descriptor, JobInput, JobOutput},
    signing::{self, Domain},
    stream,
};
use prost::Message as _;

/// The most changes to a session.
const CHANGES_MAX: usize = 16;
/// The most times that a flood repeats its message: a frame of 256 KiB full of them takes 40,000.
const FLOOD_MAX: usize = 4_096;
/// The largest time of a frame: sums of a few of them must fit as well.
const TIME_US_MAX: u64 = u64::MAX >> 8;

fn rules(market: Market) -> Rules {
    Rules { market, chain_id: CHAIN, rentals: RENTALS, releases: Vec::new() }
}

/// Examines a bundle as `verify-evidence` does, and checks what holds of every examination.
fn judge(bundle: &Bundle, market: Market, depth: Depth) -> Examination {
    let shown = examine(bundle, &rules(market), depth);
    let wrong = shown.wrong.len() >= CONVICTING_UNITS;
    assert_eq!(
        shown.convicts,
        wrong && shown.is_sound(),
        "two wrong units under sound checks convict, nothing else does"
    );
    assert!(shown.wrong.len() <= shown.drawn as usize && (wrong || !shown.convicts));
    assert!(depth == Depth::Recompute || shown.wrong.is_empty(), "a transcript alone shows no wrong bits");
    let descriptor = bundle.descriptor.as_ref().map(|signed| signing::open::<Descriptor>(Domain::Descriptor, signed));
    if let Some(Ok(descriptor)) = descriptor {
        for probe in claims(&descriptor, market) {
            let Some(expectation) = expected(&descriptor, probe, market) else { continue };
            let measured = measure(&shown, &expectation);
            assert!(measured.ratio.lower <= measured.ratio.upper && measured.ratio.upper <= 64);
        }
    }
    shown
}

/// Bytes as a bundle.
pub(super) fn bundle(input: &[u8]) {
    let Ok(bundle) = bundle::decode(input) else { return };
    let again = bundle::decode(&bundle.encode_to_vec());
    assert_eq!(again.as_ref(), Ok(&bundle), "what was read is read again");
    let _ = hello(&bundle);
    for market in [Market::Development, Market::Production] {
        judge(&bundle, market, Depth::Recompute);
    }
}

/// A session up to its first window, whole and without parts.
pub(super) fn bundles() -> Vec<Vec<u8>> {
    let mut transcript = Transcript::honest(0);
    transcript.said.truncate(40);
    let whole = transcript.sign();
    let bare = Bundle { frames: Vec::new(), ..whole.clone() };
    vec![whole.encode_to_vec(), bare.encode_to_vec(), Bundle { descriptor: None, ..bare }.encode_to_vec()]
}

#[derive(Arbitrary, Debug)]
enum Change {
    Frame { frame: u8, how: Words },
    Order { frame: u8, how: Order },
    Manifest(Vec<u8>),
    Variant(u8),
    Ordinal(u32),
    Descriptor(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
enum Words {
    Byte {
        at: u16,
        change: u8,
    },
    Cut(u16),
    Longer(Vec<u8>),
    /// Another message, with its length.
    Message(Vec<u8>),
    /// A small message, many times.
    Flood {
        message: Vec<u8>,
        times: u16,
    },
    /// The other side says it.
    Side,
    Time(u64),
    /// So many of the other side's frames were not seen yet.
    Unseen(u8),
}

#[derive(Arbitrary, Debug)]
enum Order {
    Drop,
    Twice,
    Swap(u8),
    /// This frame and the next one of its side are one.
    Join,
    End,
}

fn nth<T>(list: &mut [T], which: u8) -> Option<&mut T> {
    let at = usize::from(which) % list.len().max(1);
    list.get_mut(at)
}

fn prefixed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_le_bytes(), message].concat()
}

fn apply(transcript: &mut Transcript, change: Change) {
    match change {
        Change::Manifest(manifest) => transcript.manifest = manifest,
        Change::Variant(byte) => transcript.variant[0] = byte,
        Change::Ordinal(ordinal) => transcript.ordinal = ordinal,
        // Merged into what is there, so that node and provider stay.
        Change::Descriptor(bytes) => drop(transcript.descriptor.merge(bytes.as_slice())),
        Change::Order { frame, how } => reorder(&mut transcript.said, frame, how),
        Change::Frame { frame, how } => {
            if let Some(said) = nth(&mut transcript.said, frame) {
                say(said, how);
            }
        }
    }
}

/// Changes what one frame says.
fn say(said: &mut Said, how: Words) {
    match how {
        Words::Byte { at, change } => {
            let at = usize::from(at) % said.data.len().max(1);
            said.data.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= change);
        }
        Words::Cut(length) => said.data.truncate(length.into()),
        Words::Longer(data) => said.data.extend(data),
        Words::Message(message) => said.data = prefixed(&message),
        Words::Flood { message, times } => {
            let message = prefixed(&message[..message.len().min(16)]);
            said.data.extend(message.repeat(usize::from(times) % FLOOD_MAX));
        }
        Words::Side => said.node ^= true,
        Words::Time(time_us) => said.time_us = time_us % TIME_US_MAX,
        Words::Unseen(frames) => said.unseen = frames.into(),
    }
}

/// Changes which frames there are.
fn reorder(said: &mut Vec<Said>, frame: u8, how: Order) {
    let at = usize::from(frame) % said.len().max(1);
    let Some(this) = said.get(at).cloned() else { return };
    match how {
        Order::Drop => drop(said.remove(at)),
        Order::Twice => said.insert(at, this),
        Order::Swap(other) => {
            let other = usize::from(other) % said.len();
            said.swap(at, other);
        }
        Order::Join => {
            let next = (at + 1..said.len()).find(|next| said[*next].node == this.node);
            if let Some(next) = next.map(|next| said.remove(next)) {
                said[at].data.extend(next.data);
            }
        }
        Order::End => said.truncate(at),
    }
}

/// A session with the changes that bytes stand for.
pub(super) fn changed(mut transcript: Transcript, bytes: &[u8]) -> Transcript {
    let mut changes = Unstructured::new(bytes);
    for _ in 0..CHANGES_MAX {
        if changes.is_empty() {
            break;
        }
        let Ok(change) = changes.arbitrary() else { break };
        apply(&mut transcript, change);
    }
    transcript
}

/// The first byte chooses the session, the rest are changes to it.
pub(super) fn run(input: &[u8]) {
    let Some((which, rest)) = input.split_first() else { return };
    let bundle = changed(Transcript::honest(*which), rest).sign();
    let shown = judge(&bundle, Market::Development, Depth::Recompute);
    let transcript = judge(&bundle, Market::Development, Depth::Transcript);
    assert_eq!(shown.checks, transcript.checks, "the checks do not hang on the depth");
    if rest.is_empty() {
        assert!(shown.is_sound() && shown.failure.is_none(), "{:?}", (shown.first_unsound(), &shown.failure));
    }
    edited(bundle, &shown);
}

/// A frame that was changed after it was signed is found, whatever else the session shows.
fn edited(mut bundle: Bundle, shown: &Examination) {
    let walked = shown.checks.iter().any(|check| check.name == "frames" && check.holds);
    let Some(frame) = bundle.frames.last_mut().and_then(|said| said.frame.as_mut()).filter(|_| walked) else { return };
    frame.data[0] ^= 1;
    let shown = examine(&bundle, &rules(Market::Development), Depth::Transcript);
    assert_eq!(shown.first_unsound().map(|check| check.name), Some("frames"));
}

/// Every session as it was, and random changes.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut dice = super::replay::Dice::new("conversation");
    let honest = (0..4).map(|which| vec![which]);
    let changed: Vec<_> = (0..4).map(|which| [vec![which], dice.bytes(60)].concat()).collect();
    let message = stream::encode(&JobInput::default()).len() + stream::encode(&JobOutput::default()).len();
    honest.chain(changed).chain([vec![0; message]]).collect()
}
