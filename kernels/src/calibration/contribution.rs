//! What one owner measured on his devices of one model, signed by him.
//!
//! The signature covers the canonical bytes, not the file: u32 length and text of the model, 32 bytes of the owner's key, the
//! date and the driver as the model, 32 bytes of the kernels' digest, u32 devices, and of each 32 bytes of its id, u32 rates,
//! and of each u8 probe and u64 rate, in ascending order of probes; integers are little-endian.

use std::collections::BTreeMap;

use gpux_proto::bytes::{from_hex, to_hex};
use gpux_proto::signing::{self, Domain, SigningKey};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::catalogue;
use crate::key::Digest;
use crate::probe::ProbeId;

/// The longest text of a contribution, in bytes.
const TEXT_BYTES_MAX: usize = 128;
/// The most devices of a contribution.
const DEVICES_MAX: usize = 1_024;
/// No card is faster than its paper by more: boost clocks are a tenth above what vendors state, and cold cards a little more.
const ABOVE_PAPER_MAX: f64 = 1.25;

/// One device and what it reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Tells it from the owner's other devices, and nothing else.
    pub id: String,
    /// Work units a second: of `imma` operations, of `ram` reads.
    pub rates: BTreeMap<ProbeId, u64>,
}

/// A signed contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// The owner's ed25519 key.
    pub owner: String,
    /// The day of the measurement, YYYY-MM-DD.
    pub date: String,
    /// The driver, as it says of itself.
    pub driver: String,
    /// The digest of the kernels that ran.
    pub kernels: String,
    /// The owner's signature.
    pub signature: String,
    /// The devices.
    pub device: Vec<Device>,
}

/// What a contribution says, before it is signed.
#[derive(Clone, Debug)]
pub struct Measured {
    /// YYYY-MM-DD.
    pub date: String,
    /// The driver, as it says of itself.
    pub driver: String,
    /// The digest of the kernels that ran.
    pub kernels: Digest,
    /// By id.
    pub devices: Vec<(Digest, BTreeMap<ProbeId, u64>)>,
}

impl Contribution {
    /// Signs what was measured of `model`.
    pub fn sign(model: &str, measured: Measured, owner: &SigningKey) -> Result<Self, Error> {
        let device = |(id, rates): (Digest, BTreeMap<ProbeId, u64>)| Device { id: to_hex(&id), rates };
        let mut contribution = Self {
            owner: to_hex(owner.verifying_key().as_bytes()),
            date: measured.date,
            driver: measured.driver,
            kernels: to_hex(&measured.kernels),
            signature: String::new(),
            device: measured.devices.into_iter().map(device).collect(),
        };
        let id = signing::id(Domain::Calibration, &contribution.canonical(model)?);
        contribution.signature = to_hex(&signing::sign_id(&id, owner));
        contribution.verify(model)?;
        Ok(contribution)
    }

    /// Checks form, figures and signature, but not which kernels ran.
    pub(super) fn verify(&self, model: &str) -> Result<(), Error> {
        let id = signing::id(Domain::Calibration, &self.canonical(model)?);
        let owner: [u8; 32] = field(from_hex("owner", &self.owner))?;
        let signature: [u8; 64] = field(from_hex("signature", &self.signature))?;
        let refused = |_| Error::Signature { owner: self.owner.clone() };
        let key = signing::public_key("owner", &owner).map_err(refused)?;
        signing::verify_id("calibration", &id, &signature, &key).map_err(refused)?;
        self.figures(model)
    }

    /// The digest of the kernels that ran.
    pub(super) fn kernels(&self) -> Result<Digest, Error> {
        field(from_hex("kernels", &self.kernels))
    }

    fn canonical(&self, model: &str) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let text = |bytes: &mut Vec<u8>, name: &str, text: &str| {
            if text.is_empty() || text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
                return Err(Error::File(format!("the {name} is empty, too long or no line of text")));
            }
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes.extend(text.as_bytes());
            Ok(())
        };
        text(&mut bytes, "model", model)?;
        bytes.extend(field(from_hex::<32>("owner", &self.owner))?);
        text(&mut bytes, "date", &self.date)?;
        text(&mut bytes, "driver", &self.driver)?;
        bytes.extend(self.kernels()?);
        if self.device.is_empty() || self.device.len() > DEVICES_MAX {
            return Err(Error::File(format!(
                "a contribution of {} devices, not 1 to {DEVICES_MAX}",
                self.device.len()
            )));
        }
        bytes.extend((self.device.len() as u32).to_le_bytes());
        for device in &self.device {
            bytes.extend(field(from_hex::<32>("id", &device.id))?);
            bytes.extend((device.rates.len() as u32).to_le_bytes());
            for (probe, rate) in &device.rates {
                bytes.push(probe.number());
                bytes.extend(rate.to_le_bytes());
            }
        }
        Ok(bytes)
    }

    /// Rates that the model can have. Too fast is refused here; too slow is what the percentile over owners is for.
    fn figures(&self, model: &str) -> Result<(), Error> {
        if !is_date(&self.date) {
            return Err(Error::File(format!("{:?} is no date YYYY-MM-DD", self.date)));
        }
        let of_catalogue = catalogue::by_name(model);
        for (probe, rate) in self.device.iter().flat_map(|device| &device.rates) {
            let refused = || Error::Figure { probe: *probe, model: model.to_owned(), rate: *rate };
            let most = match of_catalogue {
                // On paper a walk is a middle of what was measured, not a peak.
                Some(_) if *probe == ProbeId::Vram => f64::INFINITY,
                Some(card) => card.figure(*probe).ok_or_else(refused)? * ABOVE_PAPER_MAX,
                None if probe.on_host() => f64::INFINITY,
                None => return Err(refused()),
            };
            if *rate == 0 || *rate as f64 > most {
                return Err(refused());
            }
        }
        Ok(())
    }
}

/// A field that is no hexadecimal number of its size.
fn field<T>(read: Result<T, gpux_proto::bytes::Error>) -> Result<T, Error> {
    read.map_err(|error| Error::File(error.to_string()))
}

/// YYYY-MM-DD; whether the month has that day is the owner's business.
fn is_date(text: &str) -> bool {
    let form = |(at, c): (usize, char)| if matches!(at, 4 | 7) { c == '-' } else { c.is_ascii_digit() };
    text.len() == 10 && text.chars().enumerate().all(form)
}
