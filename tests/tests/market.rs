//! The market end to end: the real programs on a real chain find out who is honest, within the bounds.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

use gpux_tests::{
    figures,
    market::{Market, Options, cases, cast::CAST, evidence, findings, payout, seal, show, usage, wages, watch},
};
use std::{path::Path, time::Duration};

/// Within this a market judges everybody; a machine that something else keeps busy may take longer than the 5 minutes that the
/// demo promises, and what is found must be right then as well.
const LIMIT: Duration = Duration::from_secs(900);

/// Programs whose command line names the folder.
fn programs_in(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(&folder)).map(|line| line.replace('\0', " ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cheat_is_convicted_every_honest_node_cleared_and_the_liar_silenced() {
    let folder = tempfile::tempdir().unwrap();
    let folder_of = folder.path().to_owned();
    let options = Options { folder: folder_of, cast: CAST, fishers: 5, liars: 1, parallel: 2, relays: 5 };
    let mut market = Market::start(&options, |stage| println!("{stage}")).await.unwrap();
    assert!(market.oracle.open_after < Duration::from_secs(5), "{:?}", market.oracle.open_after);
    assert!(!programs_in(folder.path()).is_empty());
    let known = watch::until_judged(&mut market, LIMIT, |_| {}).await.unwrap();
    let mut found = findings::judge(&market.nodes, &known);
    found.extend(findings::verdicts(&market, &known));
    found.extend(evidence::check(&market, &known).await.unwrap());
    found.push(seal::check(&market).await.unwrap());
    found.extend(wages::check(&market).await.unwrap());
    found.extend(payout::check(&market).await.unwrap());
    found.extend(cases::check(&market).await.unwrap());
    found.extend(usage::check(&market).await.unwrap());
    show::nodes(&market, &known);
    show::findings(&found);
    let figures = show::figures(&market, &known, &found);
    figures::print(&figures);
    market.stop().await;
    assert!(known.judged.is_some(), "not everybody was judged");
    assert!(found.iter().all(|finding| finding.holds), "an expected finding is missing");
    assert!(known.first_finding.is_some_and(|at| at < Duration::from_secs(60)), "{:?}", known.first_finding);
    assert_eq!(programs_in(folder.path()), Vec::<String>::new(), "a program was left behind");
}
