//! A stream of scores as server-sent events, which a browser's `EventSource` reads and resumes by itself.
//!
//! Owns how they are written: an event carries the message as JSON and its cursor as id, which comes back as `Last-Event-ID`. The
//! last event of a stream that was ended is `refused`, with the body that a refused request has.

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use gpux_proto::oracle::{WatchReputationsRequest, WatchReputationsResponse};
use tokio_stream::StreamExt as _;

use super::{Api, Wish, wish};
use crate::api::error::Error;

/// The cursor of whoever comes back.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// When to come back, in milliseconds.
const RETRY: &[u8] = b"retry: 1000\n\n";

/// Streams until the client leaves.
pub(super) async fn watch_reputations(
    State(api): State<Api>,
    headers: HeaderMap,
    query: Wish<WatchReputationsRequest>,
) -> Response {
    let changes = async {
        let mut request = wish(query)?;
        if let Some(id) = headers.get(LAST_EVENT_ID) {
            let id = id.to_str().map_err(|_| Error::field("BAD_PAGE_TOKEN", "cursor", "Last-Event-ID is no cursor"))?;
            request.cursor = id.to_owned();
        }
        api.watch_reputations(request).await
    };
    let changes = match changes.await {
        Ok(changes) => changes,
        Err(error) => return error.into_response(),
    };
    let events = tokio_stream::once(Ok(Bytes::from_static(RETRY))).chain(changes.map(|item| match item {
        Ok(message) => event(&message),
        Err(error) => Ok(refused(&error)),
    }));
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// JSON has no line breaks, and a cursor is base64url: neither can end its line and begin another.
fn event(message: &WatchReputationsResponse) -> Result<Bytes, serde_json::Error> {
    let data = serde_json::to_string(message)?;
    Ok(format!("id: {}\ndata: {data}\n\n", message.cursor).into())
}

fn refused(error: &Error) -> Bytes {
    let body = serde_json::to_string(&error.body()).unwrap_or_default();
    format!("event: refused\ndata: {body}\n\n").into()
}
