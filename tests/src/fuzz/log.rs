//! Proofs about the log: nobody proves an entry that is not there, or a log that was rewritten; and leaf files.

use arbitrary::{Arbitrary, Unstructured};
use gpux_oracle::{
    log::{Consistency, Frontier, Hash, Inclusion, consistency_nodes, inclusion_nodes, leaf_hash},
    publish::LeafFile,
};

/// The most entries of a log here.
const ENTRIES_MAX: u64 = 48;

#[derive(Arbitrary, Debug)]
struct Claim {
    old: u8,
    new: u8,
    index: u8,
    path: Vec<Hash>,
    edit: Option<(u8, u8, u8)>,
    claimed: (u64, u64),
}

/// The first byte says what the rest is.
pub(super) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    if kind % 4 == 3 {
        if let Ok(file) = LeafFile::read(bytes) {
            assert_eq!(file.bytes(), bytes, "a leaf file has one form");
        }
        return;
    }
    let Ok(claim) = Unstructured::new(bytes).arbitrary::<Claim>() else { return };
    let new = u64::from(claim.new) % ENTRIES_MAX;
    if kind % 4 == 0 { included(&claim, new) } else { continued(&claim, new) }
}

fn entry(index: u64) -> Hash {
    leaf_hash(&index.to_le_bytes())
}

/// Every finished subtree of a log of `size` entries, and its root.
fn log(size: u64) -> (Vec<gpux_oracle::log::TreeNode>, Hash) {
    let (mut frontier, mut nodes) = (Frontier::default(), Vec::new());
    for index in 0..size {
        nodes.extend(frontier.append(entry(index)));
    }
    (nodes, frontier.root())
}

/// Changes one byte of a path, or replaces it.
fn edited(claim: &Claim, path: &[Hash]) -> Vec<Hash> {
    let mut path = path.to_vec();
    match claim.edit {
        Some((at, byte, change)) if !path.is_empty() => {
            let at = usize::from(at) % path.len();
            path[at][usize::from(byte) % 32] ^= change;
            path
        }
        Some(_) => claim.path.iter().take(70).copied().collect(),
        None => path,
    }
}

fn included(claim: &Claim, size: u64) {
    let (nodes, root) = log(size);
    let index = u64::from(claim.index) % size.max(1);
    if inclusion_nodes(index, size).is_err() {
        return assert_eq!(size, 0);
    }
    let honest = Inclusion::assemble(index, size, &nodes).expect("the log has all its subtrees");
    assert_eq!(honest.verify(&entry(index), &root), Ok(()));
    let forged = Inclusion { path: edited(claim, &honest.path), ..honest.clone() };
    assert_eq!(forged.verify(&entry(index), &root).is_ok(), forged == honest, "one proof an entry");
    assert!(honest.verify(&entry(ENTRIES_MAX), &root).is_err(), "an entry that is not there");
    let (index, size) = claim.claimed;
    let elsewhere = Inclusion { index, size, path: forged.path };
    if let Ok(()) = elsewhere.verify(&entry(honest.index), &root) {
        // The sizes of a proof are those of a root that its reader has; another size may have the same path.
        assert!(elsewhere.path == honest.path);
    }
    let _ = inclusion_nodes(index, size);
}

fn continued(claim: &Claim, new: u64) {
    let old = u64::from(claim.old) % (new + 1);
    let ((_, before), (nodes, after)) = (log(old), log(new));
    let honest = Consistency::assemble(old, new, &nodes).expect("the log has all its subtrees");
    assert_eq!(honest.verify(&before, &after), Ok(()));
    let forged = Consistency { path: edited(claim, &honest.path), ..honest.clone() };
    assert_eq!(forged.verify(&before, &after).is_ok(), forged == honest, "one proof a pair of logs");
    let mut rewritten = before;
    rewritten[0] ^= 1;
    assert!(honest.verify(&rewritten, &after).is_err(), "a rewritten log");
    let (old, new) = claim.claimed;
    let _ = Consistency { old, new, path: forged.path }.verify(&before, &after);
    let _ = consistency_nodes(old, new);
}

/// Proofs, and a leaf file.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut dice = super::replay::Dice::new("log");
    let file = "epoch,node,provider,score_low_bps,score_bps,verdict,probes,certificates\n";
    let mut seeds: Vec<_> = (0..8).map(|kind| [vec![kind % 3], dice.bytes(60)].concat()).collect();
    let row = format!("5,0x{},0x{},0,10000,0,3,0x{}\n", "11".repeat(32), "22".repeat(20), "00".repeat(32));
    seeds.push([vec![3], format!("{file}{row}").into_bytes()].concat());
    seeds
}
