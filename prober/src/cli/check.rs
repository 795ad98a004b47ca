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
use gpux_kernels::{
    identify::{self, Measured, Noise},
    plan::Market,
    probe::ProbeId,
};
use gpux_proto::bytes::to_hex;
use serde::Serialize;
use std::{process::ExitCode, sync::Arc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// One session a resource, on a machine that nobody vouches for.
const NOISE: Noise = Noise::HIGH;
/// A model that is less likely is not shown.
const SHARE_LEAST: f64 = 0.01;
/// Models that are shown.
const MODELS_MAX: usize = 5;

#[derive(Serialize)]
struct Checked<'a> {
    node: &'a str,
    development: bool,
    identified: Option<&'a Identified>,
    probes: &'a [Line],
}

/// Which models the measurements fit.
#[derive(Debug, Serialize)]
pub(super) struct Identified {
    /// The likeliest, best first.
    pub(super) models: Vec<Likely>,
    /// Models whose figures pass for those of the best more often than not.
    pub(super) cannot_be_told_from: Vec<&'static str>,
}

/// A model and how likely it is among the catalogue's.
#[derive(Debug, Serialize)]
pub(super) struct Likely {
    pub(super) model: &'static str,
    pub(super) likelihood: f64,
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
    let identified = identified(&lines, market);
    let identified = identified.as_ref();
    if arguments.json {
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

/// What one card's measurements look like; none when they say nothing of a model.
fn identified(lines: &[Line], market: Market) -> Option<Identified> {
    let figure = |line: &Line| {
        // The figures of a failed session are what the host pretended.
        let probe = line.id.filter(|probe| line.outcome == "pass" && identify::RESOURCES.contains(probe))?;
        let value = if probe == ProbeId::Vram { line.measured_bytes } else { line.measured_rate };
        (value > 0).then_some((probe, value as f64))
    };
    let measured = Measured::new(lines.iter().filter_map(figure)).ok()?;
    let ranked = identify::candidates(&measured, NOISE, market);
    let best = ranked.first()?.model;
    let told = ranked.iter().take_while(|candidate| candidate.share >= SHARE_LEAST).take(MODELS_MAX);
    let apart = identify::cannot_be_told_from(best, NOISE, market);
    Some(Identified {
        models: told.map(|candidate| Likely { model: &candidate.model.name, likelihood: candidate.share }).collect(),
        cannot_be_told_from: apart.into_iter().map(|model| &*model.name).collect(),
    })
}
