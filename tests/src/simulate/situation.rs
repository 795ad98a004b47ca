//! Situations beside the table: what each adversary tries, what is expected, and what came of it.
//!
//! Owns one small market per situation, all with 40 owners and 60 fishers unless it says otherwise. Each expectation is a
//! promise: it gates like the table.

use super::fisher::Fisher;
use super::host::Host;
use super::identity;
use super::market::REHEARSAL;
use super::model::Model;
use super::owner;
use super::parallel;
use super::promise::Promise;
use super::table::{median, percent};
use super::world::{Cast, World};
use crate::output;
use anyhow::Result;
use gpux_oracle::score::{Parameters, Standing, Weight};

/// What one situation showed.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) situation: &'static str,
    pub(super) expected: &'static str,
    pub(super) found: String,
    /// How many things were not as expected.
    pub(super) amiss: usize,
}

/// All findings as a table, and as promises.
pub(super) fn report(findings: &[Finding]) -> (String, Vec<Promise>) {
    let rows: Vec<_> =
        findings.iter().map(|f| vec![f.situation.to_owned(), f.expected.to_owned(), f.found.clone()]).collect();
    let promises = findings.iter().map(|f| Promise::most(format!("{}: amiss", f.situation), f.amiss as f64, 0.0));
    (output::render(&["situation", "expected", "found"], &rows), promises.collect())
}

/// A market and our model of it, run for some epochs.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) model: Model,
    epoch: u32,
}

impl Scene {
    /// A market after its fishers earned their weight.
    pub(super) fn new(seed: u64, hosts: Vec<Host>, fishers: Vec<Fisher>) -> Result<Self> {
        let mut world = World::new(seed, Cast { hosts, fishers, owners: owner::owners(40, 0.0) });
        let mut model = Model::new(Parameters::production(), &world)?;
        for _ in 0..REHEARSAL {
            let present: Vec<_> = (0..world.cast.fishers.len()).filter(|f| world.cast.fishers[*f].exists(0)).collect();
            let sessions: Vec<_> = present.into_iter().map(|fisher| world.rehearse(fisher)).collect();
            model.rehearse(&sessions)?;
        }
        Ok(Self { world, model, epoch: 0 })
    }

    /// Probes these nodes once.
    pub(super) fn step(&mut self, nodes: &[usize]) -> Result<()> {
        self.epoch += 1;
        let mut probed = Vec::with_capacity(nodes.len());
        for node in nodes {
            let session = self.world.session(*node, self.epoch);
            self.model.take(&session)?;
            probed.push((*node, session.probe));
        }
        self.model.close()?;
        probed.into_iter().for_each(|(node, probe)| self.model.note(node, probe));
        Ok(())
    }

    /// Probes all nodes that are not convicted, for so many epochs.
    pub(super) fn run(&mut self, epochs: u32) -> Result<()> {
        for _ in 0..epochs {
            let nodes: Vec<_> = (0..self.world.cast.hosts.len()).filter(|node| !self.is_convicted(*node)).collect();
            self.step(&nodes)?;
        }
        Ok(())
    }

    pub(super) fn is_convicted(&self, node: usize) -> bool {
        self.model.standing(node) == Standing::Convicted
    }

    /// How many nodes of a range were ever convicted.
    pub(super) fn convicted(&self, nodes: std::ops::Range<usize>) -> usize {
        nodes.filter(|node| self.model.dates[*node].convicted.is_some()).count()
    }

    /// The published L of a node, in basis points.
    pub(super) fn low_bps(&self, node: usize) -> u16 {
        self.model.state.score(self.model.node(node)).map_or(0, |score| score.estimate.low_bps)
    }

    /// Of the fishers of one kind, how many weigh something.
    pub(super) fn heard(&self, kind: impl Fn(&Fisher) -> bool) -> (usize, usize) {
        let of_kind = self.model.weights().zip(&self.world.cast.fishers).filter(|(_, fisher)| kind(fisher));
        of_kind.fold((0, 0), |(heard, all), (weight, _)| (heard + usize::from(weight > 0), all + 1))
    }

    /// Probes from the moment that a node breaks its claims to suspicion and to the verdict, in the middle.
    fn delays(&self, nodes: std::ops::Range<usize>) -> String {
        let dates = nodes.filter_map(|node| {
            let onset = self.world.cast.hosts[node].breaks_from()?;
            let (suspect, convicted) = (self.model.dates[node].suspect?, self.model.dates[node].convicted?);
            Some((suspect.saturating_sub(onset) + 1, convicted.saturating_sub(onset) + 1))
        });
        let dates: Vec<_> = dates.collect();
        let suspect = median(dates.iter().map(|dates| f64::from(dates.0)));
        let convicted = median(dates.iter().map(|dates| f64::from(dates.1)));
        format!("suspect after {suspect:.0} probes, convicted after {convicted:.0}")
    }
}

/// Sixty honest fishers.
pub(super) fn honest() -> Vec<Fisher> {
    vec![Fisher::Honest; 60]
}

/// Half of the fishers honest, half of this kind.
fn half(kind: impl Fn(u32) -> Fisher) -> Vec<Fisher> {
    (0..60).map(|at| if at % 2 == 0 { Fisher::Honest } else { kind(at) }).collect()
}

/// Nodes that keep their claims, for as long as a scene runs beside them.
const BESIDE: usize = 20;

/// Twenty hosts of a kind beside twenty that keep their claims: all of the first are found, none of the second accused.
fn found(seed: u64, name: &'static str, host: Host, epochs: u32) -> Result<Finding> {
    let beside = std::iter::repeat_n(Host::Compliant { slow: 0.005 }, BESIDE);
    let hosts: Vec<_> = std::iter::repeat_n(host, BESIDE).chain(beside).collect();
    let mut scene = Scene::new(seed, hosts, honest())?;
    scene.run(epochs)?;
    let (caught, accused) = (scene.convicted(0..BESIDE), scene.convicted(BESIDE..2 * BESIDE));
    let delays = scene.delays(0..BESIDE);
    Ok(Finding {
        situation: name,
        expected: "all convicted, no honest node",
        found: format!("{caught} of {BESIDE}, {accused} honest; {delays}"),
        amiss: BESIDE - caught + accused,
    })
}

/// A situation, by seed and by whether there is little time.
type Situation = fn(u64, bool) -> Result<Finding>;

/// All situations.
pub(super) fn findings(seed: u64, quick: bool) -> Result<Vec<Finding>> {
    let hosts: [Situation; 5] = [ramp, spotting, aborting, toggling, capped];
    let fishers: [Situation; 3] = [dropping, sybils, copies];
    let all: Vec<_> = hosts.into_iter().chain(fishers).chain(identity::SITUATIONS).collect();
    parallel::map(&all, |_, situation| situation(seed, quick)).into_iter().collect()
}

fn ramp(seed: u64, quick: bool) -> Result<Finding> {
    let over = if quick { 1_000 } else { 5_000 };
    found(seed, "slow ramp down to a 3060", Host::Ramp { over }, over)
}

fn spotting(seed: u64, _quick: bool) -> Result<Finding> {
    found(seed, "3060 that spots 30 % of the probes", Host::Spots { share: 0.3 }, 500)
}

fn aborting(seed: u64, _quick: bool) -> Result<Finding> {
    found(seed, "10 % cheat that aborts when slow", Host::Aborts { share: 0.1 }, 2_500)
}

/// Fisher and relay time the same windows, so what a host does between sessions refutes nobody.
fn toggling(seed: u64, _quick: bool) -> Result<Finding> {
    let mut finding = found(seed, "speed toggled to discredit fishers", Host::Toggles, 500)?;
    let mut scene = Scene::new(seed, vec![Host::Toggles; BESIDE], honest())?;
    for _ in 0..500 {
        scene.step(&(0..BESIDE).collect::<Vec<_>>())?;
    }
    let (heard, all) = scene.heard(|_| true);
    finding.expected = "all convicted, no fisher loses weight";
    finding.found = format!("{}; {heard} of {all} fishers heard", finding.found);
    finding.amiss += all - heard;
    Ok(finding)
}

/// All cards of a model run at 0.95 of the reference.
fn capped(seed: u64, quick: bool) -> Result<Finding> {
    let mut scene = Scene::new(seed, vec![Host::Capped { mean: 0.95 }; BESIDE], honest())?;
    scene.run(if quick { 500 } else { 10_000 })?;
    let accused = scene.convicted(0..BESIDE);
    Ok(Finding {
        situation: "a model honestly capped at 0.95",
        expected: "nobody accused",
        found: format!("{accused} of {BESIDE} accused; L of the first {}", scene.low_bps(0)),
        amiss: accused,
    })
}

/// Half of all fishers reveal bad reports only.
fn dropping(seed: u64, quick: bool) -> Result<Finding> {
    let mut scene = Scene::new(seed, vec![Host::Compliant { slow: 0.015 }; BESIDE], half(|_| Fisher::DropsGood))?;
    scene.run(if quick { 700 } else { 5_000 })?;
    let accused = scene.convicted(0..BESIDE);
    let (heard, all) = scene.heard(|fisher| *fisher == Fisher::DropsGood);
    Ok(Finding {
        situation: "half of the fishers drop good reports",
        expected: "nobody accused, none of them heard",
        found: format!("{accused} of {BESIDE} accused, {heard} of {all} heard"),
        amiss: accused + heard,
    })
}

/// Sybils with the smallest bond arrive one after the other until they are nine of ten fishers.
fn sybils(seed: u64, quick: bool) -> Result<Finding> {
    let (sybils, every) = if quick { (60, 15) } else { (540, 10) };
    let arriving = (0..sybils).map(|at| Fisher::Sybil { from: at * every });
    let fishers: Vec<_> = honest().into_iter().chain(arriving).collect();
    let mut scene = Scene::new(seed, vec![Host::Compliant { slow: 0.005 }; BESIDE], fishers)?;
    let least = Parameters::production().min_bond;
    for fisher in 60..60 + sybils as usize {
        scene.model.bond(fisher, least)?;
    }
    scene.run(sybils * every + 500)?;
    let accused = scene.convicted(0..BESIDE);
    let lowest = (0..BESIDE).map(|node| scene.low_bps(node)).min().unwrap_or_default();
    let parameters = Parameters::production();
    let bonded = f64::from(parameters.weight(least).in_64ths() * sybils) / f64::from(Weight::FULL.in_64ths());
    let share = bonded / (bonded + 60.0);
    Ok(Finding {
        situation: "Sybils with the smallest bond arrive, then lie",
        expected: "nobody accused, L falls by less than their share of all bonds",
        found: format!(
            "{accused} of {BESIDE} accused by {sybils} Sybils with {} of all bonds, lowest L {lowest}",
            percent(share)
        ),
        // An honest node among honest fishers has an L above 0.90.
        amiss: accused + usize::from(f64::from(lowest) < 9_000.0 * (1.0 - share)),
    })
}

/// Each report is entered again by copiers, in its own epoch and later.
fn copies(seed: u64, _quick: bool) -> Result<Finding> {
    let hosts = vec![Host::Swaps { share: 0.1 }, Host::Compliant { slow: 0.015 }];
    let mut scenes = [Scene::new(seed, hosts.clone(), honest())?, Scene::new(seed, hosts, honest())?];
    let (mut ignored, mut copied) = (0, 0);
    for epoch in 1..=300 {
        for (at, scene) in scenes.iter_mut().enumerate() {
            for node in 0..2 {
                let session = scene.world.session(node, epoch);
                scene.model.report(&session, session.stamps)?;
                for _ in 0..10 * at {
                    scene.model.report(&session, session.stamps)?;
                    copied += 1;
                }
            }
            scene.model.close()?;
            ignored += scene.model.state.ignored().len();
        }
    }
    let [one, copy] = scenes;
    let differ = (0..2).filter(|node| {
        let score = |scene: &Scene| scene.model.state.score(scene.model.node(*node));
        one.model.evidence(*node).to_bits() != copy.model.evidence(*node).to_bits() || score(&one) != score(&copy)
    });
    let differ = differ.count();
    Ok(Finding {
        situation: "each report is copied ten times",
        expected: "copies ignored, every number as without",
        found: format!(
            "{} ignored, {differ} of 2 nodes differ",
            percent(f64::from(ignored as u32) / f64::from(copied))
        ),
        amiss: differ + usize::from(ignored != copied as usize),
    })
}
