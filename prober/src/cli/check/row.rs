//! One probe of a machine's check of itself: what was measured, against what, and how it ended.
use crate::{cli::output, suite::Ran};
use gpux_kernels::{
    evidence::{Expectation, measure},
    measure::RATIO_ONE,
    probe::ProbeId,
};
use gpux_proto::evidence::Step;
use serde::Serialize;

/// From this share of a claim on nothing is said against it, as `check NODE_URL` does.
const CLEAN: f64 = 0.9;

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// Every drawn result is exact.
    Pass,
    /// Results are wrong, or the session broke.
    Fail,
    /// It could not run here.
    NotRun,
}

/// A probe and what it found.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) probe: ProbeId,
    pub(super) outcome: Outcome,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) detail: String,
    pub(super) rate_unit: &'static str,
    pub(super) measured_rate: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expected_rate: Option<u64>,
    pub(super) measured_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expected_bytes: Option<u64>,
    /// Measured over expected: of memory the worse of size and rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ratio: Option<f64>,
    /// Whether the expected rate comes from a calibration, and not from a share of the catalogue's figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) calibrated: Option<bool>,
    pub(super) drawn: u32,
    pub(super) wrong: u32,
}

impl Row {
    /// A probe that could not run.
    pub(super) fn not_run(probe: ProbeId, detail: String) -> Self {
        Self {
            probe,
            outcome: Outcome::NotRun,
            detail,
            rate_unit: probe.rate_unit(),
            measured_rate: 0,
            expected_rate: None,
            measured_bytes: 0,
            expected_bytes: None,
            ratio: None,
            calibrated: None,
            drawn: 0,
            wrong: 0,
        }
    }

    /// A probe that ran.
    pub(super) fn new(ran: &Ran, expectation: Option<&Expectation>) -> Self {
        let (probe, examination) = (ran.plan.probe, &ran.held.examination);
        let told = ran.held.failure.as_ref().map(|failure| (failure.step, failure.detail.clone()));
        let found = examination.failure.as_ref().map(|failure| (failure.step, failure.detail.clone()));
        let unsound =
            examination.first_unsound().map(|check| (Step::Verify, format!("{}: {}", check.name, check.detail)));
        let ended = told.or(found).or(unsound);
        let nothing = Expectation { probe, rate: 0.0, bytes: 0.0, calibrated: false, model: String::new() };
        let measured = measure(examination, expectation.unwrap_or(&nothing));
        let figures = measured.measurement.unwrap_or_default();
        let outcome = match &ended {
            None => Outcome::Pass,
            Some((Step::Prepare, _)) => Outcome::NotRun,
            Some(_) => Outcome::Fail,
        };
        let ratio = f64::from(measured.ratio.lower + measured.ratio.upper) / f64::from(2 * RATIO_ONE);
        Self {
            outcome,
            detail: ended.map(|(_, detail)| in_short(&detail)).unwrap_or_default(),
            measured_rate: figures.rate,
            expected_rate: expectation.map(|expected| expected.rate as u64),
            measured_bytes: figures.bytes,
            expected_bytes: expectation.map(|expected| expected.bytes as u64).filter(|bytes| *bytes > 0),
            ratio: expectation.map(|_| ratio),
            calibrated: expectation.map(|expected| expected.calibrated),
            drawn: examination.drawn,
            wrong: examination.wrong.len() as u32,
            ..Self::not_run(probe, String::new())
        }
    }

    /// Whether less was delivered than was claimed.
    pub(super) fn is_short(&self) -> bool {
        self.outcome == Outcome::Pass && self.ratio.is_some_and(|ratio| ratio < CLEAN)
    }

    /// What is wrong, in words. A card that nobody claimed may lack what it likes.
    pub(super) fn problem(&self) -> Option<String> {
        let noun = self.probe.noun();
        match self.outcome {
            Outcome::Fail if self.wrong > 0 => {
                Some(format!("wrong results in {} of {} samples of its {noun}", self.wrong, self.drawn))
            }
            Outcome::Fail => Some(format!("its {noun} was not measured: {}", self.detail)),
            Outcome::NotRun if self.probe.on_host() || self.expected_rate.is_some() => {
                Some(format!("its {noun} was not measured: {}", self.detail))
            }
            _ => None,
        }
    }

    /// "81.9 of 227 Top/s", "11.2 GB at 9.10 Mreads/s".
    pub(super) fn figures(&self) -> String {
        if self.measured_rate == 0 {
            return "-".into();
        }
        let rate = match self.expected_rate {
            Some(expected) => output::of(self.measured_rate, expected, self.rate_unit),
            None => output::amount(self.measured_rate as f64, self.rate_unit),
        };
        match (self.measured_bytes, self.expected_bytes) {
            (0, _) => rate,
            (bytes, Some(expected)) => format!("{} at {rate}", output::of(bytes, expected, "B")),
            (bytes, None) => format!("{} at {rate}", output::amount(bytes as f64, "B")),
        }
    }

    pub(super) fn result(&self) -> String {
        match self.outcome {
            Outcome::Pass if self.is_short() => "less than claimed".into(),
            Outcome::Pass if self.ratio.is_some() => "as claimed".into(),
            Outcome::Pass => format!("exact ({} of {} samples)", self.drawn - self.wrong, self.drawn),
            Outcome::Fail if self.wrong > 0 => format!("WRONG ({} of {} samples)", self.wrong, self.drawn),
            Outcome::Fail => format!("failed: {}", self.detail),
            Outcome::NotRun => format!("not run: {}", self.detail),
        }
    }
}

/// The worker's words without who says them: it is this program.
fn in_short(detail: &str) -> String {
    ["the job gave up: ", "the job says: "].iter().find_map(|said| detail.strip_prefix(said)).unwrap_or(detail).into()
}
