use super::*;
use crate::{
    evidence::Frame,
    frames::FRAME_BYTES_MAX,
    node::{SessionRequest, SessionResponse, session_request, session_response},
};
use proptest::prelude::*;

fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes(&[byte; 32])
}

/// Renter and node after the handshake.
fn joined() -> [(Sealer, Opener); 2] {
    let (handshake, first) = begin(&key(2).verifying_key()).unwrap();
    let (sealer, opener, second) = answer(&key(2), &first).unwrap();
    [handshake.finish(&second).unwrap(), (sealer, opener)]
}

fn frame(size: usize) -> Frame {
    Frame { data: (0..size).map(|i| i as u8).collect(), seen: u64::MAX, signature: vec![7; 64] }
}

fn request(size: usize) -> SessionRequest {
    SessionRequest { message: Some(session_request::Message::Frame(frame(size))) }
}

#[test]
fn messages_of_every_size_arrive_in_both_directions() {
    let [(mut renter, mut hears), (mut node, mut listens)] = joined();
    // Around the sizes at which a piece is full, the largest frame, and nothing at all.
    let full = PLAIN_BYTES_MAX - 100..PLAIN_BYTES_MAX;
    for size in [1, 2, 3 * PLAIN_BYTES_MAX, FRAME_BYTES_MAX].into_iter().chain(full) {
        let sealed = renter.seal(&request(size)).unwrap();
        assert!(sealed.len() <= SEALED_BYTES_MAX);
        assert_eq!(listens.open::<SessionRequest>(&sealed), Ok(request(size)), "{size}");
        let answer = SessionResponse { message: Some(session_response::Message::Frame(frame(size))) };
        let sealed = node.seal(&answer).unwrap();
        assert_eq!(hears.open::<SessionResponse>(&sealed), Ok(answer), "{size}");
    }
    let nothing = renter.seal(&SessionRequest::default()).unwrap();
    assert_eq!((nothing.len(), listens.open(&nothing)), (18, Ok(SessionRequest::default())));
}

#[test]
fn what_is_too_large_is_refused_on_both_sides() {
    let [(mut renter, _), (_, mut listens)] = joined();
    assert!(matches!(renter.seal(&request(SEALED_BYTES_MAX)), Err(Error::Oversized(_))));
    let large = vec![0; SEALED_BYTES_MAX + 1];
    assert_eq!(listens.open::<SessionRequest>(&large), Err(Error::Oversized(SEALED_BYTES_MAX + 1)));
    // What was refused has used up nothing.
    assert_eq!(listens.open(&renter.seal(&request(1)).unwrap()), Ok(request(1)));
}

#[test]
fn only_the_node_that_is_meant_can_answer() {
    let (_, first) = begin(&key(2).verifying_key()).unwrap();
    assert_eq!(answer(&key(3), &first).unwrap_err(), Error::Handshake);
    let (handshake, _) = begin(&key(2).verifying_key()).unwrap();
    let (_, _, elsewhere) = answer(&key(2), &first).unwrap();
    assert_eq!(handshake.finish(&elsewhere).unwrap_err(), Error::Handshake, "an answer to another renter");
    let [(_, mut hears), _] = joined();
    let [_, (mut node, _)] = joined();
    let sealed = node.seal(&SessionResponse::default()).unwrap();
    assert_eq!(hears.open::<SessionResponse>(&sealed), Err(Error::Changed), "a message of another session");
}

#[test]
fn a_changed_handshake_is_refused() {
    let (_, first) = begin(&key(2).verifying_key()).unwrap();
    for at in 0..first.len() {
        let mut changed = first.clone();
        changed[at] ^= 1;
        assert!(answer(&key(2), &changed).is_err(), "byte {at}");
    }
    for size in [0, 47, 49, 70_000] {
        assert_eq!(answer(&key(2), &vec![9; size]).unwrap_err(), Error::Handshake, "{size} bytes");
    }
}

#[test]
fn messages_are_neither_joined_split_repeated_nor_reordered() {
    let [(mut renter, _), (_, mut listens)] = joined();
    let [one, two, large] = [1, 2, PLAIN_BYTES_MAX].map(|size| renter.seal(&request(size)).unwrap());
    assert_eq!(listens.open::<SessionRequest>(&[one.clone(), two.clone()].concat()), Err(Error::Pieces), "joined");
    assert_eq!(listens.open::<SessionRequest>(&two), Err(Error::Changed), "reordered");
    assert_eq!(listens.open(&one), Ok(request(1)));
    assert_eq!(listens.open::<SessionRequest>(&one), Err(Error::Changed), "repeated");
    assert_eq!(listens.open(&two), Ok(request(2)));
    let (head, tail) = large.split_at(2 + PIECE_BYTES_MAX);
    for part in [head, tail] {
        assert!(listens.open::<SessionRequest>(part).is_err(), "split");
    }
    assert_eq!(listens.open(&large), Ok(request(PLAIN_BYTES_MAX)), "a refused message changes nothing");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_an_error_and_never_a_panic(data in prop::collection::vec(any::<u8>(), 0..600)) {
        let [(_, mut hears), (_, mut listens)] = joined();
        prop_assert!(hears.open::<SessionResponse>(&data).is_err());
        prop_assert!(listens.open::<SessionRequest>(&data).is_err());
        prop_assert!(answer(&key(2), &data).is_err());
        let (handshake, _) = begin(&key(2).verifying_key()).unwrap();
        prop_assert!(handshake.finish(&data).is_err());
    }

    #[test]
    fn a_changed_bit_is_refused(size in 0usize..200_000, at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let [(mut renter, _), (_, mut listens)] = joined();
        let sealed = renter.seal(&request(size)).unwrap();
        let mut changed = sealed.clone();
        changed[at.index(sealed.len())] ^= 1 << bit;
        prop_assert!(listens.open::<SessionRequest>(&changed).is_err());
        prop_assert_eq!(listens.open(&sealed), Ok(request(size)));
    }
}
