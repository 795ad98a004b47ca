//! What honesty earns and cheating costs, at the delays that the table measured.
//!
//! Owns the prices, which are assumptions and printed as such; the fee, the holds and the caps are the market's own.

use super::promise::Promise;
use super::table::{Row, median};
use crate::output;
use anyhow::{Context as _, Result};
use gpux_kernels::{
    plan::{Market, plan},
    probe::ProbeId,
};
use gpux_oracle::score::Parameters;
use std::fmt::Write as _;

/// Assumed: what an hour of the card that is claimed is rented for, in tokens.
const CLAIMED_TOKENS_AN_HOUR: f64 = 0.22;
/// Assumed: the same for the card that is there.
const REAL_TOKENS_AN_HOUR: f64 = 0.09;
/// Assumed: how long a fisher rents a node for one probe, in minutes; seconds are paid, and a probe needs fewer.
const PROBE_MINUTES: f64 = 2.0;
/// Assumed: what a session costs the fisher beside the rental: traffic and transactions, in tokens.
const PROBE_COST_TOKENS: f64 = 0.01;
/// What a node earned leaves only this long after it was earned, in hours: 14 days, and 72 hours once called honest.
const HOLDS_HOURS: [f64; 2] = [336.0, 72.0];
/// Token units in a token.
const UNITS: f64 = 1e6;
/// Probes of a node a day that are tabled.
const PROBES_A_DAY: [f64; 3] = [24.0, 6.0, 2.0];

/// The text, and what it must show: no cheat of the table pays at a probe an hour.
pub(super) fn report(rows: &[Row]) -> Result<(String, Vec<Promise>)> {
    let parameters = Parameters::production();
    let row = rows.iter().find(|row| row.liars == 0.2 && row.corrupt == 0.0).context("no market with 20 % liars")?;
    let (mut text, mut promises) = (String::new(), Vec::new());
    let fee = parameters.report_fee as f64 / UNITS;
    let rental = CLAIMED_TOKENS_AN_HOUR * PROBE_MINUTES / 60.0;
    let refunded = plan(ProbeId::Imma, Market::Production).context("imma has no plan")?.refunded().as_secs_f64().ceil();
    let refund = CLAIMED_TOKENS_AN_HOUR * refunded / 3_600.0;
    writeln!(text, "A fisher, for one probe of {PROBE_MINUTES} minutes at {CLAIMED_TOKENS_AN_HOUR} tokens an hour:")?;
    let fisher = [
        ("rental".to_owned(), -rental),
        (format!("refund of {refunded:.0} s"), refund),
        ("fee".to_owned(), fee),
        ("traffic and transactions".to_owned(), -PROBE_COST_TOKENS),
        ("left".to_owned(), refund - rental + fee - PROBE_COST_TOKENS),
        ("lost if it is not accepted".to_owned(), -rental - PROBE_COST_TOKENS),
    ];
    let lines: Vec<_> = fisher.into_iter().map(|(what, tokens)| vec![what, format!("{tokens:+.4}")]).collect();
    writeln!(text, "{}", output::render(&["", "tokens"], &lines))?;
    let kinds = [("always 3060 as 3090", 1, 1.0), ("10 % cheat", 2, 0.1), ("15 % under", 3, 0.15)];
    let gap = CLAIMED_TOKENS_AN_HOUR - REAL_TOKENS_AN_HOUR;
    let mut lines = Vec::new();
    for (name, class, share) in kinds {
        let probes = median(row.verdicts(class).into_iter().map(|(probes, audits)| f64::from(probes + audits)));
        // Who sells a part of the speed saves that part of the price.
        let gain_an_hour = if class == 3 { CLAIMED_TOKENS_AN_HOUR * share } else { gap * share };
        for probes_a_day in PROBES_A_DAY {
            let hours = 24.0 * probes / probes_a_day;
            let gain = gain_an_hour * hours;
            let slash = HOLDS_HOURS.map(|hold| CLAIMED_TOKENS_AN_HOUR * hours.min(hold));
            if probes_a_day == PROBES_A_DAY[0] {
                let least = slash[1];
                promises.push(Promise::most(
                    format!("{name}: gain over slash at {probes_a_day} probes a day"),
                    gain / least,
                    1.0,
                ));
            }
            lines.push(vec![
                name.to_owned(),
                format!("{probes_a_day:.0}"),
                format!("{probes:.0}"),
                format!("{:.1}", hours / 24.0),
                format!("{gain:.2}"),
                format!("{:.2}", slash[0]),
                format!("{:.2}", slash[1]),
                format!("{:.2}", gain / slash[1]),
                format!("{:.1}", 24.0 * probes / (CLAIMED_TOKENS_AN_HOUR * HOLDS_HOURS[1] / gain_an_hour)),
            ]);
        }
    }
    writeln!(
        text,
        "A cheat that is rented all the time, the claimed card at {CLAIMED_TOKENS_AN_HOUR} and the real one at {REAL_TOKENS_AN_HOUR} tokens an hour, at 20 % lying fishers:"
    )?;
    let header = [
        "host",
        "probes a day",
        "probes to verdict",
        "days",
        "gain",
        "slash, 14 days held",
        "slash, 72 h held",
        "gain / slash",
        "pays below so many probes a day",
    ];
    writeln!(text, "{}", output::render(&header, &lines))?;
    levy(&mut text, &parameters)?;
    owners(&mut text, &parameters)?;
    Ok((text, promises))
}

/// What a convicted node goes on paying, if its interval has closed around what it delivers.
fn levy(text: &mut String, parameters: &Parameters) -> Result<()> {
    let lines: Vec<_> = [(0.36, "always 3060 as 3090"), (0.85, "15 % under"), (0.918, "10 % cheat")]
        .into_iter()
        .map(|(mean, name)| {
            let short = f64::from(parameters.mean_bps) / 1e4 - mean;
            let levy = short.clamp(0.0, f64::from(parameters.levy_max_bps) / 1e4);
            vec![name.to_owned(), format!("{mean}"), format!("{:.1} %", 100.0 * levy)]
        })
        .collect();
    writeln!(
        text,
        "Afterwards the levy takes, of what a convicted node earns, at most (when U has come down to its mean):"
    )?;
    writeln!(text, "{}", output::render(&["host", "mean", "levy"], &lines))?;
    Ok(())
}

/// How many corrupt owners convict an honest suspect: the evidence of those who are not left out must outgrow that of
/// the honest ones, in some bet against the rate, if each corrupt owner always says 0.
fn owners(text: &mut String, parameters: &Parameters) -> Result<()> {
    let e0 = f64::from(parameters.rate_bps) / 1e4;
    let rates = [0.06_f64, 0.12, 0.25, 0.5, 0.9];
    let mut lines = Vec::new();
    for owners in [5_u32, 10, 20, 40, 100] {
        let dropped = (f64::from(owners) * f64::from(parameters.corrupt_owners_bps) / 1e4).ceil();
        let wins = |corrupt: f64| {
            rates.iter().any(|p| {
                let (won, lost) = ((p / e0).ln(), ((1.0 - p) / (1.0 - e0)).ln());
                (corrupt - dropped) * won + (f64::from(owners) - corrupt) * lost > 0.0
            })
        };
        let least = (0..=owners).find(|corrupt| wins(f64::from(*corrupt)));
        let shown = least.map_or("none".to_owned(), |least| least.to_string());
        lines.push(vec![owners.to_string(), format!("{dropped:.0}"), shown]);
    }
    writeln!(text, "Corrupt owners of relays, who all say 0 of an honest node that is suspect:")?;
    writeln!(text, "{}", output::render(&["owners", "left out", "convict from"], &lines))?;
    Ok(())
}
