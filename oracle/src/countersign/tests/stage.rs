//! A log of a few epochs that is right in every way, an own chain that agrees with it, and a co-operator beside them.

use std::sync::Arc;

use alloy::{
    primitives::{Address, Bytes, U256},
    providers::{Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
    sol_types::SolValue as _,
    transports::mock::Asserter,
};
use gpux_contracts::Deployment;
use gpux_proto::{
    bytes::to_hex,
    evidence::{BeaconSeen, Block, BondChanged, EpochClosed, Finding, LogEntry, Report, Signed, log_entry::Fact},
    oracle::Epoch,
};
use prost::Message as _;

use super::{
    cast::{Cast, folded, revealed},
    leader::{Leader, Shown},
};
use crate::{
    audit::fixture::{OWNERS, audit_of, audited, entry},
    countersign::{Countersigner, Round, copy::Copy, entries::Entries, reports::Reports},
    ingest::{Clock, Rules},
    log::{Frontier, leaf_hash},
    publish::{Folder, ScoresChain},
    replay::{self, Recomputed},
    score::Parameters,
    store::{BlockFacts, BlockRef, Sqlite, Store},
};

/// The first epoch with a report, and the last.
pub(super) const FIRST: u64 = 10;
pub(super) const LAST: u64 = 13;
const EPOCH_SECS: u64 = 5;

pub(super) fn deployment() -> Deployment {
    let address = Address::repeat_byte;
    Deployment {
        chain_id: 31_337,
        development: true,
        block: 1,
        token: address(1),
        access_manager: address(2),
        rentals: address(3),
        bonds: address(4),
        scores: address(5),
        court: address(6),
        rewards: address(7),
        epoch_length_seconds: EPOCH_SECS,
    }
}

pub(super) fn operator() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&alloy::primitives::B256::repeat_byte(0x61)).unwrap()
}

/// The block of a time; its number is the time's.
pub(super) fn block(timestamp: u64) -> Block {
    Block { number: timestamp, hash: blake3::hash(&timestamp.to_le_bytes()).as_bytes().to_vec(), timestamp }
}

pub(super) fn bond(account: Address, amount: u128, log_index: u32) -> Fact {
    let block = Some(block(46));
    Fact::BondChanged(BondChanged { block, log_index, fisher: account.to_vec(), amount: amount.to_string() })
}

pub(super) fn beacon(epoch: u64) -> Fact {
    Fact::BeaconSeen(BeaconSeen { epoch, block: Some(block(epoch * EPOCH_SECS)) })
}

pub(super) fn closed(epoch: u64) -> Fact {
    Fact::EpochClosed(EpochClosed { epoch, timestamp: (epoch + 1) * EPOCH_SECS })
}

/// An honest log: facts in order, and reports by epoch.
pub(super) struct Script {
    pub(super) cast: Cast,
    pub(super) facts: Vec<Fact>,
    pub(super) reports: Vec<(Report, Signed)>,
}

impl Script {
    pub(super) fn new() -> Self {
        let (cast, parameters) = (Cast::new(deployment()), Parameters::development());
        let mut facts = vec![bond(cast.fisher.address(), parameters.full_weight_bond, 0)];
        for number in 0..OWNERS {
            facts.push(bond(Cast::owner(number).address(), parameters.min_bond, 1 + u32::from(number)));
        }
        facts.extend(cast.signed());
        for audit in 0..parameters.audits_min {
            let owner = Cast::owner(audit as u8).address().into_array();
            facts.push(audited(cast.fisher.address().into_array(), owner, Finding::Agrees));
        }
        facts.extend([beacon(FIRST), closed(FIRST - 1)]);
        let mut reports = Vec::new();
        for epoch in FIRST..=LAST {
            let report = cast.report(epoch, 60);
            let signed = cast.sign(&report);
            let counted = folded(&report, &signed, epoch);
            let audit = audit_of(&counted, Cast::owner(0).address().into_array());
            facts.extend([
                Fact::ReportCommitted(cast.committed(&signed)),
                Fact::ReportRevealed(revealed(&report, &signed, epoch)),
                beacon(epoch + 1),
                Fact::ReportFolded(counted),
                Fact::AuditFolded(audit),
                closed(epoch),
            ]);
            reports.push((report, signed));
        }
        Self { cast, facts, reports }
    }

    /// The place of the first fact that a test looks for.
    pub(super) fn place(&self, is: impl Fn(&Fact) -> bool) -> usize {
        self.facts.iter().position(is).unwrap()
    }

    /// What a leader shows of it, with what he would publish.
    pub(super) fn shown(&self) -> Shown {
        let entries: Vec<_> = self.facts.iter().cloned().map(entry).collect();
        let reports = self.reports.iter().map(|(_, signed)| {
            (to_hex(&gpux_proto::signing::id(gpux_proto::signing::Domain::Report, &signed.payload)), signed.clone())
        });
        Shown { epochs: published(&entries), entries, reports: reports.collect(), ..Shown::default() }
    }
}

/// What somebody publishes who folds these entries, as far as they can be folded.
pub(super) fn published(entries: &[Vec<u8>]) -> Vec<Epoch> {
    let (mut folder, mut frontier) = (Folder::new(Parameters::development()), Frontier::new());
    let mut epochs = Vec::new();
    for entry in entries {
        frontier.append(leaf_hash(entry));
        let Ok(closed) = folder.apply(entry) else { break };
        if closed.is_none() || !folder.has_scores() {
            continue;
        }
        let found = Recomputed::of(&folder, frontier.root()).unwrap().unwrap();
        epochs.push(Epoch {
            epoch: found.epoch,
            log_size: found.log_size,
            log_root: to_hex(&found.log_root),
            root: to_hex(&found.root),
            data_hash: to_hex(&found.data_hash),
            rewards_root: to_hex(&found.rewards_root),
            parameters: to_hex(&found.parameters),
            leaves: found.leaves,
            ..Epoch::default()
        });
    }
    epochs
}

/// A leader, and the directory of a co-operator.
pub(super) struct Stage {
    pub(super) leader: Leader,
    pub(super) own: Arc<dyn Store>,
    url: String,
    pub(super) directory: tempfile::TempDir,
}

impl Stage {
    /// Somebody who shows this, beside a chain that has what an honest log says, up to a time.
    pub(super) async fn set(shown: Shown, chain_until: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (leader, url) = Leader::serve(shown, operator().address(), deployment()).await;
        let own: Arc<dyn Store> = Arc::new(Sqlite::open(&directory.path().join("chain")).await.unwrap());
        let stage = Self { leader, own, url, directory };
        stage.finalise(46, chain_until).await;
        stage
    }

    /// Makes the honest chain's blocks final, from one time to another.
    pub(super) async fn finalise(&self, from: u64, until: u64) {
        let (facts, mut parent) =
            (Script::new().facts, self.own.head().await.unwrap().map_or([0; 32], |head| head.hash));
        for timestamp in from..=until {
            let of = |fact: &&Fact| match fact {
                Fact::BondChanged(fact) => fact.block.as_ref() == Some(&block(timestamp)),
                Fact::BeaconSeen(fact) => fact.block.as_ref() == Some(&block(timestamp)),
                _ => false,
            };
            let entries = facts.iter().filter(of).zip(0..).map(|(fact, index)| (index, entry(fact.clone()))).collect();
            let at = BlockRef { number: timestamp, hash: block(timestamp).hash.try_into().unwrap(), timestamp };
            let (opened, movements, bonds, cases) = Default::default();
            let facts = BlockFacts { block: at, parent, opened, movements, bonds, cases, entries };
            self.own.apply_block(facts).await.unwrap();
            parent = at.hash;
        }
        self.own.finalise(until).await.unwrap();
    }

    /// A co-operator who starts, with all that was kept.
    pub(super) async fn start(&self) -> Countersigner {
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&self.directory.path().join("leader")).await.unwrap());
        let channel = replay::channel(&self.url).unwrap();
        let rules = Rules { deployment: deployment(), parameters: Parameters::development(), releases: Vec::new() };
        let evidence = gpux_proto::oracle::evidence_service_client::EvidenceServiceClient::new(channel.clone());
        Countersigner {
            leader: replay::log_client(channel),
            reports: Reports::new(evidence, operator(), Clock::of(|| 1_000)),
            scores: scores(0),
            copy: Copy::new(store.clone(), self.directory.path().join("contradiction.txt")),
            entries: Entries::new(store.clone(), self.own.clone(), rules).await.unwrap(),
            store,
        }
    }

    /// What a fresh co-operator comes to in one round.
    pub(super) async fn round(&self) -> Round {
        self.start().await.round().await.unwrap()
    }
}

/// Scores as a chain has it whose newest epoch this is, for one round.
pub(super) fn scores(latest: u64) -> ScoresChain {
    let answers = Asserter::new();
    let parameters = U256::from_be_bytes(Parameters::development().digest());
    for word in [U256::from(latest), parameters, U256::from(2), U256::from(1)] {
        answers.push_success(&Bytes::from(word.abi_encode()));
    }
    let provider = ProviderBuilder::new().disable_recommended_fillers().connect_mocked_client(answers);
    ScoresChain::new(provider.erased(), operator(), &deployment())
}

/// The fact of an encoded entry.
pub(super) fn fact(entry: &[u8]) -> Fact {
    LogEntry::decode(entry).unwrap().fact.unwrap()
}
