//! The numbers of docs/method/kernels.md, computed again.

use gpux_kernels::{
    catalogue,
    plan::{Market, OPENINGS, plan},
    probe::{Parameters, ProbeId, Shape},
};

const PAGE: &str = include_str!("../../docs/method/kernels.md");
/// The card of the worked example.
const CARD: &str = "GeForce RTX 3090";

/// The page's row that begins with these cells.
fn row(start: &str) -> Vec<&'static str> {
    let rows: Vec<_> = PAGE.lines().filter(|line| line.starts_with(start)).collect();
    assert_eq!(rows.len(), 1, "{} rows begin with {start}", rows.len());
    rows[0].trim_matches('|').split('|').map(str::trim).collect()
}

/// A number with commas between groups of three digits.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let groups: Vec<_> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits are text")).collect();
    groups.join(",")
}

fn worked(probe: ProbeId) -> (Parameters, u64) {
    let parameters = plan(probe, Market::Production).expect("it has a plan").parameters;
    let cells = parameters.cells_for(catalogue::by_name(CARD).expect("the card is listed").usable_bytes);
    (parameters, cells)
}

#[test]
fn the_worked_round_of_each_probe_is_what_the_crate_computes() {
    let card = catalogue::by_name(CARD).expect("the card is listed");
    for probe in [
        ProbeId::Imma,
        ProbeId::Hmma,
        ProbeId::Fma32,
        ProbeId::Fma64,
        ProbeId::Dp4a,
        ProbeId::Vram,
        ProbeId::Stream,
        ProbeId::Link,
    ] {
        let (parameters, cells) = worked(probe);
        let cells_of_page = row(&format!("| {probe} | worked |"));
        let work = parameters.work_per_round(cells);
        assert_eq!(cells_of_page[2], grouped(parameters.units_per_round(cells).into()), "units of {probe}");
        assert_eq!(cells_of_page[3], grouped(work), "work of {probe}");
        let Some(figure) = card.figure(probe) else {
            assert_eq!(cells_of_page[5], "-", "{probe} of {CARD}");
            continue;
        };
        let (millis, rounds) = (work as f64 / figure * 1e3, 3.0 / (work as f64 / figure));
        assert_eq!(cells_of_page[5], format!("{millis:.2} ms"), "time of {probe}");
        assert_eq!(cells_of_page[6], format!("{rounds:.0}"), "rounds of {probe}");
    }
}

#[test]
fn the_cost_of_an_opened_unit_is_what_its_shape_says() {
    for probe in [ProbeId::Imma, ProbeId::Hmma, ProbeId::Fma32, ProbeId::Fma64, ProbeId::Dp4a, ProbeId::Vram] {
        let (parameters, _) = worked(probe);
        let cost = match parameters.shape {
            Shape::Product { k, tile, .. } => 2 * u128::from(tile) * u128::from(tile) * u128::from(k),
            Shape::Chains { .. } => parameters.work_per_round(0) / u128::from(parameters.units_per_round(0)),
            Shape::Walk { steps, hard, .. } => u128::from(steps) * u128::from(hard),
            Shape::Pass { .. } | Shape::Link { .. } | Shape::Pages { .. } => unreachable!("not among these"),
        };
        assert_eq!(row(&format!("| {probe} | worked |"))[4], grouped(cost), "an opened unit of {probe}");
    }
}

#[test]
fn the_chance_to_skip_unseen_is_what_the_draw_gives() {
    for (skipped, cells) in [("5 %", 0.95_f64), ("10 %", 0.9), ("50 %", 0.5)] {
        let survives = cells.powi(OPENINGS as i32);
        assert_eq!(row(&format!("| skipped {skipped} |"))[1], format!("{survives:.2e}"));
    }
}

#[test]
fn the_bounds_of_exactness_hold_where_the_page_says() {
    // Products of signed bytes: the sum of k squares of -128 stays below 2^31.
    assert!(131_071 * 128_i64.pow(2) < 1 << 31 && 131_072 * 128_i64.pow(2) >= 1 << 31);
    // Products of nine bits: 192 squares of 255 and a remainder below 2^15 stay inside what binary32 counts.
    assert_eq!(192 * 255_u32.pow(2) + (1 << 15), 12_517_568);
    assert!(PAGE.contains("12,517,568") && PAGE.contains("131,072"));
    // Three products instead of four units of work each.
    assert!(PAGE.contains("4/3"));
}
