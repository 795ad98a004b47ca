//! Situations about identity: starting again under a new name, one rotten node in a house, and the way back.

use super::host::Host;
use super::situation::{Finding, Scene, honest};
use super::table::median;
use anyhow::Result;
use gpux_oracle::score::{Verdict, worst_decile_bps};

/// How many new names a whitewasher takes.
const NAMES: usize = 20;
/// How many nodes the organisation has.
const HOUSE: usize = 20;

/// All of them.
pub(super) const SITUATIONS: [fn(u64, bool) -> Result<Finding>; 4] = [whitewashing, rotten, repentance, relapse];

/// A slower card starts again under a new name whenever it is convicted; beside it one honest node stays.
fn whitewashing(seed: u64, _quick: bool) -> Result<Finding> {
    let hosts = std::iter::repeat_n(Host::SlowerCard, NAMES).chain([Host::Compliant { slow: 0.005 }]).collect();
    let mut scene = Scene::new(seed, hosts, honest())?;
    let (mut best, mut lives) = (0, Vec::new());
    for name in 0..NAMES {
        let mut life = 0;
        while !scene.is_convicted(name) && life < 500 {
            scene.step(&[name, NAMES])?;
            life += 1;
            best = best.max(scene.low_bps(name));
        }
        lives.push(f64::from(life));
    }
    let (caught, honest) = (scene.convicted(0..NAMES), scene.low_bps(NAMES));
    Ok(Finding {
        situation: "whitewashing: a new name after each verdict",
        expected: "each name convicted, L never near an honest node's",
        found: format!(
            "{caught} of {NAMES} names, each for {:.0} probes; best L {best}, honest L {honest}",
            median(lives.into_iter())
        ),
        amiss: NAMES - caught + usize::from(best >= honest / 2),
    })
}

/// One node of an organisation is a slower card.
fn rotten(seed: u64, _quick: bool) -> Result<Finding> {
    let mut hosts = vec![Host::Compliant { slow: 0.005 }; HOUSE];
    hosts[0] = Host::SlowerCard;
    let mut scene = Scene::new(seed, hosts, honest())?;
    for node in 0..HOUSE {
        scene.model.announce(node, Some([7; 32]))?;
    }
    scene.run(400)?;
    let scores: Vec<_> = (0..HOUSE)
        .filter_map(|node| scene.model.state.score(scene.model.node(node)))
        .map(|score| (score.estimate.score_bps, score.verdict))
        .collect();
    let accused = scores.iter().skip(1).filter(|score| score.1 == Verdict::UnderDelivering).count();
    let honest = scores.iter().skip(1).filter(|score| score.1 == Verdict::Honest).count();
    let caught = usize::from(scene.is_convicted(0));
    let worst = scores.iter().map(|score| score.0).min().unwrap_or_default();
    let decile = worst_decile_bps(&scores.iter().map(|score| score.0).collect::<Vec<_>>()).unwrap_or_default();
    Ok(Finding {
        situation: "an organisation with one rotten node of 20",
        expected: "it alone convicted, the others called honest",
        found: format!("{caught} convicted, {accused} others, {honest} honest; worst S {worst}, worst decile {decile}"),
        amiss: 1 - caught + accused + (HOUSE - 1 - honest),
    })
}

/// Nodes that turn honest as soon as they are convicted.
fn repentance(seed: u64, _quick: bool) -> Result<Finding> {
    recovery(seed, "recovery: honest right after the verdict", 15, 700)
}

/// Nodes that go on as before for a while: what audits saw since the verdict has to be made good.
fn relapse(seed: u64, _quick: bool) -> Result<Finding> {
    recovery(seed, "recovery: honest 45 probes after the verdict", 60, 2_500)
}

fn recovery(seed: u64, situation: &'static str, from: u32, probes: u32) -> Result<Finding> {
    let mut scene = Scene::new(seed, vec![Host::Recovers { from }; HOUSE], honest())?;
    let nodes: Vec<_> = (0..HOUSE).collect();
    for _ in 0..probes {
        scene.step(&nodes)?;
    }
    let convicted = scene.convicted(0..HOUSE);
    let back: Vec<_> = scene.model.dates.iter().filter_map(|dates| dates.recovered).map(f64::from).collect();
    let still = nodes.iter().filter(|node| scene.is_convicted(**node)).count();
    let (cleared, middle) = (back.len(), median(back.into_iter()));
    Ok(Finding {
        situation,
        expected: "all convicted, all cleared by new audits",
        found: format!("{convicted} of {HOUSE} convicted, {cleared} cleared after {middle:.0} probes"),
        amiss: HOUSE - convicted + still,
    })
}
