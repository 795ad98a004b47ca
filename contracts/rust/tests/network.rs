//! A deployment from a network file on a real chain: planned, run, interrupted anywhere, checked, and refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use alloy::network::EthereumWallet;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{DynProvider, Provider as _, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use gpux_contracts::anvil::{Anvil, KEYS, Options};
use gpux_contracts::network::{Client, Defaults, Error, Event, Network, Part};
use gpux_contracts::{AccessManager, Bonds, Court, Deployment, GUARDIAN_ROLE, Rentals, TestToken};
use tempfile::TempDir;

const DEFAULTS: Defaults = Defaults { parameters: B256::repeat_byte(0x77), epoch_length: 3_600 };
// Accounts by their number.
const DEPLOYER: usize = 0;
const SAFE: usize = 1;
const GUARDIAN: usize = 2;
const TREASURY: usize = 3;
const OPERATORS: [usize; 3] = [4, 5, 6];
const STRANGER: usize = 9;

fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&KEYS[index]).unwrap()
}

fn address(index: usize) -> Address {
    signer(index).address()
}

/// A chain with a coin, and an empty folder for what is written.
struct Stage {
    anvil: Anvil,
    token: Address,
    folder: TempDir,
}

impl Stage {
    async fn set() -> Self {
        let anvil = start(&[]);
        let token = *TestToken::deploy(provider(&anvil, STRANGER)).await.unwrap().address();
        Self { anvil, token, folder: tempfile::tempdir().unwrap() }
    }

    /// A chain on which money is worth something; its coin knows its decimals and nothing else.
    async fn of_money() -> Self {
        let anvil = start(&["--chain-id", "10"]);
        let token = Address::repeat_byte(0xc0);
        put_constant(&provider(&anvil, STRANGER), token, B256::with_last_byte(6)).await;
        Self { anvil, token, folder: tempfile::tempdir().unwrap() }
    }

    /// The file of this network, with another chain's id or more lines.
    fn network(&self, chain_id: u64, more: &str) -> Network {
        let operators = OPERATORS.map(|index| format!("\"{}\"", address(index))).join(", ");
        let text = format!(
            "chain_id = {chain_id}\ntoken = \"{}\"\nadmin = \"{}\"\nguardian = \"{}\"\ntreasury = \"{}\"\n\
             operators = [{operators}]\nthreshold = 2\n{more}",
            self.token,
            address(SAFE),
            address(GUARDIAN),
            address(TREASURY),
        );
        let path = self.folder.path().join("network.toml");
        std::fs::write(&path, text).unwrap();
        Network::read(&path, DEFAULTS).unwrap()
    }

    async fn connect(&self, network: Network, key: usize) -> Result<Client, Error> {
        Client::connect(network, self.anvil.endpoint().parse().unwrap(), Some(signer(key))).await
    }

    async fn client(&self) -> Client {
        self.connect(self.network(31_337, ""), DEPLOYER).await.unwrap()
    }

    fn out(&self) -> &Path {
        self.folder.path()
    }

    async fn sent_by(&self, index: usize) -> u64 {
        provider(&self.anvil, index).get_transaction_count(address(index)).await.unwrap()
    }
}

fn start(arguments: &[&str]) -> Anvil {
    let arguments = arguments.iter().map(ToString::to_string).collect();
    let options = Options { arguments, ..Options::default() };
    Anvil::start(Path::new(env!("CARGO_MANIFEST_DIR")), &options).unwrap_or_else(|error| panic!("{error}"))
}

/// A contract that answers every call with one word: PUSH32 word, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN.
async fn put_constant(chain: &DynProvider, at: Address, word: B256) {
    let code = [&[0x7f][..], word.as_slice(), &[0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]].concat();
    let _: serde_json::Value = chain.raw_request("anvil_setCode".into(), (at, Bytes::from(code))).await.unwrap();
}

fn provider(anvil: &Anvil, index: usize) -> DynProvider {
    let wallet = EthereumWallet::from(signer(index));
    ProviderBuilder::new().wallet(wallet).connect_http(anvil.endpoint().parse().unwrap()).erased()
}

async fn is_administrator(stage: &Stage, deployment: &Deployment, account: Address) -> bool {
    let manager = AccessManager::new(deployment.access_manager, provider(&stage.anvil, STRANGER));
    manager.hasRole(0, account).call().await.unwrap().isMember
}

#[tokio::test]
async fn a_plan_says_what_a_run_then_does() {
    let stage = Stage::set().await;
    let client = stage.client().await;
    let plan = client.plan(stage.out()).await.unwrap();
    assert_eq!(stage.sent_by(DEPLOYER).await, 0, "a plan sends nothing");
    assert_eq!(std::fs::read_dir(stage.out()).unwrap().count(), 1, "and writes nothing");

    let chain = provider(&stage.anvil, DEPLOYER);
    let mut done = Vec::new();
    let deployment = client
        .run(stage.out(), |event| {
            if let Event::Sent(name, hash) = event {
                done.push((name, hash));
            }
        })
        .await
        .unwrap();
    assert_eq!(done.len(), plan.steps.len());
    for (step, (name, hash)) in plan.steps.iter().zip(done) {
        let receipt = chain.get_transaction_receipt(hash).await.unwrap().unwrap();
        let cost = step.cost.unwrap();
        assert_eq!(step.name, name);
        assert_eq!(receipt.contract_address.unwrap_or(step.address), step.address, "{name}");
        // An estimate is what must be given; of that a cleared word, the deployer's role, gives 4,800 back (EIP-3529).
        let used = receipt.gas_used;
        assert!((used..=used + used / 100 + 4_800).contains(&cost.gas), "{name}: {used} of {}", cost.gas);
        assert!(!cost.data_wei.is_zero() && cost.compressed as usize <= cost.bytes, "{name}: {cost:?}");
    }
    assert_eq!(Deployment::read(&stage.out().join("31337.json")).unwrap(), deployment);
    assert!(!deployment.development);
    let told = plan.told();
    assert!(told.contains(&deployment.court.to_string()) && told.contains("ETH in all"), "{told}");
}

#[tokio::test]
async fn parts_name_each_other_and_the_deployer_keeps_nothing() {
    let stage = Stage::set().await;
    // The key was used before.
    TestToken::deploy(provider(&stage.anvil, DEPLOYER)).await.unwrap();
    let deployment = stage.client().await.run(stage.out(), |_| {}).await.unwrap();
    let chain = provider(&stage.anvil, STRANGER);
    let court = Court::new(deployment.court, &chain);
    assert_eq!(court.RENTALS().call().await.unwrap(), deployment.rentals);
    assert_eq!(court.REWARDS().call().await.unwrap(), deployment.rewards);
    assert_eq!(Bonds::new(deployment.bonds, &chain).COURT().call().await.unwrap(), deployment.court);
    assert_eq!(Rentals::new(deployment.rentals, &chain).TOKEN().call().await.unwrap(), stage.token);
    assert_eq!(court.rulesOf(1).call().await.unwrap().arbiter, address(SAFE));
    assert!(is_administrator(&stage, &deployment, address(SAFE)).await);
    assert!(!is_administrator(&stage, &deployment, address(DEPLOYER)).await);
    let manager = AccessManager::new(deployment.access_manager, &chain);
    assert!(manager.hasRole(GUARDIAN_ROLE, address(GUARDIAN)).call().await.unwrap().isMember);
    let rentals = Rentals::new(deployment.rentals, provider(&stage.anvil, GUARDIAN));
    assert!(rentals.pauseOpening(true).send().await.unwrap().get_receipt().await.unwrap().status());
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let stage = Stage::set().await;
    let client = stage.client().await;
    let first = client.run(stage.out(), |_| {}).await.unwrap();
    let sent = stage.sent_by(DEPLOYER).await;
    assert_eq!(sent, 8);
    assert_eq!(client.run(stage.out(), |_| {}).await.unwrap(), first);
    assert_eq!(stage.sent_by(DEPLOYER).await, sent);
}

/// A crash at every place: before a transaction is sent, after it was sent, after it was found to be right.
#[tokio::test]
async fn an_interrupted_run_goes_on_where_it_was() {
    let stage = Stage::set().await;
    let chain = provider(&stage.anvil, STRANGER);
    let (mut crashes, mut expected) = (0, None);
    loop {
        let snapshot: U256 = chain.raw_request("evm_snapshot".into(), ()).await.unwrap();
        let (client, folder) = (stage.client().await, stage.out().to_owned());
        let mut left = crashes;
        let crashed = tokio::spawn(async move {
            let crash = |_| {
                if left == 0 {
                    std::panic::resume_unwind(Box::new("the power fails"));
                }
                left -= 1;
            };
            client.run(&folder, crash).await.map(drop)
        });
        let crashed = crashed.await.is_err();
        let resumed = stage.client().await.run(stage.out(), |_| {}).await.unwrap();
        assert_eq!(stage.sent_by(DEPLOYER).await, 8, "after {crashes} events");
        assert_eq!(*expected.get_or_insert(resumed.clone()), resumed, "after {crashes} events");
        assert!(!is_administrator(&stage, &resumed, address(DEPLOYER)).await);
        std::fs::remove_file(stage.out().join("31337.json")).unwrap();
        assert!(!stage.out().join("31337.progress.json").exists());
        assert!(chain.raw_request::<_, bool>("evm_revert".into(), (snapshot,)).await.unwrap());
        if !crashed {
            break;
        }
        crashes += 1;
    }
    assert_eq!(crashes, 24, "three events for each of eight transactions");
}

#[tokio::test]
async fn a_run_is_not_continued_with_another_file_or_key() {
    let stage = Stage::set().await;
    let (client, folder) = (stage.client().await, stage.out().to_owned());
    let run = tokio::spawn(async move {
        let crash = |event| {
            if event == Event::Done(Part::Scores.name()) {
                std::panic::resume_unwind(Box::new("the power fails"));
            }
        };
        client.run(&folder, crash).await.map(drop)
    });
    run.await.unwrap_err();
    let other = stage.connect(stage.network(31_337, "[windows]\nanswer = \"47 h\"\n"), DEPLOYER).await.unwrap();
    let error = other.run(stage.out(), |_| {}).await.unwrap_err();
    assert!(matches!(error, Error::ChangedPlan(_)), "{error}");
    let other = stage.connect(stage.network(31_337, ""), STRANGER).await.unwrap();
    let error = other.run(stage.out(), |_| {}).await.unwrap_err();
    assert!(matches!(error, Error::ForeignProgress { .. }), "{error}");

    // The key was used for something else meanwhile: that stands where Bonds must.
    TestToken::deploy(provider(&stage.anvil, DEPLOYER)).await.unwrap();
    let error = stage.client().await.run(stage.out(), |_| {}).await.unwrap_err();
    assert!(matches!(error, Error::Misplaced { part: Part::Bonds, .. }), "{error}");

    // What is left of the plan says so too.
    std::fs::write(stage.out().join("31337.progress.json"), "{").unwrap();
    let error = stage.client().await.plan(stage.out()).await.unwrap_err();
    assert!(matches!(error, Error::Progress { .. }), "{error}");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    let stage = Stage::set().await;
    let error = stage.connect(stage.network(10, ""), DEPLOYER).await.unwrap_err();
    assert_eq!(error.to_string(), "the network file is for chain 10, the RPC serves 31337");

    let error = stage.connect(stage.network(31_337, ""), SAFE).await.unwrap().plan(stage.out()).await.unwrap_err();
    assert!(matches!(error, Error::DeployerHasRole(_)), "{error}");

    let mut network = stage.network(31_337, "");
    network.token = address(STRANGER);
    let error = stage.connect(network, DEPLOYER).await.unwrap_err();
    assert!(matches!(error, Error::Token(_)), "{error}");

    let keyless = Client::connect(stage.network(31_337, ""), stage.anvil.endpoint().parse().unwrap(), None);
    let error = keyless.await.unwrap().plan(stage.out()).await.unwrap_err();
    assert!(matches!(error, Error::NoKey), "{error}");

    // Money is at stake: a key must not administer.
    let stage = Stage::of_money().await;
    let error = stage.connect(stage.network(10, ""), DEPLOYER).await.unwrap_err();
    assert!(matches!(error, Error::AdminIsNoContract(_)), "{error}");
    assert_eq!(stage.sent_by(DEPLOYER).await, 0);
}
