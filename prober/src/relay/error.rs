//! What a relay answers instead of carrying. A fisher must know whose failure it is: what is the relay's own has a code that
//! begins with RELAY_, and whatever comes from the node has another, so that a host can neither hide behind the relay nor the
//! relay's end be held against a host.
use crate::session::{bounded, reason};
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

const DOMAIN: &str = "gpux";
/// When to ask again after a refusal that passes by itself.
const RETRY: Duration = Duration::from_secs(2);
/// How much of a node's own words is passed on where they carry no code.
const WORDS_MAX: usize = 200;

/// A session is not carried, or not any further.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// As many as this relay carries.
    #[error("the relay carries as many {0} as it takes")]
    Busy(&'static str),
    /// A message of the renter has the wrong form, size or place.
    #[error("{0}")]
    Malformed(String),
    /// The session is longer or larger than this relay carries.
    #[error("the session has more than {0}, more than this relay carries")]
    Limit(String),
    /// The renter said nothing for too long before the node was named.
    #[error("no node was named for {0:?}")]
    Deadline(Duration),
    /// The oracle knows no such node, so nothing is connected to.
    #[error("the oracle knows no node {0} with a valid description")]
    NodeUnknown(String),
    /// The oracle cannot be asked.
    #[error("the oracle cannot be asked for the node: {0}")]
    OracleUnavailable(String),
    /// The relay is being stopped.
    #[error("the relay is stopping")]
    Stopping,
    /// The stamps cannot be kept, and a session without them is worth nothing.
    #[error("the relay cannot keep stamps")]
    Store,
    /// The node does not accept a connection, or does not answer.
    #[error("the node at its endpoint {0}")]
    Unreachable(String),
    /// The node broke off without a code of its own, or sent what no node sends.
    #[error("the node broke off: {1}")]
    BrokeOff(Code, String),
    /// The node's own refusal, as it came.
    #[error("the node refused")]
    Node(Box<Status>),
    /// The renter has gone.
    #[error("the renter has gone")]
    Gone,
}

impl Error {
    /// What a node ended a call with. Its own code stays as it is, but for one that would pass for the relay's.
    pub(super) fn of_node(status: Status) -> Self {
        match reason(&status) {
            Some(reason) if !reason.starts_with("RELAY_") => Self::Node(Box::new(status)),
            _ => Self::BrokeOff(status.code(), bounded(status.message(), WORDS_MAX)),
        }
    }

    fn code(&self) -> (Code, &'static str) {
        match self {
            Self::Busy(_) => (Code::ResourceExhausted, "RELAY_BUSY"),
            Self::Malformed(_) => (Code::InvalidArgument, "RELAY_MALFORMED"),
            Self::Limit(_) => (Code::Aborted, "RELAY_LIMIT"),
            Self::Deadline(_) => (Code::DeadlineExceeded, "RELAY_DEADLINE"),
            Self::NodeUnknown(_) => (Code::NotFound, "RELAY_NODE_UNKNOWN"),
            Self::OracleUnavailable(_) => (Code::Unavailable, "RELAY_ORACLE_UNAVAILABLE"),
            Self::Stopping => (Code::Unavailable, "RELAY_STOPPING"),
            Self::Store => (Code::Internal, "RELAY_STORE_FAILED"),
            Self::Gone => (Code::Cancelled, "RELAY_RENTER_GONE"),
            Self::Unreachable(_) => (Code::Unavailable, "NODE_UNREACHABLE"),
            Self::BrokeOff(Code::Ok, _) => (Code::Unknown, "NODE_BROKE_OFF"),
            Self::BrokeOff(code, _) => (*code, "NODE_BROKE_OFF"),
            Self::Node(status) => (status.code(), "NODE_REFUSED"),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let (code, reason) = error.code();
        match error {
            Error::Node(status) => *status,
            error => {
                let mut details = ErrorDetails::with_error_info(reason, DOMAIN, []);
                if matches!(code, Code::ResourceExhausted | Code::Unavailable) {
                    details.set_retry_info(Some(RETRY));
                }
                Self::with_error_details(code, error.to_string(), details)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::is_relays;

    #[test]
    fn every_code_is_on_the_page_with_its_status() {
        let page = include_str!("../../../docs/errors.md");
        let wait = Duration::ZERO;
        for error in [
            Error::Busy(""),
            Error::Malformed(String::new()),
            Error::Limit(String::new()),
            Error::Deadline(wait),
            Error::NodeUnknown(String::new()),
            Error::OracleUnavailable(String::new()),
            Error::Stopping,
            Error::Store,
            Error::Gone,
            Error::Unreachable(String::new()),
        ] {
            let (code, reason) = error.code();
            let whose = if reason.starts_with("RELAY_") { "relay" } else { "node" };
            let row = page.lines().find(|line| line.starts_with(&format!("| {whose} | `{reason}` | ")));
            let row = row.unwrap_or_else(|| panic!("{reason} is not in docs/errors.md"));
            let name = format!("{code:?}").to_lowercase();
            let said = row.split(" | ").nth(2).unwrap().replace('_', "").to_lowercase();
            assert_eq!(said, name, "{reason}");
        }
        assert!(page.contains("| node | `NODE_BROKE_OFF` | "));
    }

    #[test]
    fn a_node_cannot_pass_its_refusal_off_as_the_relays() {
        let with =
            |reason| Status::with_error_details(Code::Aborted, "no", ErrorDetails::with_error_info(reason, "gpux", []));
        let own = Status::from(Error::of_node(with("AT_CAPACITY")));
        assert_eq!((reason(&own).as_deref(), own.message(), is_relays(&own)), (Some("AT_CAPACITY"), "no", false));
        for forged in [with("RELAY_BUSY"), Status::unavailable("relay\u{1b}[2J"), Status::ok("")] {
            let told = Status::from(Error::of_node(forged));
            assert_eq!((reason(&told).as_deref(), is_relays(&told)), (Some("NODE_BROKE_OFF"), false));
            assert!(told.code() != Code::Ok && !told.message().contains('\u{1b}'));
        }
        assert!(is_relays(&Error::Stopping.into()) && is_relays(&Status::unknown("transport error")));
        assert!(!is_relays(&Error::Unreachable("is away".into()).into()));
    }
}
