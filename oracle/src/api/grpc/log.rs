//! LogService over gRPC; it only hands on.
use gpux_proto::oracle::{
    CountersignRequest, CountersignResponse, GetCheckpointRequest, GetCheckpointResponse, GetConsistencyProofRequest,
    GetConsistencyProofResponse, GetEpochRequest, GetEpochResponse, GetInclusionProofRequest,
    GetInclusionProofResponse, ListEntriesRequest, ListEntriesResponse, log_service_server::LogService,
};
use tonic::{Request, Response, Status, async_trait};

use crate::api::Api;

#[async_trait]
impl LogService for Api {
    async fn get_checkpoint(
        &self,
        _: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        Ok(Response::new(self.checkpoint().await?))
    }

    async fn list_entries(
        &self,
        request: Request<ListEntriesRequest>,
    ) -> Result<Response<ListEntriesResponse>, Status> {
        Ok(Response::new(self.query().list_entries(request.into_inner()).await?))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<GetInclusionProofRequest>,
    ) -> Result<Response<GetInclusionProofResponse>, Status> {
        Ok(Response::new(self.query().inclusion_proof(request.into_inner()).await?))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<GetConsistencyProofRequest>,
    ) -> Result<Response<GetConsistencyProofResponse>, Status> {
        Ok(Response::new(self.query().consistency_proof(request.into_inner()).await?))
    }

    async fn get_epoch(&self, request: Request<GetEpochRequest>) -> Result<Response<GetEpochResponse>, Status> {
        Ok(Response::new(self.query().get_epoch(request.into_inner()).await?))
    }

    async fn countersign(&self, request: Request<CountersignRequest>) -> Result<Response<CountersignResponse>, Status> {
        Ok(Response::new(self.countersign(request.into_inner()).await?))
    }
}
