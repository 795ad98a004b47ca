//! Which part of a log entry the fold reads.
//!
//! Owns the step from the wire's `LogEntry` to `score::Entry`, with every value checked: an operator who replays a
//! stranger's log gets an error with the value, never a panic and never a silently different score.

use gpux_kernels::{evidence as claims, plan};
use gpux_proto::{
    bytes::present,
    evidence::{self, Descriptor, Finding, LogEntry, Probe, log_entry::Fact},
    signing::{self, Domain},
};

use crate::score;

/// Why an entry of a log cannot be folded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The entry carries no fact; a newer kind reads as none as well.
    #[error("log entry holds no known fact")]
    NoFact,
    /// An id has a wrong length.
    #[error("{field} has {length} bytes instead of {expected}")]
    Id { field: &'static str, length: usize, expected: usize },
    /// A bond is no amount.
    #[error("bond {0:?} is no amount")]
    Bond(String),
    /// The finding has no name.
    #[error("finding {0} is unknown")]
    Finding(i32),
    /// An announced description or registration cannot be read.
    #[error("announcement: {0}")]
    Description(String),
    /// The resource has no name.
    #[error("resource {0} is unknown")]
    Resource(i32),
    /// The weight is above one.
    #[error("weight {0}/64 is above one")]
    Weight(u32),
    /// x is no ratio.
    #[error(transparent)]
    Ratio(#[from] score::RatioError),
    /// The entry says both that x is known and that it is not.
    #[error("ratio {lower}/64 to {upper}/64 contradicts inconclusive = {inconclusive}")]
    Inconclusive { lower: u32, upper: u32, inconclusive: bool },
}

/// What the fold reads of an entry in a market, if anything.
pub fn folded(entry: &LogEntry, market: score::Market) -> Result<Option<score::Entry>, Error> {
    Ok(Some(match entry.fact.as_ref().ok_or(Error::NoFact)? {
        Fact::ReportFolded(report) => score::Entry::Report(report_folded(report)?),
        Fact::NodeAnnounced(announced) => score::Entry::Announced(node_announced(announced, market)?),
        Fact::BondChanged(changed) => score::Entry::BondChanged(bond_changed(changed)?),
        Fact::AuditFolded(audit) => score::Entry::Audit(audit_folded(audit)?),
        Fact::FisherAudited(audited) => score::Entry::FisherAudited(fisher_audited(audited)?),
        Fact::RelayRegistered(registered) => score::Entry::OwnerRegistered(relay_registered(registered)?),
        Fact::EpochClosed(closed) => score::Entry::EpochClosed(score::EpochClosed { epoch: closed.epoch }),
        Fact::ReportCommitted(_)
        | Fact::ReportRevealed(_)
        | Fact::FisherRegistered(_)
        | Fact::PaymentSeen(_)
        | Fact::CertificateSeen(_)
        | Fact::RulingSeen(_)
        | Fact::BeaconSeen(_)
        | Fact::ParametersSet(_) => return Ok(None),
    }))
}

fn node_announced(announced: &evidence::NodeAnnounced, market: score::Market) -> Result<score::Announced, Error> {
    let unreadable = |error: signing::Error| Error::Description(error.to_string());
    let description = present("description", &announced.description).map_err(|e| unreadable(e.into()))?;
    let signed = present("descriptor", &description.descriptor).map_err(|e| unreadable(e.into()))?;
    let descriptor: Descriptor = signing::open(Domain::Descriptor, signed).map_err(unreadable)?;
    let market = match market {
        score::Market::Production => plan::Market::Production,
        score::Market::Development => plan::Market::Development,
    };
    let probes = claims::claims(&descriptor, market);
    // Only a membership that the organisation signed counts; ingest has checked it before it was logged.
    let organisation = match &description.membership {
        Some(_) => Some(score::OrganisationId(id("descriptor.organisation", &descriptor.organisation)?)),
        None => None,
    };
    Ok(score::Announced {
        node: score::NodeId(id("descriptor.node", &descriptor.node)?),
        claims: probes.into_iter().map(|probe| score::ResourceId(u32::from(probe.number()))).collect(),
        organisation,
    })
}

fn bond_changed(changed: &evidence::BondChanged) -> Result<score::BondChanged, Error> {
    let bond = changed.amount.parse().map_err(|_| Error::Bond(changed.amount.chars().take(64).collect()))?;
    Ok(score::BondChanged { fisher: score::FisherId(id("fisher", &changed.fisher)?), bond })
}

fn report_folded(report: &evidence::ReportFolded) -> Result<score::FoldedReport, Error> {
    Ok(score::FoldedReport {
        report: score::ReportId(id("report", &report.report)?),
        node: score::NodeId(id("node", &report.node)?),
        resource: resource(report.resource)?,
        x: ratio(report.x_lower, report.x_upper, report.inconclusive)?,
        weight: score::Weight::from_64ths(report.weight).ok_or(Error::Weight(report.weight))?,
        epoch: report.epoch,
    })
}

fn audit_folded(audit: &evidence::AuditFolded) -> Result<score::FoldedAudit, Error> {
    Ok(score::FoldedAudit {
        report: score::ReportId(id("report", &audit.report)?),
        node: score::NodeId(id("node", &audit.node)?),
        resource: resource(audit.resource)?,
        x: ratio(audit.x_lower, audit.x_upper, audit.inconclusive)?,
        owner: score::OwnerId(id("owner", &audit.owner)?),
        epoch: audit.epoch,
    })
}

fn fisher_audited(audited: &evidence::FisherAudited) -> Result<score::FisherAudited, Error> {
    let finding = match Finding::try_from(audited.finding) {
        Ok(Finding::Agrees) => score::Finding::Agrees,
        Ok(Finding::Disagrees) => score::Finding::Disagrees,
        Ok(Finding::Inconclusive) => score::Finding::Inconclusive,
        Ok(Finding::Unspecified) | Err(_) => return Err(Error::Finding(audited.finding)),
    };
    Ok(score::FisherAudited {
        fisher: score::FisherId(id("fisher", &audited.fisher)?),
        owner: score::OwnerId(id("owner", &audited.owner)?),
        finding,
    })
}

fn relay_registered(registered: &evidence::RelayRegistered) -> Result<score::OwnerId, Error> {
    let registration =
        present("relay", &registered.registration).map_err(|error| Error::Description(error.to_string()))?;
    Ok(score::OwnerId(id("owner", &registration.owner)?))
}

fn resource(resource: i32) -> Result<score::ResourceId, Error> {
    match Probe::try_from(resource) {
        Ok(Probe::Unspecified) | Err(_) => Err(Error::Resource(resource)),
        Ok(_) => Ok(score::ResourceId(u32::try_from(resource).map_err(|_| Error::Resource(resource))?)),
    }
}

fn ratio(lower: u32, upper: u32, inconclusive: bool) -> Result<score::Ratio64, Error> {
    let x = score::Ratio64::new(lower, upper)?;
    if x.is_inconclusive() != inconclusive {
        return Err(Error::Inconclusive { lower, upper, inconclusive });
    }
    Ok(x)
}

fn id<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], Error> {
    bytes.try_into().map_err(|_| Error::Id { field, length: bytes.len(), expected: N })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire() -> evidence::ReportFolded {
        evidence::ReportFolded {
            node: vec![1; 32],
            resource: Probe::Imma.into(),
            x_lower: 23,
            x_upper: 24,
            weight: 64,
            epoch: 9,
            report: vec![2; 32],
            inconclusive: false,
            refuted: false,
        }
    }

    fn fold_of(report: evidence::ReportFolded) -> Result<Option<score::Entry>, Error> {
        folded(&LogEntry { fact: Some(Fact::ReportFolded(report)) }, score::Market::Production)
    }

    #[test]
    fn a_report_keeps_its_values() {
        let expected = score::FoldedReport {
            report: score::ReportId([2; 32]),
            node: score::NodeId([1; 32]),
            resource: score::ResourceId(1),
            x: score::Ratio64::new(23, 24).unwrap(),
            weight: score::Weight::FULL,
            epoch: 9,
        };
        assert_eq!(fold_of(wire()), Ok(Some(score::Entry::Report(expected))));
    }

    #[test]
    fn an_audit_keeps_its_values() {
        let audit = evidence::AuditFolded {
            node: vec![1; 32],
            resource: Probe::Ram.into(),
            x_lower: 0,
            x_upper: 64,
            owner: vec![3; 20],
            epoch: 9,
            report: vec![2; 32],
            inconclusive: true,
        };
        let expected = score::FoldedAudit {
            report: score::ReportId([2; 32]),
            node: score::NodeId([1; 32]),
            resource: score::ResourceId(10),
            x: score::Ratio64::INCONCLUSIVE,
            owner: score::OwnerId([3; 20]),
            epoch: 9,
        };
        let entry = LogEntry { fact: Some(Fact::AuditFolded(audit)) };
        assert_eq!(folded(&entry, score::Market::Production), Ok(Some(score::Entry::Audit(expected))));
    }

    #[test]
    fn foreign_values_are_refused() {
        assert_eq!(fold_of(evidence::ReportFolded { weight: 65, ..wire() }), Err(Error::Weight(65)));
        assert_eq!(fold_of(evidence::ReportFolded { resource: 0, ..wire() }), Err(Error::Resource(0)));
        assert_eq!(fold_of(evidence::ReportFolded { resource: -1, ..wire() }), Err(Error::Resource(-1)));
        let short = evidence::ReportFolded { node: vec![1; 31], ..wire() };
        assert_eq!(fold_of(short), Err(Error::Id { field: "node", length: 31, expected: 32 }));
        assert!(matches!(fold_of(evidence::ReportFolded { x_upper: 65, ..wire() }), Err(Error::Ratio(_))));
        let vague = evidence::ReportFolded { inconclusive: true, ..wire() };
        assert_eq!(fold_of(vague), Err(Error::Inconclusive { lower: 23, upper: 24, inconclusive: true }));
        let finding = evidence::FisherAudited { fisher: vec![1; 20], finding: 9, owner: vec![2; 20] };
        let finding = LogEntry { fact: Some(Fact::FisherAudited(finding)) };
        assert_eq!(folded(&finding, score::Market::Production), Err(Error::Finding(9)));
        assert_eq!(folded(&LogEntry { fact: None }, score::Market::Production), Err(Error::NoFact));
        let bond = evidence::BondChanged { fisher: vec![1; 20], amount: "-5".into(), ..Default::default() };
        let bond = LogEntry { fact: Some(Fact::BondChanged(bond)) };
        assert_eq!(folded(&bond, score::Market::Production), Err(Error::Bond("-5".into())));
    }
}
