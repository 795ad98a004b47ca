//! The only way into an oracle: messages that anybody sent, and messages that their authors signed whatever they say.

use super::{
    conversation,
    transcript::{CHAIN, NOW, RENTALS, Transcript, UNTIL, descriptor, ecdsa, keys},
};
use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use ed25519_dalek::SigningKey;
use gpux_contracts::Deployment;
use gpux_oracle::{
    ingest::{Clock, Ingest, Rules},
    score::Parameters,
    store::{BlockFacts, BlockRef, BondChange, RentalOpened, Sqlite, Store},
};
use gpux_proto::{
    evidence::{Bundle, Commit, Description, DeviceKind, Outcome, Probe, Registration, Report, Signed, Step, Terms},
    signing::{self, Domain},
};
use prost::Message as _;
use std::sync::{Arc, OnceLock};
use tokio::runtime::Runtime;

const SALT: [u8; 32] = [0x5a; 32];

/// A running oracle over a store of its own.
pub(super) struct Place {
    pub(super) runtime: Runtime,
    pub(super) store: Arc<dyn Store>,
    pub(super) ingest: Ingest,
    _folder: tempfile::TempDir,
}

fn fisher() -> &'static PrivateKeySigner {
    &keys().consumer
}

fn report_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

/// The market's contracts.
pub(super) fn deployment() -> Deployment {
    let address = Address::repeat_byte;
    Deployment {
        chain_id: CHAIN,
        development: true,
        block: 1,
        token: address(0x11),
        access_manager: address(0x12),
        rentals: RENTALS.into(),
        bonds: address(0x14),
        scores: address(0x15),
        court: address(0x16),
        rewards: address(0x17),
        epoch_length_seconds: 5,
    }
}

/// An oracle that knows the node, the fisher, his bond and his rental.
pub(super) fn place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (store, ingest) = runtime.block_on(async {
            let store: Arc<dyn Store> = Arc::new(Sqlite::open(folder.path()).await.expect("a new store opens"));
            let rules = Rules { deployment: deployment(), parameters: Parameters::development(), releases: Vec::new() };
            let ingest = Ingest::new(store.clone(), rules, Clock::of(|| NOW), SigningKey::from_bytes(&[9; 32]));
            store.apply_block(block()).await.expect("the first block is applied");
            store.finalise(1).await.expect("it is finalised");
            let description = Description { membership: None, ..super::description::describe(&descriptor()) };
            ingest.announce_node(description).await.expect("the node is announced");
            ingest.register_fisher(registration()).await.expect("the fisher is registered");
            (store, ingest)
        });
        Place { runtime, store, ingest, _folder: folder }
    })
}

fn block() -> BlockFacts {
    let terms = terms();
    let offer = terms.offer.clone().unwrap_or_default();
    let opened = RentalOpened {
        log_index: 1,
        transaction: [0x7a; 32],
        rental: signing::rental_id(&terms).unwrap_or_default(),
        node: keys().node.verifying_key().to_bytes(),
        provider: keys().provider.address().into_array(),
        consumer: fisher().address().into_array(),
        rate: offer.rate.parse().unwrap_or_default(),
        deposit: 1_000_000,
        start: NOW - 60,
        note: terms.note.first_chunk().copied().unwrap_or_default(),
    };
    BlockFacts {
        block: BlockRef { number: 1, hash: [1; 32], timestamp: NOW - 100 },
        parent: [0; 32],
        opened: vec![opened],
        movements: Vec::new(),
        bonds: vec![BondChange { log_index: 0, fisher: fisher().address().into_array(), amount: 1_000_000_000 }],
        cases: vec![],
        entries: Vec::new(),
    }
}

fn terms() -> Terms {
    let offer = super::description::describe(&descriptor()).offer.and_then(|signed| signed.offer);
    let note = signing::note(CHAIN, deployment().court, fisher().address(), SALT).to_vec();
    Terms { consumer: fisher().address().to_vec(), offer, note, nonce: 1 }
}

/// The fisher's binding of his key.
pub(super) fn registration() -> Registration {
    let registration = Registration {
        chain_id: CHAIN,
        bonds: deployment().bonds.to_vec(),
        fisher: fisher().address().to_vec(),
        report_key: report_key().verifying_key().to_bytes().to_vec(),
        valid_until: UNTIL,
        fisher_signature: Vec::new(),
        chain: vec![0; 32],
        chain_epoch: NOW / 5 + 2,
    };
    let digest = signing::registration_digest(&registration).unwrap_or_default();
    Registration { fisher_signature: ecdsa(fisher(), &digest), ..registration }
}

/// A report of a session that never opened.
pub(super) fn report() -> Report {
    let terms = terms();
    Report {
        chain_id: CHAIN,
        rentals: RENTALS.to_vec(),
        fisher: fisher().address().to_vec(),
        report_key: report_key().verifying_key().to_bytes().to_vec(),
        node: keys().node.verifying_key().to_bytes().to_vec(),
        rental: signing::rental_id(&terms).unwrap_or_default().to_vec(),
        terms: Some(terms),
        offer: super::description::describe(&descriptor()).offer,
        note_salt: SALT.to_vec(),
        court: deployment().court.to_vec(),
        probe: Probe::Imma.into(),
        device: DeviceKind::Simulated.into(),
        outcome: Outcome::Inconclusive.into(),
        step: Step::Open.into(),
        x_lower: 0,
        x_upper: 64,
        start_time: Some(crate::host::timestamp(NOW - 30)),
        end_time: Some(crate::host::timestamp(NOW - 5)),
        ..Report::default()
    }
}

/// The first byte says what the rest is.
pub(super) fn run(input: &[u8]) {
    let Some(([kind, cut], bytes)) = input.split_first_chunk() else { return };
    let place = place();
    place.runtime.block_on(async {
        match kind % 6 {
            0 => {
                let Ok(description) = Description::decode(bytes) else { return };
                let _ = place.ingest.announce_node(description).await;
            }
            1 => {
                let Ok(registration) = Registration::decode(bytes) else { return };
                let _ = place.ingest.register_fisher(registration).await;
            }
            2 => {
                let Ok(commit) = Signed::decode(bytes) else { return };
                assert!(place.ingest.commit_report(commit).await.is_err(), "nobody else has the fisher's key");
            }
            3 => {
                let Ok(report) = Signed::decode(bytes) else { return };
                assert!(place.ingest.submit_report(report, Vec::new()).await.is_err(), "nobody else has his key");
            }
            4 => {
                let mut claims = descriptor();
                let node = claims.node.clone();
                let _ = claims.merge(bytes);
                (claims.node, claims.provider) = (node, keys().provider.address().to_vec());
                let description = Description { membership: None, ..super::description::describe(&claims) };
                let _ = place.ingest.announce_node(description).await;
            }
            _ => reported(place, *cut, bytes).await,
        }
    });
}

/// A report that its fisher signed and committed, about a session that both sides signed.
async fn reported(place: &Place, cut: u8, bytes: &[u8]) {
    let (claims, changes) = bytes.split_at(usize::from(cut).min(bytes.len()));
    let mut report = report();
    let _ = report.merge(claims);
    let bundle = match changes.split_first() {
        Some((which, changes)) => {
            let session = conversation::changed(Transcript::honest(*which), changes).sign();
            // About the fisher's own rental or another one.
            let terms = if which & 0x80 == 0 { report.terms.clone() } else { session.terms.clone() };
            Bundle { terms, offer: report.offer.clone(), ..session }.encode_to_vec()
        }
        None => Vec::new(),
    };
    report.bundle_digest = if bundle.is_empty() { Vec::new() } else { signing::id(Domain::Bundle, &bundle).to_vec() };
    let signed = signing::sign(Domain::Report, &report, &report_key());
    let commit = Commit {
        chain_id: CHAIN,
        rentals: RENTALS.to_vec(),
        fisher: fisher().address().to_vec(),
        report: signing::id(Domain::Report, &signed.payload).to_vec(),
    };
    let _ = place.ingest.commit_report(signing::sign(Domain::Commit, &commit, &report_key())).await;
    let before = place.store.rental_report(signing::rental_id(&terms()).unwrap_or_default()).await;
    let accepted = place.ingest.submit_report(signed, bundle).await;
    if matches!(before, Ok(Some(_))) {
        assert!(accepted.is_err(), "a rental is reported once");
    }
}

/// One good message of each kind.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let of = |head: [u8; 2], bytes: Vec<u8>| [head.to_vec(), bytes].concat();
    let description = Description { membership: None, ..super::description::describe(&descriptor()) };
    let signed = signing::sign(Domain::Report, &report(), &SigningKey::from_bytes(&[8; 32]));
    let failed = Report { outcome: Outcome::Fail.into(), step: Step::Window.into(), ..Report::default() };
    let claims = [failed.encode_to_vec(), vec![0x80]].concat();
    vec![
        of([0, 0], description.encode_to_vec()),
        of([1, 0], registration().encode_to_vec()),
        of([2, 0], signed.encode_to_vec()),
        of([3, 0], signed.encode_to_vec()),
        of([4, 0], descriptor().encode_to_vec()),
        of([5, claims.len() as u8 - 1], claims),
        of([5, 0], vec![0]),
    ]
}
