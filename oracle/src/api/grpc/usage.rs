//! UsageService over gRPC; it only hands on.
use gpux_proto::oracle::{
    GetUsageRequest, GetUsageResponse, ListDailyUsageRequest, ListDailyUsageResponse,
    usage_service_server::UsageService,
};
use tonic::{Request, Response, Status, async_trait};

use crate::api::Api;

#[async_trait]
impl UsageService for Api {
    async fn get_usage(&self, request: Request<GetUsageRequest>) -> Result<Response<GetUsageResponse>, Status> {
        Ok(Response::new(self.query().get_usage(request.into_inner()).await?))
    }

    async fn list_daily_usage(
        &self,
        request: Request<ListDailyUsageRequest>,
    ) -> Result<Response<ListDailyUsageResponse>, Status> {
        Ok(Response::new(self.query().list_daily_usage(request.into_inner()).await?))
    }
}
