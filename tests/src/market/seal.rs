//! Asks the chain itself whether the oracle's answer stands there: a leaf and its proof, verified by `Scores.verify`.

use super::{
    Market,
    findings::{Finding, finding},
};
use alloy::primitives::{Address, B256};
use anyhow::Context as _;
use gpux_contracts::Scores;
use gpux_proto::{bytes::from_hex, oracle::Reputation};
use std::time::{Duration, Instant};

/// An epoch lasts 5 s, its root is published in the next one: this is enough for several.
const LIMIT: Duration = Duration::from_secs(40);
const EVERY: Duration = Duration::from_millis(700);

/// Verifies one node's score on chain; tries again while a root is under way.
pub async fn check(market: &Market) -> anyhow::Result<Finding> {
    let expected = "a score that Scores.verify accepts";
    let deadline = Instant::now() + LIMIT;
    loop {
        for reputation in market.oracle.api.reputations().await? {
            if let Some(words) = verified(market, &reputation).await? {
                return Ok(finding("chain", expected, words, true));
            }
        }
        if Instant::now() >= deadline {
            return Ok(finding("chain", expected, "no published score verifies".to_owned(), false));
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn verified(market: &Market, reputation: &Reputation) -> anyhow::Result<Option<String>> {
    let Some(on_chain) = reputation.on_chain.as_ref().filter(|on_chain| !on_chain.transaction.is_empty()) else {
        return Ok(None);
    };
    let leaf = Scores::Leaf {
        epoch: on_chain.epoch,
        node: B256::from(from_hex::<32>("node", &reputation.node)?),
        provider: Address::from(from_hex::<20>("provider", &reputation.provider)?),
        scoreLowBps: u16::try_from(on_chain.score_low_bps).context("a score is at most 10,000")?,
        scoreBps: u16::try_from(on_chain.score_bps).context("a score is at most 10,000")?,
        verdict: u8::try_from(on_chain.verdict).context("a verdict is at most 2")?,
        probes: on_chain.probes,
        certificates: B256::from(from_hex::<32>("certificates", &on_chain.certificates)?),
    };
    let proof = on_chain.proof.iter().map(|hash| from_hex::<32>("proof", hash).map(B256::from));
    let proof: Vec<B256> = proof.collect::<Result<_, _>>()?;
    let scores = Scores::new(market.stage.chain.deployment.scores, market.stage.chain.admin().clone());
    // One bit of the leaf changed: the contract must refuse it, or its yes would mean nothing.
    let forged = Scores::Leaf { scoreBps: leaf.scoreBps ^ 1, ..leaf.clone() };
    let holds = scores.verify(leaf, proof.clone()).call().await?;
    if !holds || scores.verify(forged, proof).call().await? {
        return Ok(None);
    }
    let name = market.nodes.iter().find(|node| node.id == reputation.node).map_or("a node", |node| node.role.name);
    Ok(Some(format!("accepts that of {name} for epoch {}, and refuses it altered", on_chain.epoch)))
}
