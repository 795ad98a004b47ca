//! ReputationService over gRPC; it only hands on.
use gpux_proto::oracle::{
    ExplainReputationRequest, ExplainReputationResponse, GetReputationRequest, GetReputationResponse,
    ListReputationsRequest, ListReputationsResponse, reputation_service_server::ReputationService,
};
use tonic::{Request, Response, Status, async_trait};

use crate::api::Api;

#[async_trait]
impl ReputationService for Api {
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
