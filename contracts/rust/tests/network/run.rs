//! Planned, run, run again, interrupted anywhere, refused.

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::providers::Provider as _;
use gpux_contracts::network::{Client, Defaults, Error, Event, Network, Part};
use gpux_contracts::{AccessManager, Bonds, Court, Deployment, GUARDIAN_ROLE, Rentals, TestToken};

use crate::stage::{DEPLOYER, GUARDIAN, SAFE, STRANGER, Stage, address, provider, put_constant};

async fn is_administrator(stage: &Stage, deployment: &Deployment, account: Address) -> bool {
    let manager = AccessManager::new(deployment.access_manager, provider(&stage.anvil, STRANGER));
    manager.hasRole(0, account).call().await.unwrap().isMember
}

#[tokio::test]
async fn a_plan_says_what_a_run_then_does() {
    let stage = Stage::set().await;
    let client = stage.client().await;
    let plan = client.plan(stage.out()).await.unwrap().unwrap();
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
    assert!(client.plan(stage.out()).await.unwrap().is_none());
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

/// The page's file and its price, by a key that was never used: whoever changes a contract prints the table again.
#[tokio::test]
async fn the_documented_file_costs_what_the_page_says() {
    let page = include_str!("../../../../docs/contracts.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (file, rest) = rest.split_once("```").unwrap();
    let stage = Stage::of_money().await;
    let path = stage.out().join("network.toml");
    std::fs::write(&path, file).unwrap();
    let network = Network::read(&path, Defaults { parameters: keccak256("parameters"), epoch_length: 3_600 }).unwrap();
    let chain = provider(&stage.anvil, STRANGER);
    put_constant(&chain, network.token, B256::with_last_byte(6)).await;
    put_constant(&chain, network.admin, B256::ZERO).await;

    let plan = stage.connect(network, DEPLOYER).await.unwrap().plan(stage.out()).await.unwrap().unwrap();
    let row = |name: &str| {
        let (_, row) =
            rest.split_once(&format!("\n| {name} | ")).unwrap_or_else(|| panic!("{name} is not in the table"));
        row.lines().next().unwrap().split(" | ").map(str::to_owned).collect::<Vec<_>>()
    };
    for step in &plan.steps {
        let (row, cost) = (row(step.name), step.cost.unwrap());
        assert_eq!(row[0], step.address.to_string(), "{}", step.name);
        let says = |place: usize| row[place].parse::<u64>().unwrap();
        // The parameters' digest is the program's own, and differs from this test's in its bytes.
        for (said, is) in [(says(1), cost.gas), (says(2), cost.bytes as u64), (says(3), u64::from(cost.compressed))] {
            assert!(said.abs_diff(is) * 100 <= is, "{}: the page says {said}, it is {is}", step.name);
        }
    }
    let ether = |text: &str| (text.trim_end_matches(" |").parse::<f64>().unwrap() * 1e18) as u128;
    let all = row("all");
    let said = ether(all.iter().rev().nth(1).unwrap()) + ether(all.last().unwrap());
    let is: u128 = plan.wei().to();
    assert!(said.abs_diff(is) * 100 <= is, "the page says {said} wei in all, it is {is}");
}
