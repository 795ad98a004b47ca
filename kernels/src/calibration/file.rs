//! The calibration of one model: contributions of several owners, and the rate that honest hardware reaches.
//!
//! ```toml
//! format = 1
//! model = "GeForce RTX 3090"
//!
//! [[contribution]]
//! owner = "0x…"        # ed25519, 32 bytes
//! date = "2026-11-25"
//! driver = "CUDA 12.9"
//! kernels = "0x…"      # what ran: code and sizes
//! signature = "0x…"    # ed25519 over the canonical bytes
//!
//! [[contribution.device]]
//! id = "0x…"           # 32 bytes that only tell it from the owner's other devices
//! [contribution.device.rates]
//! imma = 171000000000000
//! ```
//!
//! A reference is the 5th percentile of all devices (nearest rank: of 20 the lowest, of 40 the second lowest), from 20
//! devices of 3 owners on. Keys cost nothing, so three owners are three *people* only if whoever accepts a file knows
//! them: files are reviewed and released, never fetched.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::contribution::Contribution;
use super::{Error, kernels};
use crate::catalogue;
use crate::probe::ProbeId;

/// The only format.
const FORMAT: u32 = 1;
/// The largest file that is read.
pub const FILE_BYTES_MAX: usize = 4 << 20;
/// Devices and owners from which on a rate is a reference (design/kernels.md, Suite).
pub const DEVICES_MIN: usize = 20;
/// See [`DEVICES_MIN`].
pub const OWNERS_MIN: usize = 3;
/// The percentile that is expected: honest devices differ, and one in twenty is slower.
const PERCENT: usize = 5;

/// A model's calibration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    format: u32,
    /// A name of the catalogue, or a processor with its number of threads.
    pub model: String,
    /// By whom.
    pub contribution: Vec<Contribution>,
}

impl File {
    /// A file of one contribution.
    pub fn new(model: &str, contribution: Contribution) -> Result<Self, Error> {
        let file = Self { format: FORMAT, model: model.to_owned(), contribution: vec![contribution] };
        file.verified()
    }

    /// Reads a file and checks all of it: form, figures, signatures, that no device counts twice, and that these kernels
    /// were measured.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > FILE_BYTES_MAX {
            return Err(Error::File(format!("it is larger than {FILE_BYTES_MAX} bytes")));
        }
        let file: Self = toml::from_str(text).map_err(|error| Error::File(error.message().to_owned()))?;
        file.verified()
    }

    /// Writes the file.
    pub fn to_text(&self) -> Result<String, Error> {
        toml::to_string(self).map_err(|error| Error::File(error.to_string()))
    }

    /// Joins another file of the same model; what stands in both counts once.
    pub fn merge(mut self, other: Self) -> Result<Self, Error> {
        if other.model != self.model {
            return Err(Error::OtherModel { model: self.model, other: other.model });
        }
        for contribution in other.contribution {
            if !self.contribution.contains(&contribution) {
                self.contribution.push(contribution);
            }
        }
        self.verified()
    }

    /// The probes that have rates.
    pub fn probes(&self) -> BTreeSet<ProbeId> {
        self.rates().map(|(_, probe, _)| probe).collect()
    }

    /// The rate that is expected of the model.
    pub fn reference(&self, probe: ProbeId) -> Result<u64, Error> {
        let of_probe = || self.rates().filter(|(_, of, _)| *of == probe);
        let owners = of_probe().map(|(owner, ..)| owner).collect::<HashSet<_>>().len();
        let mut rates: Vec<u64> = of_probe().map(|(.., rate)| rate).collect();
        let devices = rates.len();
        let too_few = Error::TooFew { probe, model: self.model.clone(), devices, owners };
        if devices < DEVICES_MIN || owners < OWNERS_MIN {
            return Err(too_few);
        }
        rates.sort_unstable();
        let rank = (devices * PERCENT).div_ceil(100);
        rates.get(rank - 1).copied().ok_or(too_few)
    }

    fn rates(&self) -> impl Iterator<Item = (&str, ProbeId, u64)> {
        self.contribution.iter().flat_map(|by| {
            let devices = by.device.iter().flat_map(|device| &device.rates);
            devices.map(|(probe, rate)| (by.owner.as_str(), *probe, *rate))
        })
    }

    fn verified(self) -> Result<Self, Error> {
        if self.format != FORMAT {
            return Err(Error::File(format!("format {} is not known", self.format)));
        }
        let ran = kernels::digest(catalogue::by_name(&self.model).is_none());
        let ran = ran.map_err(|error| Error::File(error.to_string()))?;
        let mut seen = HashSet::new();
        for contribution in &self.contribution {
            contribution.verify(&self.model)?;
            if contribution.kernels()? != ran {
                return Err(Error::Kernels {
                    owner: contribution.owner.clone(),
                    kernels: contribution.kernels.clone(),
                });
            }
            for device in &contribution.device {
                if !seen.insert((contribution.owner.to_ascii_lowercase(), device.id.to_ascii_lowercase())) {
                    return Err(Error::Twice { owner: contribution.owner.clone(), device: device.id.clone() });
                }
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
