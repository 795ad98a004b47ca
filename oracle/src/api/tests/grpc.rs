//! gRPC as a protocol: health, reflection, limits, and what tonic refuses by itself.

use gpux_proto::{
    bytes::to_hex,
    evidence::Signed,
    oracle::{
        GetBundleRequest, GetNodeRequest, ListNodesRequest, SubmitReportRequest,
        evidence_service_client::EvidenceServiceClient, registry_service_client::RegistryServiceClient,
    },
};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt as _;

use super::market::Market;

#[tokio::test]
async fn health_serves_only_with_store_and_chain() {
    let market = Market::open().await;
    let mut client = HealthClient::new(market.channel().await);
    let request = HealthCheckRequest { service: "gpux.oracle.v1.EvidenceService".into() };
    let mut states = client.watch(request.clone()).await.unwrap().into_inner();
    let mut until = async |wanted: ServingStatus| {
        let reached = async { while states.message().await.unwrap().unwrap().status() != wanted {} };
        tokio::time::timeout(std::time::Duration::from_secs(10), reached).await.expect("the state changes");
    };
    until(ServingStatus::Serving).await;
    market.health.set_chain(false);
    until(ServingStatus::NotServing).await;
    assert_eq!(
        client.check(HealthCheckRequest::default()).await.unwrap().into_inner().status(),
        ServingStatus::NotServing
    );
    market.health.set_chain(true);
    until(ServingStatus::Serving).await;
    let unknown = client.check(HealthCheckRequest { service: "no.such.Service".into() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn reflection_lists_what_is_served_and_describes_it() {
    let market = Market::open().await;
    let mut client = ServerReflectionClient::new(market.channel().await);
    let ask = |message| {
        let request = ServerReflectionRequest { host: String::new(), message_request: Some(message) };
        tokio_stream::once(request)
    };
    let mut answers =
        client.server_reflection_info(ask(MessageRequest::ListServices(String::new()))).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.retain(|name| !name.starts_with("grpc.reflection"));
    names.sort();
    let services = [
        "ArbitrationService",
        "EvidenceService",
        "LogService",
        "RegistryService",
        "ReputationService",
        "RewardsService",
        "ScheduleService",
        "UsageService",
    ];
    let expected = services.map(|of| format!("gpux.oracle.v1.{of}"));
    assert_eq!(names, [&expected[..], &["grpc.health.v1.Health".to_owned()]].concat());

    let symbol = MessageRequest::FileContainingSymbol("gpux.oracle.v1.Reputation".into());
    let mut answers = client.server_reflection_info(ask(symbol)).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    assert!(matches!(answer, MessageResponse::FileDescriptorResponse(file) if !file.file_descriptor_proto.is_empty()));
}

#[tokio::test]
async fn unknown_names_have_the_reasons_of_http() {
    let market = Market::open().await;
    let mut registry = RegistryServiceClient::new(market.channel().await);
    let status = registry.get_node(GetNodeRequest { name: to_hex(&[7; 32]) }).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "NOT_FOUND"));
    let status = registry.get_node(GetNodeRequest { name: "nodes/7".into() }).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "MALFORMED"));
    let status = registry.list_nodes(ListNodesRequest { page_size: -1, ..Default::default() }).await.unwrap_err();
    assert_eq!(reason(&status), "MALFORMED");
    let mut evidence = EvidenceServiceClient::new(market.channel().await);
    let status = evidence.get_bundle(GetBundleRequest { digest: to_hex(&[7; 32]), opening: None }).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_FOUND");
}

#[tokio::test]
async fn tonics_own_refusals_carry_reasons_too() {
    let market = Market::open().await;
    let mut client = EvidenceServiceClient::new(market.channel().await);
    let request = SubmitReportRequest { report: Some(Signed::default()), bundle: vec![0; 6 << 20] };
    let status = client.submit_report(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "OVERSIZED"));

    // A message whose only field announces more bytes than there are.
    let request = tonic::Request::new(Signed { payload: vec![0x0a, 0x7f], signature: vec![] });
    let mut raw = tonic::client::Grpc::new(market.channel().await);
    raw.ready().await.unwrap();
    let path = "/gpux.oracle.v1.EvidenceService/SubmitReport".parse().unwrap();
    let result: Result<tonic::Response<Signed>, _> = raw.unary(request, path, tonic_prost::ProstCodec::default()).await;
    let status = result.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "MALFORMED"));

    raw.ready().await.unwrap();
    let path = "/gpux.oracle.v1.NoService/Nothing".parse().unwrap();
    let request = tonic::Request::new(Signed::default());
    let result: Result<tonic::Response<Signed>, _> = raw.unary(request, path, tonic_prost::ProstCodec::default()).await;
    assert_eq!(result.unwrap_err().code(), Code::Unimplemented);
}

pub(super) fn reason(status: &tonic::Status) -> String {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("{status:?} has no ErrorInfo"));
    assert_eq!(info.domain, "gpux");
    info.reason
}
