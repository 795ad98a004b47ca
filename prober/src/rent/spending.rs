//! What sessions cost: a line for each rental whose money came back, appended to `spending.jsonl`.
//!
//! Owns the file. A line is written before the rental's account is forgotten, so that a crash may repeat a line and never lose
//! one; whoever adds up counts each rental once.
use super::Error;
use alloy::primitives::U256;
use gpux_kernels::probe::ProbeId;
use gpux_proto::bytes::to_hex;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashSet},
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// The longest line that is read, in bytes.
const LINE_BYTES_MAX: u64 = 4 << 10;
/// What stands for the probe of a rental that a crash cut off.
const UNKNOWN: &str = "unknown";

/// The cost of one rental.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    at: u64,
    rental: String,
    node: String,
    probe: String,
    /// What the provider earned, in token units.
    spent: u128,
    /// What all transactions since the line before cost, in wei.
    fees: U256,
}

/// The file of a fisher's data directory.
#[derive(Debug, Clone)]
pub struct Spending {
    path: PathBuf,
}

/// What sessions of one probe cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Rentals.
    pub rentals: u64,
    /// In token units.
    pub tokens: u128,
    /// In wei; transactions of several sessions are counted with the one that ends next.
    pub wei: U256,
}

impl Spending {
    /// Names the file; it is made with the first line.
    #[must_use]
    pub fn open(data: &Path) -> Self {
        Self { path: data.join("spending.jsonl") }
    }

    /// Appends a rental's cost, durably.
    pub(super) fn append(
        &self,
        (rental, node): (&[u8], &[u8]),
        probe: Option<ProbeId>,
        (spent, fees): (u128, U256),
    ) -> Result<(), Error> {
        let line = Line {
            at: crate::clock::now().as_secs(),
            rental: to_hex(rental),
            node: to_hex(node),
            probe: probe.map_or(UNKNOWN, ProbeId::name).to_owned(),
            spent,
            fees,
        };
        let mut text = serde_json::to_vec(&line).map_err(|e| self.broken(e))?;
        text.push(b'\n');
        let mut write = || {
            let mut options = OpenOptions::new();
            let mut file = options.read(true).create(true).append(true).mode(0o600).open(&self.path)?;
            // A line that a crash cut off must not spoil the next one.
            if !ends_with_line(&mut file)? {
                text.insert(0, b'\n');
            }
            file.write_all(&text)?;
            file.sync_all()
        };
        write().map_err(|e: io::Error| self.broken(e))
    }

    /// Adds up by probe; a line that a crash cut off is left out.
    pub fn sum(&self) -> Result<BTreeMap<String, Spent>, Error> {
        let mut sums = BTreeMap::<String, Spent>::new();
        let mut seen = HashSet::new();
        let mut reader = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(sums),
            file => BufReader::new(file.map_err(|e| self.broken(e))?),
        };
        let mut text = Vec::new();
        loop {
            text.clear();
            if reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text).map_err(|e| self.broken(e))? == 0 {
                return Ok(sums);
            }
            let Ok(line) = serde_json::from_slice::<Line>(&text) else { continue };
            let sum = sums.entry(line.probe).or_default();
            sum.wei = sum.wei.saturating_add(line.fees);
            if seen.insert(line.rental) {
                sum.rentals += 1;
                sum.tokens = sum.tokens.saturating_add(line.spent);
            }
        }
    }

    fn broken(&self, reason: impl std::fmt::Display) -> Error {
        Error::Journal { path: self.path.clone(), reason: reason.to_string() }
    }
}

fn ends_with_line(file: &mut File) -> io::Result<bool> {
    use std::io::Seek as _;
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(io::SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rental_is_counted_once_also_after_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let spending = Spending::open(dir.path());
        assert_eq!(spending.sum().unwrap(), BTreeMap::new());
        let fees = U256::from(5);
        spending.append((&[1; 32], &[9; 32]), Some(ProbeId::Cpu), (100, fees)).unwrap();
        spending.append((&[2; 32], &[9; 32]), None, (7, fees)).unwrap();
        // The process died between the line and the journal.
        spending.append((&[1; 32], &[9; 32]), Some(ProbeId::Cpu), (100, fees)).unwrap();
        // And once within a line.
        let mut file = OpenOptions::new().append(true).open(dir.path().join("spending.jsonl")).unwrap();
        file.write_all(br#"{"at":1,"rental":"0x03"#).unwrap();
        spending.append((&[3; 32], &[9; 32]), Some(ProbeId::Cpu), (50, fees)).unwrap();
        let sums = spending.sum().unwrap();
        assert_eq!(sums["cpu"], Spent { rentals: 2, tokens: 150, wei: U256::from(15) });
        assert_eq!(sums["unknown"], Spent { rentals: 1, tokens: 7, wei: fees });
    }
}
