//! `gpux-prober doctor` on a market that runs, and on one that something is wrong with.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

use gpux_contracts::Deployment;
use gpux_tests::{
    chain::{Account, TOKEN},
    stage::Stage,
};
use serde_json::Value;
use std::path::Path;
use tokio::process::Command;

struct Asked<'a> {
    stage: &'a Stage,
    oracle: &'a str,
    deployment: &'a Path,
    key: &'a Account,
}

/// What it says, by name: state and what was found.
async fn doctor(asked: &Asked<'_>) -> (Option<i32>, Value) {
    let output = Command::new(asked.stage.binaries.path("gpux-prober").unwrap())
        .args(["doctor", "--json", "--rpc", &asked.stage.chain.endpoint(), "--oracle", asked.oracle, "--deployment"])
        .arg(asked.deployment)
        .arg("--key-file")
        .arg(&asked.key.file)
        .arg("--data")
        .arg(&asked.stage.folder)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (output.status.code(), report)
}

fn state(report: &Value, name: &str) -> String {
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["name"] == name).unwrap();
    finding["state"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_that_runs_is_healthy_and_what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set(folder.path()).await.unwrap();
    let (rich, poor) = (Account::create(&stage.keys, "rich").unwrap(), Account::create(&stage.keys, "poor").unwrap());
    stage.chain.fund(rich.address(), 10_000 * TOKEN).await.unwrap();
    stage.chain.run().await.unwrap();
    let oracle = stage.oracle("oracle").await.unwrap();
    let url = oracle.api.url();
    let asked = Asked { stage: &stage, oracle: url, deployment: &stage.chain.deployment_file, key: &rich };
    let (_, report) = doctor(&asked).await;
    for name in ["memory", "disk", "clock", "chain", "contracts", "key", "balance", "oracle"] {
        assert_eq!(state(&report, name), "ok", "{name}: {report}");
    }

    let (code, report) = doctor(&Asked { key: &poor, ..asked }).await;
    assert_eq!((code, state(&report, "balance").as_str()), (Some(2), "fail"), "{report}");

    let nothing = Deployment { scores: poor.address(), ..stage.chain.deployment.clone() };
    let elsewhere = Deployment { chain_id: nothing.chain_id + 1, ..nothing.clone() };
    for wrong in [nothing, elsewhere] {
        let file = wrong.write(&stage.folder.join("wrong")).unwrap();
        let asked = Asked { stage: &stage, oracle: url, deployment: &file, key: &rich };
        let (code, report) = doctor(&asked).await;
        assert_eq!((code, state(&report, "contracts").as_str()), (Some(2), "fail"), "{report}");
    }
}
