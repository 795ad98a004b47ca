//! What re-checking a session costs one core, at production size: the budget of a fisher without a GPU, and of every
//! operator who countersigns.

use crate::figures::{Budget, Figure};
use gpux_kernels::bench::{BUDGET, verification_cost};

/// How often it is measured; the best counts, since other programs only ever make it slower.
const TRIES: usize = 3;

/// Measures on this thread.
#[must_use]
pub fn figures() -> Vec<Figure> {
    let costs: Vec<_> = (0..TRIES).map(|_| verification_cost()).collect();
    let Some(best) = costs.into_iter().min_by_key(|figures| figures.budgeted()) else { return Vec::new() };
    vec![
        Figure::printed("verify 90 tiles of 128x128 at k = 8192", best.imma.as_secs_f64(), "s"),
        Figure::printed("verify 64 segments of 4096 steps at hard = 128", best.vram.as_secs_f64(), "s"),
        Figure::printed("verify 64 fp64 lanes of 65536 steps", best.fma64.as_secs_f64(), "s"),
        Figure::budgeted(
            "verify tiles and segments of a session on one core",
            best.budgeted().as_secs_f64(),
            "s",
            Budget::Most(BUDGET.as_secs_f64()),
        ),
    ]
}
