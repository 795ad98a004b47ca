//! Checks that a bundle shows what its report says.
//!
//! Owns the examination's place and its limits: one at a time, on a thread of its own, with a short queue, so that hostile
//! bundles occupy one core at most and never the ones that answer requests. The verifier itself is gpux-kernels'.
//! Its invariant: a report that passes says exactly what anybody who examines the bundle finds.

use std::sync::Arc;

use alloy::primitives::B256;
use gpux_kernels::{
    evidence::{Depth, Examination, examine, expected, measure},
    plan::plan,
    probe::Parameters,
};
use gpux_proto::{
    bundle,
    bytes::present,
    evidence::{Bundle, Descriptor, Direction, JobInput, Outcome, job_input},
    signing::{self, Domain},
    stream::Reader,
};
use tokio::sync::Semaphore;

use super::{Refusal, report::Decoded, rules::Rules};

/// How many reports may be examined or wait for it; each holds its bundle of at most 4 MiB.
const WAITING_MAX: usize = 64;
/// How far the report's times may differ from the transcript's: both are read from one clock, at other moments.
const ROUNDING_US: u64 = 2_000_000;

/// Runs examinations.
#[derive(Debug, Clone)]
pub(super) struct Examiner {
    rules: Arc<Rules>,
    waiting: Arc<Semaphore>,
    working: Arc<Semaphore>,
}

impl Examiner {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        Self { rules, waiting: Arc::new(Semaphore::new(WAITING_MAX)), working: Arc::new(Semaphore::new(1)) }
    }

    /// Checks a report's bundle and hands the report back.
    pub(super) async fn check(&self, decoded: Decoded, bundle: Vec<u8>) -> Result<(Decoded, Vec<u8>), Refusal> {
        let _place = self.waiting.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let turn = self.working.clone().acquire_owned().await.map_err(|_| Refusal::Examiner)?;
        let rules = self.rules.clone();
        let work = tokio::task::spawn_blocking(move || {
            // The turn moves here: a caller that goes away must not let a second examination start beside this one.
            let _turn = turn;
            check(&decoded, &bundle, &rules).map(|()| (decoded, bundle))
        });
        work.await.map_err(|_| Refusal::Examiner)?
    }
}

/// Checks the digest before anything is decoded: the cheapest way to refuse.
pub(super) fn digest(decoded: &Decoded, bundle: &[u8]) -> Result<(), Refusal> {
    match decoded.bundle_digest {
        None if bundle.is_empty() => Ok(()),
        None => Err(Refusal::Malformed("a bundle came with a report that names none".to_owned())),
        Some(named) => {
            let actual = signing::id(Domain::Bundle, bundle);
            if actual == named {
                Ok(())
            } else {
                Err(Refusal::BundleMismatch { actual: B256::from(actual), named: B256::from(named) })
            }
        }
    }
}

pub(super) fn check(decoded: &Decoded, bundle: &[u8], rules: &Rules) -> Result<(), Refusal> {
    let bundle = bundle::decode(bundle)?;
    let report = &decoded.report;
    if bundle.terms != report.terms || bundle.offer != report.offer {
        return Err(disagrees("its terms or its offer are not the report's"));
    }
    let descriptor: Descriptor = signing::open(Domain::Descriptor, present("bundle.descriptor", &bundle.descriptor)?)?;
    // Wrong bits are the gravest thing that a report says, and the only thing that the transcript alone does not show.
    let depth = if report.wrong > 0 { Depth::Recompute } else { Depth::Transcript };
    planned(&bundle, rules)?;
    let examination = examine(&bundle, &rules.evidence(), depth);
    if let Some(check) = examination.first_unsound() {
        return Err(disagrees(&format!("{}: {}", check.name, check.detail)));
    }
    clock(decoded, &bundle, &examination)?;
    found(decoded, &descriptor, &examination, rules)
}

/// Refuses a session that ran with other parameters than the market's plan: smaller ones could be computed beforehand.
fn planned(bundle: &Bundle, rules: &Rules) -> Result<(), Refusal> {
    let Some(parameters) = asked(bundle) else { return Ok(()) };
    let parameters = Parameters::try_from(&parameters).map_err(|e| Refusal::ParametersRefused(e.to_string()))?;
    let plan = plan(parameters.probe, rules.market())
        .ok_or_else(|| Refusal::ParametersRefused(format!("probe {} has no plan here", parameters.probe)))?;
    if plan.parameters == parameters {
        Ok(())
    } else {
        Err(Refusal::ParametersRefused(format!("{parameters:?} ran instead of {:?}", plan.parameters)))
    }
}

/// The parameters of the renter's first message, if it is Prepare; whether it may stand there is for `examine` to say.
fn asked(bundle: &Bundle) -> Option<gpux_proto::evidence::Parameters> {
    let mut reader = Reader::default();
    for frame in bundle.frames.iter().filter(|frame| frame.direction() == Direction::Renter) {
        reader.push(&frame.frame.as_ref()?.data);
        if let Some(input) = reader.take::<JobInput>().ok()? {
            let Some(job_input::Message::Prepare(prepare)) = input.message else { return None };
            return prepare.parameters;
        }
    }
    None
}

/// The windows are timed by the fisher's clock alone: they must at least fit into the session that he reports.
fn clock(decoded: &Decoded, bundle: &Bundle, examination: &Examination) -> Result<(), Refusal> {
    let session = (decoded.end_us - decoded.start_us).saturating_add(ROUNDING_US);
    let windows = examination.windows.iter().fold(0_u64, |sum, w| sum.saturating_add(w.duration_us));
    let last = bundle.frames.iter().map(|frame| frame.time_us).max().unwrap_or(0);
    if windows > session || last > session {
        return Err(disagrees(&format!(
            "its windows last {windows} us and its frames {last} us, the report's session {session} us"
        )));
    }
    Ok(())
}

/// Compares the report with what the examination finds.
fn found(decoded: &Decoded, descriptor: &Descriptor, examination: &Examination, rules: &Rules) -> Result<(), Refusal> {
    let report = &decoded.report;
    same("probe", &examination.probe.unwrap_or(decoded.probe), &decoded.probe)?;
    same("device", &examination.device.unwrap_or(report.device()), &report.device())?;
    let expectation = expected(descriptor, decoded.probe, rules.market())
        .ok_or_else(|| disagrees(&format!("its descriptor makes no claim that probe {} tests", decoded.probe)))?;
    same("claimed model", &expectation.model.as_str(), &report.claimed_model.as_str())?;
    // What the fisher himself calls inconclusive says nothing of the host, whatever the transcript shows.
    if report.outcome() == Outcome::Inconclusive {
        return Ok(());
    }
    let measured = measure(examination, &expectation);
    same("outcome", &measured.outcome, &report.outcome())?;
    let step = examination.failure.as_ref().map(|failure| failure.step).unwrap_or_default();
    same("step", &step, &report.step())?;
    same("drawn", &examination.drawn, &report.drawn)?;
    same("wrong", &(examination.wrong.len() as u32), &report.wrong)?;
    let x = (measured.ratio.lower.into(), measured.ratio.upper.into());
    same("x", &x, &(report.x_lower, report.x_upper))?;
    same("measurement", &measured.measurement, &report.measurement)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, reported: &T) -> Result<(), Refusal> {
    if found == reported {
        Ok(())
    } else {
        Err(disagrees(&format!("{what} is {found:?}, the report says {reported:?}")))
    }
}

fn disagrees(why: &str) -> Refusal {
    Refusal::BundleDisagrees(why.to_owned())
}
