use proptest::prelude::*;

use super::*;

fn tree(total: u32) -> Tree {
    Tree::new(Domain::Round, (0..total).map(|index| unit_leaf(index, total, &index.to_le_bytes())).collect())
}

proptest! {
    #[test]
    fn every_leaf_verifies_and_only_in_its_place(total in 1u32..70, pick: u32, other: u32) {
        let tree = tree(total);
        let (index, other) = (pick % total, other % total);
        let (leaf, path) = tree.open(index).unwrap();
        let at = |place, leaf: &Digest, path: &[Digest]| verify(Domain::Round, &tree.root(), place, leaf, path);
        prop_assert!(at((index, total), &leaf, &path));
        prop_assert_eq!(at((other, total), &leaf, &path), other == index);
        prop_assert!(!at((index, total + 1), &leaf, &path));
        prop_assert!(total == 1 || !at((index.min(total - 2), total - 1), &leaf, &path));
        prop_assert!(!verify(Domain::Session, &tree.root(), (index, total), &leaf, &path));
    }

    #[test]
    fn changed_paths_fail(total in 2u32..70, pick: u32, byte in 0usize..32, node: usize) {
        let tree = tree(total);
        let index = pick % total;
        let (leaf, path) = tree.open(index).unwrap();
        let at = |leaf: &Digest, path: &[Digest]| verify(Domain::Round, &tree.root(), (index, total), leaf, path);
        let mut changed = path.clone();
        changed[node % path.len()][byte] ^= 1;
        prop_assert!(!at(&leaf, &changed));
        prop_assert!(!at(&leaf, &path[1..]));
        prop_assert!(!at(&leaf, &[path.clone(), vec![leaf]].concat()));
        let mut flipped = leaf;
        flipped[byte] ^= 1;
        prop_assert!(!at(&flipped, &path));
    }
}

/// Few different leaves, so that lists which differ in length or order alone come up.
fn few_leaves() -> impl Strategy<Value = Vec<Digest>> {
    prop::collection::vec((0u8..3).prop_map(|byte| [byte; 32]), 0..9)
}

proptest! {
    /// Leaf, index and total are bound: one root stands for one list.
    #[test]
    fn two_lists_of_rounds_never_have_one_root(one in few_leaves(), other in few_leaves()) {
        prop_assert_eq!(session_root(&one) == session_root(&other), one == other);
        prop_assert_eq!(root(Domain::Round, one.clone()) == root(Domain::Round, other.clone()), one == other);
        prop_assert_ne!(root(Domain::Round, one), session_root(&other));
    }
}

#[test]
fn an_inner_node_is_no_leaf() {
    let four = tree(4);
    let inner = four.levels[1][0];
    let path = vec![four.levels[1][1]];
    // The inner node with the upper part of the path leads to the same top, but not under another total.
    assert!(!verify(Domain::Round, &four.root(), (0, 2), &inner, &path));
    assert!(!verify(Domain::Round, &four.root(), (0, 4), &inner, &path));
    assert_ne!(leaf(Domain::Round, 0, 4, &inner), inner);
}

#[test]
fn index_total_and_domain_enter_the_leaf() {
    let base = unit_leaf(1, 4, b"x");
    assert_ne!(base, unit_leaf(2, 4, b"x"));
    assert_ne!(base, unit_leaf(1, 5, b"x"));
    assert_ne!(base, leaf(Domain::Session, 1, 4, blake3::hash(b"x").as_bytes()));
}

#[test]
fn total_enters_the_root() {
    // Two leaves, the second hashed up unchanged: without the total, [a, b] and a tree whose leaf is node(a, b) would
    // agree.
    let (a, b) = ([1; 32], [2; 32]);
    let inner = node(Domain::Round, &a, &b);
    assert_ne!(root(Domain::Round, vec![a, b]), root(Domain::Round, vec![inner]));
    assert_ne!(session_root(&[]), session_root(&[[0; 32]]));
}
