//! Known answers of certificate-transparency, and every proof of small logs against a tree built from the definition.

use super::super::tree::{Frontier, leaf_hash};
use super::*;

/// The eight entries of certificate-transparency's Merkle tree tests.
const ENTRIES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
/// The roots of the first one to eight of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hash(hex_digits: &str) -> Hash {
    hex::decode(hex_digits).unwrap().try_into().unwrap()
}

/// MTH as RFC 9162 2.1.1 defines it.
fn definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            join(&definition(left), &definition(right))
        }
    }
}

/// The leaves, all finished subtrees, and the root after each entry.
fn grown(count: u64) -> (Vec<Hash>, Vec<TreeNode>, Vec<Hash>) {
    let mut frontier = Frontier::new();
    let (mut leaves, mut nodes, mut roots) = (vec![], vec![], vec![frontier.root()]);
    for entry in 0..count {
        leaves.push(leaf_hash(&entry.to_le_bytes()));
        nodes.extend(frontier.append(leaves[leaves.len() - 1]));
        roots.push(frontier.root());
    }
    (leaves, nodes, roots)
}

#[test]
fn known_answers_hold() {
    assert_eq!(empty_root(), hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    let mut frontier = Frontier::new();
    let mut nodes = vec![];
    for (entry, root) in ENTRIES.iter().zip(ROOTS) {
        nodes.extend(frontier.append(leaf_hash(&hex::decode(entry).unwrap())));
        assert_eq!(frontier.root(), hash(root));
    }
    let proof = Inclusion::assemble(5, 8, &nodes).unwrap();
    assert_eq!(
        proof.path,
        [
            hash("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"),
            hash("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"),
            hash("d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        ]
    );
    let proof = Consistency::assemble(6, 8, &nodes).unwrap();
    assert_eq!(
        proof.path,
        [
            hash("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"),
            hash("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"),
            hash("d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        ]
    );
}

#[test]
fn every_size_has_the_root_of_the_definition() {
    let (leaves, _, roots) = grown(65);
    for (size, root) in roots.iter().enumerate() {
        assert_eq!(*root, definition(&leaves[..size]), "size {size}");
    }
}

#[test]
fn every_inclusion_proof_holds_and_no_other() {
    let (leaves, nodes, roots) = grown(33);
    for size in 1..=33_u64 {
        let root = &roots[size as usize];
        for index in 0..size {
            let leaf = &leaves[index as usize];
            let proof = Inclusion::assemble(index, size, &nodes).unwrap();
            assert_eq!(proof.verify(leaf, root), Ok(()), "{index} of {size}");
            assert_eq!(proof.verify(&[7; 32], root), Err(Error::Root));
            assert_eq!(proof.verify(leaf, &[7; 32]), Err(Error::Root));
            let elsewhere = Inclusion { index: (index + 1) % size, ..proof.clone() };
            assert!(size == 1 || elsewhere.verify(leaf, root).is_err());
            let mut long = proof.clone();
            long.path.push([0; 32]);
            assert!(long.verify(leaf, root).is_err());
            let mut short = proof;
            if short.path.pop().is_some() {
                assert!(short.verify(leaf, root).is_err());
            }
        }
    }
}

#[test]
fn every_consistency_proof_holds_and_no_other() {
    let (_, nodes, roots) = grown(33);
    for new in 0..=33_u64 {
        for old in 0..=new {
            let proof = Consistency::assemble(old, new, &nodes).unwrap();
            let (old_root, new_root) = (&roots[old as usize], &roots[new as usize]);
            assert_eq!(proof.verify(old_root, new_root), Ok(()), "{old} to {new}");
            assert!(proof.verify(&[7; 32], new_root).is_err());
            assert!(old == 0 || proof.verify(old_root, &[7; 32]).is_err());
            let mut long = proof.clone();
            long.path.push([0; 32]);
            assert!(long.verify(old_root, new_root).is_err());
            let mut short = proof;
            if short.path.pop().is_some() {
                assert!(short.verify(old_root, new_root).is_err());
            }
        }
    }
}

#[test]
fn only_the_named_subtrees_are_needed() {
    let (leaves, nodes, roots) = grown(23);
    let only = |wanted: &[Position]| -> Vec<TreeNode> {
        nodes.iter().copied().filter(|node| wanted.contains(&node.position)).collect()
    };
    let some = only(&inclusion_nodes(11, 23).unwrap());
    let proof = Inclusion::assemble(11, 23, &some).unwrap();
    assert_eq!(proof.verify(&leaves[11], &roots[23]), Ok(()));
    let some = only(&consistency_nodes(13, 23).unwrap());
    let proof = Consistency::assemble(13, 23, &some).unwrap();
    assert_eq!(proof.verify(&roots[13], &roots[23]), Ok(()));
    assert!(matches!(Consistency::assemble(13, 23, &some[1..]), Err(Error::MissingSubtree { .. })));
}

#[test]
fn a_restored_frontier_continues() {
    let (leaves, _, roots) = grown(22);
    let mut frontier = Frontier::new();
    for leaf in &leaves[..21] {
        frontier.append(*leaf);
    }
    let mut restored = Frontier::restore(21, frontier.roots().to_vec()).unwrap();
    restored.append(leaves[21]);
    assert_eq!(restored.root(), roots[22]);
    assert!(Frontier::restore(21, vec![[0; 32]; 2]).is_err());
}

#[test]
fn impossible_proofs_are_refused() {
    assert_eq!(inclusion_nodes(3, 3), Err(Error::NoSuchEntry { index: 3, size: 3 }));
    assert_eq!(consistency_nodes(4, 3), Err(Error::Backwards { old: 4, new: 3 }));
    let huge = Inclusion { index: u64::MAX - 1, size: u64::MAX, path: vec![[0; 32]; 3] };
    assert_eq!(huge.verify(&[0; 32], &[0; 32]), Err(Error::Length(3)));
    let huge = Consistency { old: u64::MAX - 1, new: u64::MAX, path: vec![] };
    assert_eq!(huge.verify(&[0; 32], &[0; 32]), Err(Error::Length(0)));
}
