use super::*;
use crate::{
    offered::{self, Place},
    session::fixture,
};
use alloy::{
    network::EthereumWallet,
    primitives::U256,
    providers::{Provider, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use gpux_contracts::{
    Deployment, DevelopmentOptions, Rentals, TestToken,
    anvil::{Anvil, KEYS, Options},
    deploy_development,
};
use gpux_kernels::probe::ProbeId;
use gpux_proto::evidence::Terms;
use std::path::Path;

const TOKENS: u64 = 100_000_000;

#[test]
fn the_journal_survives_and_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    let (plain, rented) = (PrivateKeySigner::random(), PrivateKeySigner::random());
    let terms = Terms { consumer: rented.address().to_vec(), nonce: 7, ..Default::default() };
    journal.write(&Entry { signer: plain.clone(), terms: None, probe: None }).unwrap();
    journal.write(&Entry { signer: rented.clone(), terms: None, probe: None }).unwrap();
    journal.write(&Entry { signer: rented.clone(), terms: Some(terms.clone()), probe: Some(ProbeId::Cpu) }).unwrap();
    // What a crash in the middle of a write leaves behind.
    std::fs::write(dir.path().join("accounts/0x00.partial"), "{").unwrap();
    let entries = Journal::open(dir.path()).unwrap().entries().unwrap();
    assert_eq!(entries.len(), 2);
    let found = entries.iter().find(|entry| entry.signer == rented).unwrap();
    assert_eq!((found.terms.as_ref(), found.probe), (Some(&terms), Some(ProbeId::Cpu)));
    for file in std::fs::read_dir(dir.path().join("accounts")).unwrap().map(Result::unwrap) {
        if file.path().extension().unwrap() == "json" {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0);
        }
    }
    journal.remove(plain.address()).unwrap();
    journal.remove(plain.address()).unwrap();
    assert_eq!(journal.entries().unwrap().len(), 1);
}

#[test]
fn a_spoiled_entry_is_an_error_that_keeps_its_key_to_itself() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    std::fs::write(dir.path().join("accounts/0x01.json"), r#"{"key":"5ec2e7"}"#).unwrap();
    let error = journal.entries().unwrap_err().to_string();
    assert!(error.ends_with("not a key") && !error.contains("5ec2e7"), "{error}");
}

fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&KEYS[index]).unwrap()
}

/// A chain with a market and a fisher who has tokens.
async fn market() -> (Anvil, Deployment) {
    let options = Options { block_time: Some(std::time::Duration::from_secs(1)), ..Options::default() };
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts");
    let anvil = Anvil::start(&contracts, &options).unwrap_or_else(|error| panic!("{error}"));
    let admin = signer(0);
    let wallet = EthereumWallet::from(admin.clone());
    let provider = ProviderBuilder::new().wallet(wallet).connect_http(anvil.endpoint().parse().unwrap());
    provider.client().set_poll_interval(std::time::Duration::from_millis(50));
    let options = DevelopmentOptions::relaxed(admin.address(), admin.address(), [1; 32].into());
    let deployment = deploy_development(provider.clone(), &options).await.unwrap();
    let token = TestToken::new(deployment.token, &provider);
    let mint = token.mint(signer(1).address(), U256::from(TOKENS));
    mint.send().await.unwrap().get_receipt().await.unwrap();
    (anvil, deployment)
}

async fn purse(anvil: &Anvil, deployment: &Deployment, data: &Path) -> Purse {
    let rpc = anvil.endpoint().parse().unwrap();
    let chain = Chain::connect(rpc, deployment.clone(), signer(1)).await.unwrap();
    Purse::new(chain, (Journal::open(data).unwrap(), Spending::open(data)), 3, 1_000_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn rentals_are_opened_and_everything_comes_back_also_after_a_crash() {
    let (anvil, deployment) = market().await;
    let dir = tempfile::tempdir().unwrap();
    let place = Place { chain_id: deployment.chain_id, rentals: deployment.rentals };
    let description = fixture::description("http://127.0.0.1:1", place);
    let offered = offered::verify(&description, place, crate::clock::now()).unwrap();

    let first = purse(&anvil, &deployment, dir.path()).await;
    let error = first.rent(&offered, ProbeId::Cpu, 10_000).await.unwrap_err();
    assert!(matches!(error, Error::Expensive { needs: 10_000_000, .. }), "{error}");
    let (one, two) = tokio::join!(first.rent(&offered, ProbeId::Cpu, 60), first.rent(&offered, ProbeId::Cpu, 60));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.consumer.address(), two.consumer.address());
    let provider = ProviderBuilder::new().connect_http(anvil.endpoint().parse().unwrap());
    let rentals = Rentals::new(deployment.rentals, &provider);
    let stored = rentals.rentalOf(one.id.into()).call().await.unwrap();
    assert!(stored.deposit >= 60_000 && stored.stop.is_zero(), "{stored:?}");
    let fisher = first.chain().fisher().address();
    let note = gpux_proto::signing::note(deployment.chain_id, deployment.court, fisher, one.salt);
    assert_eq!(one.terms.note, note);

    first.give_back(&one).await;
    assert!(!rentals.rentalOf(one.id.into()).call().await.unwrap().stop.is_zero());
    // The process dies here: one rental is open, one paid account was never used.
    drop(first);
    assert_eq!(Journal::open(dir.path()).unwrap().entries().unwrap().len(), 2);
    let next = purse(&anvil, &deployment, dir.path()).await;
    assert_eq!(next.sweep().await.unwrap(), (2, 0));
    assert_eq!(Journal::open(dir.path()).unwrap().entries().unwrap().len(), 0);
    assert!(!rentals.rentalOf(two.id.into()).call().await.unwrap().stop.is_zero());
    let token = TestToken::new(deployment.token, &provider);
    let mut earned = 0;
    for id in [one.id, two.id] {
        earned += rentals.rentalOf(id.into()).call().await.unwrap().deposit;
    }
    let spent = Spending::open(dir.path()).sum().unwrap()["cpu"];
    assert_eq!((spent.rentals, spent.tokens), (2, earned));
    assert!(spent.wei > U256::ZERO);
    let left = token.balanceOf(fisher).call().await.unwrap();
    assert_eq!(left + U256::from(earned), U256::from(TOKENS), "only what the providers earned is gone");
    for account in [&one, &two] {
        let wei = provider.get_balance(account.consumer.address()).await.unwrap();
        assert!(wei < U256::from(1_000_000_000_000_000u64), "{wei} wei are left");
    }
    assert!(matches!(next.chain().standing(fisher, None).await, Ok(Standing { rented: false, .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_cannot_pay_says_what_is_missing() {
    let (anvil, deployment) = market().await;
    let dir = tempfile::tempdir().unwrap();
    let chain = Chain::connect(anvil.endpoint().parse().unwrap(), deployment.clone(), signer(2)).await.unwrap();
    let purse = Purse::new(chain, (Journal::open(dir.path()).unwrap(), Spending::open(dir.path())), 2, u128::MAX);
    let place = Place { chain_id: deployment.chain_id, rentals: deployment.rentals };
    let description = fixture::description("http://127.0.0.1:1", place);
    let offered = offered::verify(&description, place, crate::clock::now()).unwrap();
    let error = purse.rent(&offered, ProbeId::Cpu, 60).await.unwrap_err();
    assert!(matches!(error, Error::Funds { unit: "token units", accounts: 2, .. }), "{error}");
    let foreign = Deployment { chain_id: 10, ..deployment };
    let error = Chain::connect(anvil.endpoint().parse().unwrap(), foreign, signer(2)).await.unwrap_err();
    assert!(matches!(error, Error::ForeignChain { recorded: 10, served: 31_337 }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beacon_is_an_epochs_first_block_and_nothing_else() {
    let (anvil, deployment) = market().await;
    let chain = Chain::connect(anvil.endpoint().parse().unwrap(), deployment, signer(1)).await.unwrap();
    let provider = ProviderBuilder::new().connect_http(anvil.endpoint().parse().unwrap());
    let block = provider.get_block_by_number(2.into()).await.unwrap().unwrap();
    let parent = provider.get_block_by_hash(block.header.parent_hash).await.unwrap().unwrap();
    let (hash, at, before) = (block.header.hash.0, block.header.timestamp, parent.header.timestamp);
    assert!(before < at);
    // Epochs of a second: the block is the first of its own second, and of each that no block lies in.
    assert_eq!(chain.beacon(hash, at, 1).await.unwrap(), Beacon::Confirmed);
    assert_eq!(chain.beacon(hash, before + 1, 1).await.unwrap(), Beacon::Confirmed);
    assert!(matches!(chain.beacon(hash, at + 1, 1).await.unwrap(), Beacon::Contradicted(_)), "too early");
    assert!(matches!(chain.beacon(hash, before, 1).await.unwrap(), Beacon::Contradicted(_)), "not the first");
    assert_eq!(chain.beacon([7; 32], at, 1).await.unwrap(), Beacon::Unknown);
    let genesis = provider.get_block_by_number(0.into()).await.unwrap().unwrap().header;
    assert_eq!(chain.beacon(genesis.hash.0, genesis.timestamp, 1).await.unwrap(), Beacon::Confirmed);
}
