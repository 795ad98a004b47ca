//! The corpus, the seeds and damaged copies of both through every fuzz target: no panic, no broken promise, bounded memory.
//! `make fuzz` searches on from here.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

use gpux_proto::bytes::to_hex;
use gpux_tests::fuzz::{
    INPUT_BYTES_MAX, TARGETS, Target,
    meter::{Meter, peak},
    replay::{self, Dice},
};
use std::sync::{Mutex, PoisonError};

#[global_allocator]
static METER: Meter = Meter;

/// Damaged copies of a target's inputs, all together; a few targets take milliseconds an input.
const COPIES: usize = 300;
/// The largest corpus in the repository.
const CORPUS_BYTES_MAX: usize = 1 << 20;

/// Memory is counted for the whole process, so tests take turns.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn every_parser_keeps_its_promises_on_the_corpus_and_on_damaged_copies_of_it() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut corpus = 0;
    for target in &TARGETS {
        let inputs = replay::inputs(target).unwrap();
        corpus += inputs.iter().map(Vec::len).sum::<usize>();
        let mut dice = Dice::new(target.name);
        for input in &inputs {
            assert!(input.len() <= INPUT_BYTES_MAX, "{} has an input of {} bytes", target.name, input.len());
            run(target, input);
        }
        for _ in 0..COPIES {
            run(target, &dice.damage(&inputs));
        }
    }
    assert!(corpus <= CORPUS_BYTES_MAX, "{corpus} bytes");
}

fn run(target: &Target, input: &[u8]) {
    let kept = std::panic::catch_unwind(|| target.run(input));
    assert!(kept.is_ok(), "{} fails on {}", target.name, to_hex(input));
}

#[test]
fn an_allocator_that_counts_sees_what_is_held_at_once() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let held = peak(|| {
        for size in [40_000_000, 30_000_000] {
            drop(std::hint::black_box(vec![1u8; size]));
        }
    });
    assert!((40_000_000..41_000_000).contains(&held), "{held}");
}
