//! The only way in: descriptions, registrations, commits, reports and stamps are checked here, and nowhere else.
//!
//! Owns what an accepted request must fulfil and the order of the checks, the cheapest first; bundles are examined with
//! gpux-kernels, on one core at most. Never folds or publishes. Its invariant: a request is accepted durably before it is
//! acknowledged, and one that is refused leaves the store as it was.

mod assignment;
mod clock;
mod countersignature;
mod evidence;
mod fisher;
mod node;
mod refusal;
mod relay;
mod report;
mod rules;
mod signers;
mod stamps;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use alloy::primitives::{Address, B256};
use gpux_proto::{
    bytes::array,
    evidence::{
        Acknowledgement, Checkpoint, Commit, Description, FisherRegistered, LogEntry, NodeAnnounced, Registration,
        RelayRegistered, RelayRegistration, ReportCommitted, ReportRevealed, Signed, log_entry::Fact,
    },
    signing::{self, Domain, SigningKey},
};
use prost::Message as _;

use crate::{
    publish::Operators,
    rate::Meter,
    schedule::Schedules,
    score,
    store::{self, Accepted as Held, Blob, Slot, Store},
};

pub use clock::Clock;
pub use refusal::Refusal;
pub use rules::Rules;
pub use signers::Signers;

/// A report that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub report: [u8; 32],
    /// The epoch in which it was revealed.
    pub epoch: u64,
}

/// Takes requests in; cheap to clone.
#[derive(Debug, Clone)]
pub struct Ingest {
    store: Arc<dyn Store>,
    rules: Arc<Rules>,
    clock: Clock,
    /// Signs acknowledgements.
    key: Arc<SigningKey>,
    examiner: evidence::Examiner,
    assignments: assignment::Assignments,
    /// Whose signatures over epochs are taken.
    operators: Operators,
    /// What each key may send.
    keys: Arc<Meter>,
}

impl Ingest {
    /// Takes requests into a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, rules: Rules, clock: Clock, key: SigningKey) -> Self {
        let rules = Arc::new(rules);
        let examiner = evidence::Examiner::new(rules.clone());
        let assignments = assignment::Assignments::new(Schedules::new(store.clone(), &rules.parameters));
        let operators = Operators::fixed(Vec::new(), 1);
        let keys = Arc::new(Meter::new(0));
        Self { store, rules, clock, key: Arc::new(key), examiner, assignments, operators, keys }
    }

    /// The same, for a market with these operators. Without them no signature over an epoch is taken.
    #[must_use]
    pub fn with_operators(self, operators: Operators) -> Self {
        Self { operators, ..self }
    }

    /// The same, with a limit on what each key may send in a second. Who only claims to be somebody takes nothing of his.
    #[must_use]
    pub fn with_key_rate(self, per_second: u32) -> Self {
        Self { keys: Arc::new(Meter::new(per_second)), ..self }
    }

    /// The same, with the schedules of whoever closes epochs. Without them no assignment is known.
    #[must_use]
    pub fn with_schedules(self, schedules: Schedules) -> Self {
        Self { assignments: assignment::Assignments::new(schedules), ..self }
    }

    /// What the market's signatures and sessions are checked by.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The constants of the market.
    #[must_use]
    pub fn parameters(&self) -> &score::Parameters {
        &self.rules.parameters
    }

    /// The schedules that assignments are checked with.
    #[must_use]
    pub fn schedules(&self) -> &Schedules {
        self.assignments.schedules()
    }

    /// Accepts a node's description; returns the node. The same description again changes nothing.
    pub async fn announce_node(&self, description: Description) -> Result<[u8; 32], Refusal> {
        let now = self.clock.now();
        let checked = node::check(&description, &self.rules, Some(now))?;
        self.metered(&checked.node)?;
        let bytes = description.encode_to_vec();
        let record = store::Node {
            node: checked.node,
            provider: checked.provider.into_array(),
            organisation: checked.organisation,
            model: checked.model,
            descriptor_digest: checked.descriptor_digest,
            sequence: checked.sequence,
            offer_until: checked.offer_until,
            description: bytes,
            seen: now,
            entry: entry(Fact::NodeAnnounced(NodeAnnounced { description: Some(description) })),
        };
        match self.store.announce_node(record).await {
            Ok(_) => Ok(checked.node),
            Err(store::Error::Stale { held, offered }) => Err(Refusal::NodeStale { given: offered, known: held }),
            Err(error) => Err(Refusal::Store(error)),
        }
    }

    /// Accepts a fisher's binding of its report key; returns the fisher. The same binding again changes nothing.
    pub async fn register_fisher(&self, registration: Registration) -> Result<Address, Refusal> {
        let now = self.clock.now();
        let fisher = fisher::check(&registration, &self.rules, Some(now))?;
        self.metered(&fisher)?;
        let known = self.store.fisher(fisher.into_array()).await.map_err(Refusal::Store)?;
        // The chain's time may lag behind by its finality: the clock says which beacons somebody may know.
        let open = self.epoch().await?.max(self.rules.parameters.epoch_at(now));
        let chain = fisher::chain(&registration, known.as_ref(), open)?;
        let record = store::Fisher {
            fisher: fisher.into_array(),
            report_key: array("registration.report_key", &registration.report_key)?,
            valid_until: registration.valid_until,
            chain,
            registration: registration.encode_to_vec(),
            entry: entry(Fact::FisherRegistered(FisherRegistered { registration: Some(registration) })),
        };
        match self.store.register_fisher(record).await {
            Ok(_) => Ok(fisher),
            Err(error) => Err(stale(error)),
        }
    }

    /// Accepts an owner's binding of a relay; returns the relay's key. The same binding again changes nothing.
    pub async fn register_relay(&self, registration: RelayRegistration) -> Result<[u8; 32], Refusal> {
        let (relay, owner) = relay::check(&registration, &self.rules, Some(self.clock.now()))?;
        self.metered(&owner)?;
        // Owners are counted, and only so many of them may be corrupt: without a stake of each, one makes them all.
        self.bonded(owner, |bond, least| Refusal::OwnerWithoutBond { owner: owner.into(), bond, least }).await?;
        let record = store::Relay {
            relay,
            owner,
            valid_until: registration.valid_until,
            registration: registration.encode_to_vec(),
            entry: entry(Fact::RelayRegistered(RelayRegistered { registration: Some(registration) })),
        };
        match self.store.register_relay(record).await {
            Ok(_) => Ok(relay),
            Err(store::Error::RelayOwned(relay)) => Err(Refusal::RelayOwned(relay.into())),
            Err(error) => Err(stale(error)),
        }
    }

    /// Accepts a relay's stamps of one session. The same stamps again change nothing.
    pub async fn submit_stamps(&self, signed: Signed) -> Result<(), Refusal> {
        let now = self.clock.now();
        let checked = stamps::decode(&signed, now)?;
        let known = self.store.relay(checked.relay).await.map_err(Refusal::Store)?;
        let owner = stamps::verify(&signed, &checked, known.as_ref(), now)?;
        self.metered(&checked.relay)?;
        if self.store.node(checked.node).await.map_err(Refusal::Store)?.is_none() {
            return Err(Refusal::NodeUnknown(checked.node.into()));
        }
        let record = store::Stamps {
            relay: checked.relay,
            head: checked.head,
            owner,
            epoch: self.epoch().await?,
            first_us: checked.first_us,
            signed: signed.encode_to_vec(),
        };
        self.store.accept_stamps(record).await.map_err(|error| match error {
            store::Error::StampsHeld(head) => Refusal::StampsHeld(head.into()),
            store::Error::StampsFull { owner, limit } => Refusal::StampsFull { owner: owner.into(), limit },
            error => Refusal::Store(error),
        })
    }

    /// Accepts a commit and acknowledges it.
    pub async fn commit_report(&self, signed: Signed) -> Result<Signed, Refusal> {
        rules::bounded("commit", signed.payload.len(), rules::COMMIT_BYTES_MAX)?;
        let commit: Commit = signing::open(Domain::Commit, &signed)?;
        self.rules.here("commit", commit.chain_id, &commit.rentals, self.rules.deployment.rentals)?;
        let fisher: [u8; 20] = array("commit.fisher", &commit.fisher)?;
        let report: [u8; 32] = array("commit.report", &commit.report)?;
        let known = self.store.fisher(fisher).await.map_err(Refusal::Store)?;
        let key = fisher::report_key(fisher.into(), known.as_ref(), self.clock.now())?;
        let id = signing::verify(Domain::Commit, &signed, &key)?;
        self.metered(&fisher)?;
        self.bonded(fisher, |bond, least| Refusal::FisherWithoutBond { fisher: fisher.into(), bond, least }).await?;
        let record = store::Commit {
            report,
            fisher,
            epoch: self.epoch().await?,
            entry: entry(Fact::ReportCommitted(ReportCommitted { commit: Some(signed) })),
        };
        match self.store.accept_commit(record).await.map_err(Refusal::Store)? {
            Held::New { log_index } => Ok(self.acknowledge(id, log_index)),
            Held::Duplicate { .. } => Err(Refusal::CommitReplayed(report.into())),
        }
    }

    /// Accepts a committed report and its bundle.
    pub async fn submit_report(&self, signed: Signed, bundle: Vec<u8>) -> Result<Accepted, Refusal> {
        let decoded = report::decode(&signed, &bundle, &self.rules, self.clock.now())?;
        self.authorised(&signed, &decoded).await?;
        report::bindings(&decoded, &self.rules)?;
        let rental = self.paid(&decoded).await?;
        let (store, parameters) = (self.store.as_ref(), &self.rules.parameters);
        let slot = self.assignments.check(store, parameters, &decoded, &rental).await?;
        evidence::digest(&decoded, &bundle)?;
        let (decoded, bundle) = match decoded.bundle_digest {
            Some(_) => self.examiner.check(decoded, bundle).await?,
            None => (decoded, bundle),
        };
        self.hold(signed, decoded, bundle, slot).await
    }

    /// Refuses a report that its fisher did not sign and commit, or that counts already.
    async fn authorised(&self, signed: &Signed, decoded: &report::Decoded) -> Result<(), Refusal> {
        let fisher = decoded.fisher.into_array();
        let known = self.store.fisher(fisher).await.map_err(Refusal::Store)?;
        let known = known.filter(|held| held.report_key == decoded.report_key);
        let key = fisher::report_key(decoded.fisher, known.as_ref(), self.clock.now())?;
        signing::verify(Domain::Report, signed, &key)?;
        self.metered(&fisher)?;
        let (id, rental) = (B256::from(decoded.id), decoded.rental);
        let reported = self.store.rental_report(rental).await.map_err(Refusal::Store)?;
        if reported.is_some() || self.store.report(decoded.id).await.map_err(Refusal::Store)?.is_some() {
            return Err(Refusal::ReportReplayed(id));
        }
        let commit = self.store.commit(decoded.id, fisher).await.map_err(Refusal::Store)?;
        let commit = commit.ok_or(Refusal::NotCommitted(id))?;
        let limit = self.rules.parameters.reveal_epochs;
        if commit.unrevealed || self.epoch().await? > commit.epoch.saturating_add(limit.into()) {
            return Err(Refusal::RevealLate { report: id, epoch: commit.epoch, limit });
        }
        Ok(())
    }

    /// Refuses a report about an unknown node, or about a rental that no finalised block contains.
    async fn paid(&self, decoded: &report::Decoded) -> Result<store::Rental, Refusal> {
        let unknown = Refusal::RentalUnknown(decoded.rental.into());
        let finalised = self.store.finalised().await.map_err(Refusal::Store)?;
        let rental = self.store.rental(decoded.rental).await.map_err(Refusal::Store)?;
        let rental = match (rental, finalised) {
            (Some(rental), Some(finalised)) if rental.opened.number <= finalised.number => rental,
            _ => return Err(unknown),
        };
        report::on_chain(decoded, &rental)?;
        match self.store.node(decoded.node).await.map_err(Refusal::Store)? {
            Some(_) => Ok(rental),
            None => Err(Refusal::NodeUnknown(decoded.node.into())),
        }
    }

    /// Writes an accepted report: its bundle first, so that no report names one that is not there.
    async fn hold(
        &self,
        signed: Signed,
        decoded: report::Decoded,
        bundle: Vec<u8>,
        slot: Option<Slot>,
    ) -> Result<Accepted, Refusal> {
        if let Some(digest) = decoded.bundle_digest {
            self.store.put_blob(Blob::Bundle, digest, bundle).await.map_err(Refusal::Store)?;
        }
        let epoch = self.epoch().await?;
        let revealed = ReportRevealed {
            report: decoded.id.to_vec(),
            bundle_digest: decoded.bundle_digest.map(|digest| digest.to_vec()).unwrap_or_default(),
            relay: decoded.report.relay.clone(),
            fisher: decoded.fisher.to_vec(),
            epoch,
            assigned: slot.is_some(),
        };
        let record = store::Report {
            id: decoded.id,
            node: decoded.node,
            fisher: decoded.fisher.into_array(),
            rental: decoded.rental,
            resource: decoded.probe.number().into(),
            epoch,
            // The lag follows from a later beacon; until then nothing is due.
            due: if self.rules.parameters.lag_epochs_max == 0 { epoch } else { epoch + 1 },
            bundle: decoded.bundle_digest,
            slot,
            signed: signed.encode_to_vec(),
            entry: entry(Fact::ReportRevealed(revealed)),
        };
        let id = B256::from(decoded.id);
        match self.store.accept_report(record).await {
            Ok(Held::New { .. }) => Ok(Accepted { report: decoded.id, epoch }),
            Ok(Held::Duplicate { .. }) | Err(store::Error::RentalReported(_)) => Err(Refusal::ReportReplayed(id)),
            Err(store::Error::SlotReported(Slot { epoch, number })) => {
                Err(Refusal::AssignmentReplayed { epoch, slot: number })
            }
            Err(store::Error::NotCommitted(_)) => Err(Refusal::NotCommitted(id)),
            Err(error) => Err(Refusal::Store(error)),
        }
    }

    /// The open epoch, by the finalised chain's time: the machine's clock would not be the same in a replay.
    async fn epoch(&self) -> Result<u64, Refusal> {
        let finalised = self.store.finalised().await.map_err(Refusal::Store)?;
        Ok(finalised.map_or(0, |block| self.rules.parameters.epoch_at(block.timestamp)))
    }

    /// Refuses a key that sends more than it may. Only after its signature was verified, or anybody could use up what is another's.
    fn metered(&self, key: &impl std::hash::Hash) -> Result<(), Refusal> {
        self.keys.take(key).map_err(|wait| Refusal::KeyRate { wait })
    }

    /// Refuses an account whose finalised bond is below the smallest that counts. What a fisher weighs is the fold's to say.
    async fn bonded(&self, account: [u8; 20], refusal: impl FnOnce(u128, u128) -> Refusal) -> Result<(), Refusal> {
        let bond = self.store.finalised_bond(account).await.map_err(Refusal::Store)?;
        let least = self.rules.parameters.min_bond;
        if bond >= least { Ok(()) } else { Err(refusal(bond, least)) }
    }

    /// The time by the oracle's clock, in seconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The operator's signature over the log's size and root.
    #[must_use]
    pub fn checkpoint(&self, size: u64, root: [u8; 32]) -> Signed {
        let deployment = &self.rules.deployment;
        let (chain_id, scores) = (deployment.chain_id, deployment.scores.to_vec());
        signing::sign(Domain::Checkpoint, &Checkpoint { chain_id, scores, size, root: root.to_vec() }, &self.key)
    }

    fn acknowledge(&self, commit: [u8; 32], log_index: u64) -> Signed {
        let operator = self.key.verifying_key().to_bytes().to_vec();
        let acknowledgement = Acknowledgement { commit: commit.to_vec(), log_index, operator };
        signing::sign(Domain::Acknowledgement, &acknowledgement, &self.key)
    }
}

/// A registration that does not hold longer than the known one replaces nothing.
fn stale(error: store::Error) -> Refusal {
    match error {
        store::Error::Stale { held, offered } => {
            Refusal::RegistrationVoid(format!("its end {offered} is not after {held}, that of the known one"))
        }
        error => Refusal::Store(error),
    }
}

fn entry(fact: Fact) -> Vec<u8> {
    LogEntry { fact: Some(fact) }.encode_to_vec()
}
