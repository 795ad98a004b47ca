//! The explorer's pages, as they were built into `dashboards/explorer/dist`, and what they must know of the market.
//!
//! Owns the headers that keep strangers' words from being run: no script, style or frame of anywhere else. Where the pages were
//! not built, one line says how. Never answers with anything but these files.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde_json::{Value, json};

use super::{Api, error::Error};
use crate::{ingest::Rules, score::Market};

/// Scripts, styles and data of this origin alone, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// How long a file is kept whose name has a digest of its contents.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Amounts are in millionths of a token: a deployment takes no other coin.
const TOKEN_DECIMALS: u8 = 6;

/// The files; a debug build reads them when they are asked for.
#[derive(Debug, RustEmbed)]
#[folder = "../dashboards/explorer/dist"]
#[allow_missing = true]
struct Pages;

/// The paths.
pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/explorer", get(|| async { Redirect::permanent("/explorer/") }))
        .route("/explorer/", get(index))
        .route("/explorer/market.json", get(market))
        .route("/explorer/{*path}", get(file))
}

/// Whether somebody looks rather than reads: a browser asks for pages.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

async fn index(headers: HeaderMap) -> Response {
    page(&headers)
}

/// A file by its name. Whatever else lies under the pages' path is one of their own places, and the script knows which.
async fn file(headers: HeaderMap, Path(path): Path<String>) -> Response {
    match Pages::get(&path) {
        Some(file) => served(&headers, &path, &file, if path.starts_with("assets/") { IMMUTABLE } else { "no-cache" }),
        None if path.starts_with("assets/") => Error::not_found("this file of the explorer").into_response(),
        None => page(&headers),
    }
}

fn page(headers: &HeaderMap) -> Response {
    match Pages::get("index.html") {
        Some(file) => served(headers, "index.html", &file, "no-cache"),
        None => {
            let words =
                "The explorer was not built: run `make explorer`, then start the oracle again. GET / lists the API.\n";
            (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], words).into_response()
        }
    }
}

fn served(headers: &HeaderMap, name: &str, file: &EmbeddedFile, keep: &'static str) -> Response {
    let tag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()) == Some(tag.as_str());
    let mut response =
        if known { StatusCode::NOT_MODIFIED.into_response() } else { file.data.to_vec().into_response() };
    let fixed = [
        (header::CONTENT_TYPE, kind(name)),
        (header::CACHE_CONTROL, keep),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let all = response.headers_mut();
    for (name, value) in fixed {
        all.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        all.insert(header::ETAG, tag);
    }
    response
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

async fn market(State(api): State<Api>) -> Json<Value> {
    Json(told(api.ingest().rules()))
}

/// The chain, the contracts and the constants in force.
fn told(Rules { deployment, parameters, .. }: &Rules) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "development": parameters.market == Market::Development,
        "chainId": deployment.chain_id.to_string(),
        "token": deployment.token,
        "tokenDecimals": TOKEN_DECIMALS,
        "contracts": {
            "rentals": deployment.rentals,
            "bonds": deployment.bonds,
            "scores": deployment.scores,
            "court": deployment.court,
            "rewards": deployment.rewards,
            "accessManager": deployment.access_manager,
        },
        "block": deployment.block.to_string(),
        "epochSeconds": parameters.epoch_secs,
        "parametersDigest": gpux_proto::bytes::to_hex(&parameters.digest()),
        "parameters": parameters,
    })
}
