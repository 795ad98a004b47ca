//! Asks the chain itself whether the oracle's answer stands there: a leaf and its proof, verified by `Scores.verify`.

use super::{
    Market,
    findings::{Finding, finding},
};
use gpux_contracts::Scores;
use gpux_proto::oracle::Reputation;
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
    let Some((leaf, proof)) = gpux_contracts::published(reputation)? else { return Ok(None) };
    let epoch = leaf.epoch;
    let scores = Scores::new(market.stage.chain.deployment.scores, market.stage.chain.admin().clone());
    // One bit of the leaf changed: the contract must refuse it, or its yes would mean nothing.
    let forged = Scores::Leaf { scoreBps: leaf.scoreBps ^ 1, ..leaf.clone() };
    let holds = scores.verify(leaf, proof.clone()).call().await?;
    if !holds || scores.verify(forged, proof).call().await? {
        return Ok(None);
    }
    let name = market.nodes.iter().find(|node| node.id == reputation.node).map_or("a node", |node| node.role.name);
    Ok(Some(format!("accepts that of {name} for epoch {epoch}, and refuses it altered")))
}
