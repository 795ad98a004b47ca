//! What every request passes, whatever its protocol.
//!
//! Owns the limits on requests at a time and on their duration, the count of outcomes, and one translation: what tonic itself
//! refuses (too large, not decodable) gets the reason code that HTTP answers for the same fault.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tokio::sync::SemaphorePermit;
use tonic::{Code, Status, transport::server::TcpConnectInfo};

use super::{
    Api, Limits,
    error::Error,
    http::ROUTES,
    metrics::{Outcome, Protocol},
};
use crate::rate::Meter;

/// Requests that are worked on at a time; each holds at most one message of 5 MiB and its answer.
pub(super) const REQUESTS_MAX: usize = 256;
/// Writes among them: however many are sent and wait for the store, places are left for reads.
pub(super) const WRITES_MAX: usize = 192;
/// The longest that a request may take, its body's arrival included.
const REQUEST: Duration = Duration::from_secs(30);

/// Whether a request speaks gRPC.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// The middleware.
pub(super) async fn guard(State((api, rates)): State<(Api, Arc<Rates>)>, request: Request, next: Next) -> Response {
    let protocol = if is_grpc(request.headers()) { Protocol::Grpc } else { Protocol::Http };
    let writes = is_write(request.method(), request.uri().path());
    let response = match admitted(&api, &rates, &request, writes) {
        Ok(_places) => match tokio::time::timeout(deadline(request.headers()), next.run(request)).await {
            Ok(response) => response,
            Err(_) => refuse(protocol, Error::new("TIMEOUT", "the request took too long").retryable()),
        },
        Err(error) => refuse(protocol, error),
    };
    let response = if protocol == Protocol::Grpc { translated(response) } else { response };
    api.metrics().request(protocol, outcome(protocol, &response));
    response
}

/// How often an address may ask.
#[derive(Debug)]
pub(super) struct Rates {
    reads: Meter,
    writes: Meter,
}

impl Rates {
    pub(super) fn new(limits: Limits) -> Self {
        Self { reads: Meter::new(limits.reads_per_second), writes: Meter::new(limits.writes_per_second) }
    }
}

/// A place for the request, if its address may ask and there is one.
fn admitted<'a>(
    api: &'a Api,
    rates: &Rates,
    request: &Request,
    writes: bool,
) -> Result<(Option<SemaphorePermit<'a>>, SemaphorePermit<'a>), Error> {
    let peer = request.extensions().get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr);
    let meter = if writes { &rates.writes } else { &rates.reads };
    if let Some(peer) = peer {
        meter.take(&network(peer.ip())).map_err(|wait| Error {
            retry_after: Some(wait),
            ..Error::new("RATE_LIMITED", "too many requests from this address")
        })?;
    }
    let full = |_| Error::new("RATE_LIMITED", "too many requests at once").retryable();
    let write = if writes { Some(api.writes().try_acquire().map_err(full)?) } else { None };
    Ok((write, api.requests().try_acquire().map_err(full)?))
}

/// What one client has for itself: an address of IPv4, 64 bits of IPv6, where every client has all that follow them.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

/// The client's own deadline (the gRPC protocol's grpc-timeout: digits and a unit), or the longest that there is. Ours comes a
/// little earlier, since tonic's would answer without a reason.
fn deadline(headers: &HeaderMap) -> Duration {
    const EARLY: Duration = Duration::from_millis(5);
    let wish = headers.get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(|text| {
        let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let value: u32 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
        Some(match unit {
            "H" => Duration::from_secs(3_600) * value,
            "M" => Duration::from_secs(60) * value,
            "S" => Duration::from_secs(1) * value,
            "m" => Duration::from_millis(1) * value,
            "u" => Duration::from_micros(1) * value,
            "n" => Duration::from_nanos(1) * value,
            _ => return None,
        })
    });
    wish.map_or(REQUEST, |wish| wish.saturating_sub(EARLY).min(REQUEST))
}

/// Whether a request may change something: over gRPC all are POST, and the table of paths says which calls write.
fn is_write(method: &Method, path: &str) -> bool {
    if *method != Method::POST {
        return false;
    }
    let call = path.strip_prefix("/gpux.oracle.v1.").and_then(|call| call.split_once('/'));
    let Some((service, method)) = call else { return path.starts_with("/v1/") };
    ROUTES.iter().any(|route| route.post && route.call.split_once('.') == Some((service, method)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_told_from_reads_over_both_protocols() {
        for route in ROUTES {
            let (service, call) = route.call.split_once('.').unwrap();
            assert_eq!(
                is_write(&Method::POST, &format!("/gpux.oracle.v1.{service}/{call}")),
                route.post,
                "{}",
                route.call
            );
            assert_eq!(is_write(if route.post { &Method::POST } else { &Method::GET }, route.path), route.post);
        }
        assert!(!is_write(&Method::POST, "/grpc.health.v1.Health/Check"));
    }

    #[test]
    fn a_client_of_ipv6_has_one_network_and_one_of_ipv4_its_address() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
    }

    #[test]
    fn a_deadline_is_the_clients_own_within_ours() {
        let of =
            |text: &str| deadline(&HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), text.parse().unwrap())]));
        assert_eq!(of("2S"), Duration::from_millis(1_995));
        assert_eq!(of("150m"), Duration::from_millis(145));
        assert_eq!((of("1n"), of("0S")), (Duration::ZERO, Duration::ZERO));
        for longer in ["99999999H", "31S", "", "S", "1", "1x", "-1S", "999999999S", "1\u{e9}"] {
            assert_eq!(of(longer), REQUEST, "{longer:?}");
        }
    }
}
