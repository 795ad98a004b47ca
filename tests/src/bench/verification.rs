//! What re-checking a session costs one core, at production size: the budget of a fisher without a GPU, and of every
//! operator who countersigns.

use crate::figures::{Budget, Figure};
use gpux_kernels::bench::{BUDGET, CARD, verification_cost};

/// How often it is measured; the best counts, since other programs only ever make it slower.
const TRIES: usize = 3;

/// Measures on this thread.
#[must_use]
pub fn figures() -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut total = 0.0;
    for probe in CARD {
        let seconds = (0..TRIES).filter_map(|_| verification_cost(probe)).min().unwrap_or_default().as_secs_f64();
        total += seconds;
        figures.push(Figure::printed(format!("verify 90 openings of {probe}"), seconds, "s"));
    }
    let budget = Budget::Most(BUDGET.as_secs_f64());
    figures.push(Figure::budgeted("verify a card's seven probes on one core", total, "s", budget));
    figures
}
