//! What a client is told when a request is not answered: the same over gRPC and HTTP.
//!
//! Owns the step from a refusal or a failed query to `google.rpc` details and to the JSON body `{code, reason, message,
//! retryable}`. Never passes on SQL, paths or RPC addresses: what fails inside is logged, and answered without detail.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

use super::reason::Reason;
use crate::{ingest::Refusal, store};

/// The domain of `google.rpc.ErrorInfo`.
const DOMAIN: &str = "gpux";
/// After how long a client may ask again, if nothing better is known: about a block of a fast chain.
const RETRY: Duration = Duration::from_secs(1);

/// A request that was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub reason: &'static Reason,
    /// Lower case, without full stop, naming the value.
    pub message: String,
    /// The request's field that is wrong, if one is.
    pub field: Option<&'static str>,
    /// After how long the same request may succeed.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// An error with this reason code.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { reason: Reason::of(code), message: message.into(), field: None, retry_after: None }
    }

    /// A field of the request is wrong.
    #[must_use]
    pub fn field(code: &str, field: &'static str, message: impl Into<String>) -> Self {
        Self { field: Some(field), ..Self::new(code, message) }
    }

    /// Nothing has this name.
    #[must_use]
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new("NOT_FOUND", format!("{what} is unknown"))
    }

    /// What HTTP says of it.
    pub(super) fn body(&self) -> Body<'_> {
        Body {
            code: self.reason.http.as_u16(),
            reason: self.reason.code,
            message: &self.message,
            retryable: self.retry_after.is_some(),
        }
    }

    /// The same request may succeed soon.
    #[must_use]
    pub fn retryable(self) -> Self {
        Self { retry_after: Some(RETRY), ..self }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        if let Refusal::Store(error) = refusal {
            return error.into();
        }
        let retry_after = match &refusal {
            Refusal::FutureDated { ahead_secs, .. } => Some(Duration::from_secs(*ahead_secs)),
            Refusal::KeyRate { wait } => Some(*wait),
            refusal => refusal.retryable().then_some(RETRY),
        };
        Self { retry_after, ..Self::new(refusal.reason(), refusal.to_string()) }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        Self::new("INTERNAL", "the store is not available").retryable()
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let mut details = ErrorDetails::with_error_info(error.reason.code, DOMAIN, []);
        if let Some(field) = error.field {
            details.add_bad_request_violation(field, &error.message);
        }
        if error.retry_after.is_some() {
            details.set_retry_info(error.retry_after);
        }
        Self::with_error_details(error.reason.grpc, error.message, details)
    }
}

/// The body of an HTTP error.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    /// The HTTP status.
    code: u16,
    reason: &'a str,
    message: &'a str,
    retryable: bool,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = (self.reason.http, Json(self.body())).into_response();
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up: who comes back too early is refused again.
            let seconds = HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
