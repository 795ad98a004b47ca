//! The baselines' constants and thresholds, chosen for them on seeds that the table does not use.
//!
//! Owns the search: each kind with each of its constants and each rule for hearing fishers runs through the same markets;
//! then the threshold is taken, among all grades that occurred, at which the share of compliant nodes accused and the
//! share of cheats missed sum to the least, averaged over the markets.

use super::{Judge, Kind, Setting};
use crate::output;
use crate::simulate::{
    market::{Market, run},
    parallel,
    table::{CLASSES, percent},
};
use anyhow::Result;

/// Shares of refuting audits from which a fisher is not heard; the last hears everybody.
const REFUTED: [f64; 4] = [0.1, 0.3, 0.5, 2.0];
/// The markets that are tuned on: shares of lying fishers and of corrupt owners.
const MARKETS: [(f64, f64); 3] = [(0.0, 0.0), (0.2, 0.0), (0.2, 0.2)];

/// What tuning found for one baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::simulate) struct Tuned {
    pub(in crate::simulate) setting: Setting,
    /// False accusations plus missed cheats on the markets that were tuned on, as shares.
    pub(in crate::simulate) loss: f64,
}

/// The best setting of each baseline.
pub(in crate::simulate) fn tune(seed: u64, market: &Market) -> Result<Vec<Tuned>> {
    let settings: Vec<_> = Kind::ALL
        .into_iter()
        .flat_map(|kind| REFUTED.map(|refuted| Setting { kind, refuted, threshold: f64::NEG_INFINITY }))
        .collect();
    let judged = parallel::map(&MARKETS, |at, (liars, corrupt)| {
        // Fewer nodes say as much of a threshold; as many probes are needed, since the lowest grade counts.
        let Market { compliant, cheats, .. } = Market::QUICK;
        let market = Market { compliant, cheats, liars: *liars, corrupt: *corrupt, model: false, ..*market };
        run(seed + 1 + at as u64, &market, &settings).map(|outcome| (outcome.judges, outcome.classes))
    });
    let judged = judged.into_iter().collect::<Result<Vec<_>>>()?;
    let mut best: Vec<Tuned> = Vec::new();
    for (at, setting) in settings.iter().enumerate() {
        let samples: Vec<_> = judged.iter().map(|(judges, classes)| Sample::of(&judges[at], classes)).collect();
        let tuned = threshold(*setting, &samples);
        match best.iter_mut().find(|other| other.setting.kind.name() == setting.kind.name()) {
            Some(other) if other.loss <= tuned.loss => {}
            Some(other) => *other = tuned,
            None => best.push(tuned),
        }
    }
    Ok(best)
}

/// The lowest grades of one market, sorted: of nodes while they kept their claims, and of each class of cheats after.
struct Sample {
    kept: Vec<f64>,
    broke: Vec<Vec<f64>>,
}

impl Sample {
    fn of(judge: &Judge, classes: &[usize]) -> Self {
        let nodes =
            |class: usize| classes.iter().enumerate().filter(move |(_, of)| **of == class).map(|(node, _)| node);
        let sorted = |grades: &mut dyn Iterator<Item = f64>| {
            let mut grades: Vec<f64> = grades.collect();
            grades.sort_unstable_by(f64::total_cmp);
            grades
        };
        Self {
            kept: sorted(&mut nodes(0).map(|node| judge.lowest[node][0])),
            broke: (1..CLASSES).map(|class| sorted(&mut nodes(class).map(|node| judge.lowest[node][1]))).collect(),
        }
    }

    /// Shares of compliant nodes accused and of cheats missed at a threshold, added.
    fn loss(&self, threshold: f64) -> f64 {
        let below = |grades: &[f64]| grades.partition_point(|grade| *grade < threshold) as f64 / grades.len() as f64;
        let missed = self.broke.iter().map(|grades| 1.0 - below(grades)).sum::<f64>() / self.broke.len() as f64;
        below(&self.kept) + missed
    }
}

fn threshold(setting: Setting, samples: &[Sample]) -> Tuned {
    let grades = samples.iter().flat_map(|sample| sample.kept.iter().chain(sample.broke.iter().flatten()));
    let loss = |threshold: f64| samples.iter().map(|sample| sample.loss(threshold)).sum::<f64>() / samples.len() as f64;
    let tried = grades.filter(|grade| grade.is_finite()).map(|grade| {
        // Just above a grade, so that the node which had it is accused.
        let threshold = grade + 1e-9;
        Tuned { setting: Setting { threshold, ..setting }, loss: loss(threshold) }
    });
    let none = Tuned { setting, loss: loss(f64::NEG_INFINITY) };
    tried.fold(none, |best, next| if next.loss < best.loss { next } else { best })
}

/// How the baselines are set.
pub(in crate::simulate) fn render(tuned: &[Tuned]) -> String {
    let rows = tuned.iter().map(|Tuned { setting: Setting { kind, refuted, threshold }, loss }| {
        let constant = match kind {
            Kind::Ewma { step } => format!("newest weighs {step}"),
            Kind::StakeMedian { window } => format!("{window} reports"),
            Kind::BetaMean | Kind::PlainMean | Kind::EigenTrust | Kind::TTest => String::new(),
        };
        let heard = if *refuted > 1.0 { "all".to_owned() } else { format!("refuted in <= {}", percent(*refuted)) };
        vec![kind.name().to_owned(), constant, heard, format!("{threshold:.4}"), format!("{loss:.3}")]
    });
    output::render(&["baseline", "constant", "fishers heard", "accused below", "loss"], &rows.collect::<Vec<_>>())
}
