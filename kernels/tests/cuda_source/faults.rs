//! What ends a launch: what the language leaves undefined, and sums that a card could round.

use crate::library::{Kernel, UNCHANGED};
use crate::mutants::difference;
use crate::random::Random;
use crate::{product, tree};

/// Asserts that a launch ended with this message.
#[track_caller]
fn assert_fault(found: &str, message: &str) {
    assert!(found.contains(message), "{found:?} does not say {message:?}");
}

#[test]
fn barrier_in_a_branch_is_reported() {
    let (from, to) = (
        "        __syncthreads();\n        left_over",
        "        if (threadIdx.x < above) __syncthreads();\n        left_over",
    );
    assert_fault(&difference("fma32", tree::FMA32, &[("gpux.cuh", from, to)]), "threads meet at different barriers");
}

#[test]
fn barrier_that_a_warp_misses_is_reported() {
    let (from, to) = ("tile.pad();\n    __syncthreads();", "tile.pad();\n    if (warp != 3) __syncthreads();");
    assert_fault(&difference("imma", product::IMMA, &[("gemm.cuh", from, to)]), "no thread can go on");
}

#[test]
fn shuffle_that_a_lane_misses_is_reported() {
    let (from, to) = ("step < chunks; step *= 2", "step < chunks && lane != 5; step *= 2");
    assert_fault(&difference("imma", product::IMMA, &[("tile.cuh", from, to)]), "__shfl_down_sync names thread");
}

#[test]
fn misaligned_row_is_reported() {
    let (from, to) = ("(row / 2 % 4)) * 16", "(row / 2 % 4)) * 8");
    assert_fault(&difference("imma", product::IMMA, &[("gemm.cuh", from, to)]), "no multiple of 16");
}

#[test]
fn sum_that_could_be_rounded_is_reported() {
    let at_the_end_only = ("hmma.cu", "RUN_STEPS = 6", "RUN_STEPS = 0");
    let twice_as_late = ("hmma.cu", "RUN_STEPS = 6", "RUN_STEPS = 12");
    let unchecked = ("hmma.cu", "static_assert(255 * 255 * RUN_VALUES", "static_assert(0 * RUN_VALUES");
    let never = ("hmma.cu", "sum -= (sum + ROUNDER) - ROUNDER;", "");
    for changes in [vec![at_the_end_only], vec![twice_as_late, unchecked], vec![never]] {
        let found = difference("hmma", product::HMMA_OF_LARGEST, &changes);
        assert_fault(&found, "a sum in single precision can reach 2^24");
    }
}

#[test]
fn launch_of_nothing_is_refused() {
    let launch =
        |name, block| UNCHANGED.launch(&Kernel { module: "imma", name, grid: [1, 1], block }, &[], &mut Random::new(0));
    assert_eq!(launch("gpux_walk", 32), Err("gpux_walk: outcome 1: no kernel gpux_walk in module imma".to_owned()));
    assert_eq!(launch("gpux_imma", 1_025), Err("gpux_imma: outcome 2: 1 blocks of 1025 threads".to_owned()));
}
