//! Whether what is folded is what fishers signed.
//!
//! Owns the comparison of a folded report with the report itself, which an operator sees before its seal ends, and the
//! question for it. Its invariant: a report that the leader does not show is not taken for true.

use alloy::signers::local::PrivateKeySigner;
use gpux_contracts::opening;
use gpux_proto::{
    bytes::{self, to_hex},
    evidence::{Outcome, Report, ReportFolded, ReportRevealed, Signed},
    oracle::{GetReportRequest, evidence_service_client::EvidenceServiceClient},
};
use tonic::transport::Channel;

use super::refusal::{Stop, said};
use crate::ingest::{Clock, Signers};

/// The largest answer: a report of 32 KiB and its summary.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// Asks a leader for reports.
#[derive(Debug)]
pub(super) struct Reports {
    client: EvidenceServiceClient<Channel>,
    operator: PrivateKeySigner,
    clock: Clock,
}

impl Reports {
    pub(super) fn new(client: EvidenceServiceClient<Channel>, operator: PrivateKeySigner, clock: Clock) -> Self {
        Self { client: client.max_decoding_message_size(ANSWER_BYTES_MAX), operator, clock }
    }

    /// Checks a folded report against what its fisher signed and what the log said when it was revealed.
    pub(super) async fn check(
        &mut self,
        folded: &ReportFolded,
        revealed: &ReportRevealed,
        signers: &Signers,
    ) -> Result<(), Stop> {
        let signed = self.signed(folded, signers).await?;
        let name = to_hex(&folded.report);
        let refused = |why: String| Stop::Refused(format!("report {name}: {why}"));
        let (id, report) = signers.report(&signed).map_err(|error| refused(format!("what is shown of it: {error}")))?;
        if id != *folded.report {
            return Err(refused(format!("what is shown is report {}", to_hex(&id))));
        }
        match differs(folded, revealed, &report) {
            Some(what) => Err(refused(what)),
            None => Ok(()),
        }
    }

    async fn signed(&mut self, folded: &ReportFolded, signers: &Signers) -> Result<Signed, Stop> {
        let id: [u8; 32] = bytes::array("report", &folded.report).map_err(|error| Stop::Refused(error.to_string()))?;
        let name = to_hex(&id);
        let of = &signers.rules().deployment;
        let opening = opening(id.into(), &self.operator, of, self.clock.now());
        let opening = opening.map_err(|error| Stop::Failed(error.into()))?;
        let request = GetReportRequest { name: name.clone(), opening: Some(opening) };
        let unseen = |why: &str| Stop::Waits(format!("the leader does not show report {name}, which it folds: {why}"));
        let answer = self.client.get_report(request).await.map_err(|status| unseen(&said(&status)))?;
        answer.into_inner().report.ok_or_else(|| unseen("it is sealed"))
    }
}

/// In what a folded report differs from what was signed and revealed.
fn differs(folded: &ReportFolded, revealed: &ReportRevealed, report: &Report) -> Option<String> {
    let hex = bytes::to_hex;
    if revealed.fisher != report.fisher {
        return Some(format!("fisher {} revealed it, {} signed it", hex(&revealed.fisher), hex(&report.fisher)));
    }
    // Whose relay it was decides whether it weighs anything.
    if revealed.relay != report.relay {
        return Some(format!(
            "it was revealed through relay {}, signed is {}",
            hex(&revealed.relay),
            hex(&report.relay)
        ));
    }
    if revealed.bundle_digest != report.bundle_digest {
        return Some("it was revealed with another bundle than was signed".to_owned());
    }
    if revealed.assigned && report.assignment.is_none() {
        return Some("it was revealed as assigned, and shows no assignment".to_owned());
    }
    if folded.epoch != revealed.epoch {
        return Some(format!("it is folded as of epoch {}, it was revealed in {}", folded.epoch, revealed.epoch));
    }
    if folded.node != report.node {
        return Some(format!("it is folded for node {}, signed is {}", hex(&folded.node), hex(&report.node)));
    }
    if folded.resource != report.probe {
        return Some(format!("it is folded for resource {}, signed is {}", folded.resource, report.probe));
    }
    let (x, signed) = ((folded.x_lower, folded.x_upper), (report.x_lower, report.x_upper));
    let inconclusive = folded.refuted || report.outcome() == Outcome::Inconclusive;
    if folded.inconclusive != inconclusive {
        return Some(format!("it is folded with inconclusive = {}, signed is {}", folded.inconclusive, inconclusive));
    }
    // Only a failure can be refuted by stamps, and then nothing is known of the node.
    match (folded.refuted, report.outcome()) {
        (true, Outcome::Fail) if x == (0, 64) => None,
        (true, outcome) => {
            Some(format!("it is folded as refuted with x = {}/64 to {}/64, signed is {}", x.0, x.1, word(outcome)))
        }
        (false, _) if x == signed => None,
        (false, _) => Some(format!(
            "it is folded with x = {}/64 to {}/64, signed is {}/64 to {}/64",
            x.0, x.1, signed.0, signed.1
        )),
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "a pass",
        Outcome::Fail => "a failure",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Unspecified => "nothing",
    }
}
