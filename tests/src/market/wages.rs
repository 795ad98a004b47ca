//! Has fishers paid by the real program, as each would: an honest one earns, the liar forfeits.

use super::{
    Fisher, Market,
    findings::{Finding, finding},
};
use crate::chain::TOKEN;
use anyhow::Context as _;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::{process::Command, time::timeout};

/// What the treasury grants at the start, so that Rewards can pay before anybody is slashed.
pub const GRANT: u128 = 1_000 * TOKEN;
/// An epoch's root is active as soon as it is published; this is enough for several.
const LIMIT: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(2);
/// How long one claim may take.
const CLAIM_MAX: Duration = Duration::from_secs(60);

/// Pays the first honest fisher, and looks at the account of each liar.
pub async fn check(market: &Market) -> anyhow::Result<Vec<Finding>> {
    let mut found = Vec::new();
    if let Some(honest) = market.fishers.iter().find(|fisher| !fisher.lies) {
        found.push(paid(market, honest).await?);
        found.push(balance(market, honest).await?);
    }
    for liar in market.fishers.iter().filter(|fisher| fisher.lies) {
        let told = earnings(market, liar).await?;
        let words = format!("{} token units forfeited, {} earned", told["forfeited"], told["earned"]);
        // A lie about a session that failed anyway is none, so his first audits may agree.
        let holds = told["forfeited"].as_u64() > told["earned"].as_u64();
        found.push(finding(&liar.name, "a liar loses more than he earns", words, holds));
    }
    Ok(found)
}

/// Tries until something is paid: an epoch may be under way, and the fisher's own transactions use the same account.
async fn paid(market: &Market, fisher: &Fisher) -> anyhow::Result<Finding> {
    let expected = "rewards claim pays for work";
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        if let Some(claimed) = claim(market, fisher).await?
            && claimed["paid"].as_u64().is_some_and(|paid| paid > 0)
        {
            let words = format!("{} token units by the root of epoch {}", claimed["paid"], claimed["epoch"]);
            return Ok(finding(&fisher.name, expected, words, true));
        }
        tokio::time::sleep(EVERY).await;
    }
    Ok(finding(&fisher.name, expected, "nothing was paid".to_owned(), false))
}

/// What `earnings` says of him.
async fn balance(market: &Market, fisher: &Fisher) -> anyhow::Result<Finding> {
    let expected = "earnings exceed what rentals cost";
    let told = earnings(market, fisher).await?;
    let words = format!(
        "{} sessions, {} token units spent, {} earned, {} pending",
        told["sessions"], told["spent"], told["earned"], told["pending"]
    );
    Ok(finding(&fisher.name, expected, words, told["left"].as_i64().is_some_and(|left| left > 0)))
}

async fn earnings(market: &Market, fisher: &Fisher) -> anyhow::Result<Value> {
    let data = market.stage.data(&fisher.name).display().to_string();
    Ok(run(market, fisher, &["earnings", "--data", &data]).await?.unwrap_or_default())
}

async fn claim(market: &Market, fisher: &Fisher) -> anyhow::Result<Option<Value>> {
    run(market, fisher, &["rewards", "claim"]).await
}

/// Runs `gpux-prober` for a fisher and reads what it prints; none if it failed.
async fn run(market: &Market, fisher: &Fisher, command: &[&str]) -> anyhow::Result<Option<Value>> {
    let mut program = Command::new(market.stage.binaries.path("gpux-prober")?);
    program.args(command).arg("--json").args(market.stage.chain_flags()).kill_on_drop(true);
    program.arg("--key-file").arg(market.stage.key_file(&fisher.name));
    program.args(["--oracle", market.oracle.api.url()]);
    let output = timeout(CLAIM_MAX, program.output()).await.context("gpux-prober takes too long")??;
    Ok(if output.status.success() { Some(serde_json::from_slice(&output.stdout)?) } else { None })
}
