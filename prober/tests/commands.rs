//! The commands that need no market, as a user runs them: what they print, what they leave behind, how they end.
#![allow(clippy::unwrap_used, reason = "these are tests")]
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

/// Two sessions that both measure the machine must not run at once, as each would see the other.
static MACHINE: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn prober(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpux-prober"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    prober(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_quick_check_measures_this_machine_and_leaves_nothing() {
    let _alone = MACHINE.lock();
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["check", "--quick", "--json", "--disk", folder.path().to_str().unwrap()]);
    let report = json(&output);
    assert!(report["machine"]["threads"].as_u64().unwrap() > 0 && report["quick"] == true, "{report}");
    for (name, least) in [("cpu", 1e7), ("ram", 1e3), ("disk", 1e4)] {
        let row = report["probes"].as_array().unwrap().iter().find(|row| row["probe"] == name).unwrap();
        assert_eq!(
            (&row["outcome"], row["drawn"].as_u64(), row["wrong"].as_u64()),
            (&"pass".into(), Some(90), Some(0))
        );
        assert!(row["measured_rate"].as_f64().unwrap() > least, "{row}");
    }
    let ram = report["probes"].as_array().unwrap().iter().find(|row| row["probe"] == "ram").unwrap();
    assert_eq!(ram["measured_bytes"], 128 << 20);
    let network = &report["network"];
    assert!(network["down_bits_per_second"].as_f64().unwrap() > 1e6, "{network}");
    assert!(network["round_trip_us"].as_f64().unwrap() > 0.0, "{network}");
    assert_eq!(entries(folder.path()), 0);
    if report["machine"]["cards"].as_array().unwrap().is_empty() {
        assert_eq!((output.status.code(), &report["problems"]), (Some(0), &Value::Array(vec![])), "{report}");
    }
}

#[test]
fn a_claim_that_this_machine_cannot_meet_is_told_in_words() {
    let _alone = MACHINE.lock();
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["check", "--quick", "--claim", "64 x H200 NVL", "--disk", folder.path().to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    let verdict = text.lines().find(|line| line.starts_with("verdict: ")).unwrap();
    assert!(verdict.contains("claims 64 x H200 NVL, but "), "{verdict}");
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_runs() {
    let refused = |arguments: &[&str], words: &str| {
        let output = run(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {text}");
        assert!(text.contains(words), "{arguments:?}: {text}");
    };
    refused(&["check", "--claim", "RTX 3091"], "the nearest are GeForce RTX 3090");
    refused(&["check", "--claim", "0 x L4"], "no number of cards");
    refused(&["check", "--rpc", "http://127.0.0.1:1"], "a wallet is for the node that is checked");
    refused(&["check", "http://127.0.0.1:1"], "--key-file");
    refused(&["check", "http://127.0.0.1:1", "--quick"], "cannot be used with");
    refused(&["calibrate"], "--key-file");
    refused(&["calibrate", "--key-file", "k", "--probe", "gpu"], "no probe is called");
    let missing = run(&["check", "--disk", "/nowhere/at/all"]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
}

#[test]
fn an_interrupted_check_ends_at_once_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = prober(&["check", "--disk", folder.path().to_str().unwrap()])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_millis(1_500));
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(entries(folder.path()), 0);
}

#[test]
fn an_end_point_answers_a_check_from_elsewhere_and_ends_when_it_is_told() {
    let _alone = MACHINE.lock();
    let mut endpoint = prober(&["endpoint"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(endpoint.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().to_str().unwrap();
    let report = json(&run(&["check", "--quick", "--json", "--disk", disk, "--network", &address]));
    assert_eq!(report["network"]["endpoint"], address);
    assert!(report["network"]["up_bits_per_second"].as_f64().unwrap() > 1e6, "{report}");
    interrupt(&endpoint);
    assert_eq!(endpoint.wait().unwrap().code(), Some(0));
    let report = json(&run(&["check", "--quick", "--json", "--disk", disk, "--network", &address]));
    assert!(report["network"]["failure"].as_str().unwrap().contains("no connection to"), "{report}");
}

#[test]
fn a_relay_says_where_it_listens_waits_for_its_oracle_and_ends_when_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    let contract = |byte: u8| format!("0x{}", format!("{byte:02x}").repeat(20));
    let deployment = serde_json::json!({
        "chainId": 31_337, "development": true, "block": 0, "token": contract(1), "accessManager": contract(2),
        "rentals": contract(3), "bonds": contract(4), "scores": contract(5), "court": contract(6), "rewards": contract(7),
        "epochLengthSeconds": 5,
    });
    fs::write(place("31337.json"), deployment.to_string()).unwrap();
    gpux_contracts::keys::create(folder.path().join("owner.key").as_path(), &[7; 32]).unwrap();
    let (file, key, data) = (place("31337.json"), place("owner.key"), place("data"));
    let dead = "http://127.0.0.1:1";
    let flags = ["relay", "--deployment", &file, "--key-file", &key, "--data", &data, "--oracle", dead];
    let output = run(&flags);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("pass --development"));
    let start = || {
        let mut relay =
            prober(&flags).arg("--development").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(relay.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told = line.trim().strip_prefix("listening on http://127.0.0.1:").unwrap().to_owned();
        thread::sleep(Duration::from_millis(300));
        interrupt(&relay);
        assert_eq!(relay.wait().unwrap().code(), Some(0));
        told.split_once(" as relay ").unwrap().1.to_owned()
    };
    let named = start();
    assert_eq!((named.len(), start()), (66, named), "a relay keeps its key");
    let open = prober(&flags).args(["--development", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(open.status.code(), Some(1), "nobody reaches 0.0.0.0");
    assert!(String::from_utf8(open.stderr).unwrap().contains("name --endpoint"));
}

fn state<'a>(report: &'a Value, name: &str) -> &'a str {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["name"] == name).unwrap()["state"].as_str().unwrap()
}

#[test]
fn doctor_says_what_is_skipped_and_what_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let report = json(&run(&["doctor", "--json", "--data", data]));
    for name in ["clock", "chain", "contracts", "key", "balance", "oracle"] {
        assert_eq!(state(&report, name), "skipped", "{name}");
    }
    let dead = "http://127.0.0.1:1";
    let output =
        run(&["doctor", "--json", "--data", "/nowhere", "--oracle", dead, "--rpc", dead, "--key-file", "/nowhere"]);
    let report = json(&output);
    assert_eq!((output.status.code(), &report["healthy"]), (Some(2), &false.into()), "{report}");
    for name in ["disk", "chain", "key", "oracle"] {
        assert_eq!(state(&report, name), "fail", "{name}");
    }
    for finding in report["findings"].as_array().unwrap() {
        let fine = finding["state"] == "ok";
        assert!(fine || finding["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{finding}");
    }
}

#[test]
fn calibrations_of_two_owners_are_merged_and_a_changed_one_is_refused() {
    let _alone = MACHINE.lock();
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    let mut files = Vec::new();
    for owner in ["one", "two"] {
        fs::create_dir(place(owner)).unwrap();
        let (key, out) = (place(&format!("{owner}.key")), place(owner));
        let output = run(&["calibrate", "--key-file", &key, "--probe", "cpu", "--out", &out]);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("uncalibrated: 1 device of 1 owner"), "{text}");
        files.push(fs::read_dir(&out).unwrap().next().unwrap().unwrap().path().display().to_string());
    }
    let again = run(&["calibrate", "--key-file", &place("one.key"), "--probe", "cpu", "--out", &place("one")]);
    assert_eq!(again.status.code(), Some(1), "an existing file was overwritten: {again:?}");
    let both = run(&["calibrate", "--merge", &files[0], &files[1], "--out", &place("")]);
    let text = String::from_utf8(both.stdout.clone()).unwrap();
    assert!(both.status.success() && text.contains("uncalibrated: 2 devices of 2 owners"), "{both:?}");
    let signed = fs::read_to_string(&files[0]).unwrap();
    fs::write(&files[0], signed.replace("cpu = ", "cpu = 9")).unwrap();
    let forged = run(&["calibrate", "--merge", &files[0], &files[1], "--out", &place("one")]);
    assert_eq!(forged.status.code(), Some(1));
    assert!(String::from_utf8(forged.stderr).unwrap().contains("the signature of 0x"));
}
