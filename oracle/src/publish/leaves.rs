//! The leaf file of an epoch: what the chain's root commits to.
//!
//! Owns the step from scores to leaves and the canonical text of all leaves, whose SHA-256 stands on chain: one line a node
//! in the order of their keys, so that anybody who folds the log writes the same bytes. Certificates
//! are zero until their part of the method exists; the columns are final.

use std::fmt::Write as _;

use alloy::primitives::{Address, B256};
use gpux_contracts::{Scores, merkle};
use gpux_proto::bytes;
use sha2::{Digest as _, Sha256};

use crate::score::NodeScore;

/// The first line; it names the columns and, with them, the version of the format.
const HEADER: &str = "epoch,node,provider,score_low_bps,score_bps,verdict,probes,certificates\n";
/// The most leaves: a tree of more would not fit the process.
const LEAVES_MAX: usize = 16_000_000;

/// Why there is no leaf file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not in the canonical form.
    #[error("line {line} of the leaf file is not in the canonical form")]
    Form { line: usize },
    /// The file has too many leaves.
    #[error("{0} leaves are more than {LEAVES_MAX}")]
    TooMany(usize),
    /// No tree can be built.
    #[error(transparent)]
    Tree(#[from] merkle::Error),
}

/// The leaves of one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafFile {
    leaves: Vec<Scores::Leaf>,
}

impl LeafFile {
    /// The leaves of these scores at the end of an epoch; each score comes with its node's provider.
    pub fn of_scores(epoch: u64, scores: impl IntoIterator<Item = (NodeScore, Address)>) -> Self {
        let mut leaves: Vec<_> = scores
            .into_iter()
            .map(|(score, provider)| Scores::Leaf {
                epoch,
                node: B256::from(score.node.0),
                provider,
                scoreLowBps: score.estimate.low_bps,
                scoreBps: score.estimate.score_bps,
                verdict: score.verdict as u8,
                probes: score.probes,
                certificates: B256::ZERO,
            })
            .collect();
        leaves.sort_unstable_by_key(|leaf| leaf.node);
        Self { leaves }
    }

    /// Reads a file that was written by `bytes`; no other form is accepted.
    pub fn read(file: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(file).map_err(|_| Error::Form { line: 1 })?;
        let rows = text.strip_prefix(HEADER).ok_or(Error::Form { line: 1 })?;
        let count = rows.lines().count();
        if count > LEAVES_MAX {
            return Err(Error::TooMany(count));
        }
        let leaf = |(at, row)| leaf(row).ok_or(Error::Form { line: at + 2 });
        let read = Self { leaves: rows.lines().enumerate().map(leaf).collect::<Result<_, _>>()? };
        if let Some(at) = read.leaves.windows(2).position(|pair| pair[0].node >= pair[1].node) {
            return Err(Error::Form { line: at + 3 });
        }
        // Leading zeros or a missing newline would be another file with the same leaves.
        if read.bytes() == file { Ok(read) } else { Err(Error::Form { line: count + 1 }) }
    }

    /// The canonical text.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = String::with_capacity(HEADER.len() + self.leaves.len() * 224);
        text.push_str(HEADER);
        for leaf in &self.leaves {
            let node = bytes::to_hex(leaf.node.as_slice());
            let provider = bytes::to_hex(leaf.provider.as_slice());
            let certificates = bytes::to_hex(leaf.certificates.as_slice());
            let Scores::Leaf { epoch, scoreLowBps, scoreBps, verdict, probes, .. } = leaf;
            // Writing into a string cannot fail.
            let _ =
                writeln!(text, "{epoch},{node},{provider},{scoreLowBps},{scoreBps},{verdict},{probes},{certificates}");
        }
        text.into_bytes()
    }

    /// The leaves in the order of their nodes.
    #[must_use]
    pub fn leaves(&self) -> &[Scores::Leaf] {
        &self.leaves
    }

    /// The leaf of a node.
    #[must_use]
    pub fn leaf(&self, node: &B256) -> Option<&Scores::Leaf> {
        let at = self.leaves.binary_search_by_key(node, |leaf| leaf.node).ok()?;
        self.leaves.get(at)
    }

    /// The tree over the leaves, for its root and for proofs.
    pub fn tree(&self) -> Result<merkle::Tree, Error> {
        Ok(merkle::Tree::of_leaves(&self.leaves)?)
    }
}

/// `dataHash`: the SHA-256 of a file, from which its IPFS CID follows.
#[must_use]
pub fn data_hash(file: &[u8]) -> B256 {
    B256::from(<[u8; 32]>::from(Sha256::digest(file)))
}

fn leaf(row: &str) -> Option<Scores::Leaf> {
    let mut fields = row.split(',');
    let leaf = Scores::Leaf {
        epoch: fields.next()?.parse().ok()?,
        node: bytes::from_hex::<32>("node", fields.next()?).ok()?.into(),
        provider: bytes::from_hex::<20>("provider", fields.next()?).ok()?.into(),
        scoreLowBps: fields.next()?.parse().ok()?,
        scoreBps: fields.next()?.parse().ok()?,
        verdict: fields.next()?.parse().ok()?,
        probes: fields.next()?.parse().ok()?,
        certificates: bytes::from_hex::<32>("certificates", fields.next()?).ok()?.into(),
    };
    fields.next().is_none().then_some(leaf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{Estimate, NodeId, Verdict};

    fn score(node: u8) -> (NodeScore, Address) {
        let estimate = Estimate { low_bps: 3_100 + u16::from(node), score_bps: 9_000, high_bps: 10_000 };
        let score = NodeScore {
            node: NodeId([node; 32]),
            estimate,
            verdict: Verdict::Unknown,
            probes: 7,
            last_epoch: 9,
            resources: Vec::new(),
        };
        (score, Address::repeat_byte(node))
    }

    #[test]
    fn the_file_depends_on_the_set_of_scores_alone_and_survives_reading() {
        let file = LeafFile::of_scores(9, [score(3), score(1), score(2)]);
        assert_eq!(file, LeafFile::of_scores(9, [score(2), score(3), score(1)]));
        assert_eq!(LeafFile::read(&file.bytes()).unwrap(), file);
        let text = String::from_utf8(file.bytes()).unwrap();
        let row = format!("9,0x{},0x{},3101,9000,0,7,0x{}", "01".repeat(32), "01".repeat(20), "00".repeat(32));
        assert_eq!(text.lines().nth(1), Some(row.as_str()));
        let leaf = file.leaf(&B256::repeat_byte(2)).unwrap();
        let tree = file.tree().unwrap();
        let hash = merkle::leaf_hash(leaf);
        assert!(merkle::verify(tree.root(), hash, &tree.proof(hash).unwrap()));
        assert_eq!(file.leaf(&B256::repeat_byte(4)), None);
    }

    #[test]
    fn other_forms_of_the_same_leaves_are_refused() {
        let file = LeafFile::of_scores(9, [score(1), score(2)]);
        let text = String::from_utf8(file.bytes()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for other in [
            text.replace("9,0x", "09,0x"),
            text.replace(',', ", "),
            text.trim_end().to_owned(),
            format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]),
            lines[1..].join("\n"),
            format!("{text}9"),
        ] {
            assert!(LeafFile::read(other.as_bytes()).is_err(), "{other}");
        }
        assert!(LeafFile::read(&[0xff]).is_err());
        let empty = LeafFile::of_scores(9, []);
        assert_eq!(LeafFile::read(&empty.bytes()).unwrap(), empty);
        assert!(matches!(empty.tree(), Err(Error::Tree(merkle::Error::Empty))));
    }
}
