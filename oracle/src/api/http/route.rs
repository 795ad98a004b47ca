//! The paths: one table, from which the router and the OpenAPI document are made, so that neither can say what the other
//! does not.

use axum::{
    Router,
    routing::{MethodRouter, get, post},
};

use super::*;

/// How a request is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Carries {
    /// Nothing but what the path names.
    Nothing,
    /// The request's other fields in the query.
    Query,
    /// Fields of one of the request's fields in the query.
    QueryOf(&'static str),
    /// One of the request's fields as the JSON body.
    Body(&'static str),
    /// The whole request as the JSON body.
    Whole,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Answers {
    /// The response as JSON.
    Json,
    /// A list in this field of the response: JSON, or rows as CSV.
    Rows(&'static str),
    /// Bytes.
    Bytes,
    /// Server-sent events, each a response as JSON.
    Events,
}

/// A path with a method, and the call of gRPC that it is.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct Route {
    pub(in crate::api) path: &'static str,
    /// Whether it writes.
    pub(in crate::api) post: bool,
    /// "Service.Method".
    pub(in crate::api) call: &'static str,
    /// What the operation is called, where two paths make the same call.
    pub(in crate::api) name: Option<&'static str>,
    /// The request's field that the path's segment fills.
    pub(in crate::api) segment: Option<&'static str>,
    pub(in crate::api) carries: Carries,
    pub(in crate::api) answers: Answers,
    handler: fn() -> MethodRouter<Api>,
}

const fn read(path: &'static str, call: &'static str, handler: fn() -> MethodRouter<Api>) -> Route {
    Route {
        path,
        post: false,
        call,
        name: None,
        segment: None,
        carries: Carries::Query,
        answers: Answers::Json,
        handler,
    }
}

const fn one(path: &'static str, call: &'static str, field: &'static str, handler: fn() -> MethodRouter<Api>) -> Route {
    Route { segment: Some(field), carries: Carries::Nothing, ..read(path, call, handler) }
}

const fn rows(
    path: &'static str,
    call: &'static str,
    field: &'static str,
    handler: fn() -> MethodRouter<Api>,
) -> Route {
    Route { answers: Answers::Rows(field), ..read(path, call, handler) }
}

const fn write(path: &'static str, call: &'static str, carries: Carries, handler: fn() -> MethodRouter<Api>) -> Route {
    Route { post: true, carries, ..read(path, call, handler) }
}

/// All paths of the API.
pub(in crate::api) const ROUTES: [Route; 29] = [
    rows("/v1/nodes", "RegistryService.ListNodes", "nodes", || get(list_nodes)),
    write("/v1/nodes", "RegistryService.AnnounceNode", Carries::Body("description"), || post(announce_node)),
    one("/v1/nodes/{node}", "RegistryService.GetNode", "name", || get(get_node)),
    one("/v1/nodes/{node}/reputation", "ReputationService.GetReputation", "name", || get(get_reputation)),
    one("/v1/nodes/{node}/explanation", "ReputationService.ExplainReputation", "name", || get(explain_reputation)),
    rows("/v1/reputations", "ReputationService.ListReputations", "reputations", || get(list_reputations)),
    Route {
        answers: Answers::Events,
        ..read("/v1/reputations/watch", "ReputationService.WatchReputations", || get(watch::watch_reputations))
    },
    rows("/v1/reports", "EvidenceService.ListReports", "reports", || get(list_reports)),
    write("/v1/reports", "EvidenceService.SubmitReport", Carries::Whole, || post(submit_report)),
    Route {
        carries: Carries::QueryOf("opening"),
        ..one("/v1/reports/{report}", "EvidenceService.GetReport", "name", || get(get_report))
    },
    Route {
        carries: Carries::QueryOf("opening"),
        answers: Answers::Bytes,
        ..one("/v1/bundles/{digest}", "EvidenceService.GetBundle", "digest", || get(get_bundle))
    },
    write("/v1/fishers", "RegistryService.RegisterFisher", Carries::Body("registration"), || post(register_fisher)),
    rows("/v1/relays", "RegistryService.ListRelays", "relays", || get(list_relays)),
    write("/v1/relays", "RegistryService.RegisterRelay", Carries::Body("registration"), || post(register_relay)),
    write("/v1/stamps", "EvidenceService.SubmitStamps", Carries::Body("stamps"), || post(submit_stamps)),
    write("/v1/commits", "EvidenceService.CommitReport", Carries::Body("commit"), || post(commit_report)),
    read("/v1/log/checkpoint", "LogService.GetCheckpoint", || get(get_checkpoint)),
    read("/v1/log/entries", "LogService.ListEntries", || get(list_entries)),
    read("/v1/log/inclusion", "LogService.GetInclusionProof", || get(inclusion_proof)),
    read("/v1/log/consistency", "LogService.GetConsistencyProof", || get(consistency_proof)),
    one("/v1/epochs/{epoch}", "LogService.GetEpoch", "epoch", || get(get_epoch)),
    write("/v1/countersignatures", "LogService.Countersign", Carries::Whole, || post(countersign)),
    read("/v1/schedule", "ScheduleService.GetSchedule", || get(get_schedule)),
    Route {
        carries: Carries::Query,
        ..one("/v1/rewards/{fisher}", "RewardsService.GetReward", "fisher", || get(get_reward))
    },
    read("/v1/usage", "UsageService.GetUsage", || get(get_usage)),
    rows("/v1/usage/days", "UsageService.ListDailyUsage", "days", || get(list_daily_usage)),
    rows("/v1/cases", "ArbitrationService.ListCases", "cases", || get(list_cases)),
    one("/v1/cases/{case}", "ArbitrationService.GetCase", "name", || get(get_case)),
    Route {
        name: Some("GetCaseBundle"),
        carries: Carries::QueryOf("opening"),
        answers: Answers::Bytes,
        ..one("/v1/cases/{case}/bundle", "EvidenceService.GetBundle", "digest", || get(get_case_bundle))
    },
];

/// The router of the table.
pub(super) fn router() -> Router<Api> {
    ROUTES.iter().fold(Router::new(), |router, route| {
        let handler = (route.handler)();
        let handler = match route.answers {
            Answers::Rows(field) => handler
                .layer(axum::middleware::from_fn(move |request, next| csv::answered(route.call, field, request, next))),
            Answers::Json | Answers::Bytes | Answers::Events => handler,
        };
        router.route(route.path, handler)
    })
}
