//! Hosts at the exact edge of their claims: how often luck alone makes them suspect, and whether corrupt audit owners can
//! have them convicted.

use super::fisher::Fisher;
use super::host::Host;
use super::market::REHEARSAL;
use super::model::Model;
use super::owner::{self, Owner};
use super::parallel;
use super::promise::Promise;
use super::table::percent;
use super::world::{Cast, World};
use crate::output;
use anyhow::Result;
use gpux_oracle::score::{Finding, Parameters};

/// The error levels that are looked at.
const LEVELS: [f64; 3] = [0.05, 0.01, 0.001];
/// Nodes of one fold; several folds make the paths.
const NODES: usize = 500;

/// A quarter of the fishers is audited in each epoch, always in agreement; then b falls to 0.0004, by which the claim on
/// the rate is widened, and the host stands at the edge of that.
const AUDITED_FISHERS: usize = 4;
const EDGES: [(&str, Host); 2] = [
    ("2.04 % of sessions fail, the others are full", Host::RateEdge { rate: 0.0204 }),
    ("mean exactly 0.92, none slow", Host::MeanEdge),
];

/// Runs paths at both edges; E is read after each probe.
pub(super) fn null(seed: u64, paths: usize, probes: u32) -> Result<(String, Vec<Promise>)> {
    let folds = paths.div_ceil(NODES);
    let questions: Vec<_> = EDGES.iter().flat_map(|edge| (0..folds as u64).map(|fold| (edge.1, fold))).collect();
    let largest = parallel::map(&questions, |_, (host, fold)| largest(seed + fold, *host, paths / folds, probes));
    let largest = largest.into_iter().collect::<Result<Vec<_>>>()?;
    let (mut rows, mut promises) = (Vec::new(), Vec::new());
    for ((name, _), of_edge) in EDGES.iter().zip(largest.chunks(folds)) {
        let found: Vec<f64> = of_edge.iter().flatten().copied().collect();
        let mut row = vec![(*name).to_owned(), found.len().to_string(), probes.to_string()];
        for a in LEVELS {
            let share = found.iter().filter(|most| **most >= 1.0 / a).count() as f64 / found.len() as f64;
            row.push(format!("{share:.4}"));
            promises.push(Promise::most(format!("{name}: share of paths with E >= 1 / {a}"), share, a));
        }
        rows.push(row);
    }
    let header = ["host at the edge", "paths", "probes", "E reached 20", "E reached 100", "E reached 1,000"];
    Ok((output::render(&header, &rows), promises))
}

/// The largest E that each of so many nodes ever showed in a year.
fn largest(seed: u64, host: Host, nodes: usize, probes: u32) -> Result<Vec<f64>> {
    let mut world = World::new(seed, cast(vec![host; nodes], 0.0));
    // The bound is on a year, so epochs are as long as a year holds probes.
    let epoch_secs = u32::try_from(365 * 86_400 / u64::from(probes + REHEARSAL + 1))?;
    let mut model = Model::new(Parameters { epoch_secs, ..Parameters::production() }, &world)?;
    let mut most = vec![0.0_f64; nodes];
    for epoch in 1..=probes + REHEARSAL {
        let every = if epoch > REHEARSAL { AUDITED_FISHERS } else { 1 };
        let audited = (0..world.cast.fishers.len()).filter(|fisher| (fisher + epoch as usize).is_multiple_of(every));
        let mut sessions: Vec<_> = audited.map(|fisher| world.rehearse(fisher)).collect();
        sessions.iter_mut().for_each(|session| session.finding = Finding::Agrees);
        if epoch > REHEARSAL {
            for node in 0..nodes {
                // Reports alone: audits belong to the second stage.
                let session = world.session(node, epoch);
                model.report(&session, session.stamps)?;
            }
        }
        model.rehearse(&sessions)?;
        for (node, most) in most.iter_mut().enumerate() {
            *most = most.max(model.evidence(node));
        }
    }
    Ok(most)
}

fn cast(hosts: Vec<Host>, corrupt: f64) -> Cast {
    Cast { hosts, fishers: vec![Fisher::Honest; 60], owners: owner::owners(40, corrupt) }
}

/// How corrupt owners accuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slander {
    /// Every session failed.
    Dead,
    /// Every session is just slow enough to count, so that no single owner stands out.
    Shade,
    /// The truth, except every fifth time.
    Seldom,
}

const SLANDERS: [(&str, Slander); 3] =
    [("x = 0 always", Slander::Dead), ("x = 0.78 always", Slander::Shade), ("x = 0 in a fifth", Slander::Seldom)];

/// Has honest nodes made suspect by liars, and then audited by owners of whom some are corrupt.
pub(super) fn corrupt_owners(seed: u64, nodes: usize, audits: u32) -> Result<(String, Vec<Promise>)> {
    let shares = [0.0, 0.1, 0.2, 0.25, 0.3];
    let questions: Vec<_> = SLANDERS.iter().flat_map(|(_, how)| shares.map(|share| (*how, share))).collect();
    let convicted = parallel::map(&questions, |_, (how, share)| convicted(seed, nodes, audits, (*how, *share)));
    let convicted = convicted.into_iter().collect::<Result<Vec<_>>>()?;
    let (mut rows, mut promises) = (Vec::new(), Vec::new());
    for ((name, _), found) in SLANDERS.iter().zip(convicted.chunks(shares.len())) {
        let mut row = vec![(*name).to_owned()];
        for (share, found) in shares.iter().zip(found) {
            row.push(format!("{found} of {nodes}"));
            if *share <= 0.2 {
                let name = format!("honest nodes convicted, {} of owners say {name}", percent(*share));
                promises.push(Promise::most(name, *found as f64, 0.0));
            }
        }
        rows.push(row);
    }
    let header = ["corrupt owners say", "0 % corrupt", "10 %", "20 %", "25 %", "30 %"];
    Ok((output::render(&header, &rows), promises))
}

fn convicted(seed: u64, nodes: usize, audits: u32, (how, share): (Slander, f64)) -> Result<usize> {
    // A third each has room to spare and stands at one of the edges.
    let kinds = [Host::Compliant { slow: 0.005 }, Host::RateEdge { rate: 0.02 }, Host::MeanEdge];
    let hosts = (0..nodes).map(|node| kinds[node % kinds.len()]).collect();
    let mut world = World::new(seed, cast(hosts, share));
    let mut model = Model::new(Parameters::production(), &world)?;
    for _ in 0..REHEARSAL {
        let sessions: Vec<_> = (0..60).map(|fisher| world.rehearse(fisher)).collect();
        model.rehearse(&sessions)?;
    }
    for epoch in 1..=audits {
        for node in 0..nodes {
            let mut session = world.session(node, epoch);
            if world.cast.owners[session.owner] == Owner::Corrupt {
                session.stamps = how.stamps(session.probe, session.reported.unwrap_or(0.0));
            }
            // All fishers say that the node is dead, so that it stays suspect whatever honest audits clear.
            model.report(&session, 0.0)?;
            model.audit(&session)?;
        }
        model.close()?;
        (0..nodes).for_each(|node| model.note(node, epoch));
    }
    Ok((0..nodes).filter(|node| model.dates[*node].convicted.is_some()).count())
}

impl Slander {
    fn stamps(self, probe: u32, truth: f64) -> f64 {
        match self {
            Self::Dead => 0.0,
            Self::Shade => 0.78,
            Self::Seldom if probe.is_multiple_of(5) => 0.0,
            Self::Seldom => truth,
        }
    }
}
