//! gRPC-Web: the same services for browsers, which cannot read the trailers of HTTP/2.
//!
//! Owns which requests are translated, and that any page may ask: what a write needs is signed, and no cookie is ever read.

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderName, Method, header},
    middleware::{Next, from_fn},
    response::IntoResponse as _,
};
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{Any, CorsLayer};

/// What gRPC-Web clients send beside the content's type.
const SENT: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
];
/// What they read of an answer that has no body.
const READ: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// Translates gRPC-Web for a router that speaks gRPC; everything else goes through as it is.
pub(in crate::api) fn translated(router: Router) -> Router {
    let cors =
        CorsLayer::new().allow_origin(Any).allow_methods([Method::POST]).allow_headers(SENT).expose_headers(READ);
    let web = cors.layer(tonic_web::GrpcWebLayer::new().layer(router.clone()));
    router.layer(from_fn(move |request: Request, next: Next| {
        let web = web.clone();
        async move {
            if !is_web(&request) {
                return next.run(request).await;
            }
            match web.oneshot(request).await {
                Ok(response) => response.map(Body::new).into_response(),
                Err(never) => match never {},
            }
        }
    }))
}

/// Whether a browser's client speaks, or its browser asks whether it may.
fn is_web(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let asks = request.method() == Method::OPTIONS && request.uri().path().starts_with("/gpux.");
    asks || kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc-web"))
}
