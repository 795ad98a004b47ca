//! What a machine's check of itself found: the same content as a table with words and as one JSON document. Pure: from
//! measurements to rows and a verdict.
use super::Identified;
use crate::{
    cli::{output, table},
    net::{self, Figures},
    suite::{Claim, Machine, Ran},
};
use gpux_kernels::{
    evidence::{Expectation, measure},
    measure::RATIO_ONE,
    probe::ProbeId,
};
use gpux_proto::evidence::Step;
use serde::Serialize;

/// From this share of a claim on nothing is said against it, as `check NODE_URL` does.
const CLEAN: f64 = 0.9;

/// The end point of a machine that is its own.
pub(super) const LOOPBACK: &str = "loopback";

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

/// What was claimed of the cards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Claimed {
    pub(super) model: &'static str,
    pub(super) count: u32,
    /// The driver says so; otherwise it was given.
    pub(super) by_driver: bool,
}

/// The machine as it says of itself.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    pub(super) processor: String,
    pub(super) threads: usize,
    pub(super) memory_bytes: u64,
    /// By name, as the driver says.
    pub(super) cards: Vec<String>,
    /// Why there is no card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) no_cards: Option<String>,
}

/// The way to an end point.
#[derive(Debug, Serialize)]
pub(super) struct Network {
    /// Where; "loopback" is this machine.
    pub(super) endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<String>,
    pub(super) down_bits_per_second: u64,
    pub(super) up_bits_per_second: u64,
    pub(super) round_trip_us: f64,
    /// How far the other end can be at most.
    pub(super) distance_max_km: f64,
}

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) machine: Facts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claimed: Option<Claimed>,
    pub(super) quick: bool,
    pub(super) probes: Vec<Row>,
    pub(super) network: Network,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identified: Option<Identified>,
    /// What is wrong, a sentence each; empty if nothing is.
    pub(super) problems: Vec<String>,
    pub(super) verdict: String,
}

impl Claimed {
    /// What was given, or what the driver says of all cards.
    pub(super) fn of(claim: Option<&Claim>, machine: &Machine) -> Option<Self> {
        let cards = machine.cards().len() as u32;
        if let Some(Claim { model, count }) = claim {
            return Some(Self { model: &model.name, count: count.unwrap_or(cards.max(1)), by_driver: false });
        }
        let mut models = machine.cards().iter().map(|card| crate::suite::find(&card.name).ok());
        let first = models.next()??;
        let same = models.all(|model| model == Some(first));
        same.then_some(Self { model: &first.name, count: cards, by_driver: true })
    }

    fn words(&self) -> String {
        match self.count {
            1 => self.model.into(),
            count => format!("{count} x {}", self.model),
        }
    }
}

impl From<&Machine> for Facts {
    fn from(machine: &Machine) -> Self {
        Self {
            processor: machine.processor.clone(),
            threads: machine.threads,
            memory_bytes: machine.memory_bytes,
            cards: machine.cards().iter().map(|card| card.name.clone()).collect(),
            no_cards: machine.cards.as_ref().err().cloned(),
        }
    }
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
    fn is_short(&self) -> bool {
        self.outcome == Outcome::Pass && self.ratio.is_some_and(|ratio| ratio < CLEAN)
    }

    /// What is wrong, in words. A card that nobody claimed may lack what it likes.
    fn problem(&self) -> Option<String> {
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
    fn figures(&self) -> String {
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

    fn result(&self) -> String {
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

impl Network {
    /// What was measured, or why nothing was.
    pub(super) fn new(endpoint: String, measured: &Result<Figures, net::Error>) -> Self {
        let nothing = Self {
            endpoint,
            failure: None,
            down_bits_per_second: 0,
            up_bits_per_second: 0,
            round_trip_us: 0.0,
            distance_max_km: 0.0,
        };
        match measured {
            Err(error) => Self { failure: Some(error.to_string()), ..nothing },
            Ok(figures) => Self {
                down_bits_per_second: figures.down_bits_per_second as u64,
                up_bits_per_second: figures.up_bits_per_second as u64,
                round_trip_us: figures.round_trip_min.as_nanos() as f64 / 1e3,
                distance_max_km: figures.distance_metres_max / 1e3,
                ..nothing
            },
        }
    }

    fn row(&self) -> [String; 5] {
        let (figures, result) = match &self.failure {
            Some(failure) => ("-".into(), format!("not run: {failure}")),
            None => {
                let rate = |bits: u64| output::amount(bits as f64, "bit/s");
                let (down, up) = (rate(self.down_bits_per_second), rate(self.up_bits_per_second));
                let trip = match self.round_trip_us {
                    us if us < 1e3 => format!("{us:.0} µs"),
                    us => format!("{:.1} ms", us / 1e3),
                };
                let distance = format!(", at most {:.0} km away", self.distance_max_km.ceil());
                let distance = if self.endpoint == LOOPBACK { "" } else { &distance };
                (format!("{down} down, {up} up, {trip}"), format!("to {}{distance}", self.endpoint))
            }
        };
        [ProbeId::Net.name().into(), String::new(), figures, String::new(), result]
    }
}

impl Report {
    /// Draws the conclusions.
    pub(super) fn conclude(mut self) -> Self {
        self.problems = self.rows_problems();
        self.verdict = match (self.problems.as_slice(), &self.claimed) {
            ([], Some(claimed)) => format!("delivers what {} claims: {}", claimed.claimant(), claimed.words()),
            ([], None) => "everything that ran is exact; nothing was claimed of it".into(),
            (problems, _) => problems.join("; "),
        };
        self
    }

    fn rows_problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.probes.iter().filter_map(Row::problem).collect();
        if let Some(claimed) = &self.claimed {
            problems.extend(self.missing(claimed));
            problems.extend(self.short(claimed));
        }
        let of_network = |failure: &String| format!("its network was not measured: {failure}");
        problems.extend(self.network.failure.as_ref().map(of_network));
        problems
    }

    fn missing(&self, claimed: &Claimed) -> Option<String> {
        let cards = self.machine.cards.len();
        let words = claimed.words();
        match cards {
            0 => Some(format!("claims {words}, but there is no CUDA device here")),
            cards if cards < claimed.count as usize => Some(format!("claims {words}, but has {cards}")),
            _ => None,
        }
    }

    fn short(&self, claimed: &Claimed) -> Option<String> {
        let short = self.probes.iter().filter(|row| row.is_short());
        let part = |row: &Row| format!("{:.0} % of its {}", row.ratio.unwrap_or(0.0) * 100.0, row.probe.noun());
        let mut parts: Vec<String> = short.map(part).collect();
        let last = parts.pop()?;
        let listed = if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) };
        let best = self.identified.as_ref().and_then(|found| found.models.first());
        let class = best.filter(|best| best.model != claimed.model);
        let class = class.map(|best| format!(": {} class", best.model)).unwrap_or_default();
        Some(format!("claims {}, delivers {listed}{class}", claimed.words()))
    }

    /// For people.
    pub(super) fn render(&self) -> String {
        let memory = output::amount(self.machine.memory_bytes as f64, "B");
        let mut text = format!("{}, {} threads, {memory} of memory\n", self.machine.processor, self.machine.threads);
        let cards = self.machine.no_cards.clone().unwrap_or_else(|| self.machine.cards.join(", "));
        text.push_str(&format!("{cards}\n"));
        let claimed = |row: &Row| match (&self.claimed, row.expected_rate) {
            (Some(claimed), Some(_)) => claimed.words(),
            _ => String::new(),
        };
        let of_claim = |row: &Row| row.ratio.map(|ratio| format!("{:.0} %", ratio * 100.0)).unwrap_or_default();
        let row = |row: &Row| [row.probe.name().into(), claimed(row), row.figures(), of_claim(row), row.result()];
        let mut rows: Vec<[String; 5]> = self.probes.iter().map(row).collect();
        rows.push(self.network.row());
        text.push_str(&table::render(["probe", "claimed", "measured", "x", "result"], &rows));
        if let Some(identified) = &self.identified {
            text.push_str(&format!("{}\n", output::likely(identified)));
        }
        if self.probes.iter().any(|row| row.calibrated == Some(false)) {
            text.push_str("not calibrated: half of the catalogue's figures is expected\n");
        }
        text.push_str(&format!("verdict: {}\n", self.verdict));
        text
    }
}

impl Claimed {
    fn claimant(&self) -> &'static str {
        if self.by_driver { "the driver" } else { "it" }
    }
}
