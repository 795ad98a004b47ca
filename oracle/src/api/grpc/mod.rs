//! The services over gRPC.
//!
//! Owns the tonic services with their limits, standard health and reflection. Every method hands its message to the function
//! that HTTP calls too; nothing is decided here.

mod arbitration;
mod evidence;
mod log;
mod registry;
mod reputation;
mod rewards;
mod schedule;
mod usage;
pub(super) mod web;

use axum::Router;
use gpux_proto::oracle::{
    arbitration_service_server::ArbitrationServiceServer, evidence_service_server::EvidenceServiceServer,
    log_service_server::LogServiceServer, registry_service_server::RegistryServiceServer,
    reputation_service_server::ReputationServiceServer, rewards_service_server::RewardsServiceServer,
    schedule_service_server::ScheduleServiceServer, usage_service_server::UsageServiceServer,
};
use tonic::{server::NamedService, service::Routes};
use tonic_health::{ServingStatus, server::HealthReporter};

use super::{Api, REQUEST_BYTES_MAX, health::Health};

/// The services that reflection names and health speaks of.
const SERVICES: [&str; 8] = [
    ReputationServiceServer::<Api>::NAME,
    EvidenceServiceServer::<Api>::NAME,
    RegistryServiceServer::<Api>::NAME,
    LogServiceServer::<Api>::NAME,
    ScheduleServiceServer::<Api>::NAME,
    RewardsServiceServer::<Api>::NAME,
    ArbitrationServiceServer::<Api>::NAME,
    UsageServiceServer::<Api>::NAME,
];
/// The largest answer: a page of reports.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Adds the services to the router of the other protocol. Returns it with the reporter that [`follow`] keeps up to date.
pub(super) fn routes(api: &Api, http: Router) -> Result<(Router, HealthReporter), tonic_reflection::server::Error> {
    let reporter = HealthReporter::new();
    let health = tonic_health::server::HealthService::from_health_reporter(reporter.clone());
    let reflection = || {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(gpux_proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health");
        SERVICES.into_iter().fold(builder, tonic_reflection::server::Builder::with_service_name)
    };
    let reputation = ReputationServiceServer::new(api.clone())
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(ANSWER_BYTES_MAX);
    let evidence = EvidenceServiceServer::new(api.clone())
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(ANSWER_BYTES_MAX);
    let registry = RegistryServiceServer::new(api.clone())
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(ANSWER_BYTES_MAX);
    let log = LogServiceServer::new(api.clone())
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(ANSWER_BYTES_MAX);
    let schedule = ScheduleServiceServer::new(api.clone())
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(ANSWER_BYTES_MAX);
    let rewards = RewardsServiceServer::new(api.clone())
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(ANSWER_BYTES_MAX);
    let arbitration = ArbitrationServiceServer::new(api.clone())
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(ANSWER_BYTES_MAX);
    let usage = UsageServiceServer::new(api.clone())
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(ANSWER_BYTES_MAX);
    let routes = Routes::from(http)
        .add_service(reputation)
        .add_service(evidence)
        .add_service(registry)
        .add_service(log)
        .add_service(schedule)
        .add_service(rewards)
        .add_service(arbitration)
        .add_service(usage)
        .add_service(tonic_health::pb::health_server::HealthServer::new(health))
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    Ok((routes.into_axum_router(), reporter))
}

/// Tells the standard health service what the switches say, until they are dropped.
pub(super) async fn follow(health: Health, reporter: HealthReporter) {
    let mut states = health.watch();
    drop(health);
    loop {
        let ready = states.borrow_and_update().is_ready();
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in SERVICES.into_iter().chain([""]) {
            reporter.set_service_status(service, status).await;
        }
        if states.changed().await.is_err() {
            return;
        }
    }
}
