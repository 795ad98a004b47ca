//! The sources of the CUDA kernels, run on this machine, agree bit for bit with the crate.
//!
//! `cuda/host` compiles the very sources that become PTX as C++ for the host: threads as fibers, barriers and warp
//! instructions as meetings, matrix instructions by their fragment layouts, all under a seeded random schedule. Here
//! they are compared with the crate's own devices and formats on sizes that are no multiple of anything, and broken one
//! by one to show that the comparison notices; and the crate's `cuda` device runs on them, behind a driver of the host
//! (`device`). Needs a C++17 compiler: `$CXX`, else `g++`.

mod buffer;
mod chains;
mod compiler;
mod device;
mod faults;
mod formats;
mod library;
mod mutants;
mod passes;
mod product;
mod random;
mod reference;
mod tree;
mod walk;

use library::Library;
use random::Random;

/// One comparison of a library with the crate, on a size, under keys and a schedule that are drawn; says what differs.
type Comparison = fn(&Library, &mut Random) -> Result<(), String>;

/// Compares the sources as they are, `cases` times.
#[track_caller]
fn assert_same(comparison: Comparison, cases: u64) {
    for case in 0..cases {
        if let Err(difference) = comparison(&library::UNCHANGED, &mut Random::new(case)) {
            panic!("case {case}: {difference}");
        }
    }
}
