//! The table of the method's page: who was accused, and after how long, by our model and by the baselines.
//!
//! Owns the classes of nodes and what is counted of each. A node that turns bad later and was accused before is not found.

use super::baselines::{Judge, Setting};
use super::market::{Market, Outcome, run};
use super::parallel;
use super::promise::Promise;
use crate::output;
use anyhow::Result;

/// How many classes of nodes there are: those that keep their claims, and four kinds of cheats.
pub(super) const CLASSES: usize = 5;
/// The columns of the cheats.
const CHEATS: [&str; CLASSES - 1] = ["always 3060 as 3090", "10 % cheat", "15 % under", "milks then cheats"];
/// The shares of lying fishers.
const LIARS: [f64; 5] = [0.0, 0.1, 0.2, 0.3, 0.4];
/// The shares of corrupt audit owners.
const CORRUPT: [f64; 4] = [0.0, 0.1, 0.2, 0.3];
/// The rows in which baselines are shown, by their shares.
const COMPARED: [(f64, f64); 4] = [(0.0, 0.0), (0.2, 0.0), (0.4, 0.0), (0.2, 0.2)];

/// One market's results.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) liars: f64,
    pub(super) corrupt: f64,
    pub(super) outcome: Outcome,
}

/// Runs all markets.
pub(super) fn rows(seed: u64, market: &Market, settings: &[Setting], quick: bool) -> Result<Vec<Row>> {
    // Short runs leave out every other share.
    let every = if quick { 2 } else { 1 };
    let corrupt = || CORRUPT.into_iter().step_by(every).filter(|share| !quick || *share <= 0.2);
    let shares = LIARS.into_iter().step_by(every).flat_map(|liars| corrupt().map(move |corrupt| (liars, corrupt)));
    let markets: Vec<_> = shares.map(|(liars, corrupt)| Market { liars, corrupt, ..*market }).collect();
    let rows = parallel::map(&markets, |_, market| {
        let compared = COMPARED.contains(&(market.liars, market.corrupt));
        let outcome = run(seed, market, if compared { settings } else { &[] })?;
        Ok(Row { liars: market.liars, corrupt: market.corrupt, outcome })
    });
    rows.into_iter().collect()
}

/// What our model found, a line a market.
pub(super) fn ours(rows: &[Row]) -> String {
    let cells = rows.iter().map(|row| {
        let honest = row.outcome.weights.iter().filter(|(_, honest)| *honest);
        let heard = honest.clone().filter(|(weight, _)| *weight == 64).count() as f64 / honest.count().max(1) as f64;
        let lies = row.outcome.weights.iter().filter(|(weight, honest)| !honest && *weight > 0).count();
        let mut cells =
            vec![percent(row.liars), percent(row.corrupt), row.accused().to_string(), row.suspects().to_string()];
        cells.extend((1..CLASSES).map(|class| row.found(class)));
        cells.extend([percent(heard), lies.to_string()]);
        cells
    });
    let header = ["liars", "corrupt owners", "falsely accused", "falsely suspect"];
    let header: Vec<_> = header.into_iter().chain(CHEATS).chain(["honest fishers heard", "liars heard"]).collect();
    output::render(&header, &cells.collect::<Vec<_>>())
}

/// What the baselines found in the markets in which they are compared.
pub(super) fn theirs(rows: &[Row]) -> String {
    let compared = rows.iter().filter(|row| !row.outcome.judges.is_empty());
    let cells = compared.flat_map(|row| {
        let line = |name: &str, false_accusations: f64, found: [String; CLASSES - 1]| {
            let mut cells = vec![name.to_owned(), percent(row.liars), percent(row.corrupt), percent(false_accusations)];
            cells.extend(found);
            cells
        };
        let ours = [1, 2, 3, 4].map(|class| row.found(class));
        let first = line("GPUX", row.accused() as f64 / row.outcome.of(0).count() as f64, ours);
        let others = row.outcome.judges.iter().map(move |judge| {
            let found = [1, 2, 3, 4].map(|class| row.outcome.found_by(judge, class));
            line(judge.setting.kind.name(), row.outcome.accused_by(judge), found)
        });
        std::iter::once(first).chain(others).collect::<Vec<_>>()
    });
    let header: Vec<_> = ["model", "liars", "corrupt owners", "falsely accused"].into_iter().chain(CHEATS).collect();
    output::render(&header, &cells.collect::<Vec<_>>())
}

/// What the table must show: nobody accused wrongly and every cheat found, with up to a fifth of the owners corrupt.
/// A short run ends before the slowest verdicts, so only its other cheats must be found.
pub(super) fn promises(rows: &[Row], quick: bool) -> Vec<Promise> {
    let promised = rows.iter().filter(|row| row.corrupt <= 0.2);
    let (mut accused, mut missed) = (0, 0);
    for row in promised {
        accused += row.accused();
        let due = (1..CLASSES).filter(|class| !quick || row.corrupt == 0.0 || *class != 2);
        missed += due.map(|class| row.missed(class)).sum::<usize>();
    }
    vec![
        Promise::most("compliant nodes accused, up to 20 % corrupt owners", accused as f64, 0.0),
        Promise::most("cheats missed, up to 20 % corrupt owners", missed as f64, 0.0),
    ]
}

/// For each baseline, the largest share of compliant nodes that it accused.
pub(super) fn baselines(rows: &[Row]) -> Vec<(&'static str, f64)> {
    let mut worst: Vec<(&'static str, f64)> = Vec::new();
    for (row, judge) in rows.iter().flat_map(|row| row.outcome.judges.iter().map(move |judge| (row, judge))) {
        let (name, share) = (judge.setting.kind.name(), row.outcome.accused_by(judge));
        match worst.iter_mut().find(|worst| worst.0 == name) {
            Some(worst) => worst.1 = worst.1.max(share),
            None => worst.push((name, share)),
        }
    }
    worst
}

impl Row {
    /// Compliant nodes that our model accused.
    pub(super) fn accused(&self) -> usize {
        self.outcome.of(0).filter(|node| self.outcome.dates[*node].convicted.is_some()).count()
    }

    /// Compliant nodes that were ever suspect, which nobody is told.
    fn suspects(&self) -> usize {
        self.outcome.of(0).filter(|node| self.outcome.dates[*node].suspect.is_some()).count()
    }

    fn missed(&self, class: usize) -> usize {
        self.outcome.of(class).count() - self.verdicts(class).len()
    }

    /// Probes to suspicion and audits to the verdict, of each cheat that was found.
    pub(super) fn verdicts(&self, class: usize) -> Vec<(u32, u32)> {
        let Outcome { dates, onsets, .. } = &self.outcome;
        let found = self.outcome.of(class).filter_map(|node| {
            let (dates, onset) = (dates[node], onsets[node]?);
            let convicted = dates.convicted.filter(|probe| *probe >= onset)?;
            let suspect = dates.suspect.unwrap_or(convicted);
            Some((suspect.saturating_sub(onset) + 1, dates.audits))
        });
        found.collect()
    }

    fn found(&self, class: usize) -> String {
        let verdicts = self.verdicts(class);
        let share = verdicts.len() as f64 / self.outcome.of(class).count() as f64;
        if verdicts.is_empty() {
            return percent(share);
        }
        let probes = median(verdicts.iter().map(|verdict| f64::from(verdict.0)));
        let audits = median(verdicts.iter().map(|verdict| f64::from(verdict.1)));
        format!("{}, {probes:.0} + {audits:.0}", percent(share))
    }
}

impl Outcome {
    /// The nodes of a class.
    pub(super) fn of(&self, class: usize) -> impl Iterator<Item = usize> + '_ {
        self.classes.iter().enumerate().filter(move |(_, of)| **of == class).map(|(node, _)| node)
    }

    /// The share of compliant nodes that a baseline accused.
    pub(super) fn accused_by(&self, judge: &Judge) -> f64 {
        self.of(0).filter(|node| judge.accused[*node].is_some()).count() as f64 / self.of(0).count() as f64
    }

    /// The share of a class that a baseline found, and after how many probes.
    fn found_by(&self, judge: &Judge, class: usize) -> String {
        let delays: Vec<_> = self
            .of(class)
            .filter_map(|node| {
                let (accused, onset) = (judge.accused[node]?, self.onsets[node]?);
                (accused >= onset).then(|| f64::from(accused - onset + 1))
            })
            .collect();
        let share = delays.len() as f64 / self.of(class).count() as f64;
        if delays.is_empty() {
            return percent(share);
        }
        format!("{}, {:.0}", percent(share), median(delays.into_iter()))
    }
}

/// A share as people read it.
pub(super) fn percent(share: f64) -> String {
    if share > 0.995 && share < 1.0 || share > 0.0 && share < 0.005 {
        return format!("{:.1} %", 100.0 * share);
    }
    format!("{:.0} %", 100.0 * share)
}

/// The middle value; not a number of nothing.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this share lies.
pub(super) fn quantile(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let at = ((values.len() as f64 * share).ceil() as usize).max(1) - 1;
    values.get(at).copied().unwrap_or(f64::NAN)
}
