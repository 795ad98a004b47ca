//! Writes what an HTTP request is answered with.
//!
//! Owns JSON bodies, entity tags and how long an answer may be kept. A tag is a digest of the bytes, so equal answers have
//! equal tags on every replica.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

use crate::api::error::Error;

/// How long what never changes may be kept.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// A read's answer as JSON, or 304 for whoever has it.
pub(super) fn answer<M: Serialize>(request: &HeaderMap, result: Result<M, Error>) -> Response {
    match result.and_then(|message| encoded(&message)) {
        Ok(body) => tagged(request, body.into(), "application/json", "no-cache"),
        Err(error) => error.into_response(),
    }
}

/// A read's answer that never changes, as JSON.
pub(super) fn settled<M: Serialize>(request: &HeaderMap, result: Result<M, Error>) -> Response {
    match result.and_then(|message| encoded(&message)) {
        Ok(body) => tagged(request, body.into(), "application/json", IMMUTABLE),
        Err(error) => error.into_response(),
    }
}

/// Bytes that are named by their digest and never change.
pub(super) fn bytes(request: &HeaderMap, body: Bytes) -> Response {
    tagged(request, body, "application/octet-stream", IMMUTABLE)
}

/// An answer for one account alone: a cache between would hand it to others, and when its opening is over.
pub(super) fn unkept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// A write's answer as JSON.
pub(super) fn json<M: Serialize>(result: Result<M, Error>) -> Response {
    match result.and_then(|message| encoded(&message)) {
        Ok(body) => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
        Err(error) => error.into_response(),
    }
}

fn encoded(message: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(message).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        Error::new("INTERNAL", "the answer cannot be written as JSON")
    })
}

/// Bytes of a kind with their tag, or 304 for whoever has them.
pub(super) fn tagged(request: &HeaderMap, body: Bytes, kind: &'static str, keep: &'static str) -> Response {
    let tag = format!("\"{}\"", &blake3::hash(&body).to_hex()[..32]);
    let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).any(|value| {
        let value = value.trim();
        value == "*" || value.trim_start_matches("W/") == tag
    });
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if known {
        headers.remove(header::CONTENT_TYPE);
    } else {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    response
}
