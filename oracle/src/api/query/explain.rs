//! How one node's score and verdict came about, as `gpux-oracle explain` prints it.
//!
//! Owns ExplainReputation. The log is folded anew with every step of the node recorded, by the code that scores are made
//! with, so that what is explained is what was folded. That costs the whole log: one is made at a time, few wait, and the last
//! ones are kept for as long as their epoch is the newest. Its invariant: whoever asks often cannot keep the oracle from its
//! work.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use gpux_proto::oracle::{
    ExplainReputationRequest, ExplainReputationResponse, ExplainedAudits, ExplainedResource, ExplainedStep,
    Explanation, Standing,
};
use tokio::sync::Semaphore;

use super::{
    Query,
    evidence::probe,
    id, name,
    reputation::{estimate, verdict},
};
use crate::{
    api::error::Error,
    publish::Folder,
    replay::History,
    score::{self, NodeId, Parameters, ResourceId, Step},
};

/// How many may wait for the one that is made.
const WAITING_MAX: usize = 8;
/// How many explanations of one epoch are kept.
const KEPT_MAX: usize = 256;
/// Entries that are read at once.
const PAGE: u32 = 1_000;
/// A longer log takes more seconds than a request may.
const LOG_MAX: u64 = 2_000_000;
/// Steps of an answer.
const STEPS_MAX: usize = 1_000;

/// Makes explanations, one at a time.
#[derive(Debug, Clone)]
pub(super) struct Explainer {
    waiting: Arc<Semaphore>,
    working: Arc<Semaphore>,
    kept: Arc<Mutex<Kept>>,
}

/// What was explained at the end of an epoch.
#[derive(Debug, Default)]
struct Kept {
    epoch: u64,
    explanations: HashMap<[u8; 32], Explanation>,
}

impl Default for Explainer {
    fn default() -> Self {
        let one = |permits| Arc::new(Semaphore::new(permits));
        Self { waiting: one(WAITING_MAX), working: one(1), kept: Arc::default() }
    }
}

impl Explainer {
    fn kept(&self, epoch: u64, node: &[u8; 32]) -> Option<Explanation> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.explanations.get(node).filter(|_| kept.epoch == epoch).cloned()
    }

    fn keep(&self, node: [u8; 32], explanation: &Explanation) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.epoch != explanation.epoch || kept.explanations.len() >= KEPT_MAX {
            *kept = Kept { epoch: explanation.epoch, explanations: HashMap::new() };
        }
        kept.explanations.insert(node, explanation.clone());
    }
}

impl Query {
    /// Explains one node's reputation.
    pub async fn explain_reputation(
        &self,
        request: ExplainReputationRequest,
    ) -> Result<ExplainReputationResponse, Error> {
        let id = id("name", "nodes", &request.name)?;
        let unexplained = || Error::not_found(format!("{}: nothing is folded about it, so it", name("nodes", &id)));
        let Some(score) = self.store.score(id).await? else { return Err(unexplained()) };
        let newest = self.store.latest_epoch(None).await?.map_or(score.epoch, |epoch| epoch.epoch);
        if let Some(explanation) = self.explainer.kept(newest, &id) {
            return Ok(ExplainReputationResponse { explanation: Some(explanation) });
        }
        let busy = || Error::new("RATE_LIMITED", "too many explanations are being made").retryable();
        let _place = self.explainer.waiting.try_acquire().map_err(|_| busy())?;
        let _turn = self.explainer.working.acquire().await.map_err(|_| busy())?;
        let history = self.history(NodeId(id)).await?.ok_or_else(unexplained)?;
        let explanation = told(&history);
        self.explainer.keep(id, &explanation);
        Ok(ExplainReputationResponse { explanation: Some(explanation) })
    }

    /// Folds the log with every step of a node recorded.
    async fn history(&self, node: NodeId) -> Result<Option<History>, Error> {
        let (size, _) = self.store.log_head().await?;
        if size > LOG_MAX {
            let message = format!("a log of {size} entries is explained by `gpux-oracle explain`, not in a request");
            return Err(Error::new("OVERSIZED", message));
        }
        let mut folder = Folder::tracing(Parameters::of(self.view.market), node);
        while folder.size() < size {
            let page = self.store.log_entries(folder.size(), PAGE).await?;
            if page.is_empty() {
                break;
            }
            for row in page {
                folder.apply(&row.bytes).map_err(|error| {
                    tracing::error!(%error, "the stored log cannot be folded");
                    Error::new("INTERNAL", "the log cannot be folded")
                })?;
            }
            // Folding a page takes a while, and other requests have as much right to this thread.
            tokio::task::yield_now().await;
        }
        Ok(History::of(&folder, &node))
    }
}

fn told(history: &History) -> Explanation {
    let told = &history.explanation;
    let standing = match told.standing {
        score::Standing::Watched => Standing::Watched,
        score::Standing::Suspect => Standing::Suspect,
        score::Standing::Convicted => Standing::Convicted,
    };
    Explanation {
        name: name("nodes", &told.score.node.0),
        epoch: history.epoch,
        score: Some(estimate(&told.score.estimate)),
        verdict: verdict(Some(told.score.verdict)).into(),
        standing: standing.into(),
        claims: told.claims as u32,
        owners: told.owners as u32,
        evidence: finite(told.evidence),
        suspicion: finite(told.suspicion),
        inconclusive_evidence: finite(told.inconclusive_evidence),
        log_honest: finite(told.log_honest),
        contamination_bps: told.contamination_bps.into(),
        resources: told.score.resources.iter().zip(&told.resources).map(resource).collect(),
        audits: told.audits.as_ref().map(audits),
        steps: history.steps.iter().skip(history.steps.len().saturating_sub(STEPS_MAX)).map(step).collect(),
    }
}

fn resource((score, evidence): (&score::ResourceScore, &score::ResourceEvidence)) -> ExplainedResource {
    ExplainedResource {
        resource: noun(score.resource),
        score: Some(estimate(&score.estimate)),
        probes: score.probes,
        weight: finite(evidence.weight),
        weighted: finite(evidence.weighted),
        prior_bps: evidence.prior_bps.into(),
        evidence: finite(evidence.evidence),
        wealth: evidence.wealth.map(finite).to_vec(),
        log_honesty: finite(evidence.log_honesty),
    }
}

fn audits(audits: &score::Audits) -> ExplainedAudits {
    ExplainedAudits {
        visit: audits.visit,
        audits: audits.audits,
        dropped: audits.dropped as u32,
        log_evidence: finite(audits.log_evidence),
        log_accusation: finite(audits.log_accusation),
        log_honesty: finite(audits.log_honesty),
        log_clearance: finite(audits.log_clearance),
    }
}

fn step(step: &Step) -> ExplainedStep {
    let sum: u32 = step.reports.iter().map(|report| u32::from(report.x.lower())).sum();
    let reports = step.reports.len() as u32;
    ExplainedStep {
        epoch: step.epoch,
        resource: noun(step.resource),
        reports,
        x_bps: (sum * 10_000).checked_div(64 * reports).unwrap_or_default(),
        contamination_bps: step.contamination_bps.into(),
        factors: step.factors.map(finite).to_vec(),
    }
}

fn noun(resource: ResourceId) -> String {
    probe(resource.0).map_or_else(String::new, |probe| probe.name().into())
}

/// JSON has no infinity.
fn finite(value: f64) -> f64 {
    value.clamp(f64::MIN, f64::MAX)
}
