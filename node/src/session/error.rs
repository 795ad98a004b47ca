//! Why a session ends early. Every reason has its code, so that a renter can tell his fault from the node's.
use crate::{chain, sandbox};
use gpux_proto::{bytes, frames, sealed, signing};
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

const DOMAIN: &str = "gpux";
/// When a renter may ask again after a refusal that passes by itself.
const RETRY: Duration = Duration::from_secs(5);

/// A session cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A message has a wrong form.
    #[error(transparent)]
    Field(#[from] bytes::Error),
    /// A message comes at the wrong time or has a wrong form.
    #[error("{0}")]
    Malformed(&'static str),
    /// Something is larger than its limit.
    #[error("{what} has {size} bytes, more than {limit}")]
    Oversized {
        /// What it is.
        what: &'static str,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A signature does not verify, or signs something else.
    #[error(transparent)]
    Signature(#[from] signing::Error),
    /// The Hello is for another chain or Rentals contract.
    #[error("the hello is for another chain or contract")]
    ForeignChain,
    /// The rental is not this node's, or the terms are not the rental's.
    #[error("{0}")]
    RentalForeign(&'static str),
    /// The terms take an offer that this node does not stand by.
    #[error("the terms take an offer that this node does not stand by")]
    OfferVoid,
    /// The session key is not authorised by the consumer.
    #[error("{0}")]
    NotAuthorised(String),
    /// The job is not what the manifest says.
    #[error("{0}")]
    ManifestMismatch(String),
    /// The renter stopped before all files were there.
    #[error("the upload of {name} ended at {size} of {expected} bytes")]
    UploadTruncated {
        /// The file.
        name: String,
        /// What arrived.
        size: u64,
        /// What the manifest says.
        expected: u64,
    },
    /// There is no such rental, or it was stopped.
    #[error("rental {0} is not open")]
    RentalNotOpen(String),
    /// The rental's deposit is used up.
    #[error("rental {0} is not paid any more")]
    RentalUnpaid(String),
    /// The rental pays less than the offer asks.
    #[error("the rental pays {paid} a second, less than {asked}")]
    RentalBelowOffer {
        /// What it pays.
        paid: u128,
        /// What the offer asks.
        asked: u128,
    },
    /// As many sessions run as the offer allows.
    #[error("{0} sessions are running, as many as this node offers")]
    AtCapacity(u32),
    /// Too many renters are being checked.
    #[error("too many renters ask at once")]
    Busy,
    /// The same Hello opened a session before.
    #[error("this hello has opened a session before")]
    HelloReplayed,
    /// The renter sent nothing in time.
    #[error("nothing arrived for {0:?}")]
    Deadline(Duration),
    /// A frame after OPEN is not acceptable.
    #[error(transparent)]
    Frame(#[from] frames::Error),
    /// A sealed message cannot be opened or made.
    #[error(transparent)]
    Sealed(#[from] sealed::Error),
    /// What is shown beside a sealed message is not its frame's head.
    #[error("the head beside a sealed message is not that of a frame in it")]
    HeadForeign,
    /// The renter has gone.
    #[error("the renter has gone")]
    Gone,
    /// The chain does not answer.
    #[error(transparent)]
    Chain(#[from] chain::Unavailable),
    /// The job cannot be started or its files cannot be written.
    #[error("the job cannot be run")]
    Sandbox(#[from] sandbox::Error),
    /// The node refuses.
    #[error("the node is offline")]
    Offline,
    /// The node is being stopped.
    #[error("the node is stopping")]
    Stopping,
}

impl Error {
    /// The gRPC code and the reason in `google.rpc.ErrorInfo`.
    #[must_use]
    pub fn code(&self) -> (Code, &'static str) {
        match self {
            Self::Field(_) | Self::Malformed(_) => (Code::InvalidArgument, "MALFORMED"),
            Self::Oversized { .. } => (Code::InvalidArgument, "OVERSIZED"),
            Self::Signature(_) => (Code::Unauthenticated, "BAD_SIGNATURE"),
            Self::ForeignChain => (Code::InvalidArgument, "FOREIGN_CHAIN"),
            Self::RentalForeign(_) => (Code::PermissionDenied, "RENTAL_FOREIGN"),
            Self::OfferVoid => (Code::FailedPrecondition, "OFFER_VOID"),
            Self::NotAuthorised(_) => (Code::PermissionDenied, "NOT_AUTHORISED"),
            Self::ManifestMismatch(_) => (Code::InvalidArgument, "MANIFEST_MISMATCH"),
            Self::UploadTruncated { .. } => (Code::InvalidArgument, "UPLOAD_TRUNCATED"),
            Self::RentalNotOpen(_) => (Code::FailedPrecondition, "RENTAL_NOT_OPEN"),
            Self::RentalUnpaid(_) => (Code::FailedPrecondition, "RENTAL_UNPAID"),
            Self::RentalBelowOffer { .. } => (Code::FailedPrecondition, "RENTAL_BELOW_OFFER"),
            Self::AtCapacity(_) => (Code::ResourceExhausted, "AT_CAPACITY"),
            Self::Busy => (Code::ResourceExhausted, "RATE_LIMITED"),
            Self::HelloReplayed => (Code::AlreadyExists, "HELLO_REPLAYED"),
            Self::Deadline(_) => (Code::DeadlineExceeded, "DEADLINE"),
            Self::Frame(_) => (Code::InvalidArgument, "FRAME_REFUSED"),
            Self::Sealed(sealed::Error::Unavailable(_)) => (Code::Internal, "SEAL_UNAVAILABLE"),
            Self::Sealed(_) => (Code::InvalidArgument, "SEAL_BROKEN"),
            Self::HeadForeign => (Code::InvalidArgument, "HEAD_FOREIGN"),
            Self::Gone => (Code::Cancelled, "RENTER_GONE"),
            Self::Chain(_) => (Code::Unavailable, "CHAIN_UNAVAILABLE"),
            Self::Sandbox(_) => (Code::Internal, "SANDBOX_FAILED"),
            Self::Offline => (Code::Unavailable, "OFFLINE"),
            Self::Stopping => (Code::Unavailable, "STOPPING"),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Sandbox(error.into())
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let (code, reason) = error.code();
        let mut details = ErrorDetails::with_error_info(reason, DOMAIN, []);
        if matches!(code, Code::ResourceExhausted | Code::Unavailable) {
            details.set_retry_info(Some(RETRY));
        }
        Self::with_error_details(code, error.to_string(), details)
    }
}
