//! What a descriptor claims, what honest hardware of that kind reaches, and the ratio of a measurement to it. All the
//! figures come from the signed descriptor, the catalogue and the calibration; none from the host at probing time.

use std::time::Duration;

use gpux_proto::evidence::{Descriptor, Measurement, Outcome};

use super::Examination;
use crate::calibration;
use crate::catalogue;
use crate::measure::{self, Ratio};
use crate::plan::{Market, drawn};
use crate::probe::ProbeId;

/// What honest hardware of the claimed kind reaches: a c.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The probe.
    pub probe: ProbeId,
    /// The rate in the probe's unit a second, of all claimed devices together.
    pub rate: f64,
    /// The bytes (memory probes), otherwise 0.
    pub bytes: f64,
    /// Whether the rate comes from a calibration or is the host's own claim, and not a share of a datasheet.
    pub calibrated: bool,
    /// The claimed model, or empty for resources of the host.
    pub model: String,
}

/// A measurement beside its expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The figures of the report; absent without a window.
    pub measurement: Option<Measurement>,
    /// x in 64ths.
    pub ratio: Ratio,
    /// Pass or fail.
    pub outcome: Outcome,
}

/// Returns what is probed of a node that claims this, in a fixed order: what the market draws, and what the claim names.
#[must_use]
pub fn claims(descriptor: &Descriptor, market: Market) -> Vec<ProbeId> {
    drawn(market).iter().copied().filter(|probe| expected(descriptor, *probe, market).is_some()).collect()
}

/// Returns what `probe` should measure on a node that claims this; `None` if it does not claim the resource or claims a
/// model that the catalogue does not know.
#[must_use]
pub fn expected(descriptor: &Descriptor, probe: ProbeId, market: Market) -> Option<Expectation> {
    let host = descriptor.host.unwrap_or_default();
    let of_host = |rate: u64, bytes: Option<u64>| {
        let claimed = rate > 0 && bytes != Some(0);
        let (rate, bytes) = (rate as f64, bytes.unwrap_or(0) as f64);
        claimed.then_some(Expectation { probe, rate, bytes, calibrated: true, model: String::new() })
    };
    match probe {
        ProbeId::Cpu => return of_host(host.fp64_flops, None),
        ProbeId::Ram => return of_host(host.ram_reads, Some(host.ram_bytes)),
        _ => {}
    }
    let mut sum = Expectation { probe, rate: 0.0, bytes: 0.0, calibrated: true, model: String::new() };
    for gpu in descriptor.gpus.iter().filter(|gpu| gpu.count > 0) {
        let model = catalogue::by_name(&gpu.model)?;
        let expected = calibration::expected(model, probe, market).ok()?;
        sum.rate += expected.rate * f64::from(gpu.count);
        sum.bytes += held_share(probe) * model.usable_bytes as f64 * f64::from(gpu.count);
        sum.calibrated &= expected.calibrated;
        if !sum.model.is_empty() {
            sum.model.push_str(" + ");
        }
        sum.model.push_str(&gpu.model);
    }
    (sum.rate > 0.0).then_some(sum)
}

/// The share of a card's usable memory that a probe must hold: of `stream` less, since what is left over of blocks and
/// buffers is not passed over.
fn held_share(probe: ProbeId) -> f64 {
    match probe {
        ProbeId::Vram => 1.0,
        ProbeId::Stream => 0.9,
        _ => 0.0,
    }
}

/// Returns the figures and x of an examined session: the median window over the expectation, and for memory the worse of
/// size and rate. A failure of the host, wrong bits included, is x = 0.
#[must_use]
pub fn measure(examination: &Examination, expectation: &Expectation) -> Measured {
    let outcome = if examination.failure.is_some() { Outcome::Fail } else { Outcome::Pass };
    let measurement = figures(examination, expectation);
    let ratio = match (&measurement, outcome) {
        (Some(figures), Outcome::Pass) => ratio(figures, expectation),
        _ => Ratio::ZERO,
    };
    Measured { measurement, ratio, outcome }
}

fn figures(examination: &Examination, expectation: &Expectation) -> Option<Measurement> {
    let rate = |(window, work): (&gpux_proto::evidence::Window, &u128)| {
        measure::rate(*work, Duration::from_micros(window.duration_us))
    };
    let rates: Vec<f64> = examination.windows.iter().zip(&examination.work).map(rate).collect();
    Some(Measurement {
        rate: measure::median(&rates)? as u64,
        bytes: examination.bytes,
        expected_rate: expectation.rate as u64,
        expected_bytes: expectation.bytes as u64,
        calibrated: expectation.calibrated,
        windows: examination.windows.clone(),
    })
}

fn ratio(figures: &Measurement, expectation: &Expectation) -> Ratio {
    let rate = (figures.rate as f64, expectation.rate);
    if expectation.bytes <= 0.0 {
        return Ratio::of(rate.0, rate.1);
    }
    let size = (figures.bytes as f64, expectation.bytes);
    Ratio::new(measure::memory_x(size, rate))
}
