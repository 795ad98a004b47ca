//! ScheduleService over gRPC; it only hands on.
use gpux_proto::oracle::{GetScheduleRequest, GetScheduleResponse, schedule_service_server::ScheduleService};
use tonic::{Request, Response, Status, async_trait};

use crate::api::Api;

#[async_trait]
impl ScheduleService for Api {
    async fn get_schedule(
        &self,
        request: Request<GetScheduleRequest>,
    ) -> Result<Response<GetScheduleResponse>, Status> {
        Ok(Response::new(self.get_schedule(request.into_inner()).await?))
    }
}
