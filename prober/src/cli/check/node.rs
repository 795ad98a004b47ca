//! `gpux-prober check NODE_URL`: rents a node, probes every claim of it once and prints a table; nothing is reported. Exit
//! code 0 when every claim passes, 2 when one does not, 1 when the node cannot be checked.
use super::{Identified, Rented, identified};
use crate::{
    choose,
    cli::{
        output::{self, Line, Progress},
        setup,
    },
    fisher::{Error, Fisher, Reached},
    offered::Offered,
};
use anyhow::{Context as _, bail};
use gpux_kernels::{identify::RESOURCES, plan::Market, probe::ProbeId};
use gpux_proto::bytes::to_hex;
use serde::Serialize;
use std::{process::ExitCode, sync::Arc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[derive(Serialize)]
struct Checked<'a> {
    node: &'a str,
    development: bool,
    identified: Option<&'a Identified>,
    probes: &'a [Line],
}

/// Runs the command.
pub(super) async fn run(arguments: Rented, json: bool, stop: CancellationToken) -> anyhow::Result<ExitCode> {
    let release = setup::release(&arguments.job)?;
    let beside = || arguments.wallet.party.key_file.with_file_name("gpux-prober");
    let data = arguments.data.clone().unwrap_or_else(beside);
    let purse = setup::purse(&arguments.wallet, &data, 1).await?;
    let market = setup::market(purse.chain().deployment());
    let fisher = Arc::new(Fisher {
        purse,
        market,
        release,
        lock: None,
        lie: None,
        returns: TaskTracker::new(),
        stop: stop.clone(),
    });
    let result = probe_all(&fisher, &arguments, json).await;
    fisher.returns.close();
    fisher.returns.wait().await;
    let (_, left) = fisher.purse.sweep().await?;
    let (offered, lines) = result?;
    let (node, development) = (to_hex(&offered.node), market == Market::Development);
    let identified = one_card(&offered, &lines, market);
    let identified = identified.as_ref();
    if json {
        output::print_json(&Checked { node: &node, development, identified, probes: &lines });
    } else {
        output::table(&node, &lines, identified, development);
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

async fn probe_all(fisher: &Arc<Fisher>, arguments: &Rented, json: bool) -> anyhow::Result<(Offered, Vec<Line>)> {
    let described = fisher.describe(&arguments.node).await;
    let (channel, offered) = described.map_err(|f| anyhow::anyhow!("{}: {}", arguments.node, f.detail))?;
    let probes = choose::probes(&offered, fisher.market);
    if probes.is_empty() {
        bail!("node {} claims nothing that can be probed", to_hex(&offered.node));
    }
    let progress = Progress::start(probes.len() as u64, json);
    let mut lines = Vec::new();
    for probe in probes {
        let watch = progress.watch(format!("{}… {probe}", to_hex(&offered.node[..4])));
        let reached = Reached { channel: Ok(channel.clone()), relay: None };
        let probed = match fisher.probe(reached, &offered, probe, &*watch).await {
            Err(Error::Interrupted) => bail!("interrupted"),
            probed => probed.with_context(|| format!("probe {probe}"))?,
        };
        let development = fisher.market == Market::Development;
        let mut line = Line::new(&offered.node, &probed.finding, &probed.expectation, development);
        line.rental = Some(to_hex(&probed.rental.id));
        if !json {
            progress.line(&line);
        }
        lines.push(line);
    }
    progress.finish();
    Ok((offered, lines))
}

/// What one of the claimed cards looks like; none when the measurements say nothing of a model, or several models share
/// them. A session's figures are those of all cards together.
fn one_card(offered: &Offered, lines: &[Line], market: Market) -> Option<Identified> {
    let cards = match offered.descriptor.gpus.as_slice() {
        [gpu] if gpu.count > 0 => gpu.count,
        _ => return None,
    };
    let figure = |line: &Line| {
        // The figures of a failed session are what the host pretended.
        let probe = line.id.filter(|probe| line.outcome == "pass" && RESOURCES.contains(probe))?;
        let value = if probe == ProbeId::Vram { line.measured_bytes } else { line.measured_rate };
        (value > 0).then_some((probe, value as f64))
    };
    identified(lines.iter().filter_map(figure), cards, market)
}
