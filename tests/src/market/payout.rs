//! Has an honest provider paid by the real program: what his nodes earned is past the short hold, since a leaf calls them honest.

use super::{
    Market,
    cast::Truth,
    findings::{Finding, finding},
};
use anyhow::Context as _;
use tokio::{process::Command, time::timeout};

/// How long one command may take: it asks about every rental.
const COMMAND_MAX: std::time::Duration = std::time::Duration::from_secs(60);

/// Collects and withdraws for the first honest simulated node.
pub async fn check(market: &Market) -> anyhow::Result<Option<Finding>> {
    let honest = |truth| truth == Truth::Honest;
    let Some(node) = market.nodes.iter().find(|node| honest(node.role.truth) && node.role.simulate.is_some()) else {
        return Ok(None);
    };
    let account = market.stage.account(&format!("provider-{}", node.role.name))?;
    market.stage.chain.fund(account.address(), 0).await?;
    let oracle = ["--oracle", market.oracle.api.url()];
    let key = account.file.display().to_string();
    let collected = run(market, &key, &[&["earnings", "collect"], &oracle[..]].concat()).await?;
    let paid = run(market, &key, &["earnings", "withdraw"]).await?;
    let held = market.stage.chain.balance(account.address()).await?;
    let words = format!("{}; {} are still held", paid.trim(), first_number(&collected));
    let holds = held > 0 && paid.starts_with(&format!("{held} "));
    Ok(Some(finding(node.role.name, "its provider is paid after the short hold", words, holds)))
}

fn first_number(text: &str) -> &str {
    text.split_whitespace().nth(1).unwrap_or_default()
}

async fn run(market: &Market, key: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let mut program = Command::new(market.stage.binaries.path("gpux-node")?);
    program.args(arguments).args(market.stage.chain_flags()).args(["--provider-key-file", key]).kill_on_drop(true);
    let output = timeout(COMMAND_MAX, program.output()).await.context("gpux-node takes too long")??;
    let words = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "gpux-node {}: {}", arguments.join(" "), words.trim_end());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
