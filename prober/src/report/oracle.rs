//! The oracle as fishers and relays use it: registers, lists nodes and relays, delivers commits, reports and stamps. Sorts every refusal into "again later"
//! and "never", by google.rpc's error details; whatever an oracle answers is bounded.
use super::Parcel;
use crate::session::words;
use alloy::primitives::{Address, B256};
use gpux_proto::{
    bytes::to_hex,
    evidence::{Description, Registration, RelayRegistration, Signed},
    oracle::{
        CommitReportRequest, GetNodeRequest, GetReputationRequest, GetRewardRequest, ListNodesRequest,
        ListRelaysRequest, RegisterFisherRequest, RegisterRelayRequest, Reputation, Reward, SubmitReportRequest,
        SubmitStampsRequest, evidence_service_client::EvidenceServiceClient,
        registry_service_client::RegistryServiceClient, reputation_service_client::ReputationServiceClient,
        rewards_service_client::RewardsServiceClient,
    },
};
use prost::Message as _;
use std::time::Duration;
use tonic::{
    Code, Request, Status,
    transport::{Channel, Endpoint, Uri},
};
use tonic_types::StatusExt as _;

/// How long a call may take.
const CALL_MAX: Duration = Duration::from_secs(20);
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// The largest answer: a page of nodes.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// Nodes in a page, and pages of a listing.
const PAGE: i32 = 500;
const PAGES_MAX: usize = 200;
/// The most relays that are listed: enough to be hidden among, little enough to be asked for often.
const RELAYS_MAX: usize = 5_000;
/// The most that is held of a listing: 100,000 descriptions of 1.3 KiB. Pages alone would bound it at 200 times 8 MiB.
const LISTING_BYTES_MAX: usize = 128 << 20;

/// What an oracle said no to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason code, or the gRPC code's name.
    pub reason: String,
    /// In words.
    pub message: String,
    /// Whether the same request may be accepted later.
    pub retryable: bool,
    /// When to ask again, if it said so.
    pub after: Option<Duration>,
}

/// The oracle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OracleError {
    /// It said no.
    #[error("the oracle refused {what}: {} ({})", .refusal.reason, .refusal.message)]
    Refused {
        /// What was asked.
        what: &'static str,
        /// The answer.
        refusal: Refusal,
    },
    /// Its pages never end.
    #[error("the oracle lists more than {0} nodes or relays")]
    Endless(usize),
    /// Its descriptions are larger than any market's.
    #[error("the oracle lists more than {LISTING_BYTES_MAX} bytes of descriptions")]
    Oversized,
}

impl Refusal {
    /// Reads a status.
    #[must_use]
    pub fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        let reason = details.error_info().filter(|info| info.domain == "gpux").map(|info| info.reason.clone());
        let retry = details.retry_info();
        let transient = matches!(
            status.code(),
            Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Cancelled | Code::Aborted
        );
        // A broken connection is `Unknown` without details.
        let broken = status.code() == Code::Unknown && reason.is_none();
        let known = matches!(
            reason.as_deref(),
            Some("RENTAL_UNKNOWN" | "FISHER_WITHOUT_BOND" | "OWNER_WITHOUT_BOND" | "RATE_LIMITED")
        );
        Self {
            reason: crate::session::bounded(&reason.unwrap_or_else(|| format!("{:?}", status.code())), 64),
            message: words(status),
            retryable: transient || broken || known || retry.is_some(),
            after: retry.and_then(|info| info.retry_delay),
        }
    }
}

/// A connection to one oracle.
#[derive(Debug, Clone)]
pub struct Oracle {
    channel: Channel,
}

pub(crate) fn refused(what: &'static str) -> impl FnOnce(Status) -> OracleError {
    move |status| OracleError::Refused { what, refusal: Refusal::of(&status) }
}

impl Oracle {
    /// Names an oracle; the connection is made when it is needed.
    #[must_use]
    pub fn new(uri: Uri) -> Self {
        let endpoint = Endpoint::from(uri).connect_timeout(CONNECT_MAX).timeout(CALL_MAX);
        Self { channel: endpoint.connect_lazy() }
    }

    /// The connection, for services beside those here.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Binds the report key.
    pub async fn register(&self, registration: Registration) -> Result<(), OracleError> {
        let request = RegisterFisherRequest { registration: Some(registration) };
        self.registry().register_fisher(request).await.map_err(refused("the registration"))?;
        Ok(())
    }

    /// All nodes' descriptions, unverified.
    pub async fn nodes(&self) -> Result<Vec<Description>, OracleError> {
        let (mut listing, mut page_token) = (Listing::default(), String::new());
        for _ in 0..PAGES_MAX {
            let request = Request::new(ListNodesRequest { page_size: PAGE, page_token });
            let page = self.registry().list_nodes(request).await.map_err(refused("its nodes"))?.into_inner();
            listing.extend(page.nodes.into_iter().filter_map(|node| node.description))?;
            if page.next_page_token.is_empty() {
                return Ok(listing.nodes);
            }
            page_token = page.next_page_token;
        }
        Err(OracleError::Endless(PAGES_MAX * PAGE as usize))
    }

    /// One node's description, unverified; `None` if the oracle does not know it.
    pub async fn node(&self, node: &[u8; 32]) -> Result<Option<Description>, OracleError> {
        let request = GetNodeRequest { name: to_hex(node) };
        match self.registry().get_node(request).await {
            Ok(answer) => Ok(answer.into_inner().node.and_then(|node| node.description)),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(refused("a node")(status)),
        }
    }

    /// Binds a relay's key and endpoint to its owner.
    pub async fn register_relay(&self, registration: RelayRegistration) -> Result<(), OracleError> {
        let request = RegisterRelayRequest { registration: Some(registration) };
        accepted(self.registry().register_relay(request).await)
            .map_err(|refusal| OracleError::Refused { what: "the relay's registration", refusal })
    }

    /// All relays' registrations, unverified. An oracle that knows no such service has none.
    pub async fn relays(&self) -> Result<Vec<RelayRegistration>, OracleError> {
        let (mut relays, mut page_token) = (Vec::new(), String::new());
        while relays.len() <= RELAYS_MAX {
            let request = ListRelaysRequest { page_size: PAGE, page_token };
            let page = match self.registry().list_relays(request).await {
                Err(status) if status.code() == Code::Unimplemented => return Ok(relays),
                page => page.map_err(refused("its relays"))?.into_inner(),
            };
            // A page without a relay is the last one, or the pages would never end.
            let last = page.next_page_token.is_empty() || page.relays.is_empty();
            relays.extend(page.relays.into_iter().filter_map(|relay| relay.registration));
            if last {
                return Ok(relays);
            }
            page_token = page.next_page_token;
        }
        Err(OracleError::Endless(RELAYS_MAX))
    }

    /// A node's reputation, unverified; `None` if the oracle does not know it.
    pub async fn reputation(&self, node: &[u8; 32]) -> Result<Option<Reputation>, OracleError> {
        let channel = self.channel.clone();
        let mut reputations = ReputationServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
        match reputations.get_reputation(GetReputationRequest { name: to_hex(node) }).await {
            Ok(answer) => Ok(answer.into_inner().reputation),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(refused("a reputation")(status)),
        }
    }

    /// A fisher's reward, unverified, with a proof by `root`; `None` if the oracle knows neither him nor the root.
    pub async fn reward(&self, fisher: Address, root: Option<B256>) -> Result<Option<Reward>, OracleError> {
        let mut rewards = RewardsServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX);
        let root = root.map(|root| to_hex(root.as_slice())).unwrap_or_default();
        match rewards.get_reward(GetRewardRequest { fisher: to_hex(fisher.as_slice()), root }).await {
            Ok(answer) => Ok(answer.into_inner().reward),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(refused("a reward")(status)),
        }
    }

    /// Delivers a relay's stamps. What was accepted before counts as delivered.
    pub async fn submit_stamps(&self, stamps: Signed) -> Result<(), Refusal> {
        let mut evidence = EvidenceServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX);
        accepted(evidence.submit_stamps(SubmitStampsRequest { stamps: Some(stamps) }).await)
    }

    /// Commits, then reveals. What was accepted before counts as delivered.
    pub async fn deliver(&self, parcel: &Parcel) -> Result<(), Refusal> {
        let mut evidence = EvidenceServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX);
        let commit = CommitReportRequest { commit: Some(parcel.commit.clone()) };
        accepted(evidence.commit_report(commit).await)?;
        let submit = SubmitReportRequest { report: Some(parcel.report.clone()), bundle: parcel.bundle.clone() };
        accepted(evidence.submit_report(submit).await)
    }

    fn registry(&self) -> RegistryServiceClient<Channel> {
        RegistryServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }
}

/// Descriptions as they come, page by page.
#[derive(Debug, Default)]
struct Listing {
    nodes: Vec<Description>,
    /// What they take in memory, about.
    bytes: usize,
}

impl Listing {
    /// Takes a page, unless it is one too many. An empty description takes memory as well: an encoding may hold half a
    /// million of them.
    fn extend(&mut self, page: impl Iterator<Item = Description>) -> Result<(), OracleError> {
        for description in page {
            self.bytes += size_of::<Description>() + description.encoded_len();
            if self.bytes > LISTING_BYTES_MAX {
                return Err(OracleError::Oversized);
            }
            self.nodes.push(description);
        }
        Ok(())
    }
}

fn accepted<T>(answer: Result<tonic::Response<T>, Status>) -> Result<(), Refusal> {
    match answer {
        Ok(_) => Ok(()),
        // The same id again: it is durable, and an acknowledgement was lost on the way.
        Err(status) if status.code() == Code::AlreadyExists => Ok(()),
        Err(status) => Err(Refusal::of(&status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpux_proto::evidence::Signed;

    #[test]
    fn a_listing_is_bounded_by_its_bytes() {
        let described = |bytes| {
            let descriptor = Signed { payload: vec![0; bytes], ..Signed::default() };
            Description { descriptor: Some(descriptor), ..Description::default() }
        };
        let mut listing = Listing::default();
        listing.extend((0..100).map(|_| described(1_300))).unwrap();
        assert_eq!(listing.nodes.len(), 100);
        // Pages as large as they may be: the seventeenth is one too many.
        let filled = (0..17).find(|_| listing.extend(std::iter::once(described(ANSWER_BYTES_MAX))).is_err());
        assert_eq!(filled, Some(15), "100 small ones took the place of the sixteenth");
        // Descriptions of nothing are not free.
        let mut listing = Listing::default();
        let endless = listing.extend(std::iter::repeat_with(Description::default));
        assert!(matches!(endless, Err(OracleError::Oversized)));
        assert!(listing.nodes.len() <= LISTING_BYTES_MAX / size_of::<Description>());
    }
}
