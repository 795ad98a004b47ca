//! RewardsService over gRPC; it only hands on.
use gpux_proto::oracle::{GetRewardRequest, GetRewardResponse, rewards_service_server::RewardsService};
use tonic::{Request, Response, Status, async_trait};

use crate::api::Api;

#[async_trait]
impl RewardsService for Api {
    async fn get_reward(&self, request: Request<GetRewardRequest>) -> Result<Response<GetRewardResponse>, Status> {
        Ok(Response::new(self.query().get_reward(request.into_inner()).await?))
    }
}
