//! Tells an oracle about the node: once at the start and again with every new offer. An oracle that does not answer is
//! asked again, ever more slowly; one that refuses is asked again with the next offer only.
use crate::identity::Identity;
use gpux_proto::oracle::{AnnounceNodeRequest, registry_service_client::RegistryServiceClient};
use std::time::Duration;
use tonic::{Code, Status, transport::Endpoint};

const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(10);

/// Announces for ever.
pub(crate) async fn keep_announced(identity: &Identity, oracle: Endpoint) {
    let channel = oracle.connect_timeout(PATIENCE).timeout(PATIENCE).connect_lazy();
    let mut client = RegistryServiceClient::new(channel);
    let mut published = identity.follow();
    loop {
        let description = published.borrow_and_update().description.clone();
        let mut pause = PAUSE_MIN;
        loop {
            let request = AnnounceNodeRequest { description: Some(description.clone()) };
            match client.announce_node(request).await {
                Ok(response) => {
                    tracing::info!(name = response.into_inner().name, "announced");
                    break;
                }
                Err(status) if permanent(&status) => {
                    tracing::error!(code = ?status.code(), message = status.message(), "the oracle refuses the node");
                    break;
                }
                Err(status) => {
                    tracing::warn!(code = ?status.code(), message = status.message(), ?pause, "not announced")
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        if published.changed().await.is_err() {
            return;
        }
    }
}

/// Whether asking again with the same description must fail again.
fn permanent(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument | Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented
    )
}
