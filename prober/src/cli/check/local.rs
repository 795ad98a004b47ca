//! `gpux-prober check`: this machine probes itself, every resource that it has, with nothing rented and nobody asked. Exit
//! code 0 when all is well, 2 when something is wrong or less than claimed, 1 when it was interrupted.
use super::{
    Here, Identified, identified,
    network::{LOOPBACK, Network},
    report::{Claimed, Facts, Report},
    row::{Outcome, Row},
};
use crate::{
    cli::output::{self, Progress},
    net::{self, Endpoint},
    suite::{Length, Machine, OF_CARDS, OF_HOST, Suite},
};
use anyhow::{Context as _, bail};
use gpux_kernels::{
    evidence::{Expectation, expected},
    identify::RESOURCES,
    plan::Market,
    probe::ProbeId,
};
use gpux_proto::evidence::{Descriptor, Gpu};
use std::{process::ExitCode, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::sync::CancellationToken;

/// Round trips, of which the shortest counts.
const PINGS: u32 = 40;
/// Transfers each way, of which the median counts.
const TRANSFERS: u32 = 3;
/// How long an end point may take to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Runs the command.
pub(super) async fn run(arguments: Here, json: bool, stop: CancellationToken) -> anyhow::Result<ExitCode> {
    let folder = arguments.disk.canonicalize().with_context(|| format!("folder {}", arguments.disk.display()))?;
    let length = if arguments.quick { Length::Quick } else { Length::Full };
    let suite = Suite { length, folder, card: None };
    let report = tokio::select! {
        report = report(&suite, &arguments, json) => report,
        // What is written has no name and goes with this process, and so does the memory.
        () = stop.cancelled() => bail!("interrupted"),
    };
    if json {
        output::print_json(&report);
    } else {
        output::text(&report.render());
    }
    Ok(ExitCode::from(if report.problems.is_empty() { 0 } else { 2 }))
}

async fn report(suite: &Suite, arguments: &Here, json: bool) -> Report {
    let machine = Machine::look();
    let claimed = Claimed::of(arguments.claim.as_ref(), &machine);
    let asked = asked(&machine, claimed.as_ref());
    let progress = Progress::start(asked.len() as u64 + 1, json);
    let mut probes = Vec::new();
    for (probe, expectation) in asked {
        let watch = progress.watch(probe.to_string());
        probes.push(match suite.run(probe, &*watch).await {
            Ok(ran) => Row::new(&ran, expectation.as_ref()),
            Err(error) => Row::not_run(probe, error.to_string()),
        });
        progress.step();
    }
    let network = network(arguments).await;
    progress.finish();
    let report = Report {
        identified: one_card(&probes, machine.cards().len() as u32),
        machine: Facts::from(&machine),
        claimed,
        quick: arguments.quick,
        probes,
        network,
        problems: Vec::new(),
        verdict: String::new(),
    };
    report.conclude()
}

/// The probes in order, each with what is claimed of it. Of cards that somebody claims only what the claim names; of others
/// everything.
fn asked(machine: &Machine, claimed: Option<&Claimed>) -> Vec<(ProbeId, Option<Expectation>)> {
    let gpus = claimed.map(|claimed| Gpu { model: claimed.model.into(), count: claimed.count });
    let descriptor = Descriptor { gpus: gpus.into_iter().collect(), ..Default::default() };
    let of_card = |probe: ProbeId| match expected(&descriptor, probe, Market::Production) {
        None if claimed.is_some() => None,
        expectation => Some((probe, expectation)),
    };
    let cards = if machine.cards().is_empty() { &[][..] } else { &OF_CARDS };
    cards.iter().copied().filter_map(of_card).chain(OF_HOST.map(|probe| (probe, None))).collect()
}

/// What one of the cards looks like. A session's figures are those of all cards together.
fn one_card(rows: &[Row], cards: u32) -> Option<Identified> {
    let figure = |row: &Row| {
        let counts = row.outcome == Outcome::Pass && RESOURCES.contains(&row.probe);
        let value = if row.probe == ProbeId::Vram { row.measured_bytes } else { row.measured_rate };
        (counts && value > 0).then_some((row.probe, value as f64))
    };
    identified(rows.iter().filter_map(figure), cards.max(1), Market::Production)
}

async fn network(arguments: &Here) -> Network {
    let window = Duration::from_millis(if arguments.quick { 200 } else { 2_000 });
    let plan = net::Plan { pings: PINGS, windows: TRANSFERS, window };
    match &arguments.network {
        Some(address) => Network::new(address.clone(), &measured(address, &plan).await),
        None => Network::new(LOOPBACK.into(), &over_loopback(&plan).await),
    }
}

async fn over_loopback(plan: &net::Plan) -> Result<net::Figures, net::Error> {
    let refused = |source| net::Error::Connect { address: "127.0.0.1".into(), source };
    let endpoint = Endpoint::bind("127.0.0.1:0").await.map_err(refused)?;
    let (address, stop) = (endpoint.address().to_string(), CancellationToken::new());
    let _stopped = stop.clone().drop_guard();
    tokio::spawn(endpoint.serve(stop));
    measured(&address, plan).await
}

async fn measured(address: &str, plan: &net::Plan) -> Result<net::Figures, net::Error> {
    let refused = |source| net::Error::Connect { address: address.to_owned(), source };
    let connected = timeout(CONNECT_MAX, TcpStream::connect(address)).await;
    let stream = connected.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())).map_err(refused)?;
    // A ping must not wait for the acknowledgement of an earlier one.
    stream.set_nodelay(true).map_err(refused)?;
    net::measure(stream, plan).await
}
