//! The writes, one function a message, shared by gRPC and HTTP.
//!
//! Owns the step from requests to `ingest` and the counts of what came of them. Never checks anything itself but that the
//! message is there.

use gpux_proto::{
    bytes::to_hex,
    oracle::{
        AnnounceNodeRequest, AnnounceNodeResponse, CommitReportRequest, CommitReportResponse, CountersignRequest,
        CountersignResponse, GetBundleRequest, GetBundleResponse, GetCheckpointResponse, GetReportRequest,
        GetReportResponse, ListRelaysRequest, ListRelaysResponse, RegisterFisherRequest, RegisterFisherResponse,
        RegisterRelayRequest, RegisterRelayResponse, SubmitReportRequest, SubmitReportResponse, SubmitStampsRequest,
        SubmitStampsResponse,
    },
};

use super::{Api, error::Error, metrics::Kind};
use crate::ingest::Refusal;

impl Api {
    /// Announces a node by its own signed description.
    pub(super) async fn announce_node(&self, request: AnnounceNodeRequest) -> Result<AnnounceNodeResponse, Error> {
        let description = self.present("description", request.description)?;
        let node = self.counted(Kind::Node, self.ingest().announce_node(description).await)?;
        Ok(AnnounceNodeResponse { name: format!("nodes/{}", to_hex(&node)) })
    }

    /// Binds a fisher's report key to its address.
    pub(super) async fn register_fisher(
        &self,
        request: RegisterFisherRequest,
    ) -> Result<RegisterFisherResponse, Error> {
        let registration = self.present("registration", request.registration)?;
        let fisher = self.counted(Kind::Fisher, self.ingest().register_fisher(registration).await)?;
        Ok(RegisterFisherResponse { name: format!("fishers/{}", to_hex(fisher.as_slice())) })
    }

    /// Binds a relay's key and endpoint to its owner.
    pub(super) async fn register_relay(&self, request: RegisterRelayRequest) -> Result<RegisterRelayResponse, Error> {
        let registration = self.present("registration", request.registration)?;
        let relay = self.counted(Kind::Relay, self.ingest().register_relay(registration).await)?;
        Ok(RegisterRelayResponse { name: format!("relays/{}", to_hex(&relay)) })
    }

    /// Accepts a relay's stamps of one session.
    pub(super) async fn submit_stamps(&self, request: SubmitStampsRequest) -> Result<SubmitStampsResponse, Error> {
        let stamps = self.present("stamps", request.stamps)?;
        self.counted(Kind::Stamps, self.ingest().submit_stamps(stamps).await)?;
        Ok(SubmitStampsResponse {})
    }

    /// Lists relays whose registration holds now. It stands here because the clock is ingest's.
    pub(super) async fn list_relays(&self, request: ListRelaysRequest) -> Result<ListRelaysResponse, Error> {
        self.query().list_relays(request, self.ingest().now()).await
    }

    /// Returns one report. It stands here, as the next one does, because an opening holds by ingest's clock.
    pub(super) async fn get_report(&self, request: GetReportRequest) -> Result<GetReportResponse, Error> {
        self.query().get_report(request, self.ingest().now()).await
    }

    /// Returns a session's bundle.
    pub(super) async fn get_bundle(&self, request: GetBundleRequest) -> Result<GetBundleResponse, Error> {
        self.query().get_bundle(request, self.ingest().now()).await
    }

    /// Accepts the commitment to a report.
    pub(super) async fn commit_report(&self, request: CommitReportRequest) -> Result<CommitReportResponse, Error> {
        let commit = self.present("commit", request.commit)?;
        let acknowledgement = self.counted(Kind::Commit, self.ingest().commit_report(commit).await)?;
        Ok(CommitReportResponse { acknowledgement: Some(acknowledgement) })
    }

    /// Accepts a committed report and its bundle.
    pub(super) async fn submit_report(&self, request: SubmitReportRequest) -> Result<SubmitReportResponse, Error> {
        let report = self.present("report", request.report)?;
        let accepted = self.ingest().submit_report(report, request.bundle).await;
        let accepted = self.counted(Kind::Report, accepted)?;
        Ok(SubmitReportResponse { name: format!("reports/{}", to_hex(&accepted.report)), epoch: accepted.epoch })
    }

    /// Accepts an operator's signature over an epoch.
    pub(super) async fn countersign(&self, request: CountersignRequest) -> Result<CountersignResponse, Error> {
        let held = self.counted(Kind::Countersignature, self.ingest().countersign(&request).await)?;
        Ok(CountersignResponse { held, threshold: self.query().view().operators.threshold().await?.into() })
    }

    /// Signs the log's size and root as they are now. It stands here because it signs, although it changes nothing.
    pub(super) async fn checkpoint(&self) -> Result<GetCheckpointResponse, Error> {
        let (size, root) = self.query().log_head().await?;
        Ok(GetCheckpointResponse { checkpoint: Some(self.ingest().checkpoint(size, root)) })
    }

    fn present<T>(&self, field: &'static str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| {
            self.metrics().refused("MALFORMED");
            Error::field("MALFORMED", field, format!("{field} is missing"))
        })
    }

    fn counted<T>(&self, kind: Kind, result: Result<T, Refusal>) -> Result<T, Error> {
        match result {
            Ok(accepted) => {
                self.metrics().accepted(kind);
                Ok(accepted)
            }
            Err(refusal) => {
                self.metrics().refused(refusal.reason());
                tracing::debug!(kind = ?kind, reason = refusal.reason(), %refusal, "refused");
                Err(refusal.into())
            }
        }
    }
}
