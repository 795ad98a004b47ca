//! The same messages over HTTP and JSON.
//!
//! Owns the paths, and nothing else of the answer: each handler builds the message that gRPC would have received and calls the
//! same function. Field names may be written as in the protocol buffers or in camel case, as pbjson reads both.

mod answer;
mod csv;
mod read;
mod route;
mod watch;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, Method, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use gpux_proto::oracle::{
    AnnounceNodeRequest, CommitReportRequest, ExplainReputationRequest, GetBundleRequest, GetCaseRequest,
    GetConsistencyProofRequest, GetEpochRequest, GetInclusionProofRequest, GetNodeRequest, GetReportRequest,
    GetReputationRequest, GetRewardRequest, GetScheduleRequest, GetUsageRequest, ListCasesRequest,
    ListDailyUsageRequest, ListEntriesRequest, ListNodesRequest, ListRelaysRequest, ListReportsRequest,
    ListReputationsRequest, Opening, RegisterFisherRequest, RegisterRelayRequest, SubmitStampsRequest,
};
use tower_http::cors::{Any, CorsLayer};

use super::{Api, description, error::Error, explorer};
use answer::{answer, bytes, json, settled, tagged, unkept};
use read::{message, segment, wish};
pub(super) use route::{Answers, Carries, ROUTES, Route};

/// The largest body of anything but a report.
const BODY_BYTES_MAX: usize = 256 << 10;
/// The largest report: base64 makes four characters of three bytes, and there is some JSON around it.
const REPORT_BODY_BYTES_MAX: usize = super::REQUEST_BYTES_MAX.div_ceil(3) * 4 + (64 << 10);

/// The largest stamps, 192 KiB, as base64 in some JSON.
const STAMPS_BODY_BYTES_MAX: usize = 264 << 10;

type Segment = Result<Path<String>, PathRejection>;
type Wish<M> = Result<Query<M>, QueryRejection>;

/// The paths. Whatever is no path here is answered by `missing`, for both protocols.
pub(super) fn routes(api: &Api) -> Router {
    // Reads may come from any page; writes are signed, and no page has a reason to send them.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([header::IF_NONE_MATCH, watch::LAST_EVENT_ID])
        .expose_headers([header::ETAG, header::LINK]);
    route::router()
        .route("/", get(root))
        .route("/v1/openapi.json", get(openapi))
        .method_not_allowed_fallback(wrong_method)
        .layer(cors)
        // After the layer: no other page reads the explorer's own.
        .merge(explorer::routes())
        .fallback(missing)
        .with_state(api.clone())
}

async fn root(State(api): State<Api>, headers: HeaderMap) -> Response {
    if explorer::is_browser(&headers) {
        return Redirect::temporary("/explorer/").into_response();
    }
    let market = api.query().view().market.label();
    let page = format!(
        "gpux-oracle {}, {market}: is this rented machine what it claims to be? Ask GET /v1/reputations, /v1/reputations/watch, \
         /v1/nodes/{{node}}/reputation, /v1/nodes/{{node}}/explanation, /v1/nodes, /v1/relays, /v1/reports, \
         /v1/bundles/{{digest}}, /v1/rewards/{{fisher}}, /v1/cases, /v1/usage, /v1/usage/days, /v1/log/entries or \
         /v1/epochs/latest; /v1/openapi.json describes them all, and gRPC has reflection.\n",
        env!("CARGO_PKG_VERSION")
    );
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], page).into_response()
}

async fn openapi(headers: HeaderMap) -> Response {
    tagged(&headers, Bytes::from_static(description::DOCUMENT.as_bytes()), "application/json", "no-cache")
}

async fn missing(headers: HeaderMap) -> Response {
    if super::guard::is_grpc(&headers) {
        return tonic::Status::unimplemented("no such method").into_http::<Body>();
    }
    Error::new("NOT_FOUND", "no such path; GET / lists them").into_response()
}

async fn wrong_method(method: Method) -> Error {
    Error::new("METHOD_NOT_ALLOWED", format!("the path does not take {method}"))
}

async fn list_nodes(State(api): State<Api>, headers: HeaderMap, query: Wish<ListNodesRequest>) -> Response {
    let result = async { api.query().list_nodes(wish(query)?).await };
    answer(&headers, result.await)
}

async fn get_node(State(api): State<Api>, headers: HeaderMap, node: Segment) -> Response {
    let result = async { api.query().get_node(GetNodeRequest { name: segment(node)? }).await };
    answer(&headers, result.await)
}

async fn get_reputation(State(api): State<Api>, headers: HeaderMap, node: Segment) -> Response {
    let result = async { api.query().get_reputation(GetReputationRequest { name: segment(node)? }).await };
    answer(&headers, result.await)
}

async fn explain_reputation(State(api): State<Api>, headers: HeaderMap, node: Segment) -> Response {
    let result = async { api.query().explain_reputation(ExplainReputationRequest { name: segment(node)? }).await };
    answer(&headers, result.await)
}

async fn list_reputations(State(api): State<Api>, headers: HeaderMap, query: Wish<ListReputationsRequest>) -> Response {
    let result = async { api.query().list_reputations(wish(query)?).await };
    answer(&headers, result.await)
}

async fn list_reports(State(api): State<Api>, headers: HeaderMap, query: Wish<ListReportsRequest>) -> Response {
    let result = async { api.query().list_reports(wish(query)?).await };
    answer(&headers, result.await)
}

async fn get_report(State(api): State<Api>, headers: HeaderMap, report: Segment, opening: Wish<Opening>) -> Response {
    let result = async {
        let opening = given(wish(opening)?);
        let opened = opening.is_some();
        let report = api.get_report(GetReportRequest { name: segment(report)?, opening }).await?;
        Ok::<_, Error>((report, opened))
    };
    match result.await {
        Ok((report, true)) => unkept(json(Ok(report))),
        Ok((report, false)) => answer(&headers, Ok(report)),
        Err(error) => error.into_response(),
    }
}

/// A bundle's bytes as they are: what `verify-evidence` reads.
async fn get_bundle(State(api): State<Api>, headers: HeaderMap, digest: Segment, opening: Wish<Opening>) -> Response {
    bundle(api, headers, segment(digest), opening).await
}

/// The same of the session that a case is about.
async fn get_case_bundle(
    State(api): State<Api>,
    headers: HeaderMap,
    case: Segment,
    opening: Wish<Opening>,
) -> Response {
    bundle(api, headers, segment(case).map(|case| format!("cases/{case}")), opening).await
}

async fn bundle(api: Api, headers: HeaderMap, digest: Result<String, Error>, opening: Wish<Opening>) -> Response {
    let result = async {
        let opening = given(wish(opening)?);
        let opened = opening.is_some();
        let response = api.get_bundle(GetBundleRequest { digest: digest?, opening }).await?;
        Ok::<_, Error>((Bytes::from(response.bundle), opened))
    };
    match result.await {
        Ok((bundle, true)) => unkept(bytes(&HeaderMap::new(), bundle)),
        Ok((bundle, false)) => bytes(&headers, bundle),
        Err(error) => error.into_response(),
    }
}

/// The opening of a query, if there is one.
fn given(opening: Opening) -> Option<Opening> {
    (opening != Opening::default()).then_some(opening)
}

async fn get_checkpoint(State(api): State<Api>, headers: HeaderMap) -> Response {
    answer(&headers, api.checkpoint().await)
}

async fn list_entries(State(api): State<Api>, headers: HeaderMap, query: Wish<ListEntriesRequest>) -> Response {
    let result = async { api.query().list_entries(wish(query)?).await };
    answer(&headers, result.await)
}

async fn inclusion_proof(
    State(api): State<Api>,
    headers: HeaderMap,
    query: Wish<GetInclusionProofRequest>,
) -> Response {
    let result = async { api.query().inclusion_proof(wish(query)?).await };
    answer(&headers, result.await)
}

async fn consistency_proof(
    State(api): State<Api>,
    headers: HeaderMap,
    query: Wish<GetConsistencyProofRequest>,
) -> Response {
    let result = async { api.query().consistency_proof(wish(query)?).await };
    answer(&headers, result.await)
}

/// An epoch by its number, or "latest".
async fn get_epoch(State(api): State<Api>, headers: HeaderMap, epoch: Segment) -> Response {
    let result = async {
        let epoch = match segment(epoch)?.as_str() {
            "latest" => 0,
            number => number
                .parse()
                .map_err(|_| Error::field("MALFORMED", "epoch", "epoch is neither a number nor \"latest\""))?,
        };
        api.query().get_epoch(GetEpochRequest { epoch }).await
    };
    answer(&headers, result.await)
}

async fn get_reward(
    State(api): State<Api>,
    headers: HeaderMap,
    fisher: Segment,
    query: Wish<GetRewardRequest>,
) -> Response {
    let result = async {
        let request = GetRewardRequest { fisher: segment(fisher)?, ..wish(query)? };
        api.query().get_reward(request).await
    };
    answer(&headers, result.await)
}

async fn list_cases(State(api): State<Api>, headers: HeaderMap, query: Wish<ListCasesRequest>) -> Response {
    let result = async { api.query().list_cases(wish(query)?).await };
    answer(&headers, result.await)
}

async fn get_case(State(api): State<Api>, headers: HeaderMap, case: Segment) -> Response {
    let result = async { api.query().get_case(GetCaseRequest { name: segment(case)? }).await };
    answer(&headers, result.await)
}

/// A named epoch's schedule never changes; the newest is another one soon.
async fn get_schedule(State(api): State<Api>, headers: HeaderMap, query: Wish<GetScheduleRequest>) -> Response {
    let request = match wish(query) {
        Ok(request) => request,
        Err(error) => return error.into_response(),
    };
    let write = if request.epoch == 0 { answer } else { settled };
    write(&headers, api.get_schedule(request).await)
}

async fn announce_node(State(api): State<Api>, body: Body) -> Response {
    let result = async {
        let description = message(body, BODY_BYTES_MAX).await?;
        api.announce_node(AnnounceNodeRequest { description: Some(description) }).await
    };
    json(result.await)
}

async fn register_fisher(State(api): State<Api>, body: Body) -> Response {
    let result = async {
        let registration = message(body, BODY_BYTES_MAX).await?;
        api.register_fisher(RegisterFisherRequest { registration: Some(registration) }).await
    };
    json(result.await)
}

async fn get_usage(State(api): State<Api>, headers: HeaderMap) -> Response {
    answer(&headers, api.query().get_usage(GetUsageRequest {}).await)
}

async fn list_daily_usage(State(api): State<Api>, headers: HeaderMap, query: Wish<ListDailyUsageRequest>) -> Response {
    let result = async { api.query().list_daily_usage(wish(query)?).await };
    answer(&headers, result.await)
}

async fn list_relays(State(api): State<Api>, headers: HeaderMap, query: Wish<ListRelaysRequest>) -> Response {
    let result = async { api.list_relays(wish(query)?).await };
    answer(&headers, result.await)
}

async fn register_relay(State(api): State<Api>, body: Body) -> Response {
    let result = async {
        let registration = message(body, BODY_BYTES_MAX).await?;
        api.register_relay(RegisterRelayRequest { registration: Some(registration) }).await
    };
    json(result.await)
}

async fn submit_stamps(State(api): State<Api>, body: Body) -> Response {
    let result = async {
        let stamps = message(body, STAMPS_BODY_BYTES_MAX).await?;
        api.submit_stamps(SubmitStampsRequest { stamps: Some(stamps) }).await
    };
    json(result.await)
}

async fn commit_report(State(api): State<Api>, body: Body) -> Response {
    let result = async {
        let commit = message(body, BODY_BYTES_MAX).await?;
        api.commit_report(CommitReportRequest { commit: Some(commit) }).await
    };
    json(result.await)
}

async fn countersign(State(api): State<Api>, body: Body) -> Response {
    let result = async { api.countersign(message(body, BODY_BYTES_MAX).await?).await };
    json(result.await)
}

async fn submit_report(State(api): State<Api>, body: Body) -> Response {
    let result = async { api.submit_report(message(body, REPORT_BODY_BYTES_MAX).await?).await };
    json(result.await)
}
