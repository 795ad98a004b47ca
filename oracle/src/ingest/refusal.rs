//! Why a request is refused, each with its own reason code.
//!
//! Owns the codes that gRPC and HTTP carry (`google.rpc.ErrorInfo`, domain "gpux") and whether asking again can help.
//! Never says more than the request itself contains: no SQL, no RPC address, no path. Its invariant: whoever is refused
//! finds the store as it was.

use std::time::Duration;

use crate::{publish::OperatorsError, store};
use alloy::primitives::{Address, B256};
use gpux_proto::{bundle, bytes, signing};

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A field is absent, has the wrong size, or contradicts another.
    #[error("{0}")]
    Malformed(String),
    /// Something is larger than its limit.
    #[error("{what} of {size} bytes is larger than {limit}")]
    Oversized { what: &'static str, size: usize, limit: usize },
    /// A signature is not by the key that must have signed.
    #[error("{0}")]
    BadSignature(String),
    /// The payload is meant for another chain or another contract.
    #[error("{0} is meant for another chain or contract")]
    ForeignChain(&'static str),
    /// No valid registration binds this report key to this fisher.
    #[error("fisher {0} has no valid registration of this report key")]
    FisherUnknown(Address),
    /// The fisher's finalised bond is below the smallest one that counts.
    #[error("fisher {fisher} has a bond of {bond}, which is below {least}")]
    FisherWithoutBond { fisher: Address, bond: u128, least: u128 },
    /// The owner's finalised bond is below the smallest one that counts.
    #[error("owner {owner} has a bond of {bond}, which is below {least}")]
    OwnerWithoutBond { owner: Address, bond: u128, least: u128 },
    /// Nobody announced the node.
    #[error("node {0} is unknown")]
    NodeUnknown(B256),
    /// The offer lacks a signature or names a stranger.
    #[error("the offer is void: {0}")]
    OfferVoid(String),
    /// The offer's time is over.
    #[error("the offer ended at {valid_until}, now is {now}")]
    OfferExpired { valid_until: u64, now: u64 },
    /// No finalised block contains the rental so far.
    #[error("rental {0} is in no finalised block")]
    RentalUnknown(B256),
    /// The terms, the node or the offer belong to another rental.
    #[error("the rental is a foreign one: {0}")]
    RentalForeign(String),
    /// The rental pays less than the offer asks.
    #[error("the rental pays {paid} a second, the offer asks {asked}")]
    RentalBelowOffer { paid: u128, asked: u128 },
    /// The rental's note was not made for this fisher.
    #[error("the note of the rental does not open to fisher {0}")]
    NoteMismatch(Address),
    /// The report was not committed by this fisher.
    #[error("report {0} was not committed")]
    NotCommitted(B256),
    /// The commit counts as one that was never revealed.
    #[error("report {report} was committed in epoch {epoch}, and is revealed more than {limit} epochs later")]
    RevealLate { report: B256, epoch: u64, limit: u32 },
    /// The report, its rental or its bundle counts already.
    #[error("report {0} or one of the same rental is accepted already")]
    ReportReplayed(B256),
    /// The commit is accepted already.
    #[error("report {0} is committed already")]
    CommitReplayed(B256),
    /// A time lies further ahead of the oracle's clock than clocks may differ.
    #[error("{what} lies {ahead_secs} s ahead")]
    FutureDated { what: &'static str, ahead_secs: u64 },
    /// The device is of a kind that this market or this probe does not accept.
    #[error("the device is refused: {0}")]
    DeviceRefused(String),
    /// The bundle's digest is not the report's.
    #[error("the bundle's digest is {actual}, the report names {named}")]
    BundleMismatch { actual: B256, named: B256 },
    /// The bundle shows something else than the report says.
    #[error("the bundle disagrees: {0}")]
    BundleDisagrees(String),
    /// The probe ran with other parameters than this market's plan.
    #[error("the probe's parameters are not this market's: {0}")]
    ParametersRefused(String),
    /// A description that is as new or newer is known.
    #[error("sequence {given} is not above {known}")]
    NodeStale { given: u64, known: u64 },
    /// No valid registration binds this relay to an owner.
    #[error("relay {0} has no valid registration")]
    RelayUnknown(B256),
    /// Another account has registered the relay.
    #[error("relay {0} belongs to another owner")]
    RelayOwned(B256),
    /// Other stamps of the same session are held.
    #[error("other stamps of the session that begins with frame {0} are held")]
    StampsHeld(B256),
    /// The owner's relays have as many stamps here as may wait.
    #[error("owner {owner} has stamps of {limit} sessions waiting here")]
    StampsFull { owner: Address, limit: u32 },
    /// The registration is over or not signed by the fisher.
    #[error("the registration is void: {0}")]
    RegistrationVoid(String),
    /// The chain's end lies where beacons are known already: the fisher could have chosen it by them.
    #[error("the chain ends at epoch {epoch}, a new one ends at {earliest} or later")]
    ChainVoid { epoch: u64, earliest: u64 },
    /// An epoch does not assign so many sessions.
    #[error("slot {slot} is not one of the {slots} of an epoch")]
    AssignmentSlot { slot: u32, slots: u32 },
    /// The epoch before it is not closed yet, or its beacon is not final.
    #[error("epoch {0} has no schedule yet")]
    AssignmentUnknown(u64),
    /// Its schedule is not kept any more.
    #[error("the schedule of epoch {0} is not kept any more")]
    AssignmentLate(u64),
    /// The fisher has no chain that covers the epoch, or the preimage does not lead to its end.
    #[error("the preimage of epoch {0} does not lead to the end of the fisher's chain")]
    AssignmentPreimage(u64),
    /// The draw gives another node or resource.
    #[error("slot {slot} of epoch {epoch} assigns another node or resource")]
    AssignmentForeign { epoch: u64, slot: u32 },
    /// The session or its rental lies outside the drawn time.
    #[error("the assignment's time is another: {0}")]
    AssignmentTime(String),
    /// The assignment has a report.
    #[error("slot {slot} of epoch {epoch} has a report already")]
    AssignmentReplayed { epoch: u64, slot: u32 },
    /// The key sends more than one may.
    #[error("the key sends too much, wait {} ms", .wait.as_millis())]
    KeyRate { wait: Duration },
    /// Too many bundles wait to be examined.
    #[error("too many reports wait to be examined")]
    Busy,
    /// No such epoch is recorded here.
    #[error("epoch {0} is unknown")]
    EpochUnknown(u64),
    /// A signature over an epoch is by a stranger, or over something else.
    #[error("{account} is no operator, or signed something else than epoch {epoch} as it is held here")]
    NotAnOperator { account: Address, epoch: u64 },
    /// An epoch has more signatures than any market has operators.
    #[error("epoch {0} has as many signatures as fit")]
    CountersignaturesFull(u64),
    /// Nobody says who is an operator; the RPC's words stay in the log.
    #[error("the oracle cannot ask its chain who is an operator")]
    Operators(#[source] OperatorsError),
    /// The store failed; nothing was written.
    #[error("the store is not available")]
    Store(#[source] store::Error),
    /// A worker ended without an answer; nothing was written.
    #[error("the examination ended without an answer")]
    Examiner,
}

impl Refusal {
    /// The reason code.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "MALFORMED",
            Self::Oversized { .. } => "OVERSIZED",
            Self::BadSignature(_) => "BAD_SIGNATURE",
            Self::ForeignChain(_) => "FOREIGN_CHAIN",
            Self::FisherUnknown(_) => "FISHER_UNKNOWN",
            Self::FisherWithoutBond { .. } => "FISHER_WITHOUT_BOND",
            Self::OwnerWithoutBond { .. } => "OWNER_WITHOUT_BOND",
            Self::NodeUnknown(_) => "NODE_UNKNOWN",
            Self::OfferVoid(_) => "OFFER_VOID",
            Self::OfferExpired { .. } => "OFFER_EXPIRED",
            Self::RentalUnknown(_) => "RENTAL_UNKNOWN",
            Self::RentalForeign(_) => "RENTAL_FOREIGN",
            Self::RentalBelowOffer { .. } => "RENTAL_BELOW_OFFER",
            Self::NoteMismatch(_) => "NOTE_MISMATCH",
            Self::NotCommitted(_) => "NOT_COMMITTED",
            Self::RevealLate { .. } => "REVEAL_LATE",
            Self::ReportReplayed(_) => "REPORT_REPLAYED",
            Self::CommitReplayed(_) => "COMMIT_REPLAYED",
            Self::FutureDated { .. } => "FUTURE_DATED",
            Self::DeviceRefused(_) => "DEVICE_REFUSED",
            Self::BundleMismatch { .. } => "BUNDLE_MISMATCH",
            Self::BundleDisagrees(_) => "BUNDLE_DISAGREES",
            Self::ParametersRefused(_) => "PARAMETERS_REFUSED",
            Self::NodeStale { .. } => "NODE_STALE",
            Self::RegistrationVoid(_) => "REGISTRATION_VOID",
            Self::RelayUnknown(_) => "RELAY_UNKNOWN",
            Self::RelayOwned(_) => "RELAY_OWNED",
            Self::StampsHeld(_) => "STAMPS_HELD",
            Self::ChainVoid { .. } => "CHAIN_VOID",
            Self::AssignmentSlot { .. } => "ASSIGNMENT_SLOT",
            Self::AssignmentUnknown(_) => "ASSIGNMENT_UNKNOWN",
            Self::AssignmentLate(_) => "ASSIGNMENT_LATE",
            Self::AssignmentPreimage(_) => "ASSIGNMENT_PREIMAGE",
            Self::AssignmentForeign { .. } => "ASSIGNMENT_FOREIGN",
            Self::AssignmentTime(_) => "ASSIGNMENT_TIME",
            Self::AssignmentReplayed { .. } => "ASSIGNMENT_REPLAYED",
            Self::EpochUnknown(_) => "NOT_FOUND",
            Self::NotAnOperator { .. } => "NOT_AN_OPERATOR",
            Self::Operators(OperatorsError::Chain(_)) => "UNAVAILABLE",
            Self::Operators(OperatorsError::Busy)
            | Self::Busy
            | Self::KeyRate { .. }
            | Self::StampsFull { .. }
            | Self::CountersignaturesFull(_) => "RATE_LIMITED",
            Self::Store(_) | Self::Examiner => "INTERNAL",
        }
    }

    /// Whether the same request can be accepted later: the chain's finality, a bond, or a free worker is waited for.
    #[must_use]
    pub fn retryable(&self) -> bool {
        matches!(
            self,
            Self::RentalUnknown(_)
                | Self::FisherWithoutBond { .. }
                | Self::OwnerWithoutBond { .. }
                | Self::StampsFull { .. }
                | Self::FutureDated { .. }
                | Self::AssignmentUnknown(_)
                | Self::Busy
                | Self::KeyRate { .. }
                | Self::Operators(_)
                | Self::Store(_)
                | Self::Examiner
        )
    }
}

impl From<bytes::Error> for Refusal {
    fn from(error: bytes::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl From<bundle::Error> for Refusal {
    fn from(error: bundle::Error) -> Self {
        match error {
            bundle::Error::Oversized(size) => Self::Oversized { what: "bundle", size, limit: bundle::BUNDLE_BYTES_MAX },
            bundle::Error::Frames(_) => Self::Malformed(error.to_string()),
            bundle::Error::Decode(field) => field.into(),
        }
    }
}

impl From<signing::Error> for Refusal {
    fn from(error: signing::Error) -> Self {
        match error {
            signing::Error::Field(field) => field.into(),
            signing::Error::Oversized { kind, size } => {
                Self::Oversized { what: kind, size, limit: signing::PAYLOAD_BYTES_MAX }
            }
            signing::Error::Key(_) => Self::Malformed(error.to_string()),
            signing::Error::Ed25519(_) | signing::Error::Ecdsa { .. } | signing::Error::Form(_) => {
                Self::BadSignature(error.to_string())
            }
        }
    }
}
