//! A second opinion: an operator who does not sequence the log, but recomputes it, and signs what he finds.
//!
//! Owns the way from a leader's log to a signature over an epoch: the log is copied, compared with this operator's own chain
//! and with what fishers signed, and folded; what the leader wants to publish is compared with the result. Never publishes and
//! never takes the leader's word where something else can be asked. Its invariant: an epoch is signed only if all of it was
//! checked, and never with two contents.

mod chain;
mod copy;
mod entries;
mod refusal;
mod reports;
mod run;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use alloy::primitives::B256;
use gpux_proto::{
    bytes::to_hex,
    oracle::{self, CountersignRequest, GetEpochRequest, log_service_client::LogServiceClient},
};
use tonic::{Code, transport::Channel};

use crate::{
    publish::{ScoresChain, publication},
    replay::{Published, Recomputed},
    store::{Countersignature, Epoch, EpochState, Store},
};
use copy::{Copy, Standing};
use entries::Entries;
use refusal::{Stop, said};
use reports::Reports;

pub use refusal::Refusal;
pub use run::{Ended, Options, run};

/// How many epochs that are not on chain one round looks at.
const PAGE: u32 = 64;

/// What a round came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Round {
    /// The epochs that were signed.
    pub signed: Vec<u64>,
    /// The first thing that is refused.
    pub refused: Option<Refusal>,
    /// What is waited for.
    pub waits: Option<String>,
    /// Whether the next round finds more at once.
    pub more: bool,
}

/// An operator beside a leader.
#[derive(Debug)]
struct Countersigner {
    leader: LogServiceClient<Channel>,
    reports: Reports,
    scores: ScoresChain,
    /// The copy of the leader's log, with a record of every epoch that may be signed.
    store: Arc<dyn Store>,
    copy: Copy,
    entries: Entries,
}

impl Countersigner {
    /// Copies, checks and signs what is there.
    async fn round(&mut self) -> anyhow::Result<Round> {
        let mut round = Round::default();
        match self.copy.extend(&mut self.leader).await? {
            Standing::Whole => {}
            Standing::More => round.more = true,
            Standing::Behind(why) => round.waits = Some(why),
            Standing::Contradicted { entry, what } => {
                let what = format!("the leader rewrote its log: {what}");
                round.refused = Some(Refusal { epoch: self.entries.epoch() + 1, entry, what });
                return Ok(round);
            }
        }
        if let Some(waits) = self.entries.advance(&mut self.reports).await? {
            round.waits = Some(waits);
        }
        self.sign_all(&mut round).await?;
        if let Some(refused) = self.entries.refused() {
            round.refused.get_or_insert_with(|| refused.clone());
        }
        Ok(round)
    }

    /// Signs every recorded epoch that the chain does not have yet.
    async fn sign_all(&mut self, round: &mut Round) -> anyhow::Result<()> {
        let epochs = self.store.unconfirmed_epochs(PAGE).await?;
        if epochs.is_empty() {
            return Ok(());
        }
        let standing = self.scores.standing().await?;
        anyhow::ensure!(standing.is_operator, "{} is not an operator of Scores", self.scores.operator());
        for epoch in epochs {
            if epoch.epoch <= standing.latest_epoch {
                self.store.advance_epoch(epoch.epoch, epoch.state, EpochState::Confirmed, Vec::new()).await?;
                continue;
            }
            match self.sign(&epoch).await {
                Ok(true) => round.signed.push(epoch.epoch),
                Ok(false) => {}
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Waits(why)) => round.waits = Some(format!("epoch {}: {why}", epoch.epoch)),
                Err(Stop::Refused(what)) => {
                    let refusal = Refusal { epoch: epoch.epoch, entry: epoch.log_size.saturating_sub(1), what };
                    round.refused.get_or_insert(refusal);
                }
            }
        }
        Ok(())
    }

    /// Signs an epoch if the leader means the same by it; returns whether it did.
    async fn sign(&mut self, epoch: &Epoch) -> Result<bool, Stop> {
        let number = epoch.epoch;
        let told = match self.leader.get_epoch(GetEpochRequest { epoch: number }).await {
            Ok(answer) => answer.into_inner().epoch.unwrap_or_default(),
            Err(status) if status.code() == Code::NotFound => {
                return Err(Stop::Waits("the leader does not say yet what it publishes".to_owned()));
            }
            Err(status) => return Err(Stop::Waits(format!("the leader says nothing of it: {}", said(&status)))),
        };
        compare(epoch, &told)?;
        let operator = to_hex(self.scores.operator().as_slice());
        if told.signatures.iter().any(|signed| signed.operator == operator) {
            return Ok(false);
        }
        let signature = self.scores.sign(&publication(epoch))?;
        // Before it leaves this machine.
        let held = Countersignature { epoch: number, operator: self.scores.operator().into_array(), signature };
        self.store.countersign(held).await?;
        if epoch.state == EpochState::Built {
            self.store.advance_epoch(number, EpochState::Built, EpochState::Signed, Vec::new()).await?;
        }
        let request = CountersignRequest { epoch: number, signature: to_hex(&signature) };
        let answer = self.leader.countersign(request).await;
        let answer = answer.map_err(|status| Stop::Waits(format!("the leader did not take it: {}", said(&status))))?;
        let oracle::CountersignResponse { held, threshold } = answer.into_inner();
        let root = B256::from(epoch.root);
        tracing::info!(epoch = number, %root, held, threshold, "epoch countersigned");
        Ok(true)
    }
}

/// Compares what the log gives with what the leader wants to publish.
fn compare(ours: &Epoch, told: &oracle::Epoch) -> Result<(), Stop> {
    let published = Published::try_from(told).map_err(|error| Stop::Refused(format!("its publication: {error}")))?;
    if published.epoch != ours.epoch {
        return Err(Stop::Refused(format!("asked for epoch {}, the leader answers {}", ours.epoch, published.epoch)));
    }
    if published.log_size != ours.log_size || published.log_root != ours.log_root {
        let (theirs, root) = (to_hex(&published.log_root), to_hex(&ours.log_root));
        let (size, entries) = (published.log_size, ours.log_size);
        return Err(Stop::Refused(format!(
            "it is published over {size} entries of root {theirs}, the copied log closes it with {entries} of root {root}"
        )));
    }
    let recomputed = Recomputed {
        epoch: ours.epoch,
        log_size: ours.log_size,
        log_root: ours.log_root,
        root: ours.root,
        data_hash: ours.data_hash,
        rewards_root: ours.rewards_root,
        parameters: ours.parameters,
        leaves: ours.leaves,
    };
    recomputed.compare(&published).map_or(Ok(()), |difference| Err(Stop::Refused(difference.to_string())))
}
