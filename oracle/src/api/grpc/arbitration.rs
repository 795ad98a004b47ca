//! ArbitrationService over gRPC; it only hands on.
use gpux_proto::oracle::{
    GetCaseRequest, GetCaseResponse, ListCasesRequest, ListCasesResponse,
    arbitration_service_server::ArbitrationService,
};
use tonic::{Request, Response, Status, async_trait};

use crate::api::Api;

#[async_trait]
impl ArbitrationService for Api {
    async fn list_cases(&self, request: Request<ListCasesRequest>) -> Result<Response<ListCasesResponse>, Status> {
        Ok(Response::new(self.query().list_cases(request.into_inner()).await?))
    }

    async fn get_case(&self, request: Request<GetCaseRequest>) -> Result<Response<GetCaseResponse>, Status> {
        Ok(Response::new(self.query().get_case(request.into_inner()).await?))
    }
}
