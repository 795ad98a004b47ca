//! The promises of the method on small markets, and that one seed prints the same bytes.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

use gpux_tests::simulate::{Options, Promise, Report, run};
use std::sync::OnceLock;

fn quick() -> &'static Report {
    static REPORT: OnceLock<Report> = OnceLock::new();
    REPORT.get_or_init(|| run(&Options { seed: 7, quick: true }, &mut |_| ()).expect("the simulation runs"))
}

#[test]
fn every_promise_holds() {
    let broken: Vec<_> = quick().promises.iter().filter(|promise| !promise.holds()).collect();
    assert!(broken.is_empty(), "{broken:#?}\n{}", quick().text);
    let about = |words: &str| quick().promises.iter().any(|promise: &Promise| promise.name.contains(words));
    for words in ["compliant nodes accused", "cheats missed", "E >= 1 / 0.001", "over the bound", "Sybils", "recovery"]
    {
        assert!(about(words), "nothing is promised of {words:?}");
    }
}

/// With the same audits and with thresholds tuned for them, each accuses honest nodes in some market, and where two fifths
/// of the fishers lie some accuse nearly all.
#[test]
fn liars_overturn_averages() {
    let baselines = &quick().baselines;
    assert_eq!(baselines.len(), 6);
    assert!(baselines.iter().all(|baseline| baseline.1 > 0.03), "{baselines:?}");
    for name in ["plain mean", "EigenTrust", "t-test looked at often"] {
        let accused = baselines.iter().find(|baseline| baseline.0 == name).unwrap().1;
        assert!(accused > 0.5, "{name} accused {accused}");
    }
}

#[test]
fn one_seed_prints_the_same_bytes() {
    let again = run(&Options { seed: 7, quick: true }, &mut |_| ()).unwrap();
    assert!(again.text == quick().text);
    assert!(again.text.lines().count() > 60);
}
