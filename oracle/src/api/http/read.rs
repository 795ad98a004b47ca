//! Reads what an HTTP request carries.
//!
//! Owns the limits of bodies and the step from JSON, paths and queries to messages. Whatever cannot be read is `MALFORMED`
//! with the place where reading stopped, in JSON like every other answer.

use axum::{
    body::Body,
    extract::{
        Path, Query,
        rejection::{PathRejection, QueryRejection},
    },
};
use serde::de::DeserializeOwned;

use crate::api::error::Error;

/// Reads a body of at most `limit` bytes as the JSON of a message.
pub(super) async fn message<M: DeserializeOwned>(body: Body, limit: usize) -> Result<M, Error> {
    let bytes = axum::body::to_bytes(body, limit).await.map_err(|error| unread(&error, limit))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::new("MALFORMED", format!("the body is not the message: {error}")))
}

/// Reads a segment of the path.
pub(super) fn segment(path: Result<Path<String>, PathRejection>) -> Result<String, Error> {
    path.map(|Path(segment)| segment).map_err(|error| Error::new("MALFORMED", error.body_text()))
}

/// Reads the query.
pub(super) fn wish<M>(query: Result<Query<M>, QueryRejection>) -> Result<M, Error> {
    query.map(|Query(message)| message).map_err(|error| Error::new("MALFORMED", error.body_text()))
}

fn unread(error: &axum::Error, limit: usize) -> Error {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if inner.is::<http_body_util::LengthLimitError>() {
            return Error::new("OVERSIZED", format!("the body is larger than {limit} bytes"));
        }
        source = inner.source();
    }
    Error::new("MALFORMED", "the body ended early")
}
