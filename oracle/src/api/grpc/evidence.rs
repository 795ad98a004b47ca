//! EvidenceService over gRPC; it only hands on.
use gpux_proto::oracle::{
    CommitReportRequest, CommitReportResponse, GetBundleRequest, GetBundleResponse, GetReportRequest,
    GetReportResponse, ListReportsRequest, ListReportsResponse, SubmitReportRequest, SubmitReportResponse,
    SubmitStampsRequest, SubmitStampsResponse, evidence_service_server::EvidenceService,
};
use tonic::{Request, Response, Status, async_trait};

use crate::api::Api;

#[async_trait]
impl EvidenceService for Api {
    async fn commit_report(
        &self,
        request: Request<CommitReportRequest>,
    ) -> Result<Response<CommitReportResponse>, Status> {
        Ok(Response::new(self.commit_report(request.into_inner()).await?))
    }

    async fn submit_report(
        &self,
        request: Request<SubmitReportRequest>,
    ) -> Result<Response<SubmitReportResponse>, Status> {
        Ok(Response::new(self.submit_report(request.into_inner()).await?))
    }

    async fn submit_stamps(
        &self,
        request: Request<SubmitStampsRequest>,
    ) -> Result<Response<SubmitStampsResponse>, Status> {
        Ok(Response::new(self.submit_stamps(request.into_inner()).await?))
    }

    async fn get_report(&self, request: Request<GetReportRequest>) -> Result<Response<GetReportResponse>, Status> {
        Ok(Response::new(self.get_report(request.into_inner()).await?))
    }

    async fn list_reports(
        &self,
        request: Request<ListReportsRequest>,
    ) -> Result<Response<ListReportsResponse>, Status> {
        Ok(Response::new(self.query().list_reports(request.into_inner()).await?))
    }

    async fn get_bundle(&self, request: Request<GetBundleRequest>) -> Result<Response<GetBundleResponse>, Status> {
        Ok(Response::new(self.get_bundle(request.into_inner()).await?))
    }
}
