//! Takes bundles from the oracle and lets `gpux-oracle verify-evidence` judge them offline, as an operator would before
//! he countersigns: two wrong units convict (exit code 2), an honest session does not (0).

use super::{
    Market,
    cast::Truth,
    findings::{Finding, WRONG_TO_CONVICT, finding},
    watch::Known,
};
use anyhow::Context as _;
use gpux_proto::{evidence::Outcome, oracle::ReportSummary};
use std::{path::PathBuf, time::Duration};
use tokio::{process::Command, time::timeout};

/// Exit codes of `verify-evidence`.
const CONVICTS: i32 = 2;
const DOES_NOT_CONVICT: i32 = 0;
const LIMIT: Duration = Duration::from_secs(60);

/// Judges one bundle of the node that skips work and one of an honest node.
pub async fn check(market: &Market, known: &Known) -> anyhow::Result<Vec<Finding>> {
    let wrong = |report: &&ReportSummary| report.wrong >= WRONG_TO_CONVICT && !report.bundle_digest.is_empty();
    let right = |report: &&ReportSummary| report.outcome() == Outcome::Pass && !report.bundle_digest.is_empty();
    Ok(vec![
        judge(market, known, Truth::SkipsWork, &wrong, CONVICTS).await?,
        judge(market, known, Truth::Honest, &right, DOES_NOT_CONVICT).await?,
    ])
}

async fn judge(
    market: &Market,
    known: &Known,
    truth: Truth,
    fits: &dyn Fn(&&ReportSummary) -> bool,
    wanted: i32,
) -> anyhow::Result<Finding> {
    let role = if wanted == CONVICTS { "verify-evidence convicts offline" } else { "verify-evidence does not convict" };
    let nodes = market.nodes.iter().filter(|node| node.role.truth == truth);
    let report = nodes.flat_map(|node| known.reports_of(&node.id).map(move |report| (node, report)));
    let Some((node, report)) = report.into_iter().find(|(_, report)| fits(report)) else {
        return Ok(finding("evidence", role, "no such session".to_owned(), false));
    };
    let file = save(market, &report.bundle_digest).await?;
    let code = verify(market, &file).await?;
    let words = match code {
        Some(CONVICTS) => "convicts",
        Some(DOES_NOT_CONVICT) => "does not convict",
        _ => "cannot be read",
    };
    let found = format!("{}: {} of {} drawn units wrong, {words}", node.role.name, report.wrong, report.drawn);
    Ok(finding("evidence", role, found, code == Some(wanted)))
}

/// Downloads a bundle into the data folder.
pub async fn save(market: &Market, digest: &str) -> anyhow::Result<PathBuf> {
    let folder = market.stage.folder.join("bundles");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let file = folder.join(format!("{digest}.bundle"));
    std::fs::write(&file, market.oracle.api.bundle(digest).await?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// Runs `verify-evidence` on a file and returns its exit code.
pub async fn verify(market: &Market, file: &std::path::Path) -> anyhow::Result<Option<i32>> {
    let mut command = Command::new(market.stage.binaries.path("gpux-oracle")?);
    command.arg("verify-evidence").arg(file).arg("--development").kill_on_drop(true);
    command.arg("--deployment").arg(&market.stage.chain.deployment_file);
    let output = timeout(LIMIT, command.output()).await.context("verify-evidence takes too long")??;
    Ok(output.status.code())
}
