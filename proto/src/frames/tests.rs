use super::*;
use proptest::prelude::*;

fn pair() -> (SigningKey, SigningKey, Chains, Chains) {
    let (renter, node) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
    (renter, node, Chains::new([7; 32]), Chains::new([7; 32]))
}

#[test]
fn both_sides_walk_the_same_chain() {
    let (renter, node, mut a, mut b) = pair();
    for i in 0..4u8 {
        let f = a.send(Side::Renter, vec![i; 3], &renter).unwrap();
        b.receive(Side::Renter, &f, &renter.verifying_key()).unwrap();
        let g = b.send(Side::Node, vec![i; 5], &node).unwrap();
        a.receive(Side::Node, &g, &node.verifying_key()).unwrap();
    }
    assert_eq!(a.head(Side::Node), b.head(Side::Node));
    assert_eq!(a.head(Side::Renter), b.head(Side::Renter));
    assert_ne!(a.head(Side::Renter), a.head(Side::Node));
}

#[test]
fn edited_reordered_or_unsigned_frames_are_refused() {
    let (renter, _, mut a, mut b) = pair();
    let key = renter.verifying_key();
    let first = a.send(Side::Renter, vec![1], &renter).unwrap();
    let second = a.send(Side::Renter, vec![2], &renter).unwrap();
    assert!(b.receive(Side::Renter, &second, &key).is_err(), "reordered");
    assert!(b.receive(Side::Renter, &Frame { data: vec![9], ..first.clone() }, &key).is_err(), "edited");
    assert!(b.receive(Side::Renter, &Frame { signature: vec![0; 64], ..first.clone() }, &key).is_err(), "unsigned");
    assert!(matches!(b.receive(Side::Renter, &Frame { seen: 1, ..first.clone() }, &key), Err(Error::Seen { .. })));
    assert!(matches!(b.receive(Side::Renter, &Frame { data: vec![], ..first.clone() }, &key), Err(Error::Size(0))));
    b.receive(Side::Renter, &first, &key).unwrap();
    assert!(b.receive(Side::Renter, &first, &key).is_err(), "replayed");
    b.receive(Side::Renter, &second, &key).unwrap();
}

#[test]
fn a_frame_of_one_side_is_none_of_the_other() {
    let (renter, _, mut a, mut b) = pair();
    let frame = a.send(Side::Renter, vec![1], &renter).unwrap();
    assert!(b.receive(Side::Node, &frame, &renter.verifying_key()).is_err());
}

#[test]
fn a_frame_of_another_session_is_refused_by_its_signature() {
    let (renter, node, mut a, mut b) = pair();
    let mut elsewhere = Chains::new([8; 32]);
    for (side, key) in [(Side::Renter, &renter), (Side::Node, &node)] {
        // The same party says the same at the same place of another session, whose OPEN has another id.
        let frame = elsewhere.send(side, vec![1], key).unwrap();
        let refused = b.receive(side, &frame, &key.verifying_key());
        assert_eq!(refused, Err(Error::Signature(signing::Error::Ed25519("frame"))));
        let own = a.send(side, vec![1], key).unwrap();
        b.receive(side, &own, &key.verifying_key()).unwrap();
    }
}

/// What is said: by the node or not, and the bytes.
type Said = Vec<(bool, Vec<u8>)>;

fn said() -> impl Strategy<Value = Said> {
    // Few letters and short frames, so that transcripts which differ in cuts alone come up.
    prop::collection::vec((any::<bool>(), prop::collection::vec(0u8..3, 1..4)), 0..7)
}

/// What both sides have signed when everything was said: their heads, and each frame's signature over both chains.
fn committed(said: &Said) -> ([[u8; 32]; 2], Vec<Vec<u8>>) {
    let (renter, node, mut chains, _) = pair();
    let mut signatures = Vec::new();
    for (by_node, data) in said {
        let (side, key) = if *by_node { (Side::Node, &node) } else { (Side::Renter, &renter) };
        signatures.push(chains.send(side, data.clone(), key).unwrap().signature);
    }
    ([chains.head(Side::Renter), chains.head(Side::Node)], signatures)
}

fn of(said: &Said, node: bool) -> Vec<&Vec<u8>> {
    said.iter().filter(|(by_node, _)| *by_node == node).map(|(_, data)| data).collect()
}

proptest! {
    /// Any byte, cut, frame, order or direction: the heads are those of one transcript.
    #[test]
    fn two_transcripts_never_have_one_commitment(one in said(), other in said()) {
        let (left, right) = (committed(&one), committed(&other));
        for (side, node) in [(0, false), (1, true)] {
            prop_assert_eq!(left.0[side] == right.0[side], of(&one, node) == of(&other, node));
        }
        // Which frames came before which of the other side's is signed as well.
        prop_assert_eq!(left == right, one == other);
    }

    #[test]
    fn every_edit_of_a_transcript_moves_its_commitment(one in said(), at: prop::sample::Index, edit in 0..7) {
        prop_assume!(!one.is_empty());
        let (at, mut other) = (at.index(one.len()), one.clone());
        match edit {
            0 => other[at].1[0] ^= 1,
            1 => other[at].1.push(0),
            2 => drop(other.remove(at)),
            3 => other.insert(at, one[at].clone()),
            4 => other[at].0 ^= true,
            5 => other.swap(at, 0),
            // The same bytes in two frames instead of one.
            _ => {
                let rest = other[at].1.split_off(1);
                other.insert(at + 1, (one[at].0, rest));
                other.retain(|(_, data)| !data.is_empty());
            }
        }
        prop_assert_eq!(committed(&one) == committed(&other), one == other);
    }
}
