//! The proposal's example on a real chain, with Court and Rewards in place: three nodes of 32 cores, 128 GB and 4 GPUs are
//! rented, kept three hours longer, and given back early. The proposal counts nine transactions for it; here are three.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::time::Duration;

use alloy::consensus::BlockHeader as _;
use alloy::network::EthereumWallet;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::types::TransactionReceipt;
use alloy::signers::{SignerSync as _, local::PrivateKeySigner};
use gpux_contracts::anvil::{Anvil, KEYS, Options};
use gpux_contracts::{Deployment, DevelopmentOptions, Rentals, TestToken, deploy_development};
use gpux_proto::{evidence, signing};

const CONSUMER: usize = 2;
const PROVIDERS: [usize; 3] = [3, 4, 6];
/// 1.80, 2.70 and 3.60 dollars an hour, in millionths of a dollar a second.
const RATES: [u128; 3] = [500, 750, 1_000];
const HOUR: u128 = 3_600;

fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&KEYS[index]).unwrap()
}

fn connect(anvil: &Anvil, index: usize) -> impl Provider + Clone + use<> {
    let wallet = EthereumWallet::from(signer(index));
    let provider = ProviderBuilder::new().wallet(wallet).connect_http(anvil.endpoint().parse().unwrap());
    provider.client().set_poll_interval(Duration::from_millis(10));
    provider
}

/// What the node offers, as its provider advertises it.
fn descriptor(index: usize) -> evidence::Descriptor {
    let gpus = vec![evidence::Gpu { model: "GeForce RTX 3090".to_owned(), count: 4 }];
    let host = evidence::Host { threads: 32, ram_bytes: 128_000_000_000, ..Default::default() };
    evidence::Descriptor { node: vec![index as u8; 32], gpus, host: Some(host), ..Default::default() }
}

fn terms(deployment: &Deployment, index: usize) -> evidence::Terms {
    let bytes = prost::Message::encode_to_vec(&descriptor(index));
    let offer = evidence::Offer {
        chain_id: deployment.chain_id,
        rentals: deployment.rentals.to_vec(),
        node: vec![index as u8; 32],
        provider: signer(PROVIDERS[index]).address().to_vec(),
        descriptor_digest: signing::id(signing::Domain::Descriptor, &bytes).to_vec(),
        rate: RATES[index].to_string(),
        capacity: 1,
        valid_until: (1 << 40) - 1,
    };
    let consumer = signer(CONSUMER).address();
    let note = signing::note(deployment.chain_id, deployment.court, consumer, [9; 32]).to_vec();
    evidence::Terms { consumer: consumer.to_vec(), offer: Some(offer), note, nonce: index as u64 }
}

fn offer_signature(index: usize, terms: &evidence::Terms) -> Bytes {
    let digest = B256::from(signing::offer_digest(terms.offer.as_ref().unwrap()).unwrap());
    signer(PROVIDERS[index]).sign_hash_sync(&digest).unwrap().as_bytes().into()
}

/// How many transfers of the coin a transaction made.
fn transfers(receipt: &TransactionReceipt, token: Address) -> usize {
    receipt.logs().iter().filter(|log| log.address() == token).count()
}

/// What a node earned between two moments, in seconds since 1970.
fn earned(index: usize, from: u64, to: u64) -> u128 {
    RATES[index] * u128::from(to - from)
}

#[tokio::test]
async fn three_nodes_are_rented_topped_up_and_given_back_in_three_transactions() {
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR"));
    let anvil = Anvil::start(contracts, &Options::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut options = DevelopmentOptions::relaxed(signer(0).address(), signer(5).address(), B256::repeat_byte(0x77));
    options.hold = Duration::from_secs(14 * 86_400);
    let deployment = deploy_development(connect(&anvil, 0), &options).await.unwrap();
    let provider = connect(&anvil, CONSUMER);
    let consumer = signer(CONSUMER).address();
    let token = TestToken::new(deployment.token, &provider);
    let rentals = Rentals::new(deployment.rentals, &provider);
    let time_of = async |receipt: &TransactionReceipt| {
        provider.get_block_by_number(receipt.block_number.unwrap().into()).await.unwrap().unwrap().header.timestamp()
    };
    let balance = async |account: Address| token.balanceOf(account).call().await.unwrap();

    // Two hours of all three, and three more: 16.20 and 24.30 dollars. The consumer has no unit beyond it.
    let sum: u128 = RATES.iter().sum();
    let (first, more) = (sum * 2 * HOUR, sum * 3 * HOUR);
    assert_eq!((first, more), (16_200_000, 24_300_000));
    token.mint(consumer, U256::from(first + more)).send().await.unwrap().get_receipt().await.unwrap();
    token.approve(deployment.rentals, U256::MAX).send().await.unwrap().get_receipt().await.unwrap();

    let wire: Vec<_> = (0..3).map(|index| terms(&deployment, index)).collect();
    let terms: Vec<_> = wire.iter().map(|terms| Rentals::Terms::try_from(terms).unwrap()).collect();
    let ids: Vec<_> = wire.iter().map(|terms| B256::from(signing::rental_id(terms).unwrap())).collect();
    let signatures = wire.iter().enumerate().map(|(index, terms)| offer_signature(index, terms)).collect();
    let nonce = provider.get_transaction_count(consumer).await.unwrap();

    let deposits = RATES.map(|rate| rate * 2 * HOUR).to_vec();
    let open = rentals.open(terms.clone(), deposits, signatures).send().await.unwrap().get_receipt().await.unwrap();
    assert!(open.status());
    assert_eq!(transfers(&open, deployment.token), 1);
    assert_eq!(balance(consumer).await, U256::from(more));
    assert_eq!(balance(deployment.rentals).await, U256::from(first));

    let _: serde_json::Value = provider.raw_request("evm_increaseTime".into(), (3_600,)).await.unwrap();
    let extra = RATES.map(|rate| rate * 3 * HOUR).to_vec();
    let top_up = rentals.topUp(ids.clone(), extra).send().await.unwrap().get_receipt().await.unwrap();
    assert!(top_up.status());
    assert_eq!(transfers(&top_up, deployment.token), 1);
    assert_eq!(balance(consumer).await, U256::ZERO);
    assert_eq!(balance(deployment.rentals).await, U256::from(first + more));

    // Half an hour before the fifth hour ends, all three are given back.
    let _: serde_json::Value = provider.raw_request("evm_increaseTime".into(), (3_600 * 7 / 2,)).await.unwrap();
    let stop = rentals.stop(terms.clone()).send().await.unwrap().get_receipt().await.unwrap();
    assert!(stop.status());
    assert_eq!(provider.get_transaction_count(consumer).await.unwrap() - nonce, 3, "the proposal's nine are three");

    let (start, end) = (time_of(&open).await, time_of(&stop).await);
    assert!((end - start).abs_diff(4 * 3_600 + 1_800) < 60, "{} s", end - start);
    let each: Vec<_> = (0..3).map(|index| earned(index, start, end)).collect();
    let refund = first + more - each.iter().sum::<u128>();
    assert_eq!(rentals.credit(consumer).call().await.unwrap(), refund);

    // A refund is a credit, all of it withdrawn at once whenever its owner likes; what was earned leaves after its hold.
    rentals.withdraw(consumer).send().await.unwrap().get_receipt().await.unwrap();
    assert_eq!(balance(consumer).await, U256::from(refund));
    let _: serde_json::Value = provider.raw_request("evm_increaseTime".into(), (14 * 86_400,)).await.unwrap();
    rentals.collect(terms, vec![], vec![]).send().await.unwrap().get_receipt().await.unwrap();
    for (index, earned) in each.into_iter().enumerate() {
        let account = signer(PROVIDERS[index]).address();
        assert_eq!(rentals.credit(account).call().await.unwrap(), earned, "node {index}");
        let own = Rentals::new(deployment.rentals, connect(&anvil, PROVIDERS[index]));
        own.withdraw(account).send().await.unwrap().get_receipt().await.unwrap();
        assert_eq!(balance(account).await, U256::from(earned), "node {index}");
    }
    assert_eq!(balance(deployment.rentals).await, U256::ZERO, "every unit has found its owner");
}
