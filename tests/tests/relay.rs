//! A sealed session with the real node through the real relay, the released worker in its sandbox: it passes, its bundle is
//! evidence, and the relay's stamps are about the bundle's frames.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use ed25519_dalek::{SigningKey, VerifyingKey};
use gpux_contracts::Deployment;
use gpux_kernels::{
    catalogue,
    device::paced::Behaviour,
    evidence::{Depth, Rules, examine},
    plan::{Market, plan},
    probe::ProbeId,
    release::Release,
};
use gpux_node::{
    chain::{Rental, Rentals, Unavailable},
    identity::{Claims, Identity, Price, describe},
    sandbox::{Choice, Limits, Sandbox},
    session::{Device, Node, Options, Timeouts},
    simulate::{Cards, Simulator},
};
use gpux_prober::{
    clock, fisher,
    offered::{self, Place},
    relay::{self, Registrar, Relay, Scope},
    report,
    session::{self, Order},
};
use gpux_proto::{
    evidence::{Bundle, Description, Direction, EndedBy, Gpu, Hello, Signed, Stamps, Terms},
    frames::{Chains, Side},
    oracle::{
        evidence_service_server::{EvidenceService, EvidenceServiceServer},
        registry_service_server::{RegistryService, RegistryServiceServer},
        *,
    },
    signing::{self, Domain},
};
use gpux_tests::binaries::Binaries;
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, transport::Endpoint};

const MODEL: &str = "GeForce RTX 3090";

/// Every rental is open and paid.
struct Paid;

impl Rentals for Paid {
    async fn rental(&self, _: [u8; 32]) -> Result<Rental, Unavailable> {
        Ok(Rental { start: 1, stop: 0, rate: 10, paid_until: 1_000, now: 1 })
    }
}

/// Knows one node, and keeps what relays bring.
#[derive(Clone)]
struct Oracle {
    node: Description,
    stamps: Arc<Mutex<Vec<Signed>>>,
}

impl Oracle {
    /// The first stamps that come.
    async fn taken(&self) -> Signed {
        for _ in 0..1_000 {
            if let Some(stamps) = self.stamps.lock().unwrap().first() {
                return stamps.clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no stamps came");
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn none<T>() -> Answer<T> {
    Err(Status::unimplemented("not asked for"))
}

#[tonic::async_trait]
impl RegistryService for Oracle {
    async fn get_node(&self, _: Request<GetNodeRequest>) -> Answer<GetNodeResponse> {
        let node = oracle_node(self.node.clone());
        Ok(Response::new(GetNodeResponse { node: Some(node) }))
    }
    async fn register_relay(&self, _: Request<RegisterRelayRequest>) -> Answer<RegisterRelayResponse> {
        Ok(Response::new(RegisterRelayResponse::default()))
    }
    async fn announce_node(&self, _: Request<AnnounceNodeRequest>) -> Answer<AnnounceNodeResponse> {
        none()
    }
    async fn register_fisher(&self, _: Request<RegisterFisherRequest>) -> Answer<RegisterFisherResponse> {
        none()
    }
    async fn list_nodes(&self, _: Request<ListNodesRequest>) -> Answer<ListNodesResponse> {
        none()
    }
    async fn list_relays(&self, _: Request<ListRelaysRequest>) -> Answer<ListRelaysResponse> {
        none()
    }
}

fn oracle_node(description: Description) -> gpux_proto::oracle::Node {
    gpux_proto::oracle::Node { name: String::new(), description: Some(description) }
}

#[tonic::async_trait]
impl EvidenceService for Oracle {
    async fn submit_stamps(&self, request: Request<SubmitStampsRequest>) -> Answer<SubmitStampsResponse> {
        self.stamps.lock().unwrap().extend(request.into_inner().stamps);
        Ok(Response::new(SubmitStampsResponse {}))
    }
    async fn commit_report(&self, _: Request<CommitReportRequest>) -> Answer<CommitReportResponse> {
        none()
    }
    async fn submit_report(&self, _: Request<SubmitReportRequest>) -> Answer<SubmitReportResponse> {
        none()
    }
    async fn get_report(&self, _: Request<GetReportRequest>) -> Answer<GetReportResponse> {
        none()
    }
    async fn list_reports(&self, _: Request<ListReportsRequest>) -> Answer<ListReportsResponse> {
        none()
    }
    async fn get_bundle(&self, _: Request<GetBundleRequest>) -> Answer<GetBundleResponse> {
        none()
    }
}

fn deployment() -> Deployment {
    let address = Address::repeat_byte;
    Deployment {
        chain_id: 31_337,
        development: true,
        block: 0,
        token: address(1),
        access_manager: address(2),
        rentals: address(6),
        bonds: address(3),
        scores: address(4),
        court: address(5),
        rewards: address(8),
        epoch_length_seconds: 5,
    }
}

async fn loopback() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Starts a node with a simulated card, and returns how it describes itself.
async fn node(folder: &Path, stop: &CancellationToken) -> Description {
    let (listener, url) = loopback().await;
    let key = SigningKey::from_bytes(&[5; 32]);
    let provider = PrivateKeySigner::from_bytes(&[7; 32].into()).unwrap();
    let claims = Claims { gpus: vec![Gpu { model: MODEL.into(), count: 1 }], host: None };
    let descriptor = describe(&key, provider.address().into_array(), url, None, claims).unwrap();
    let deployment = deployment();
    let price = Price {
        chain_id: deployment.chain_id,
        rentals: deployment.rentals.into_array(),
        rate: 10,
        capacity: 1,
        validity: Duration::from_secs(3_600),
    };
    let identity = Arc::new(Identity::new(key, provider, price, descriptor, None).unwrap());
    let description = identity.published().description.clone();
    let model = catalogue::by_name(MODEL).unwrap().clone();
    let options = Options {
        identity,
        rentals: Paid,
        sandbox: Sandbox::find(Choice::Development, true).await.unwrap(),
        limits: Limits::of_rental(2, 0),
        timeouts: Timeouts::of_market(true),
        folder: folder.to_owned(),
        ledger: folder.join("sessions"),
        device: Device::Simulated(Simulator::new(model, Behaviour::Honest, Cards::Each)),
        cheating: None,
    };
    let node = Node::new(options, stop.clone()).unwrap();
    tokio::spawn(gpux_node::run::serve(node, listener, stop.clone()));
    description
}

/// The heads of a bundle's frames, in the order in which the fisher sent and received them.
fn heads(bundle: &Bundle, node: &[u8]) -> Vec<(i32, Vec<u8>)> {
    let hello: Hello = signing::open(Domain::Hello, bundle.hello.as_ref().unwrap()).unwrap();
    let renter = signing::public_key("session key", &hello.session_key).unwrap();
    let node = signing::public_key("node", node).unwrap();
    let mut chains = Chains::new(signing::id(Domain::Open, &bundle.open.as_ref().unwrap().payload));
    let mut heads = Vec::new();
    for entry in &bundle.frames {
        let (side, key) = match entry.direction() {
            Direction::Renter => (Side::Renter, &renter),
            _ => (Side::Node, &node),
        };
        chains.receive(side, entry.frame.as_ref().unwrap(), key).unwrap();
        heads.push((entry.direction, chains.head(side).to_vec()));
    }
    heads
}

/// Starts an oracle and a relay that asks it; returns the relay's key and where it answers.
async fn relay(oracle: &Oracle, folder: &Path, stop: &CancellationToken) -> (VerifyingKey, String) {
    let (listener, url) = loopback().await;
    let server = tonic::transport::Server::builder()
        .add_service(RegistryServiceServer::new(oracle.clone()))
        .add_service(EvidenceServiceServer::new(oracle.clone()));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let key = SigningKey::from_bytes(&[8; 32]);
    let relay = key.verifying_key();
    let (listener, endpoint) = loopback().await;
    let owner = PrivateKeySigner::from_bytes(&[9; 32].into()).unwrap();
    let (deployment, listed) = (deployment(), Arc::default());
    let options = relay::Options {
        key,
        registrar: Registrar { deployment, owner, relay, endpoint: endpoint.clone(), listed },
        oracle: report::Oracle::new(url.parse().unwrap()),
        data: folder.to_owned(),
        scope: Scope::All,
        limits: relay::Limits::default(),
    };
    tokio::spawn(relay::serve(Relay::new(options, stop.clone()).unwrap(), listener, stop.clone()));
    (relay, endpoint)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_session_with_the_real_node_is_evidence_and_its_stamps_are_about_it() {
    let (folder, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
    let _stopped = stop.clone().drop_guard();
    let description = node(folder.path(), &stop).await;
    let oracle = Oracle { node: description.clone(), stamps: Arc::default() };
    let (relay_key, endpoint) = relay(&oracle, folder.path(), &stop).await;

    let deployment = deployment();
    let place = Place { chain_id: deployment.chain_id, rentals: deployment.rentals };
    let offered = offered::verify(&description, place, clock::now()).unwrap();
    let job = Binaries::beside_this_program().unwrap().path("gpux-job").unwrap();
    let release = Arc::new(Release::new(std::fs::read(job).unwrap()).unwrap());
    let worker = fisher::build(&release).unwrap();
    let consumer = PrivateKeySigner::from_bytes(&[4; 32].into()).unwrap();
    let offer = Some(offered.offer.clone());
    let terms = Terms { consumer: consumer.address().to_vec(), offer, note: vec![9; 32], nonce: 1 };
    let plan = plan(ProbeId::Imma, Market::Development).unwrap();
    let order = Order {
        offered: &offered,
        terms: &terms,
        consumer: &consumer,
        worker: &worker,
        plan: &plan,
        lock: None,
        watch: &|_| {},
    };
    let channel = Endpoint::from_shared(endpoint).unwrap().connect_lazy();
    let ended = session::run(channel, Some(relay_key.to_bytes()), &order).await;
    assert_eq!((ended.failure, ended.relay), (None, Some(relay_key.to_bytes())));

    let bundle = ended.bundle.unwrap();
    let rules = Rules {
        market: Market::Development,
        chain_id: deployment.chain_id,
        rentals: deployment.rentals.into_array(),
        releases: vec![release],
    };
    let found = examine(&bundle, &rules, Depth::Recompute);
    assert_eq!((found.first_unsound(), &found.failure, found.wrong.len()), (None, &None, 0));

    let taken = oracle.taken().await;
    signing::verify(Domain::Stamps, &taken, &relay_key).unwrap();
    let stamps: Stamps = signing::open(Domain::Stamps, &taken).unwrap();
    let stamped: Vec<_> = stamps.stamps.iter().map(|stamp| (stamp.direction, stamp.head.clone())).collect();
    assert_eq!(stamped, heads(&bundle, &offered.node));
    assert_eq!((stamps.node.as_slice(), stamps.ended_by()), (offered.node.as_slice(), EndedBy::Node));
}
