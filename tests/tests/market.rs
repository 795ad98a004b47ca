//! The market end to end: the real programs on a real chain find out who is honest, within the bounds.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

use gpux_tests::{
    figures,
    market::{Market, Options, cast::CAST, evidence, findings, seal, show, watch},
};
use std::{path::Path, time::Duration};

/// Three probes are enough for a median. Where something else kept this machine busy meanwhile, more are waited for, up to
/// the eight of `make demo ARGS=--once`: what is found must be right then, however the machine was disturbed at first.
const PROBES: [u32; 3] = [3, 5, 8];
const LIMIT: Duration = Duration::from_secs(170);

/// Programs whose command line names the folder.
fn programs_in(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(&folder)).map(|line| line.replace('\0', " ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cheat_is_found_out_and_no_honest_node_is() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { folder: folder.path().to_owned(), cast: CAST, fishers: 3, parallel: 2, relays: 5 };
    let mut market = Market::start(&options, |stage| println!("{stage}")).await.unwrap();
    assert!(market.oracle.open_after < Duration::from_secs(5), "{:?}", market.oracle.open_after);
    assert!(!programs_in(folder.path()).is_empty());
    let mut known = watch::until_covered(&mut market, PROBES[0], LIMIT, |_| {}).await.unwrap();
    let mut found = findings::judge(&market.nodes, &known);
    for probes in &PROBES[1..] {
        if found.iter().all(|finding| finding.holds) {
            break;
        }
        let first_finding = known.first_finding;
        known = watch::until_covered(&mut market, *probes, LIMIT, |_| {}).await.unwrap();
        known.first_finding = first_finding;
        found = findings::judge(&market.nodes, &known);
    }
    found.extend(evidence::check(&market, &known).await.unwrap());
    found.push(seal::check(&market).await.unwrap());
    show::nodes(&market, &known);
    show::findings(&found);
    let figures = show::figures(&market, &known, &found);
    figures::print(&figures);
    market.stop().await;
    assert!(known.covered, "not every node was probed often enough");
    assert!(found.iter().all(|finding| finding.holds), "an expected finding is missing");
    assert!(known.first_finding.is_some_and(|at| at < Duration::from_secs(60)), "{:?}", known.first_finding);
    assert!(figures::all_hold(&figures), "a budget does not hold");
    assert_eq!(programs_in(folder.path()), Vec::<String>::new(), "a program was left behind");
}
