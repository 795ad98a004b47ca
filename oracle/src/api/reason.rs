//! The reason codes that clients see, and how each travels over gRPC and HTTP.
//!
//! Owns the one table that both protocols, the counters and `docs/errors.md` (checked against it) read. A code never
//! changes its meaning; what has no row here is answered as `INTERNAL`, so that nothing internal can leak by a new name.

use axum::http::StatusCode;
use tonic::Code;

/// A reason code with its status in both protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The code as clients see it.
    pub code: &'static str,
    /// The gRPC status.
    pub grpc: Code,
    /// The HTTP status.
    pub http: StatusCode,
}

const fn row(code: &'static str, grpc: Code, http: StatusCode) -> Reason {
    Reason { code, grpc, http }
}

/// Every reason. 400 is a request that cannot be read, 422 one that is read and wrong, 409 one that the present state
/// does not allow.
pub const REASONS: [Reason; 49] = [
    row("MALFORMED", Code::InvalidArgument, StatusCode::BAD_REQUEST),
    row("OVERSIZED", Code::InvalidArgument, StatusCode::PAYLOAD_TOO_LARGE),
    row("BAD_PAGE_TOKEN", Code::InvalidArgument, StatusCode::BAD_REQUEST),
    row("FILTER_REFUSED", Code::InvalidArgument, StatusCode::BAD_REQUEST),
    row("NOT_FOUND", Code::NotFound, StatusCode::NOT_FOUND),
    row("SEALED", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("OPENING_VOID", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("OPENING_DENIED", Code::PermissionDenied, StatusCode::FORBIDDEN),
    row("NOT_AN_OPERATOR", Code::PermissionDenied, StatusCode::FORBIDDEN),
    row("METHOD_NOT_ALLOWED", Code::Unimplemented, StatusCode::METHOD_NOT_ALLOWED),
    row("BAD_SIGNATURE", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("FOREIGN_CHAIN", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("FISHER_UNKNOWN", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("FISHER_WITHOUT_BOND", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("OWNER_WITHOUT_BOND", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("RELAY_UNKNOWN", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("RELAY_OWNED", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("NODE_UNKNOWN", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("NODE_STALE", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("OFFER_VOID", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("OFFER_EXPIRED", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("RENTAL_UNKNOWN", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("RENTAL_FOREIGN", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("RENTAL_BELOW_OFFER", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("NOTE_MISMATCH", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("NOT_COMMITTED", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("REVEAL_LATE", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("STAMPS_HELD", Code::AlreadyExists, StatusCode::CONFLICT),
    row("COMMIT_REPLAYED", Code::AlreadyExists, StatusCode::CONFLICT),
    row("REPORT_REPLAYED", Code::AlreadyExists, StatusCode::CONFLICT),
    row("FUTURE_DATED", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("DEVICE_REFUSED", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("PARAMETERS_REFUSED", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("BUNDLE_MISMATCH", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("BUNDLE_DISAGREES", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("REGISTRATION_VOID", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("CHAIN_VOID", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("ASSIGNMENT_SLOT", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("ASSIGNMENT_UNKNOWN", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("ASSIGNMENT_LATE", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("ASSIGNMENT_PREIMAGE", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("ASSIGNMENT_FOREIGN", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("ASSIGNMENT_TIME", Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
    row("ASSIGNMENT_REPLAYED", Code::FailedPrecondition, StatusCode::CONFLICT),
    row("RATE_LIMITED", Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS),
    row("SLOW_READER", Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS),
    row("TIMEOUT", Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT),
    row("UNAVAILABLE", Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
    row("INTERNAL", Code::Internal, StatusCode::INTERNAL_SERVER_ERROR),
];

impl Reason {
    /// The row of a code.
    #[must_use]
    pub fn of(code: &str) -> &'static Self {
        &REASONS[Self::position(code)]
    }

    /// The place of a code in [`REASONS`]; that of `INTERNAL` for one that is not there.
    #[must_use]
    pub fn position(code: &str) -> usize {
        REASONS.iter().position(|reason| reason.code == code).unwrap_or(REASONS.len() - 1)
    }

    /// The gRPC status as its documentation writes it.
    #[must_use]
    pub fn grpc_name(&self) -> &'static str {
        match self.grpc {
            Code::InvalidArgument => "INVALID_ARGUMENT",
            Code::NotFound => "NOT_FOUND",
            Code::AlreadyExists => "ALREADY_EXISTS",
            Code::PermissionDenied => "PERMISSION_DENIED",
            Code::FailedPrecondition => "FAILED_PRECONDITION",
            Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Code::Unavailable => "UNAVAILABLE",
            Code::Unimplemented => "UNIMPLEMENTED",
            _ => "INTERNAL",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/errors.md");

    /// The cells of the document's row of a code.
    fn documented(code: &str) -> Vec<&'static str> {
        let start = format!("| `{code}` |");
        let rows: Vec<_> = DOCUMENT.lines().filter(|line| line.starts_with(&start)).collect();
        assert_eq!(rows.len(), 1, "{code} has {} rows in docs/errors.md", rows.len());
        rows[0].trim_matches('|').split(" | ").map(str::trim).collect()
    }

    #[test]
    fn every_reason_is_documented_with_its_statuses() {
        for reason in REASONS {
            let cells = documented(reason.code);
            assert_eq!(cells.len(), 6, "{}", reason.code);
            assert_eq!(cells[1], reason.grpc_name(), "{}", reason.code);
            assert_eq!(cells[2], reason.http.as_u16().to_string(), "{}", reason.code);
            assert!(cells[4].len() > 10 && cells[5].len() > 5, "{} says nothing", reason.code);
        }
        let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, REASONS.len(), "docs/errors.md has rows of codes that do not exist");
    }

    #[test]
    fn every_refusal_of_ingest_has_a_row() {
        let source = include_str!("../ingest/refusal.rs");
        let codes: Vec<_> = source
            .split('"')
            .filter(|text| text.len() > 4 && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
            .collect();
        assert!(codes.len() >= 24, "found only {codes:?}");
        for code in codes {
            assert_eq!(Reason::of(code).code, code, "{code} is refused by ingest and has no row");
        }
    }

    #[test]
    fn an_unknown_code_is_internal() {
        assert_eq!(Reason::of("NO_SUCH_CODE").code, "INTERNAL");
    }
}
