//! RegistryService over gRPC; it only hands on.
use gpux_proto::oracle::{
    AnnounceNodeRequest, AnnounceNodeResponse, GetNodeRequest, GetNodeResponse, ListNodesRequest, ListNodesResponse,
    ListRelaysRequest, ListRelaysResponse, RegisterFisherRequest, RegisterFisherResponse, RegisterRelayRequest,
    RegisterRelayResponse, registry_service_server::RegistryService,
};
use tonic::{Request, Response, Status, async_trait};

use crate::api::Api;

#[async_trait]
impl RegistryService for Api {
    async fn announce_node(
        &self,
        request: Request<AnnounceNodeRequest>,
    ) -> Result<Response<AnnounceNodeResponse>, Status> {
        Ok(Response::new(self.announce_node(request.into_inner()).await?))
    }

    async fn register_fisher(
        &self,
        request: Request<RegisterFisherRequest>,
    ) -> Result<Response<RegisterFisherResponse>, Status> {
        Ok(Response::new(self.register_fisher(request.into_inner()).await?))
    }

    async fn register_relay(
        &self,
        request: Request<RegisterRelayRequest>,
    ) -> Result<Response<RegisterRelayResponse>, Status> {
        Ok(Response::new(self.register_relay(request.into_inner()).await?))
    }

    async fn list_relays(&self, request: Request<ListRelaysRequest>) -> Result<Response<ListRelaysResponse>, Status> {
        Ok(Response::new(self.list_relays(request.into_inner()).await?))
    }

    async fn get_node(&self, request: Request<GetNodeRequest>) -> Result<Response<GetNodeResponse>, Status> {
        Ok(Response::new(self.query().get_node(request.into_inner()).await?))
    }

    async fn list_nodes(&self, request: Request<ListNodesRequest>) -> Result<Response<ListNodesResponse>, Status> {
        Ok(Response::new(self.query().list_nodes(request.into_inner()).await?))
    }
}
