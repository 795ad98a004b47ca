//! The way from a fisher to a node: through a relay of another owner, another one each session, or directly where there is none.
//! Never goes directly because a relay failed: the node would see the address that the relay was to hide.
use crate::{
    clock,
    fisher::{Fisher, Reached},
    offered::{self, Offered},
    relay::Relays,
    report::OracleError,
    session::{Fault, elsewhere},
};
use gpux_proto::bytes::to_hex;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::{debug, warn};

/// Relays that are tried for one session.
const RELAYS_TRIED_MAX: usize = 3;

/// There is no way to a node now.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Whether there are relays is not known.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// Each relay that was tried failed.
    #[error("{RELAYS_TRIED_MAX} relays failed, the last one with: {0}")]
    Relays(String),
}

/// How sessions travel.
#[derive(Debug)]
pub(super) struct Route {
    relays: Option<Relays>,
    warned: AtomicBool,
}

impl Route {
    /// Through these relays, or directly without.
    pub(super) fn new(relays: Option<Relays>) -> Self {
        Self { relays, warned: AtomicBool::new(false) }
    }

    /// Asks a node to describe itself, the way by which its session will go.
    pub(super) async fn reach(&self, fisher: &Fisher, listed: Offered) -> Result<(Reached, Offered), Error> {
        let mut last = String::new();
        for _ in 0..RELAYS_TRIED_MAX {
            let relay = match &self.relays {
                Some(relays) => relays.choose(clock::now()).await?,
                None => None,
            };
            let Some(relay) = relay else { return Ok(self.directly(fisher, listed).await) };
            let key = Some(relay.relay);
            match fisher.describe_through(&relay, &listed.node).await {
                Ok((channel, offered)) => return Ok((Reached { channel: Ok(channel), relay: key }, offered)),
                Err(failure) if failure.fault == Fault::Host => {
                    return Ok((Reached { channel: Err(failure), relay: key }, listed));
                }
                Err(failure) => {
                    debug!(relay = to_hex(&relay.relay), failure.detail, "a relay is passed over");
                    last = failure.detail;
                }
            }
        }
        Err(Error::Relays(last))
    }

    async fn directly(&self, fisher: &Fisher, listed: Offered) -> (Reached, Offered) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            warn!(
                "direct sessions carry no weight, and nodes see this machine's address: no relay of another owner is used"
            );
        }
        let (channel, offered) = match offered::endpoint(&listed.descriptor.endpoint) {
            Err(error) => (Err(crate::session::unreachable(&error)), listed),
            Ok(uri) => match fisher.describe(&uri).await {
                // Another node behind the endpoint is as good as none.
                Ok((channel, offered)) if offered.node == listed.node => (Ok(channel), offered),
                Ok(_) => (Err(elsewhere()), listed),
                Err(failure) => (Err(failure), listed),
            },
        };
        (Reached { channel, relay: None }, offered)
    }
}
