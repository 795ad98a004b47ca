//! From a session to a signed report. What the report says is what `gpux_kernels::evidence` finds in the bundle: nothing is
//! added from memory, so that an oracle which examines the same bundle finds the same. Never decides a weight or a score.
mod kept;
mod oracle;
mod outbox;
#[cfg(test)]
mod tests;

pub use kept::{CLEAN, Evidence, Kept};
pub(crate) use oracle::refused;
pub use oracle::{Oracle, OracleError, Refusal};
pub use outbox::{Outbox, Parcel};

use crate::{
    clock,
    offered::Offered,
    rent::Rental,
    session::{Ended, Failure, Fault, bounded},
};
use alloy::primitives::Address;
use gpux_contracts::Deployment;
use gpux_kernels::{
    evidence::{Depth, Examination, Expectation, Rules, examine, measure},
    measure::RATIO_ONE,
    plan::Market,
    probe::ProbeId,
    release::Release,
};
use gpux_proto::{
    bundle::BUNDLE_BYTES_MAX,
    evidence::{Assignment, Bundle, Commit, DeviceKind, Measurement, Outcome, Probe, Report, Step},
    signing::{self, Domain, SigningKey},
};
use prost::Message as _;
use std::sync::Arc;

/// The longest detail of a report, in bytes.
const DETAIL_BYTES_MAX: usize = 512;

/// What a session showed.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The probe.
    pub probe: ProbeId,
    /// What the session came to.
    pub outcome: Outcome,
    /// Where it ended; unspecified for a pass.
    pub step: Step,
    /// What happened, in words.
    pub detail: String,
    /// x in 64ths, rounded down and up.
    pub x: (u32, u32),
    /// The figures, once a window has ended.
    pub measurement: Option<Measurement>,
    /// What answered.
    pub device: DeviceKind,
    /// Units drawn, and how many of them were wrong.
    pub drawn: u32,
    /// Drawn units whose bits were wrong.
    pub wrong: u32,
    /// Whether the bundle convicts.
    pub convicts: bool,
    /// The encoded bundle; empty when the session is inconclusive.
    pub bundle: Vec<u8>,
}

/// What is needed to judge a session.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// Which market.
    pub market: Market,
    /// Its contracts.
    pub deployment: &'a Deployment,
    /// What the node claims to reach.
    pub expectation: &'a Expectation,
    /// The released worker that ran, in whatever variant.
    pub release: &'a Arc<Release>,
}

impl Judge<'_> {
    /// Judges a session by its bundle.
    #[must_use]
    pub fn find(&self, probe: ProbeId, ended: &Ended) -> Finding {
        match (&ended.bundle, &ended.failure) {
            (None, failure) => self.inconclusive(probe, failure.as_ref()),
            (Some(_), Some(failure)) if failure.fault == Fault::Fisher => self.inconclusive(probe, Some(failure)),
            (Some(bundle), failure) => self.examined(probe, bundle, failure.as_ref()),
        }
    }

    /// A session that says nothing of the host.
    #[must_use]
    pub fn inconclusive(&self, probe: ProbeId, failure: Option<&Failure>) -> Finding {
        let (step, detail) =
            failure.map_or((Step::Open, "the session never opened"), |failure| (failure.step, &failure.detail));
        // What would have answered: reports name a device, and an inconclusive one counts for none.
        let device = match (probe.on_host(), self.market) {
            (true, _) => DeviceKind::Cpu,
            (false, Market::Development) => DeviceKind::Simulated,
            (false, Market::Production) => DeviceKind::Cuda,
        };
        Finding {
            probe,
            outcome: Outcome::Inconclusive,
            step,
            detail: bounded(detail, DETAIL_BYTES_MAX),
            x: (0, RATIO_ONE.into()),
            measurement: None,
            device,
            drawn: 0,
            wrong: 0,
            convicts: false,
            bundle: Vec::new(),
        }
    }

    fn examined(&self, probe: ProbeId, bundle: &Bundle, failure: Option<&Failure>) -> Finding {
        let rules = Rules {
            market: self.market,
            chain_id: self.deployment.chain_id,
            rentals: self.deployment.rentals.into_array(),
            releases: vec![Arc::clone(self.release)],
        };
        let examination = examine(bundle, &rules, Depth::Recompute);
        let encoded = bundle.encode_to_vec();
        if let Some(check) = examination.first_unsound() {
            // Nobody would accept this bundle; saying nothing of the host is all that is left.
            let detail = format!("the bundle is void: {}: {}", check.name, check.detail);
            return self.inconclusive(probe, Some(&Failure::new(Step::Verify, Fault::Fisher, detail)));
        }
        if encoded.len() > BUNDLE_BYTES_MAX {
            let detail = format!("the bundle of {} bytes is larger than oracles accept", encoded.len());
            return self.inconclusive(probe, Some(&Failure::new(Step::Verify, Fault::Fisher, detail)));
        }
        let measured = measure(&examination, self.expectation);
        let (step, detail) = told(&examination, failure);
        Finding {
            probe,
            outcome: measured.outcome,
            step,
            detail: bounded(&detail, DETAIL_BYTES_MAX),
            x: (measured.ratio.lower.into(), measured.ratio.upper.into()),
            measurement: measured.measurement,
            device: examination.device.unwrap_or(self.inconclusive(probe, None).device),
            drawn: examination.drawn,
            wrong: examination.wrong.len() as u32,
            convicts: examination.convicts,
            bundle: encoded,
        }
    }
}

/// Step and words of an examined session. The step is the examination's; the session's own words tell more when it saw the
/// same step end ("no answer before the deadline").
fn told(examination: &Examination, failure: Option<&Failure>) -> (Step, String) {
    match (&examination.failure, failure) {
        (None, _) => (Step::Unspecified, String::new()),
        (Some(found), Some(seen)) if found.step == seen.step => (found.step, seen.detail.clone()),
        (Some(found), _) => (found.step, found.detail.clone()),
    }
}

/// Who reports about what.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// The market's contracts.
    pub deployment: &'a Deployment,
    /// The fisher.
    pub fisher: Address,
    /// The report key.
    pub key: &'a SigningKey,
    /// What assigned node and probe; none if the fisher chose them.
    pub assignment: Option<&'a Assignment>,
}

impl Author<'_> {
    /// Writes and signs commit and report.
    #[must_use]
    pub fn write(&self, offered: &Offered, rental: &Rental, ended: &Ended, finding: Finding, model: &str) -> Parcel {
        let bundle_digest = match finding.bundle.as_slice() {
            [] => vec![],
            bundle => signing::id(Domain::Bundle, bundle).to_vec(),
        };
        let report = Report {
            chain_id: self.deployment.chain_id,
            rentals: self.deployment.rentals.to_vec(),
            fisher: self.fisher.to_vec(),
            report_key: self.key.verifying_key().to_bytes().to_vec(),
            node: offered.node.to_vec(),
            rental: rental.id.to_vec(),
            terms: Some(rental.terms.clone()),
            offer: Some(offered.signed_offer.clone()),
            note_salt: rental.salt.to_vec(),
            court: self.deployment.court.to_vec(),
            probe: Probe::from(finding.probe).into(),
            device: finding.device.into(),
            claimed_model: model.to_owned(),
            outcome: finding.outcome.into(),
            step: finding.step.into(),
            detail: finding.detail,
            x_lower: finding.x.0,
            x_upper: finding.x.1,
            measurement: finding.measurement,
            drawn: finding.drawn,
            wrong: finding.wrong,
            bundle_digest,
            start_time: Some(clock::timestamp(ended.started)),
            end_time: Some(clock::timestamp(ended.ended)),
            assignment: self.assignment.cloned(),
            relay: ended.relay.map(Vec::from).unwrap_or_default(),
        };
        let report = signing::sign(Domain::Report, &report, self.key);
        let commit = Commit {
            chain_id: self.deployment.chain_id,
            rentals: self.deployment.rentals.to_vec(),
            fisher: self.fisher.to_vec(),
            report: signing::id(Domain::Report, &report.payload).to_vec(),
        };
        let commit = signing::sign(Domain::Commit, &commit, self.key);
        Parcel { commit, report, bundle: finding.bundle }
    }
}
