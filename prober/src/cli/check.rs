//! `gpux-prober check`: a node that is rented for it, or this machine by itself.
mod local;
mod network;
mod node;
mod report;
mod row;

use super::{
    endpoint, output,
    wallet::{Named, Wallet},
};
use crate::suite::Claim;
use clap::{ArgAction, Args};
use gpux_kernels::{
    identify::{self, Measured, Noise},
    plan::Market,
    probe::ProbeId,
};
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};
use tokio_util::sync::CancellationToken;
use tonic::transport::Uri;

/// One session a resource, on a machine that nobody vouches for.
const NOISE: Noise = Noise::HIGH;
/// A model that is less likely is not shown.
const SHARE_LEAST: f64 = 0.01;
/// Models that are shown.
const MODELS_MAX: usize = 5;

/// What is checked.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// A node's endpoint: it is rented, and needs the wallet. Without it this machine checks itself.
    #[arg(value_name = "NODE_URL", value_parser = endpoint, requires_all = ["rpc", "deployment", "key_file", "job"])]
    node: Option<Uri>,
    #[command(flatten)]
    wallet: Named,
    /// The most token units of one rental's deposit; what is not used comes back.
    #[arg(long, value_name = "UNITS", requires = "node")]
    deposit_max: Option<u128>,
    /// The worker, gpux-job, that is uploaded to the node.
    #[arg(long, value_name = "PATH", requires = "node")]
    job: Option<PathBuf>,
    /// Where accounts with money on them are remembered; beside the key file by default.
    #[arg(long, value_name = "DIR", requires = "node")]
    data: Option<PathBuf>,
    #[command(flatten)]
    here: Here,
    /// One JSON document.
    #[arg(long)]
    json: bool,
}

/// How this machine checks itself.
#[derive(Debug, Args)]
#[group(conflicts_with = "node")]
pub(super) struct Here {
    /// What this machine's cards are said to be: "GeForce RTX 3090", or "2 x GeForce RTX 3090". Without it, what the driver
    /// says.
    #[arg(long, value_name = "MODEL")]
    claim: Option<Claim>,
    /// A few seconds instead of minutes: short windows, little memory and disk.
    #[arg(long, action = ArgAction::SetTrue)]
    quick: bool,
    /// The folder whose disk is probed: at most half of what is free, and 4 GiB, is written and taken away again.
    #[arg(long, value_name = "DIR", default_value = ".")]
    disk: PathBuf,
    /// Where `gpux-prober endpoint` listens; without it the network is this machine's loopback.
    #[arg(long, value_name = "HOST:PORT")]
    network: Option<String>,
}

/// What is needed to rent a node.
#[derive(Debug)]
pub(super) struct Rented {
    node: Uri,
    wallet: Wallet,
    job: PathBuf,
    data: Option<PathBuf>,
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
    let Check { node, wallet, deposit_max, job, data, here, json } = arguments;
    if node.is_none() && wallet.is_any() {
        return Ok(output::misused(
            "a wallet is for the node that is checked: name its NODE_URL, or leave the wallet out",
        ));
    }
    match (node, wallet.wallet(deposit_max), job) {
        (Some(node), Some(wallet), Some(job)) => node::run(Rented { node, wallet, job, data }, json, stop).await,
        _ => local::run(here, json, stop).await,
    }
}

/// What one of `cards` equal cards looks like by the figures of all of them; none when nothing fits.
fn identified(figures: impl Iterator<Item = (ProbeId, f64)>, cards: u32, market: Market) -> Option<Identified> {
    let measured = Measured::new(figures.map(|(probe, value)| (probe, value / f64::from(cards)))).ok()?;
    let ranked = identify::candidates(&measured, NOISE, market);
    let best = ranked.first()?.model;
    let told = ranked.iter().take_while(|candidate| candidate.share >= SHARE_LEAST).take(MODELS_MAX);
    let apart = identify::cannot_be_told_from(best, NOISE, market);
    Some(Identified {
        models: told.map(|candidate| Likely { model: &candidate.model.name, likelihood: candidate.share }).collect(),
        cannot_be_told_from: apart.into_iter().map(|model| &*model.name).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpux_kernels::{calibration, catalogue};

    #[test]
    fn several_cards_are_identified_as_one_of_them() {
        let model = catalogue::by_name("GeForce RTX 3090").unwrap();
        let figure = |probe| match probe {
            ProbeId::Vram => model.usable_bytes as f64,
            probe => calibration::expected(model, probe, Market::Production).unwrap().rate,
        };
        let of = |cards: u32| {
            let figures = identify::RESOURCES.into_iter().map(|probe| (probe, figure(probe) * f64::from(cards)));
            identified(figures, cards, Market::Production).unwrap().models[0].model
        };
        assert_eq!((of(1), of(4)), ("GeForce RTX 3090", "GeForce RTX 3090"));
    }
}
