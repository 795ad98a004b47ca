//! A log that a stranger keeps, into the fold: entries as bytes, and entries that only their author can have meant.

use super::{
    description::describe,
    transcript::{descriptor, keys},
};
use arbitrary::{Arbitrary, Unstructured};
use gpux_oracle::{
    publish::{Folder, LeafFile},
    score::Parameters,
};
use gpux_proto::evidence::{
    AuditFolded, BondChanged, Description, Descriptor, EpochClosed, FisherAudited, LogEntry, NodeAnnounced,
    RelayRegistered, RelayRegistration, ReportFolded, log_entry::Fact,
};
use prost::Message as _;

/// The most entries of an input.
const ENTRIES_MAX: usize = 512;
/// How many nodes, fishers, owners and reports there are: few enough that entries speak of each other's.
const IDS: u8 = 6;

/// x in 64ths: mostly one that is a ratio.
#[derive(Arbitrary, Debug)]
enum Ratio {
    Known(u8, bool),
    Unknown,
    Any(u8, u8),
}

impl Ratio {
    fn bounds(&self) -> (u32, u32) {
        match *self {
            Self::Known(x, between) => (u32::from(x % 65), (u32::from(x % 65) + u32::from(between)).min(64)),
            Self::Unknown => (0, 64),
            Self::Any(lower, upper) => (lower.into(), upper.into()),
        }
    }

    fn inconclusive(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// Numbers that stand for entries.
#[derive(Arbitrary, Debug)]
enum Said {
    Report {
        node: u8,
        probe: u8,
        x: Ratio,
        weight: u8,
        epoch: u8,
        report: u8,
    },
    Audit {
        node: u8,
        probe: u8,
        x: Ratio,
        owner: u8,
        epoch: u8,
        report: u8,
    },
    Finding {
        fisher: u8,
        owner: u8,
        finding: u8,
    },
    Bond {
        fisher: u8,
        amount: u128,
    },
    Announced {
        node: u8,
        organisation: u8,
        claims: bool,
    },
    Owner(u8),
    /// So many epochs later.
    Closed(u8),
    /// Any epoch.
    ClosedAt(u64),
}

/// The first byte says in which market, and whether the rest is entries with their lengths or numbers that stand for some.
pub(super) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    let parameters = if kind & 2 == 0 { Parameters::development() } else { Parameters::production() };
    let entries = if kind & 1 == 0 { encoded(bytes) } else { said(bytes) };
    let (mut folder, mut again) = (Folder::new(parameters.clone()), Folder::new(parameters));
    for entry in entries.iter().take(ENTRIES_MAX) {
        let size = folder.size();
        let folded = folder.apply(entry);
        assert_eq!(folder.size() - size, u64::from(folded.is_ok()), "a refused entry is not counted");
        if folded.is_ok() {
            let _ = again.apply(entry);
        }
        if let Ok(Some(epoch)) = folded {
            closed(&folder, epoch);
        }
    }
    let file = folder.leaf_file().map(|file| file.bytes());
    assert_eq!(again.leaf_file().map(|file| file.bytes()), file, "equal logs give equal leaf files");
}

/// What holds at the end of every epoch.
fn closed(folder: &Folder, epoch: u64) {
    assert_eq!(folder.epoch(), Some(epoch));
    for (score, _) in folder.scores() {
        let estimates = std::iter::once(score.estimate).chain(score.resources.iter().map(|of| of.estimate));
        for estimate in estimates {
            let (low, middle, high) = (estimate.low_bps, estimate.score_bps, estimate.high_bps);
            assert!(low <= middle && middle <= high && high <= 10_000, "{estimate:?}");
        }
    }
    let file = folder.leaf_file().expect("an epoch is closed");
    assert_eq!(LeafFile::read(&file.bytes()).ok(), Some(file), "a leaf file is read as it was written");
}

fn encoded(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let Some(([low, high], rest)) = bytes.split_first_chunk() {
        let (entry, rest) = rest.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(rest.len()));
        entries.push(entry.to_vec());
        bytes = rest;
    }
    entries
}

fn said(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Ok(said) = Unstructured::new(bytes).arbitrary::<Vec<Said>>() else { return Vec::new() };
    let mut epoch = 0;
    said.into_iter().take(ENTRIES_MAX).map(|said| entry(said, &mut epoch)).collect()
}

fn id(number: u8, length: usize) -> Vec<u8> {
    vec![number % IDS; length]
}

fn entry(said: Said, open: &mut u64) -> Vec<u8> {
    // Of a time around now, as most are.
    let around = |offset: u8, open: u64| (open + 8).saturating_sub(u64::from(offset));
    let fact = match said {
        Said::Report { node, probe, x, weight, epoch, report } => Fact::ReportFolded(ReportFolded {
            node: id(node, 32),
            resource: i32::from(probe % 16),
            x_lower: x.bounds().0,
            x_upper: x.bounds().1,
            weight: u32::from(weight % 66),
            epoch: around(epoch, *open),
            report: vec![report; 32],
            inconclusive: x.inconclusive(),
            refuted: false,
        }),
        Said::Audit { node, probe, x, owner, epoch, report } => Fact::AuditFolded(AuditFolded {
            node: id(node, 32),
            resource: i32::from(probe % 16),
            x_lower: x.bounds().0,
            x_upper: x.bounds().1,
            owner: id(owner, 20),
            epoch: around(epoch, *open),
            report: vec![report; 32],
            inconclusive: x.inconclusive(),
        }),
        Said::Finding { fisher, owner, finding } => Fact::FisherAudited(FisherAudited {
            fisher: id(fisher, 20),
            owner: id(owner, 20),
            finding: i32::from(finding % 5),
        }),
        Said::Bond { fisher, amount } => Fact::BondChanged(BondChanged {
            fisher: id(fisher, 20),
            amount: amount.to_string(),
            ..BondChanged::default()
        }),
        Said::Announced { node, organisation, claims } => announced(node, organisation, claims),
        Said::Owner(owner) => owner_registered(owner),
        Said::Closed(epochs) => {
            *open += u64::from(epochs);
            Fact::EpochClosed(EpochClosed { epoch: *open, timestamp: *open * 5 })
        }
        Said::ClosedAt(epoch) => {
            *open = (*open).max(epoch.min(u64::from(u32::MAX)));
            Fact::EpochClosed(EpochClosed { epoch, timestamp: 0 })
        }
    };
    LogEntry { fact: Some(fact) }.encode_to_vec()
}

/// A node with the claims of the others' descriptor, or with none; organisation 0 is none.
fn announced(node: u8, organisation: u8, claims: bool) -> Fact {
    let organisation = if organisation.is_multiple_of(IDS) { Vec::new() } else { id(organisation, 32) };
    let claimed = if claims { descriptor() } else { Descriptor::default() };
    let named = Descriptor { node: id(node, 32), provider: id(node, 20), organisation, ..claimed };
    let membership = if named.organisation.is_empty() { None } else { describe(&named).membership };
    let description = Description { membership, ..describe(&named) };
    Fact::NodeAnnounced(NodeAnnounced { description: Some(description) })
}

fn owner_registered(owner: u8) -> Fact {
    let registration = RelayRegistration { owner: id(owner, 20), ..RelayRegistration::default() };
    Fact::RelayRegistered(RelayRegistered { registration: Some(registration) })
}

/// A log of every kind of entry.
pub(super) fn log() -> Vec<Vec<u8>> {
    let node = keys().node.verifying_key().to_bytes()[0];
    let report = |report| Said::Report { node, probe: 1, x: Ratio::Known(64, false), weight: 64, epoch: 8, report };
    let audit = Said::Audit { node, probe: 1, x: Ratio::Known(1, true), owner: 3, epoch: 8, report: 9 };
    let said = vec![
        Said::Owner(3),
        Said::Announced { node, organisation: 0, claims: true },
        Said::Announced { node: 1, organisation: 1, claims: true },
        Said::Bond { fisher: 1, amount: 1_000_000_000 },
        report(1),
        report(2),
        audit,
        Said::Finding { fisher: 1, owner: 3, finding: 1 },
        Said::Closed(5),
        report(3),
        Said::Closed(1),
        Said::ClosedAt(u64::from(u32::MAX) - 1),
    ];
    let mut open = 0;
    said.into_iter().map(|said| entry(said, &mut open)).collect()
}

/// That log, and numbers that stand for others.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let framed = |entry: &Vec<u8>| [&(entry.len() as u16).to_le_bytes(), entry.as_slice()].concat();
    let log: Vec<u8> = log().iter().flat_map(framed).collect();
    let mut dice = super::replay::Dice::new("fold");
    let mut seeds: Vec<_> = (0..8).map(|kind| [vec![kind | 1], dice.bytes(600)].concat()).collect();
    seeds.extend([[vec![0], log.clone()].concat(), [vec![2], log].concat()]);
    seeds
}
