//! A node, a relay and an oracle on loopback.
use super::oracle::Oracle;
use crate::{
    relay::{Limits, Options, Registrar, Relay, Scope, serve},
    report,
    session::{
        self, Ended, Order,
        fixture::{self, Act, At, Node, PLACE, consumer, cpu, node_key, offered, terms},
        longest,
    },
};
use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use gpux_contracts::Deployment;
use gpux_kernels::{
    Parameters, Shape,
    plan::{Deadlines, Plan},
    probe::ProbeId,
    release,
};
use gpux_proto::{evidence::RelayRegistration, signing::SigningKey};
use std::{fs, path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint, Uri};

pub(super) fn relay_key() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

pub(super) fn owner() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&[9; 32].into()).unwrap()
}

pub(super) fn honest() -> Node {
    Node { at: At::Never, act: Act::Hang, devices: cpu }
}

pub(super) fn deployment() -> Deployment {
    let address = Address::repeat_byte;
    Deployment {
        chain_id: PLACE.chain_id,
        development: true,
        block: 0,
        token: address(1),
        access_manager: address(2),
        rentals: PLACE.rentals,
        bonds: address(3),
        scores: address(4),
        court: address(5),
        rewards: address(8),
        epoch_length_seconds: 5,
    }
}

/// A registration of an owner's relay, by the bytes of their keys.
pub(super) fn registration(owner: u8, relay: u8) -> RelayRegistration {
    let registrar = Registrar {
        deployment: deployment(),
        owner: PrivateKeySigner::from_bytes(&[owner; 32].into()).unwrap(),
        relay: SigningKey::from_bytes(&[relay; 32]).verifying_key(),
        endpoint: "http://127.0.0.1:1".into(),
        listed: Arc::default(),
    };
    registrar.registration().unwrap()
}

/// A plan of half a second, with deadlines that a busy machine keeps.
fn plan() -> Plan {
    let limit = Duration::from_secs(8);
    Plan {
        probe: ProbeId::Cpu,
        parameters: Parameters { probe: ProbeId::Cpu, shape: Shape::Chains { lanes: 8, steps: 2_000 }, scale: 1 },
        windows: 3,
        window: Duration::from_millis(100),
        pings: 3,
        openings: 6,
        deadlines: Deadlines { open: limit, prepare: limit, pong: limit / 4, root: limit, openings: limit },
    }
}

/// A running market.
pub(super) struct Market {
    pub(super) oracle: Oracle,
    pub(super) stop: CancellationToken,
    /// The relay's own, so that a test can end it like a power failure.
    pub(super) own_runtime: Option<Runtime>,
    reaches: Uri,
    url: String,
    data: PathBuf,
    _folder: Option<Arc<TempDir>>,
}

impl Drop for Market {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(runtime) = self.own_runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Market {
    pub(super) async fn start(node: Node, limits: Limits) -> Self {
        let oracle = Oracle::default();
        let reaches = oracle.start().await;
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let data = folder.path().to_owned();
        let market = Self::relay((oracle, reaches), data, limits, Some(folder)).await;
        market.announce(&format!("http://{}", node.start().await));
        market
    }

    /// Starts a relay again on the same data, with the same oracle.
    pub(super) async fn relay_again(&self) -> Self {
        let known = (self.oracle.clone(), self.reaches.clone());
        Self::relay(known, self.data.clone(), Limits::default(), self._folder.clone()).await
    }

    async fn relay(
        (oracle, reaches): (Oracle, Uri),
        data: PathBuf,
        limits: Limits,
        folder: Option<Arc<TempDir>>,
    ) -> Self {
        let stop = CancellationToken::new();
        let runtime = Runtime::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap().into_std().unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // The oracle's connection is the relay's, and ends with it.
        let entered = runtime.enter();
        let options = Options {
            key: relay_key(),
            registrar: Registrar {
                deployment: deployment(),
                owner: owner(),
                relay: relay_key().verifying_key(),
                endpoint: url.clone(),
                listed: Arc::default(),
            },
            oracle: report::Oracle::new(reaches.clone()),
            data: data.clone(),
            scope: Scope::All,
            limits,
        };
        let relay = Relay::new(options, stop.clone()).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        runtime.spawn(serve(relay, listener, stop.clone()));
        drop(entered);
        Self { oracle, stop, own_runtime: Some(runtime), reaches, url, data, _folder: folder }
    }

    /// Tells the oracle where the node is.
    pub(super) fn announce(&self, endpoint: &str) {
        let node = node_key().verifying_key().to_bytes();
        self.oracle.tell(|known| known.nodes.insert(node, fixture::description(endpoint, PLACE)));
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn reaches(&self) -> report::Oracle {
        report::Oracle::new(self.reaches.clone())
    }

    pub(super) fn channel(&self) -> Channel {
        Endpoint::from_shared(self.url.clone()).unwrap().connect_lazy()
    }

    pub(super) fn undelivered(&self) -> usize {
        fs::read_dir(self.data.join("stamps")).unwrap().count()
    }

    /// A session through the relay.
    pub(super) async fn session(&self) -> Ended {
        let offered = offered("http://127.0.0.1:1");
        let worker = release::Release::new(vec![7; 1 << 20]).unwrap().build(&release::IDENTITY).unwrap();
        let (terms, plan) = (terms(&offered), plan());
        let order = Order {
            offered: &offered,
            terms: &terms,
            consumer: &consumer(),
            worker: &worker,
            plan: &plan,
            lock: None,
            watch: &|_| {},
        };
        let relay = Some(relay_key().verifying_key().to_bytes());
        let run = session::run(self.channel(), relay, &order);
        tokio::time::timeout(longest(&plan) + Duration::from_secs(1), run).await.expect("it outlived its deadlines")
    }
}
