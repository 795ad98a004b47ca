//! Entries of a log in which fishers weigh something, for tests: owners with bonds, relays, fishers who were audited.

use gpux_proto::{
    evidence::{
        AuditFolded, BeaconSeen, Block, BondChanged, Commit, EpochClosed, Finding, FisherAudited, LogEntry, Probe,
        RelayRegistered, RelayRegistration, ReportCommitted, ReportFolded, ReportRevealed, Signed, log_entry::Fact,
    },
    signing::{self, Domain, SigningKey},
};
use prost::Message as _;

use crate::score::Parameters;

/// How many owners run relays.
pub(crate) const OWNERS: u8 = 4;
/// A fisher.
pub(crate) const FISHER: [u8; 20] = [7; 20];

pub(crate) fn entry(fact: Fact) -> Vec<u8> {
    LogEntry { fact: Some(fact) }.encode_to_vec()
}

/// An owner of relays, from 0.
pub(crate) fn owner(number: u8) -> [u8; 20] {
    [0xe0 + number; 20]
}

/// His relay.
pub(crate) fn relay(number: u8) -> [u8; 32] {
    [0xd0 + number; 32]
}

pub(crate) fn bonded(account: [u8; 20], amount: u128) -> Fact {
    Fact::BondChanged(BondChanged { block: None, log_index: 0, fisher: account.to_vec(), amount: amount.to_string() })
}

pub(crate) fn registered(relay: [u8; 32], owner: [u8; 20]) -> Fact {
    let registration =
        RelayRegistration { relay: relay.to_vec(), owner: owner.to_vec(), ..RelayRegistration::default() };
    Fact::RelayRegistered(RelayRegistered { registration: Some(registration) })
}

pub(crate) fn audited(fisher: [u8; 20], owner: [u8; 20], finding: Finding) -> Fact {
    Fact::FisherAudited(FisherAudited { fisher: fisher.to_vec(), finding: finding.into(), owner: owner.to_vec() })
}

pub(crate) fn closed(epoch: u64) -> Fact {
    Fact::EpochClosed(EpochClosed { epoch, timestamp: epoch * 5 })
}

/// The first block of an epoch.
pub(crate) fn beacon(epoch: u64) -> Fact {
    let hash = blake3::hash(&epoch.to_le_bytes()).as_bytes().to_vec();
    Fact::BeaconSeen(BeaconSeen { epoch, block: Some(Block { number: epoch, hash, timestamp: epoch * 5 }) })
}

pub(crate) fn committed(report: [u8; 32], fisher: [u8; 20]) -> Fact {
    let commit = Commit { fisher: fisher.to_vec(), report: report.to_vec(), ..Commit::default() };
    Fact::ReportCommitted(ReportCommitted {
        commit: Some(signing::sign(Domain::Commit, &commit, &SigningKey::from_bytes(&[3; 32]))),
    })
}

pub(crate) fn revealed(report: [u8; 32], fisher: [u8; 20], relay: Option<[u8; 32]>, epoch: u64) -> Fact {
    Fact::ReportRevealed(ReportRevealed {
        report: report.to_vec(),
        bundle_digest: Vec::new(),
        relay: relay.map(|relay| relay.to_vec()).unwrap_or_default(),
        fisher: fisher.to_vec(),
        epoch,
        assigned: true,
    })
}

/// A report about a node's CPU.
pub(crate) fn folded(node: [u8; 32], report: [u8; 32], x: u32, weight: u32, epoch: u64) -> ReportFolded {
    ReportFolded {
        node: node.to_vec(),
        resource: Probe::Cpu.into(),
        x_lower: x,
        x_upper: x,
        weight,
        epoch,
        report: report.to_vec(),
        inconclusive: false,
        refuted: false,
    }
}

/// What an owner's stamps say of the same session.
pub(crate) fn audit_of(folded: &ReportFolded, owner: [u8; 20]) -> AuditFolded {
    AuditFolded {
        node: folded.node.clone(),
        resource: folded.resource,
        x_lower: folded.x_lower,
        x_upper: folded.x_upper,
        owner: owner.to_vec(),
        epoch: folded.epoch,
        report: folded.report.clone(),
        inconclusive: folded.inconclusive,
    }
}

/// A node's own word, which names its provider.
pub(crate) fn announced(node: [u8; 32], provider: [u8; 20]) -> Fact {
    use gpux_proto::evidence::{Description, Descriptor, NodeAnnounced};
    let descriptor = Descriptor { node: node.to_vec(), provider: provider.to_vec(), ..Descriptor::default() };
    let signed = Signed { payload: descriptor.encode_to_vec(), signature: vec![0; 64] };
    Fact::NodeAnnounced(NodeAnnounced {
        description: Some(Description { descriptor: Some(signed), ..Description::default() }),
    })
}

/// A market in which a fisher weighs in full from the end of `epoch` on: every owner's relay agreed with him.
pub(crate) fn market(parameters: &Parameters, fisher: [u8; 20], epoch: u64) -> Vec<Fact> {
    let mut facts = vec![bonded(fisher, parameters.full_weight_bond)];
    for number in 0..OWNERS {
        facts.push(bonded(owner(number), parameters.min_bond));
        facts.push(registered(relay(number), owner(number)));
    }
    for audit in 0..parameters.audits_min {
        facts.push(audited(fisher, owner(audit as u8 % OWNERS), Finding::Agrees));
    }
    facts.push(closed(epoch));
    facts
}
