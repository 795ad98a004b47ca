//! `gpux-oracle deploy` as an operator runs it: on a development chain, with the binary, and by its exit codes.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use alloy::{
    network::EthereumWallet,
    primitives::{Address, hex},
    providers::ProviderBuilder,
    signers::local::PrivateKeySigner,
};
use gpux_contracts::{
    Deployment, TestToken,
    anvil::{Anvil, KEYS, Options},
    keys,
};
use tempfile::TempDir;

const DEPLOYER: usize = 0;
const SAFE: usize = 1;

fn address(index: usize) -> Address {
    PrivateKeySigner::from_bytes(&KEYS[index]).expect("published keys are keys").address()
}

/// A chain with a coin, and a folder with a network file and keys.
struct Operator {
    anvil: Anvil,
    token: Address,
    folder: TempDir,
}

impl Operator {
    async fn new() -> Self {
        let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts");
        let anvil = Anvil::start(&contracts, &Options::default()).unwrap_or_else(|error| panic!("{error}"));
        let wallet = EthereumWallet::from(PrivateKeySigner::from_bytes(&KEYS[9]).expect("a key"));
        let chain = ProviderBuilder::new().wallet(wallet).connect_http(anvil.endpoint().parse().expect("a URL"));
        let token = *TestToken::deploy(chain).await.expect("the coin is deployed").address();
        let operator = Self { anvil, token, folder: tempfile::tempdir().expect("a folder") };
        for index in [DEPLOYER, SAFE] {
            keys::create(&operator.path(&format!("key{index}")), &KEYS[index].0).expect("a key file");
        }
        operator.write(31_337);
        operator
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, chain_id: u64) {
        let text = format!(
            "chain_id = {chain_id}\nrpc = \"{}\"\ntoken = \"{}\"\nadmin = \"{}\"\nguardian = \"{}\"\ntreasury = \"{}\"\n\
             operators = [\"{}\", \"{}\"]\nthreshold = 2\n",
            self.anvil.endpoint(),
            self.token,
            address(SAFE),
            address(2),
            address(3),
            address(4),
            address(5),
        );
        std::fs::write(self.path("network.toml"), text).expect("a file");
    }

    /// The exit code, stdout and stderr of a step.
    fn deploy(&self, step: &str, key: Option<usize>, more: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpux-oracle"));
        command.args(["deploy", step, "--network"]).arg(self.path("network.toml"));
        command.arg("--out").arg(self.path("deployments")).args(more).env_remove("GPUX_RPC");
        if let Some(index) = key {
            command.arg("--key-file").arg(self.path(&format!("key{index}")));
        }
        let output = command.output().expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
        (output.status.code().expect("it exits"), text(output.stdout), text(output.stderr))
    }

    fn record(&self) -> Deployment {
        Deployment::read(&self.path("deployments/31337.json")).expect("a record")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_is_planned_deployed_checked_and_handed_over() {
    let operator = Operator::new().await;
    let (code, plan, _) = operator.deploy("plan", Some(DEPLOYER), &[]);
    assert_eq!(code, 0, "{plan}");
    assert!(!operator.path("deployments").exists(), "a plan writes nothing");

    let (code, text, error) = operator.deploy("run", Some(DEPLOYER), &[]);
    assert_eq!(code, 0, "{text}{error}");
    let record = operator.record();
    for address in [record.court, record.rentals, record.scores, record.rewards] {
        assert!(plan.contains(&address.to_string()), "{address} is in no line of {plan}");
    }
    assert!(text.contains("checks hold\n"), "{text}");
    let (code, text, _) = operator.deploy("run", Some(DEPLOYER), &[]);
    assert_eq!((code, text.contains("nothing was sent")), (0, true), "{text}");

    let (code, text, _) = operator.deploy("verify", None, &[]);
    assert_eq!((code, text.contains("FAILS")), (0, false), "{text}");
    let (code, text, _) = operator.deploy("verify", None, &["--stage", "B"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("FAILS  Court: arbiter"), "{text}");

    // What the Safe has to send is printed for its owners.
    let (code, text, _) = operator.deploy("handover", None, &["--stage", "B"]);
    assert_eq!(code, 0);
    assert!(text.contains(&format!("by    {}", address(SAFE))) && text.contains("data  0x"), "{text}");
    let (code, text, error) = operator.deploy("handover", Some(SAFE), &["--stage", "B"]);
    assert_eq!((code, text.contains("stage B is reached")), (0, true), "{text}{error}");
    assert_eq!(operator.deploy("verify", None, &["--stage", "B"]).0, 0);
    let (code, _, error) = operator.deploy("handover", Some(SAFE), &["--stage", "C"]);
    assert_eq!((code, error.contains("names no governor")), (1, true), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_deployed_is_said_and_no_secret_with_it() {
    let operator = Operator::new().await;
    let (code, _, error) = operator.deploy("run", None, &[]);
    assert_eq!((code, error.contains("--key-file")), (1, true), "{error}");
    assert_eq!(operator.deploy("handover", None, &["--stage", "E"]).0, 64);
    assert_eq!(operator.deploy("handover", None, &["--stage", "A"]).0, 1);

    operator.write(10);
    let (code, _, error) = operator.deploy("run", Some(DEPLOYER), &[]);
    assert_eq!(code, 1);
    assert!(error.contains("for chain 10, the RPC serves 31337"), "{error}");
    let silent = "http://127.0.0.1:1/secret";
    let (code, text, error) = operator.deploy("plan", Some(DEPLOYER), &["--rpc", silent]);
    assert_eq!(code, 1);
    let key = hex::encode(KEYS[DEPLOYER]);
    for secret in ["secret", &key] {
        assert!(!text.contains(secret) && !error.contains(secret), "{text}{error}");
    }
    assert!(!operator.path("deployments").exists());
}
