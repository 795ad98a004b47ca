//! The binary as scripts see it: exit codes, and what stands on stdout.

use std::{
    path::Path,
    process::{Command, Output},
};

use gpux_proto::evidence::Bundle;
use prost::Message as _;

fn oracle(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpux-oracle"));
    command.args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GPUX_")) {
        command.env_remove(name);
    }
    command.output().expect("the binary starts")
}

fn code(arguments: &[&str]) -> Option<i32> {
    oracle(arguments).status.code()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("the output is text")
}

fn write(directory: &Path, name: &str, content: &[u8]) -> String {
    let path = directory.join(name);
    std::fs::write(&path, content).expect("the temporary directory can be written");
    path.to_str().expect("temporary paths are text").to_owned()
}

#[test]
fn usage_is_64_and_help_is_0() {
    for wrong in [&[][..], &["serve", "--no-such-flag"], &["verify-evidence"], &["serve", "--listen", "nowhere"]] {
        assert_eq!(code(wrong), Some(64), "{wrong:?}");
    }
    for asked in [&["--help"][..], &["--version"], &["serve", "--help"]] {
        let output = oracle(asked);
        assert_eq!(output.status.code(), Some(0), "{asked:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{asked:?}");
    }
}

#[test]
fn what_fails_is_1_and_says_why_on_stderr() {
    let output = oracle(&["serve", "--data", "/nonexistent/data"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("rpc is not set: give --rpc, GPUX_RPC"), "{error}");
    assert!(output.stdout.is_empty());
    let node = "11".repeat(32);
    let asked = [
        (&["verify-evidence", "/nonexistent/bundle"][..], "cannot read /nonexistent/bundle"),
        (&["replay", "--log", "/nonexistent/log"], "nobody says what was published"),
        (
            &["replay", "--log", "/nonexistent/log", "--against", "http://127.0.0.1:1"],
            "cannot reach http://127.0.0.1:1",
        ),
        (&["explain", "zz", "--log", "/nonexistent/log"], "node"),
        (&["explain", &node, "--log", "/nonexistent/log"], "/nonexistent/log"),
    ];
    for (arguments, words) in asked {
        let output = oracle(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with("gpux-oracle: ") && error.contains(words), "{arguments:?}: {error}");
    }
}

#[test]
fn a_dump_of_the_configuration_hides_the_rpc_key_and_opens_nothing() {
    let output = oracle(&[
        "serve",
        "--data",
        "/nonexistent/data",
        "--rpc",
        "https://rpc.example/v3/secret",
        "--deployment",
        "d.json",
        "--operator-key-file",
        "k",
        "--dump-config",
    ]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("rpc = \"https://rpc.example/<redacted>\""), "{}", stdout(&output));
    assert!(!stdout(&output).contains("secret"));
}

#[test]
fn bundles_that_are_no_evidence_do_not_convict() {
    let directory = tempfile::tempdir().unwrap();
    let garbage = write(directory.path(), "garbage", &[0xff; 64]);
    assert_eq!(code(&["verify-evidence", &garbage]), Some(1));
    let hollow = Bundle { release: vec![0; 32], ..Bundle::default() }.encode_to_vec();
    let hollow = write(directory.path(), "hollow", &hollow);
    let output = oracle(&["verify-evidence", &hollow, "--development"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("FAILS  descriptor"), "{}", stdout(&output));
    assert!(stdout(&output).contains("does not convict: it is no evidence"), "{}", stdout(&output));
    let output = oracle(&["verify-evidence", &hollow, "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["convicts"], &json["market"]), (&false.into(), &"production parameters".into()));
    let foreign = write(directory.path(), "d.json", b"{}");
    assert_eq!(code(&["verify-evidence", &hollow, "--deployment", &foreign]), Some(1));
}

#[test]
fn an_error_code_is_explained_and_an_unknown_one_is_1() {
    let output = oracle(&["explain-error", "RENTAL_UNKNOWN"]);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    assert!(text.contains("HTTP            409\n"), "{text}");
    assert!(text.contains("what to do      Wait for finality and send it again.\n"), "{text}");
    let unknown = oracle(&["explain-error", "NO_SUCH_CODE"]);
    assert_eq!((unknown.status.code(), stdout(&unknown)), (Some(1), ""));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("no error has the code \"NO_SUCH_CODE\""));
    assert_eq!(code(&["explain-error"]), Some(64));
}
