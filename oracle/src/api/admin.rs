//! The operator's port: `/healthz`, `/readyz`, `/metrics`.
//!
//! Owns three pages without authentication, which is why it is bound to loopback unless the operator says otherwise. Nothing
//! on them names a node, a fisher or a path.

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;

use super::Api;

pub(super) fn routes(api: &Api) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(api.clone())
}

/// 200 when requests can be answered, else 503, with what is missing.
async fn ready(State(api): State<Api>) -> impl IntoResponse {
    let state = api.health().state();
    let status = if state.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": state.is_ready(), "store": state.store, "chain": state.chain })))
}

async fn metrics(State(api): State<Api>) -> Response {
    // A store that does not answer is seen in gpux_oracle_ready; the other counters still count.
    if let Ok(entries) = api.query().log_entries().await {
        api.metrics().set_log_entries(entries);
    }
    let page = api.metrics().render(api.health().state().is_ready());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page).into_response()
}
