//! What every request passes, whatever its protocol.
//!
//! Owns the limits on requests at a time and on their duration, the count of outcomes, and one translation: what tonic itself
//! refuses (too large, not decodable) gets the reason code that HTTP answers for the same fault.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tonic::{Code, Status};

use super::{
    Api,
    error::Error,
    metrics::{Outcome, Protocol},
};

/// Requests that are worked on at a time; each holds at most one message of 5 MiB and its answer.
pub(super) const REQUESTS_MAX: usize = 256;
/// The longest that a request may take, its body's arrival included.
const REQUEST: Duration = Duration::from_secs(30);

/// Whether a request speaks gRPC.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// The middleware.
pub(super) async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    let protocol = if is_grpc(request.headers()) { Protocol::Grpc } else { Protocol::Http };
    let response = match api.requests().try_acquire() {
        Ok(_permit) => match tokio::time::timeout(REQUEST, next.run(request)).await {
            Ok(response) => response,
            Err(_) => refuse(protocol, Error::new("TIMEOUT", "the request took too long").retryable()),
        },
        Err(_) => refuse(protocol, Error::new("RATE_LIMITED", "too many requests at once").retryable()),
    };
    let response = if protocol == Protocol::Grpc { translated(response) } else { response };
    api.metrics().request(protocol, outcome(protocol, &response));
    response
}

fn refuse(protocol: Protocol, error: Error) -> Response {
    match protocol {
        Protocol::Grpc => Status::from(error).into_http::<Body>(),
        Protocol::Http => error.into_response(),
    }
}

/// Gives tonic's own refusals of a message their reason codes.
fn translated(response: Response) -> Response {
    let Some(status) = Status::from_header_map(response.headers()) else { return response };
    if !status.details().is_empty() {
        return response;
    }
    let message = status.message();
    let error = match status.code() {
        Code::OutOfRange if message.contains("message length too large") => {
            Error::new("OVERSIZED", format!("the message is larger than {} bytes", super::REQUEST_BYTES_MAX))
        }
        Code::Internal if message.contains("decode Protobuf") => {
            Error::new("MALFORMED", "the message cannot be decoded")
        }
        _ => return response,
    };
    Status::from(error).into_http::<Body>()
}

fn outcome(protocol: Protocol, response: &Response) -> Outcome {
    if protocol == Protocol::Http {
        let status = response.status();
        return match status {
            _ if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE => Outcome::Failed,
            _ if status.is_client_error() || status.is_server_error() => Outcome::Refused,
            _ => Outcome::Ok,
        };
    }
    match Status::from_header_map(response.headers()).map(|status| status.code()) {
        None | Some(Code::Ok) => Outcome::Ok,
        Some(Code::Internal | Code::Unknown | Code::DataLoss | Code::DeadlineExceeded) => Outcome::Failed,
        Some(_) => Outcome::Refused,
    }
}
