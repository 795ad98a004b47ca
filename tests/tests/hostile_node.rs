//! A node that hangs, floods, talks garbage, withholds a signature or closes half-way: the session ends within its
//! deadline with the step named, and the fisher's rental is stopped on chain.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

use alloy::{providers::Provider as _, rpc::types::Filter, sol_types::SolEvent as _};
use gpux_contracts::Rentals;
use gpux_kernels::plan::{Market, plan};
use gpux_kernels::probe::ProbeId;
use gpux_tests::{
    chain::{Account, TOKEN},
    host::hostile::{HostileNode, Misdeed},
    stage::Stage,
};
use std::{
    process::Output,
    time::{Duration, Instant},
};
use tokio::process::Command;

/// What is left of a session when its waits are over: transactions on a chain of one block a second.
const REST: Duration = Duration::from_secs(30);

/// Rentals that were opened, and those that were stopped.
async fn rentals(stage: &Stage) -> (usize, usize) {
    let filter = Filter::new().address(stage.chain.deployment.rentals).from_block(0);
    let logs = stage.chain.admin().get_logs(&filter).await.unwrap();
    let count = |topic| logs.iter().filter(|log| log.topic0() == Some(&topic)).count();
    (count(Rentals::Opened::SIGNATURE_HASH), count(Rentals::Stopped::SIGNATURE_HASH))
}

/// Lets the real fisher check a hostile node.
async fn fisher(stage: &Stage, key: &Account, node: &HostileNode) -> Output {
    let check = Command::new(stage.binaries.path("gpux-prober").unwrap())
        .args(["check", &node.url, "--json"])
        .args(stage.chain_flags())
        .arg("--key-file")
        .arg(&key.file)
        .arg("--job")
        .arg(stage.binaries.path("gpux-job").unwrap())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(Duration::from_secs(120), check).await.expect("the fisher hangs").unwrap()
}

/// What he says of the one session, and how long it took.
async fn session(stage: &Stage, key: &Account, misdeed: Misdeed) -> (serde_json::Value, Duration) {
    let node = HostileNode::serve(&stage.chain.deployment, misdeed).await.unwrap();
    let begun = Instant::now();
    let output = fisher(stage, key, &node).await;
    let took = begun.elapsed();
    let checked: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{misdeed:?}: {output:?}"));
    assert_eq!(checked["probes"].as_array().map(Vec::len), Some(1), "{misdeed:?}: {checked}");
    (checked["probes"][0].clone(), took)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_misdeed_ends_in_time_with_its_step_and_a_stopped_rental() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set(folder.path()).await.unwrap();
    let key = Account::create(&stage.keys, "fisher").unwrap();
    stage.chain.fund(key.address(), 10_000 * TOKEN).await.unwrap();
    stage.chain.run().await.unwrap();
    let deadlines = plan(ProbeId::Cpu, Market::Development).unwrap().deadlines;
    let cases = [
        (Misdeed::NeverOpens, "inconclusive", "open", deadlines.open),
        (Misdeed::Hangs, "fail", "prepare", deadlines.prepare),
        (Misdeed::Floods, "fail", "prepare", deadlines.prepare),
        (Misdeed::Garbage, "fail", "prepare", Duration::ZERO),
        (Misdeed::WithholdsSignature, "fail", "prepare", Duration::ZERO),
        (Misdeed::ClosesHalfWay, "fail", "prepare", Duration::ZERO),
    ];
    for (number, (misdeed, outcome, step, wait)) in cases.into_iter().enumerate() {
        let (session, took) = session(&stage, &key, misdeed).await;
        assert_eq!(session["outcome"], outcome, "{misdeed:?}: {session}");
        assert_eq!(session["step"], step, "{misdeed:?}: {session}");
        assert!(took < wait + REST, "{misdeed:?} took {took:?}");
        assert_eq!(rentals(&stage).await, (number + 1, number + 1), "{misdeed:?}: its rental still runs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_describe_itself_is_not_rented() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set(folder.path()).await.unwrap();
    let key = Account::create(&stage.keys, "fisher").unwrap();
    stage.chain.fund(key.address(), 10_000 * TOKEN).await.unwrap();
    stage.chain.run().await.unwrap();
    let node = HostileNode::serve(&stage.chain.deployment, Misdeed::SilentDescribe).await.unwrap();
    let output = fisher(&stage, &key, &node).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(rentals(&stage).await, (0, 0));
}
