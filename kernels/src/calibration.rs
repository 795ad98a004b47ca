//! What honest hardware reaches with our kernels: the rate to which a measurement is compared.
//!
//! Owns the embedded files of `calibration/`: of each model what owners measured and signed ([`File`]), and of the
//! development market what simulated devices reach, refused in every other mode. A model without enough devices in a file is
//! expected at a stated fraction of the catalogue's figure and marked uncalibrated: it can score, but opens no statistical
//! case. Never measures anything.

mod contribution;
mod file;
mod kernels;

pub use contribution::{Contribution, Device, Measured};
pub use file::{DEVICES_MIN, FILE_BYTES_MAX, File, OWNERS_MIN};
pub use kernels::digest as kernels_digest;

use std::sync::LazyLock;

use serde::Deserialize;

use crate::catalogue::Model;
use crate::plan::Market;
use crate::probe::ProbeId;

const DEVELOPMENT: &str = include_str!("../calibration/development.toml");

/// The fraction of the catalogue's figure that is expected without calibration: `mma.sync` reaches 50 to 62 % of
/// Hopper's peak (kernels.md), the lowest of all architectures, and an honest card must not fall short for that.
pub const UNCALIBRATED_FRACTION: f64 = 0.5;

/// What a model is expected to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// Work units a second.
    pub rate: f64,
    /// Whether a calibration file of this market says so.
    pub calibrated: bool,
}

/// Why there is no rate.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The model has no unit that the probe measures, or the probe is not a card's.
    #[error("the catalogue has no figure for probe {probe} of {model:?}")]
    NoFigure {
        /// The probe.
        probe: ProbeId,
        /// The model.
        model: String,
    },
    /// A calibration file is malformed.
    #[error("calibration file: {0}")]
    File(String),
    /// The owner did not sign this.
    #[error("calibration file: the signature of {owner} is not over these figures")]
    Signature {
        /// The owner.
        owner: String,
    },
    /// Other kernels were measured.
    #[error("calibration file: {owner} measured kernels {kernels}, which are not these")]
    Kernels {
        /// The owner.
        owner: String,
        /// The digest that stands in the file.
        kernels: String,
    },
    /// A device stands in the file twice.
    #[error("calibration file: device {device} of {owner} stands there twice")]
    Twice {
        /// The owner.
        owner: String,
        /// The device.
        device: String,
    },
    /// Two files are of different models.
    #[error("calibration files of {model:?} and of {other:?} cannot be merged")]
    OtherModel {
        /// The one.
        model: String,
        /// The other.
        other: String,
    },
    /// The model cannot reach that.
    #[error("calibration file: {rate} is no rate of {probe} on {model:?}")]
    Figure {
        /// The probe.
        probe: ProbeId,
        /// The model.
        model: String,
        /// What is claimed.
        rate: u64,
    },
    /// Too few devices or owners for a reference.
    #[error(
        "{probe} on {model:?} is not calibrated: {} of {}, {DEVICES_MIN} of {OWNERS_MIN} are needed",
        counted(*.devices, "device"),
        counted(*.owners, "owner")
    )]
    TooFew {
        /// The probe.
        probe: ProbeId,
        /// The model.
        model: String,
        /// Devices with a rate.
        devices: usize,
        /// Their owners.
        owners: usize,
    },
}

/// Returns "1 device", "2 devices".
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Simulated {
    market: String,
    driver: String,
    owners: u32,
    date: String,
    fractions: Fractions,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fractions {
    /// At which simulated devices run.
    speed: f64,
    /// Which sessions reach.
    expected: f64,
}

fn parse(text: &str) -> Result<Simulated, Error> {
    let file: Simulated = toml::from_str(text).map_err(|error| Error::File(error.message().to_owned()))?;
    let Fractions { speed, expected } = file.fractions;
    let refuse = |what: &str| Err(Error::File(what.to_owned()));
    if file.market != "development" || file.driver != "simulated" || file.owners != 0 {
        return refuse("only simulated devices have stated fractions");
    }
    if file.date.len() != 10 {
        return refuse("the date is no date");
    }
    if !(0.0 < expected && expected <= speed && speed <= 1.0) {
        return refuse("fractions must satisfy 0 < expected <= speed <= 1");
    }
    Ok(file)
}

static SIMULATED: LazyLock<Simulated> =
    LazyLock::new(|| parse(DEVELOPMENT).expect("the embedded file is parsed by a test"));

// TEXTS: every other file of `calibration/`.
include!(concat!(env!("OUT_DIR"), "/calibration.rs"));

static MODELS: LazyLock<Vec<File>> = LazyLock::new(|| {
    TEXTS.iter().map(|text| File::parse(text).expect("the embedded files are parsed by a test")).collect()
});

/// What the embedded files say of a model, if they say enough.
fn reference(model: &Model, probe: ProbeId) -> Option<f64> {
    let file = MODELS.iter().find(|file| file.model == model.name)?;
    file.reference(probe).ok().map(|rate| rate as f64)
}

fn figure(model: &Model, probe: ProbeId) -> Result<f64, Error> {
    model.figure(probe).ok_or_else(|| Error::NoFigure { probe, model: model.name.clone() })
}

/// Returns the rate that a model is expected to reach.
pub fn expected(model: &Model, probe: ProbeId, market: Market) -> Result<Expected, Error> {
    let figure = figure(model, probe)?;
    Ok(match market {
        Market::Development => Expected { rate: figure * SIMULATED.fractions.expected, calibrated: true },
        Market::Production => match reference(model, probe) {
            Some(rate) => Expected { rate, calibrated: true },
            None => Expected { rate: figure * UNCALIBRATED_FRACTION, calibrated: false },
        },
    })
}

/// Returns the rate at which a simulated device of a model runs.
pub fn simulated_rate(model: &Model, probe: ProbeId) -> Result<f64, Error> {
    Ok(figure(model, probe)? * SIMULATED.fractions.speed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::by_name;

    #[test]
    fn development_rates_are_refused_elsewhere() {
        let card = by_name("GeForce RTX 3090").unwrap();
        let here = expected(card, ProbeId::Imma, Market::Development).unwrap();
        let elsewhere = expected(card, ProbeId::Imma, Market::Production).unwrap();
        assert!(here.calibrated && !elsewhere.calibrated);
        assert_eq!(elsewhere.rate, card.imma_ops.unwrap() * UNCALIBRATED_FRACTION);
        assert!(simulated_rate(card, ProbeId::Imma).unwrap() > here.rate);
    }

    #[test]
    fn sold_as_3090_a_3060_stays_in_its_band() {
        let (small, large) = (by_name("GeForce RTX 3060 12 GB").unwrap(), by_name("GeForce RTX 3090").unwrap());
        let x = simulated_rate(small, ProbeId::Imma).unwrap()
            / expected(large, ProbeId::Imma, Market::Development).unwrap().rate;
        assert!((0.33..0.40).contains(&x), "{x}");
        assert!((0.46..0.52).contains(&(small.usable_bytes as f64 / large.usable_bytes as f64)));
    }

    #[test]
    fn missing_units_have_no_rate() {
        let old = by_name("Tesla P40").unwrap();
        assert!(matches!(expected(old, ProbeId::Imma, Market::Development), Err(Error::NoFigure { .. })));
        assert!(matches!(expected(old, ProbeId::Cpu, Market::Production), Err(Error::NoFigure { .. })));
    }

    #[test]
    fn one_is_no_plural() {
        let too_few = |devices, owners| {
            let error = Error::TooFew { probe: ProbeId::Imma, model: "X".into(), devices, owners };
            error.to_string()
        };
        assert_eq!(too_few(1, 1), "imma on \"X\" is not calibrated: 1 device of 1 owner, 20 of 3 are needed");
        assert_eq!(too_few(19, 2), "imma on \"X\" is not calibrated: 19 devices of 2 owners, 20 of 3 are needed");
    }

    #[test]
    fn malformed_files_are_refused() {
        assert!(parse(DEVELOPMENT).is_ok());
        assert!(TEXTS.iter().all(|text| File::parse(text).is_ok()));
        assert!(parse(&DEVELOPMENT.replace("0.72", "0.80")).is_err());
        assert!(parse(&DEVELOPMENT.replace("\"development\"", "\"public\"")).is_err());
        assert!(parse(&DEVELOPMENT.replace("owners = 0", "owner = 0")).is_err());
    }
}
