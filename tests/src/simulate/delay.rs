//! How long a verdict takes, beside the least that any method with the same error could take.
//!
//! Owns the bound: a test that accuses wrongly with probability a at most needs ln(1/a) / KL audits on average, where KL
//! is the divergence of what a host does from what any host that keeps the claims may do (Wald 1945; for a mean of bounded
//! variables Honda and Takemura 2010). Both claims are bounded; the larger divergence counts.

use super::fisher::Fisher;
use super::host::Host;
use super::market::REHEARSAL;
use super::model::Model;
use super::owner;
use super::parallel;
use super::promise::Promise;
use super::stream::Stream;
use super::table::{median, quantile};
use super::world::{Cast, World};
use crate::output;
use anyhow::Result;
use gpux_oracle::score::{Parameters, Standing};

/// Sessions of a host by which its divergence is computed.
const SAMPLE: u32 = 200_000;

/// One host and what is promised of it.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    host: Host,
    /// With no corrupt owner assumed, at most this many times the bound.
    ratio_most: Option<f64>,
    /// With a fifth assumed, at most this many audits.
    audits_most: Option<f64>,
}

const CASES: [Case; 4] = [
    Case { name: "always 3060 as 3090", host: Host::SlowerCard, ratio_most: Some(1.3), audits_most: Some(16.0) },
    Case { name: "10 % cheat", host: Host::Swaps { share: 0.1 }, ratio_most: Some(1.3), audits_most: Some(450.0) },
    Case { name: "5 % cheat", host: Host::Swaps { share: 0.05 }, ratio_most: None, audits_most: None },
    Case { name: "15 % under", host: Host::Under { mean: 0.85 }, ratio_most: Some(1.5), audits_most: Some(60.0) },
];

/// Delays of one case with one c.
struct Delays {
    case: Case,
    corrupt_bps: u16,
    probes: Vec<f64>,
    audits: Vec<f64>,
    nodes: usize,
}

/// Runs all cases, the slow one without a promise only when there is time; the text and what it must show.
pub(super) fn report(seed: u64, nodes: usize, quick: bool) -> Result<(String, Vec<Promise>)> {
    let cases = CASES.iter().filter(|case| !quick || case.audits_most.is_some());
    let questions: Vec<_> = cases.flat_map(|case| [(*case, 0), (*case, 2_000)]).collect();
    let all = parallel::map(&questions, |_, (case, corrupt_bps)| delays(seed, nodes, *case, *corrupt_bps));
    let all = all.into_iter().collect::<Result<Vec<_>>>()?;
    let (mut rows, mut promises) = (Vec::new(), Vec::new());
    for delays in &all {
        let Delays { case, corrupt_bps, probes, audits, nodes } = delays;
        let least = bound(seed, case.host);
        let mean = audits.iter().sum::<f64>() / audits.len() as f64;
        let (middle, late) = (median(audits.iter().copied()), quantile(audits.iter().copied(), 0.95));
        rows.push(vec![
            case.name.to_owned(),
            format!("{:.1}", f64::from(*corrupt_bps) / 1e4),
            format!("{} of {nodes}", audits.len()),
            format!("{:.0}", median(probes.iter().copied())),
            format!("{:.0}", quantile(probes.iter().copied(), 0.95)),
            format!("{middle:.0}"),
            format!("{late:.0}"),
            format!("{mean:.1}"),
            format!("{least:.1}"),
            format!("{:.2}", mean / least),
        ]);
        let missed = (nodes - audits.len()) as f64;
        if case.audits_most.is_some() {
            let name = format!("{}, c = {}: not convicted", case.name, f64::from(*corrupt_bps) / 1e4);
            promises.push(Promise::most(name, missed, 0.0));
        }
        match (corrupt_bps, case.ratio_most, case.audits_most) {
            (0, Some(most), _) => {
                promises.push(Promise::most(format!("{}: mean audits over the bound", case.name), mean / least, most));
            }
            (1.., _, Some(most)) => {
                promises.push(Promise::most(format!("{}, c = 0.2: median audits", case.name), middle, most));
            }
            _ => {}
        }
    }
    let header = [
        "host",
        "c",
        "convicted",
        "probes to suspicion",
        "95 %",
        "audits to verdict",
        "95 %",
        "mean",
        "bound",
        "ratio",
    ];
    Ok((output::render(&header, &rows), promises))
}

fn delays(seed: u64, nodes: usize, case: Case, corrupt_bps: u16) -> Result<Delays> {
    let cast =
        Cast { hosts: vec![case.host; nodes], fishers: vec![Fisher::Honest; 60], owners: owner::owners(40, 0.0) };
    let mut world = World::new(seed, cast);
    let parameters = Parameters { corrupt_owners_bps: corrupt_bps, ..Parameters::production() };
    let mut model = Model::new(parameters, &world)?;
    for _ in 0..REHEARSAL {
        let sessions: Vec<_> = (0..60).map(|fisher| world.rehearse(fisher)).collect();
        model.rehearse(&sessions)?;
    }
    for epoch in 1..=20_000 {
        let probed: Vec<_> = (0..nodes).filter(|node| model.standing(*node) != Standing::Convicted).collect();
        if probed.is_empty() {
            break;
        }
        for node in &probed {
            model.take(&world.session(*node, epoch))?;
        }
        model.close()?;
        probed.iter().for_each(|node| model.note(*node, epoch));
    }
    let convicted = model.dates.iter().filter(|dates| dates.convicted.is_some());
    Ok(Delays {
        case,
        corrupt_bps,
        probes: model.dates.iter().filter_map(|dates| dates.suspect).map(f64::from).collect(),
        audits: convicted.map(|dates| f64::from(dates.audits)).collect(),
        nodes,
    })
}

/// The least number of audits on average.
fn bound(seed: u64, host: Host) -> f64 {
    let parameters = Parameters::production();
    let (claim, rate) = (f64::from(parameters.mean_bps) / 1e4, f64::from(parameters.rate_bps) / 1e4);
    let mut stream = Stream::of(seed, &[4]);
    let xs: Vec<f64> = (1..=SAMPLE).map(|probe| host.deliver(probe, &mut stream).clamp(0.0, 1.0)).collect();
    let slow = xs.iter().filter(|x| **x < f64::from(parameters.slow_bps) / 1e4).count() as f64 / xs.len() as f64;
    let of_rate = if slow > rate { divergence(slow, rate) } else { 0.0 };
    // The first visit's share of a2 is 6 / pi^2.
    let error = f64::from(parameters.accusation_error_ppm) / 1e6 * 6.0 / std::f64::consts::PI.powi(2);
    -error.ln() / of_rate.max(divergence_of_mean(&xs, claim))
}

/// KL of two shares.
fn divergence(p: f64, q: f64) -> f64 {
    let part = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    part(p, q) + part(1.0 - p, 1.0 - q)
}

/// The least KL of a sample to any distribution on 0 to 1 whose mean is at least the claim: the largest growth of a bet,
/// which is concave in its stake.
fn divergence_of_mean(xs: &[f64], claim: f64) -> f64 {
    let growth =
        |stake: f64| xs.iter().map(|x| (1.0 + stake * (claim - x) / (1.0 - claim)).ln()).sum::<f64>() / xs.len() as f64;
    let (mut low, mut high) = (0.0, 1.0 - 1e-9);
    for _ in 0..60 {
        let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if growth(a) < growth(b) { low = a } else { high = b }
    }
    growth(low).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_that_of_kullback_and_leibler() {
        // ln(16,449) / ln(50), and over 0.1 ln 5 + 0.9 ln(0.9 / 0.98).
        assert!((bound(1, Host::SlowerCard) - 2.482).abs() < 0.01);
        assert!((bound(1, Host::Swaps { share: 0.1 }) - 115.2).abs() < 5.0);
        // A host that always delivers 0.85: ln(1 + 0.07 / 0.08).
        assert!((divergence_of_mean(&[0.85; 8], 0.92) - 0.6286).abs() < 1e-3);
    }
}
