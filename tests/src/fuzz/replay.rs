//! Inputs without a fuzzer: the committed corpus, the seeds, and damaged copies of both, the same in every run.

use super::{INPUT_BYTES_MAX, Target};
use anyhow::Context as _;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where a target's corpus lies.
#[must_use]
pub fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target.name)
}

/// The corpus and the seeds of a target.
pub fn inputs(target: &Target) -> anyhow::Result<Vec<Vec<u8>>> {
    let folder = folder(target);
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    let mut inputs = (target.seeds)();
    for path in paths {
        inputs.push(fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    Ok(inputs)
}

/// Writes a target's seeds into a folder, for a fuzzer.
pub fn write_seeds(target: &Target, folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut named = (target.seeds)().into_iter().enumerate();
    named.try_for_each(|(at, seed)| fs::write(folder.join(format!("seed-{at}")), seed))
}

/// Numbers from a seed.
#[derive(Debug)]
pub struct Dice(blake3::OutputReader);

impl Dice {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: &str) -> Self {
        Self(blake3::Hasher::new_derive_key("gpux/fuzz/1").update(seed.as_bytes()).finalize_xof())
    }

    /// A number below `limit`; 0 if the limit is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        ((u128::from(u64::from_le_bytes(bytes)) * limit as u128) >> 64) as usize
    }

    /// Random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.fill(&mut bytes);
        bytes
    }

    fn pick<'a>(&mut self, inputs: &'a [Vec<u8>]) -> &'a [u8] {
        inputs.get(self.below(inputs.len())).map_or(&[], Vec::as_slice)
    }

    /// A damaged copy of one of these inputs: one to four changes, each of which a fuzzer makes as well.
    pub fn damage(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = self.pick(inputs).to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(16)).min(bytes.len());
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][self.below(5)],
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
                4 => {
                    let new = self.bytes(end - at + 1);
                    bytes.splice(at..end, new);
                }
                _ => {
                    // The head of one and the tail of another.
                    let other = self.pick(inputs);
                    bytes.truncate(at);
                    bytes.extend(&other[self.below(other.len() + 1)..]);
                }
            }
        }
        bytes.truncate(INPUT_BYTES_MAX);
        bytes
    }
}
