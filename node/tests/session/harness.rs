//! A node on loopback, and a table instead of the chain.
use crate::renter::Renter;
use alloy::signers::local::PrivateKeySigner;
use gpux_node::{
    chain::{Rental, Rentals, Unavailable},
    cheat::{Cheat, Cheating},
    identity::{Claims, Identity, Price, describe},
    run::serve,
    sandbox::{Choice, Limits, Sandbox},
    session::{Device, Node, Options, Timeouts},
};
use gpux_proto::{
    evidence::Terms,
    signing::{self, SigningKey},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic_types::StatusExt as _;

pub(crate) const CHAIN_ID: u64 = 31_337;
pub(crate) const RENTALS: [u8; 20] = [0x11; 20];
pub(crate) const RATE: u128 = 1_000;

/// The chain: rentals by id.
#[derive(Clone, Default)]
pub(crate) struct Table(pub(crate) Arc<Mutex<HashMap<[u8; 32], Rental>>>);

impl Rentals for Table {
    async fn rental(&self, id: [u8; 32]) -> Result<Rental, Unavailable> {
        let none = Rental { start: 0, stop: 0, rate: 0, paid_until: 0, now: 1 };
        Ok(self.0.lock().unwrap().get(&id).copied().unwrap_or(none))
    }
}

/// What a test changes of a node.
pub(crate) struct Setting {
    pub(crate) limits: Limits,
    pub(crate) capacity: u32,
    pub(crate) message: Duration,
    pub(crate) cheat: Option<Cheat>,
    pub(crate) device: Device,
}

impl Default for Setting {
    fn default() -> Self {
        let limits = Limits { wall: Duration::from_secs(60), ..Limits::of_rental(2, 0) };
        Self { limits, capacity: 4, message: Duration::from_secs(5), cheat: None, device: Device::None }
    }
}

/// A running node.
pub(crate) struct Market {
    pub(crate) address: String,
    pub(crate) identity: Arc<Identity>,
    pub(crate) table: Table,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<anyhow::Result<()>>,
    nonce: AtomicU64,
    _folder: TempDir,
}

/// The sandboxes that work on this machine; the development one always does.
pub(crate) async fn choices() -> Vec<Choice> {
    match Sandbox::find(Choice::Bubblewrap, false).await {
        Ok(_) => vec![Choice::Development, Choice::Bubblewrap],
        Err(error) => {
            println!("without bubblewrap: {error}");
            vec![Choice::Development]
        }
    }
}

impl Market {
    pub(crate) async fn start(choice: Choice, setting: Setting) -> Self {
        let key = SigningKey::from_bytes(&[5; 32]);
        let provider = PrivateKeySigner::from_bytes(&[7; 32].into()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let owner = provider.address().into_array();
        let descriptor = describe(&key, owner, address.clone(), None, Claims::default()).unwrap();
        let (capacity, validity) = (setting.capacity, Duration::from_secs(3_600));
        let price = Price { chain_id: CHAIN_ID, rentals: RENTALS, rate: RATE, capacity, validity };
        let identity = Arc::new(Identity::new(key, provider, price, descriptor, None).unwrap());
        let (table, folder, stop) = (Table::default(), tempfile::tempdir().unwrap(), CancellationToken::new());
        let options = Options {
            identity: identity.clone(),
            rentals: table.clone(),
            sandbox: Sandbox::find(choice, true).await.unwrap(),
            limits: setting.limits,
            timeouts: Timeouts {
                message: setting.message,
                upload: Duration::from_secs(10),
                rental: Duration::from_millis(100),
            },
            folder: folder.path().to_owned(),
            ledger: folder.path().join("sessions"),
            device: setting.device,
            cheating: setting.cheat.map(Cheating::new),
        };
        let node = Node::new(options, stop.clone()).unwrap();
        let served = tokio::spawn(serve(node, listener, stop.clone()));
        Self { address, identity, table, stop, served, nonce: AtomicU64::new(0), _folder: folder }
    }

    /// A renter whose rental is open and paid.
    pub(crate) fn renter(&self) -> Renter {
        let consumer = PrivateKeySigner::from_bytes(&[9; 32].into()).unwrap();
        let terms = Terms {
            consumer: consumer.address().to_vec(),
            offer: Some(self.identity.published().offer.clone()),
            note: vec![3; 32],
            nonce: self.nonce.fetch_add(1, Ordering::Relaxed),
        };
        let id = signing::rental_id(&terms).unwrap();
        self.table.0.lock().unwrap().insert(id, Rental { start: 1, stop: 0, rate: RATE, paid_until: 1_000, now: 1 });
        let session = SigningKey::from_bytes(&[13; 32]);
        Renter { address: self.address.clone(), node: self.identity.node(), consumer, session, terms, rental: id }
    }
}

/// The reason in an error's details.
pub(crate) fn reason(status: &Status) -> String {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no details in {status:?}"));
    assert_eq!(info.domain, "gpux");
    info.reason
}

/// A number that no other test's `sleep` has, so that survivors can be told.
pub(crate) fn mark() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{}.{}", 70_000 + std::process::id() % 10_000, 1_000 + NEXT.fetch_add(1, Ordering::Relaxed))
}

/// How many processes have the mark in their command line.
pub(crate) fn living(mark: &str) -> usize {
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = pids.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).split('\0').any(|word| word == mark)).count()
}

/// Waits until so many processes have the mark: a shell has forked long before its child is another program.
pub(crate) async fn running(mark: &str, count: usize) {
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    while living(mark) < count {
        assert!(tokio::time::Instant::now() < end, "the test never saw what it looks for");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until no process has the mark, for at most this long.
pub(crate) async fn gone(mark: &str, within: Duration) -> bool {
    let end = tokio::time::Instant::now() + within;
    while living(mark) > 0 {
        if tokio::time::Instant::now() > end {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    true
}
