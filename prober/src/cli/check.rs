//! `gpux-prober check`: probes every claim of one node once and prints a table; nothing is reported. Exit code 0 when every
//! claim passes, 2 when one does not, 1 when the node cannot be checked.
use super::{
    Check,
    output::{self, Line, Progress},
    setup,
};
use crate::{
    choose,
    fisher::{Error, Fisher},
};
use anyhow::{Context as _, bail};
use gpux_kernels::{catalogue, plan::Market};
use gpux_proto::bytes::to_hex;
use serde::Serialize;
use std::{process::ExitCode, sync::Arc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[derive(Serialize)]
struct Checked<'a> {
    node: &'a str,
    development: bool,
    nearest_model: Option<&'a str>,
    probes: &'a [Line],
}

/// Runs the command.
pub(super) async fn run(arguments: Check, stop: CancellationToken) -> anyhow::Result<ExitCode> {
    let release = setup::release(&arguments.job)?;
    let beside = || arguments.wallet.key_file.with_file_name("gpux-prober");
    let data = arguments.data.clone().unwrap_or_else(beside);
    let purse = setup::purse(&arguments.wallet, &data, 1).await?;
    let market = setup::market(purse.chain().deployment());
    let fisher =
        Arc::new(Fisher { purse, market, release, lock: None, returns: TaskTracker::new(), stop: stop.clone() });
    let result = probe_all(&fisher, &arguments).await;
    fisher.returns.close();
    fisher.returns.wait().await;
    let (_, left) = fisher.purse.sweep().await?;
    let (node, lines) = result?;
    let development = market == Market::Development;
    let nearest = nearest(&lines, market);
    if arguments.json {
        output::print_json(&Checked { node: &node, development, nearest_model: nearest, probes: &lines });
    } else {
        output::table(&node, &lines, nearest, development);
    }
    let findings = lines.iter().any(|line| !line.is_clean());
    let inconclusive = lines.iter().any(|line| line.outcome == "inconclusive") || left > 0;
    Ok(ExitCode::from(if inconclusive {
        1
    } else if findings {
        2
    } else {
        0
    }))
}

async fn probe_all(fisher: &Arc<Fisher>, arguments: &Check) -> anyhow::Result<(String, Vec<Line>)> {
    let described = fisher.describe(&arguments.node).await;
    let (channel, offered) = described.map_err(|f| anyhow::anyhow!("{}: {}", arguments.node, f.detail))?;
    let probes = choose::probes(&offered, fisher.market);
    if probes.is_empty() {
        bail!("node {} claims nothing that can be probed", to_hex(&offered.node));
    }
    let progress = Progress::start(probes.len() as u64, arguments.json);
    let mut lines = Vec::new();
    for probe in probes {
        let watch = progress.watch(&offered.node, probe);
        let probed = match fisher.probe(Ok(channel.clone()), &offered, probe, &*watch).await {
            Err(Error::Interrupted) => bail!("interrupted"),
            probed => probed.with_context(|| format!("probe {probe}"))?,
        };
        let development = fisher.market == Market::Development;
        let mut line = Line::new(&offered.node, &probed.finding, &probed.expectation, development);
        line.rental = Some(to_hex(&probed.rental.id));
        if !arguments.json {
            progress.line(&line);
        }
        lines.push(line);
    }
    progress.finish();
    Ok((to_hex(&offered.node), lines))
}

/// The model that the measurements come nearest to.
fn nearest(lines: &[Line], market: Market) -> Option<&'static str> {
    let figure = |line: &Line| {
        // The figures of a failed session are what the host pretended.
        let probe = line.id.filter(|_| line.outcome == "pass")?;
        let value = if probe.fills_memory() { line.measured_bytes } else { line.measured_rate };
        Some((probe, value as f64))
    };
    let measured: Vec<_> = lines.iter().filter_map(figure).collect();
    catalogue::nearest(&measured, market).first().map(|(model, _)| &*model.name)
}
