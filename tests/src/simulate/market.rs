//! One market from its first epoch to its last: everybody meets, and all models judge what they see.
//!
//! Owns the size of a market and the loop. Each node that still matters is probed once an epoch; a node that every model
//! has accused is rented no more.

use super::baselines::{Judge, Setting};
use super::fisher;
use super::host::Host;
use super::model::{Dates, Model};
use super::owner;
use super::world::{Cast, World};
use anyhow::Result;
use gpux_oracle::score::{Parameters, Standing};

/// How large a market is, and who misbehaves in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Market {
    pub(super) compliant: usize,
    /// Of each of the four kinds of cheats.
    pub(super) cheats: usize,
    pub(super) fishers: usize,
    pub(super) owners: usize,
    /// Probes of each node.
    pub(super) probes: u32,
    /// The share of fishers who lie.
    pub(super) liars: f64,
    /// The share of audit owners who are corrupt.
    pub(super) corrupt: f64,
    /// Whether our model takes part.
    pub(super) model: bool,
}

/// Epochs of audits before the first node is listed.
pub(super) const REHEARSAL: u32 = 100;

impl Market {
    /// The market of design/scoring.md.
    pub(super) const FULL: Self = Self {
        compliant: 240,
        cheats: 65,
        fishers: 60,
        owners: 40,
        probes: 10_000,
        liars: 0.0,
        corrupt: 0.0,
        model: true,
    };

    /// A small one for tests.
    pub(super) const QUICK: Self = Self { compliant: 48, cheats: 13, probes: 1_500, ..Self::FULL };

    /// Everybody, and each node's class: 0 keeps its claims, 1 to 4 are the table's cheats.
    fn cast(&self) -> (Cast, Vec<usize>) {
        // Of twelve compliant nodes eight have room to spare, two little, and one each stands at the edge of either claim.
        let compliant = (0..self.compliant).map(|at| match at % 12 {
            0 => Host::RateEdge { rate: 0.02 },
            1 => Host::MeanEdge,
            2 | 3 => Host::Compliant { slow: 0.015 },
            _ => Host::Compliant { slow: 0.005 },
        });
        let cheats = [
            Host::SlowerCard,
            Host::Swaps { share: 0.1 },
            Host::Under { mean: 0.85 },
            Host::Milks { until: self.probes * 3 / 10 },
        ];
        let hosts = compliant.map(|host| (host, 0));
        let cheats = cheats.into_iter().zip(1..).flat_map(|pair| std::iter::repeat_n(pair, self.cheats));
        let (hosts, classes) = hosts.chain(cheats).unzip();
        let fishers = fisher::crowd(self.fishers, self.liars, self.probes / 10);
        (Cast { hosts, fishers, owners: owner::owners(self.owners, self.corrupt) }, classes)
    }
}

/// What came of a market.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Each node's class.
    pub(super) classes: Vec<usize>,
    /// From which of its probes on each node breaks its claims.
    pub(super) onsets: Vec<Option<u32>>,
    /// What our model made of each node.
    pub(super) dates: Vec<Dates>,
    /// What each fisher weighs in the end, in 64ths, and whether he is honest.
    pub(super) weights: Vec<(u32, bool)>,
    pub(super) judges: Vec<Judge>,
}

/// Runs a market with our model and these baselines.
pub(super) fn run(seed: u64, market: &Market, settings: &[Setting]) -> Result<Outcome> {
    let (cast, classes) = market.cast();
    let mut world = World::new(seed, cast);
    let mut judges: Vec<_> =
        settings.iter().map(|setting| Judge::new(*setting, &world.cast.hosts, market.fishers)).collect();
    let mut model = if market.model { Some(Model::new(Parameters::production(), &world)?) } else { None };
    for _ in 0..REHEARSAL {
        let sessions: Vec<_> = (0..market.fishers).map(|fisher| world.rehearse(fisher)).collect();
        judges.iter_mut().for_each(|judge| sessions.iter().for_each(|session| judge.audit(session)));
        model.as_mut().map_or(Ok(()), |model| model.rehearse(&sessions))?;
    }
    for epoch in 1..=market.probes {
        step(&mut world, epoch, model.as_mut(), &mut judges)?;
    }
    Ok(Outcome {
        classes,
        onsets: world.cast.hosts.iter().map(|host| host.breaks_from()).collect(),
        weights: model.iter().flat_map(Model::weights).zip(world.cast.fishers.iter().map(|f| f.is_honest())).collect(),
        dates: model.map_or_else(Vec::new, |model| model.dates),
        judges,
    })
}

/// One epoch: one probe of each node that matters to anybody.
fn step(world: &mut World, epoch: u32, mut model: Option<&mut Model>, judges: &mut [Judge]) -> Result<()> {
    let mut probed = Vec::new();
    for node in 0..world.cast.hosts.len() {
        let ours = model.as_ref().is_some_and(|model| model.standing(node) != Standing::Convicted);
        if !ours && judges.iter().all(|judge| judge.accused[node].is_some()) {
            continue;
        }
        let session = world.session(node, epoch);
        judges.iter_mut().filter(|judge| judge.accused[node].is_none()).for_each(|judge| judge.take(&session));
        if let Some(model) = model.as_mut().filter(|_| ours) {
            model.take(&session)?;
            probed.push((node, session.probe));
        }
    }
    judges.iter_mut().for_each(|judge| judge.close(epoch));
    let Some(model) = model else { return Ok(()) };
    model.close()?;
    probed.into_iter().for_each(|(node, probe)| model.note(node, probe));
    Ok(())
}
