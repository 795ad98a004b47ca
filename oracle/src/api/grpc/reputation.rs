//! ReputationService over gRPC; it only hands on.
use std::pin::Pin;

use gpux_proto::oracle::{
    ExplainReputationRequest, ExplainReputationResponse, GetReputationRequest, GetReputationResponse,
    ListReputationsRequest, ListReputationsResponse, WatchReputationsRequest, WatchReputationsResponse,
    reputation_service_server::ReputationService,
};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, async_trait};

use crate::api::Api;

#[async_trait]
impl ReputationService for Api {
    type WatchReputationsStream = Pin<Box<dyn Stream<Item = Result<WatchReputationsResponse, Status>> + Send>>;

    async fn watch_reputations(
        &self,
        request: Request<WatchReputationsRequest>,
    ) -> Result<Response<Self::WatchReputationsStream>, Status> {
        let changes = self.watch_reputations(request.into_inner()).await?;
        Ok(Response::new(Box::pin(changes.map(|item| item.map_err(Status::from)))))
    }

    async fn get_reputation(
        &self,
        request: Request<GetReputationRequest>,
    ) -> Result<Response<GetReputationResponse>, Status> {
        Ok(Response::new(self.query().get_reputation(request.into_inner()).await?))
    }

    async fn explain_reputation(
        &self,
        request: Request<ExplainReputationRequest>,
    ) -> Result<Response<ExplainReputationResponse>, Status> {
        Ok(Response::new(self.query().explain_reputation(request.into_inner()).await?))
    }

    async fn list_reputations(
        &self,
        request: Request<ListReputationsRequest>,
    ) -> Result<Response<ListReputationsResponse>, Status> {
        Ok(Response::new(self.query().list_reputations(request.into_inner()).await?))
    }
}
