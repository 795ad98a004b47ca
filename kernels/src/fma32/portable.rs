//! The reference of the chains. `mul_add` rounds once on every platform, in hardware or not.

use super::{Lane, TOGETHER};

pub(super) fn run(lanes: &mut [Lane; TOGETHER], steps: u32) {
    for lane in lanes {
        for _ in 0..steps {
            for ((x, y), s) in lane.x.iter_mut().zip(&mut lane.y).zip(&lane.s) {
                *x = s.mul_add(*y, *x);
                *y = (-s).mul_add(*x, *y);
            }
        }
    }
}
