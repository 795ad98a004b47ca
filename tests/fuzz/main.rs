//! `gpux-fuzz`: one target under libFuzzer, by the name in GPUX_FUZZ_TARGET; libFuzzer reads the arguments. Before it does, the
//! target's seeds are written into the folder GPUX_FUZZ_SEEDS.
#![no_main]

use gpux_tests::fuzz::{self, Target, meter::Meter, replay};
use std::sync::OnceLock;

#[global_allocator]
static METER: Meter = Meter;
static TARGET: OnceLock<&Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("GPUX_FUZZ_TARGET").unwrap_or_default();
        let target = fuzz::find(&name).unwrap_or_else(|| panic!("GPUX_FUZZ_TARGET names no target: {name:?}"));
        if let Some(folder) = std::env::var_os("GPUX_FUZZ_SEEDS") {
            replay::write_seeds(target, folder.as_ref()).expect("the seeds can be written");
        }
        TARGET.get_or_init(|| target);
    },
    |input: &[u8]| {
        if let Some(target) = TARGET.get() {
            target.run(input);
        }
    }
);
