//! The binary against a real chain: its offer opens a rental in the contract, the rental opens a session, and stopping
//! the rental ends the job. In a process of its own, since a development sandbox kills children that it did not start.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]
#[path = "session/renter.rs"]
mod renter;

use alloy::{
    network::EthereumWallet,
    primitives::{B256, U256},
    providers::{Provider, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use gpux_contracts::{
    Deployment, DevelopmentOptions, Rentals, TestToken,
    anvil::{Anvil, KEYS, Options},
    deploy_development,
};
use gpux_proto::{
    bytes::{from_hex, to_hex},
    evidence::{Descriptor, SignedOffer, Terms},
    node::{DescribeRequest, node_service_client::NodeServiceClient},
    signing::{self, Domain, SigningKey},
};
use renter::Renter;
use std::{
    fs, io::BufRead as _, io::BufReader, os::unix::fs::PermissionsExt as _, path::Path, process, time::Duration,
};

const DEPOSIT: u128 = 3_600_000;

fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&KEYS[index]).unwrap()
}

fn connect(anvil: &Anvil, index: usize) -> impl Provider + Clone + use<> {
    let wallet = EthereumWallet::from(signer(index));
    let provider = ProviderBuilder::new().wallet(wallet).connect_http(anvil.endpoint().parse().unwrap());
    provider.client().set_poll_interval(Duration::from_millis(10));
    provider
}

/// A node that ends with the test.
struct Node(process::Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ended = self.0.kill();
    }
}

/// Starts the binary and returns it with what its line on standard output says.
fn start(folder: &Path, anvil: &Anvil, deployment: &Deployment) -> (Node, String, [u8; 32]) {
    let deployment = deployment.write(folder).unwrap();
    let key = folder.join("provider.key");
    fs::write(&key, to_hex(KEYS[1].as_slice())).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = process::Command::new(env!("CARGO_BIN_EXE_gpux-node"));
    command.arg("run").arg("--data").arg(folder.join("node")).args(["--rpc", &anvil.endpoint()]);
    command.arg("--deployment").arg(deployment).arg("--provider-key-file").arg(key).arg("--development");
    command.args(["--simulate", "GeForce RTX 3060 12 GB", "--claim", "GeForce RTX 3090", "--measure-self"]);
    let mut child = command.stdout(process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let (address, node) = line.trim_end().strip_prefix("listening on ").unwrap().split_once(" as node ").unwrap();
    (Node(child), address.to_owned(), from_hex("node", node).unwrap())
}

async fn offer(address: &str, node: [u8; 32]) -> SignedOffer {
    let mut client = NodeServiceClient::connect(address.to_owned()).await.unwrap();
    let described = client.describe(DescribeRequest {}).await.unwrap().into_inner().description.unwrap();
    let key = signing::public_key("node", &node).unwrap();
    let digest = signing::verify(Domain::Descriptor, described.descriptor.as_ref().unwrap(), &key).unwrap();
    let descriptor: Descriptor = signing::open(Domain::Descriptor, &described.descriptor.unwrap()).unwrap();
    assert_eq!((descriptor.endpoint.as_str(), descriptor.gpus[0].model.as_str()), (address, "GeForce RTX 3090"));
    let host = descriptor.host.unwrap();
    assert!(host.threads > 0 && host.fp64_flops > 0 && host.ram_reads > 0 && host.ram_bytes == 128 << 20, "{host:?}");
    let signed = described.offer.unwrap();
    assert_eq!(signing::verify_offer(&signed).unwrap().0.descriptor_digest, digest);
    signed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rental_on_chain_opens_a_session_and_its_stop_ends_it() {
    let contracts = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts"));
    let anvil = Anvil::start(contracts, &Options::default()).unwrap_or_else(|error| panic!("{error}"));
    let options = DevelopmentOptions::relaxed(signer(0).address(), signer(5).address(), B256::ZERO);
    let deployment = deploy_development(connect(&anvil, 0), &options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (mut node, address, public) = start(folder.path(), &anvil, &deployment);
    let signed = offer(&address, public).await;

    let chain = connect(&anvil, 2);
    let token = TestToken::new(deployment.token, &chain);
    let rentals = Rentals::new(deployment.rentals, &chain);
    let consumer = signer(2);
    token.mint(consumer.address(), U256::from(DEPOSIT)).send().await.unwrap().get_receipt().await.unwrap();
    token.approve(deployment.rentals, U256::MAX).send().await.unwrap().get_receipt().await.unwrap();
    let terms = Terms { consumer: consumer.address().to_vec(), offer: signed.offer, note: vec![3; 32], nonce: 1 };
    let rental = signing::rental_id(&terms).unwrap();
    let session = SigningKey::from_bytes(&[13; 32]);
    let stop = rentals.stop(vec![Rentals::Terms::try_from(&terms).unwrap()]);
    let renter = Renter { address, node: public, consumer, session, terms: terms.clone(), rental };
    assert!(renter.open("#!/bin/sh\n").await.is_err(), "not open yet");
    let open = rentals.open(
        vec![Rentals::Terms::try_from(&terms).unwrap()],
        vec![DEPOSIT],
        vec![signed.provider_signature.into()],
    );
    open.send().await.unwrap().get_receipt().await.unwrap();

    let mut session = renter.open("#!/bin/sh\nread word\necho $word\ncat\n").await.unwrap();
    session.say(b"hello\n").await;
    assert_eq!(session.line().await, "hello");
    session.finish();
    assert_eq!(session.rest().await.1.unwrap().exit_code, Some(0));
    let mut session = renter.open("#!/bin/sh\nexec cat\n").await.unwrap();
    assert_eq!(session.ordinal, 2);
    stop.send().await.unwrap().get_receipt().await.unwrap();
    assert_eq!(session.rest().await.1.unwrap().limit, "rental");
    assert!(renter.open("#!/bin/sh\n").await.is_err(), "not open any more");

    let pid = nix::unistd::Pid::from_raw(node.0.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert!(node.0.wait().unwrap().success());
}
