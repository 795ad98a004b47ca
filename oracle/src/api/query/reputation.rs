//! The one lookup: what is known of a node.
//!
//! Owns GetReputation, and what a reputation says anywhere: scores as the fold left them, beside the medians of the newest probes, payments and
//! the leaf on chain. Only the scores count; the rest explains them.

use std::sync::Arc;

use gpux_kernels::{evidence, probe::ProbeId};
use gpux_proto::{
    bytes,
    evidence::{Description, Descriptor},
    oracle::{
        GetReputationRequest, GetReputationResponse, PaymentHistory, Reputation, ResourceReputation, Score, Verdict,
    },
};

use super::{
    Query, claim,
    evidence::opened,
    finding, id, name, registry,
    samples::{NEWEST, Sample, Samples},
};
use crate::{
    api::error::Error,
    score::{self, Estimate, ResourceId},
    store::{NodeRow, PaymentTotals, ReportFilter, ScoreRow},
};

impl Query {
    /// Returns the reputation of one node.
    pub async fn get_reputation(&self, request: GetReputationRequest) -> Result<GetReputationResponse, Error> {
        let id = id("name", "nodes", &request.name)?;
        let row = self.store.node(id).await?.ok_or_else(|| Error::not_found(name("nodes", &id)))?;
        let score = self.store.score(id).await?;
        Ok(GetReputationResponse { reputation: Some(self.reputation(&row, score).await?) })
    }

    pub(super) async fn reputation(&self, row: &NodeRow, score: Option<ScoreRow>) -> Result<Reputation, Error> {
        let descriptor = descriptor(&registry::description(row)?)?;
        let samples = self.samples(row.node, &evidence::claims(&descriptor, self.view.plan())).await?;
        let nearest = finding::nearest(&descriptor, &samples, self.view.plan());
        let payments = self.store.payments(row.node).await?;
        let scored = score.as_ref().map(|row| &row.score);
        Ok(Reputation {
            name: name("nodes", &row.node),
            node: bytes::to_hex(&row.node),
            claim: claim::words(&descriptor),
            nearest_model: nearest.unwrap_or_default().to_owned(),
            score: scored.map(|scored| estimate(&scored.estimate)),
            verdict: verdict(scored.map(|scored| scored.verdict)).into(),
            resources: samples.iter().map(|of| self.resource(&descriptor, of, scored)).collect(),
            probes: scored.map_or(0, |scored| scored.probes),
            epoch: score.as_ref().map_or(0, |row| row.epoch),
            organisation: row.organisation.map(|key| bytes::to_hex(&key)).unwrap_or_default(),
            provider: bytes::to_hex(&row.provider),
            endpoint: descriptor.endpoint.clone(),
            payments: Some(history(&payments)),
            finding: finding::sentence(&descriptor, &samples, nearest),
            on_chain: self.on_chain(row.node).await?,
            development: self.view.is_development(),
        })
    }

    /// The newest probes of each claim that weigh something; of a claim without any, those that weigh nothing: the word of
    /// strangers is more than none, and is not heard beside that of fishers who were audited. From the cache if nothing came since.
    async fn samples(&self, node: [u8; 32], claims: &[ProbeId]) -> Result<Arc<Vec<Samples>>, Error> {
        let all = ReportFilter { node: Some(node), folded: self.view.sealed_epochs > 0, ..ReportFilter::default() };
        // What the samples are made of changes with every closed epoch, and with every report where they are not sealed.
        let report = match self.view.sealed_epochs {
            0 => self.store.reports(all, None, 1).await?.first().map_or(0, |row| row.sequence),
            _ => 0,
        };
        let newest = (self.store.latest_epoch(None).await?.map_or(0, |epoch| epoch.epoch), report);
        let held = self.samples.get(&node, newest);
        // A new description may claim other resources than the reports that were read.
        if let Some(held) = held.filter(|held| held.iter().map(|of| of.probe).eq(claims.iter().copied())) {
            return Ok(held);
        }
        let mut read = Vec::with_capacity(claims.len());
        for probe in claims.iter().copied() {
            let all = ReportFilter { resource: Some(probe.number().into()), ..all };
            let mut rows = self.store.reports(ReportFilter { weighed: true, ..all }, None, NEWEST).await?;
            if rows.is_empty() {
                rows = self.store.reports(all, None, NEWEST).await?;
            }
            let sample = |row| opened(row).map(|(_, report)| Sample::of(&report));
            read.push(Samples { probe, newest: rows.iter().map(sample).collect::<Result<_, _>>()? });
        }
        let read = Arc::new(read);
        self.samples.put(node, newest, Arc::clone(&read));
        Ok(read)
    }

    /// The day of a probe while reports are sealed: its second would tell a host which of its rentals was one.
    fn blurred(&self, time: pbjson_types::Timestamp) -> pbjson_types::Timestamp {
        if self.view.sealed_epochs == 0 {
            return time;
        }
        pbjson_types::Timestamp { seconds: time.seconds - time.seconds.rem_euclid(86_400), nanos: 0 }
    }

    fn resource(
        &self,
        descriptor: &Descriptor,
        samples: &Samples,
        scored: Option<&score::NodeScore>,
    ) -> ResourceReputation {
        let probe = samples.probe;
        let number = ResourceId(probe.number().into());
        let scored = scored.and_then(|scored| scored.resources.iter().find(|of| of.resource == number));
        let claimed = || {
            let expected = evidence::expected(descriptor, probe, self.view.plan())?;
            Some(if probe.fills_memory() { expected.bytes } else { expected.rate } as u64)
        };
        ResourceReputation {
            resource: probe.name().into(),
            score: scored.map(|of| estimate(&of.estimate)),
            probes: scored.map_or(0, |of| of.probes),
            last_probe_time: samples.newest.first().and_then(|sample| sample.end_time).map(|time| self.blurred(time)),
            measured: samples.measured().unwrap_or_default(),
            expected: samples.expected().or_else(claimed).unwrap_or_default(),
            unit: claim::unit(probe).into(),
            median_bps: samples.x_bps().unwrap_or_default(),
            wrong: samples.count(|sample| sample.wrong > 0),
            failed: samples.count(Sample::is_failed),
            simulated: samples.newest.iter().any(|sample| sample.simulated),
        }
    }
}

/// The descriptor that ingest checked before it was stored.
fn descriptor(description: &Description) -> Result<Descriptor, Error> {
    let damaged = |error: bytes::Error| {
        tracing::error!(%error, "a stored descriptor is damaged");
        Error::new("INTERNAL", "a stored description is damaged")
    };
    let signed = bytes::present("descriptor", &description.descriptor).map_err(damaged)?;
    bytes::decode("descriptor", &signed.payload).map_err(damaged)
}

pub(in crate::api) fn estimate(estimate: &Estimate) -> Score {
    Score { low_bps: estimate.low_bps.into(), score_bps: estimate.score_bps.into(), high_bps: estimate.high_bps.into() }
}

/// A node without a score is a new one, and every new node is unknown.
pub(in crate::api) fn verdict(verdict: Option<score::Verdict>) -> Verdict {
    match verdict {
        None | Some(score::Verdict::Unknown) => Verdict::Unknown,
        Some(score::Verdict::Honest) => Verdict::Honest,
        Some(score::Verdict::UnderDelivering) => Verdict::UnderDelivering,
    }
}

fn history(totals: &PaymentTotals) -> PaymentHistory {
    PaymentHistory {
        rentals: totals.rentals,
        consumers: totals.consumers,
        deposited: totals.deposited.to_string(),
        refunded: totals.refunded.to_string(),
        collected: totals.collected.to_string(),
    }
}
