//! Compares stored reports with stored stamps.
//!
//! Owns the way from a row to a finding. The rules are gpux-kernels'; the work is done on a thread of its own, one session
//! after another. Never says which reports are audited: that is drawn (`Book`).

use std::sync::Arc;

use gpux_kernels::evidence::{Agreement, Comparison, Rules, compare, session_head};
use gpux_proto::{
    bundle, bytes,
    evidence::{Bundle, Outcome, Report, Signed, Stamps},
    signing::{self, Domain},
};

use crate::store::{self, Blob, Digest, Store};

/// Why a session could not be audited.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The thread that compares ended without an answer.
    #[error("the audit of report {} ended without an answer", bytes::to_hex(.0))]
    Ended(Digest),
}

/// An audited session.
#[derive(Debug)]
pub struct Audited {
    /// What was found.
    pub comparison: Comparison,
    /// The stamps that were compared, by relay and head; nobody needs them again.
    pub stamps: Option<(Digest, Digest)>,
}

impl Audited {
    /// Whether the stamps refute that the host failed, without saying what it reached.
    #[must_use]
    pub fn refutes(&self, report: &Report) -> bool {
        let Comparison { agreement, ratio, .. } = &self.comparison;
        report.outcome() == Outcome::Fail && *agreement == Agreement::Disagrees && ratio.is_none()
    }
}

/// Compares sessions, one at a time.
#[derive(Debug, Clone)]
pub struct Auditor {
    store: Arc<dyn Store>,
    rules: Arc<Rules>,
}

impl Auditor {
    /// Audits by these rules.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, rules: Rules) -> Self {
        Self { store, rules: Arc::new(rules) }
    }

    /// Audits a report. `None` if its stamps are not here and it may wait for them.
    pub async fn audit(&self, id: Digest, report: &Report, may_wait: bool) -> Result<Option<Audited>, Error> {
        let silent = |detail: &str| Some(Audited { comparison: Comparison::inconclusive(detail), stamps: None });
        if report.outcome() == Outcome::Inconclusive {
            return Ok(silent("the fisher says that his session says nothing"));
        }
        let Some(bundle) = self.bundle(id, report).await? else { return Ok(silent("the bundle cannot be read")) };
        let Some((relay, head)) = named(report, &bundle) else { return Ok(silent("the session has no frame")) };
        let signed = self.store.stamps(relay, head).await?;
        if signed.is_none() && may_wait {
            return Ok(None);
        }
        // Ingest has checked them; what is damaged since says nothing.
        let stamps = signed.and_then(|signed| opened(id, &signed)).filter(|stamps| stamps.node == report.node);
        let (rules, report) = (self.rules.clone(), report.clone());
        let work = tokio::task::spawn_blocking(move || compare(&bundle, stamps.as_ref(), &report, &rules));
        let comparison = work.await.map_err(|_| Error::Ended(id))?;
        Ok(Some(Audited { comparison, stamps: Some((relay, head)) }))
    }

    /// A report's bundle; what cannot be read any more is the operator's loss, and nobody else's.
    async fn bundle(&self, id: Digest, report: &Report) -> Result<Option<Bundle>, Error> {
        let Ok(digest) = bytes::array("report.bundle_digest", &report.bundle_digest) else { return Ok(None) };
        let bytes = self.store.blob(Blob::Bundle, digest).await?;
        let decoded = bytes.map(|bytes| bundle::decode(&bytes));
        Ok(match decoded {
            Some(Ok(bundle)) => Some(bundle),
            lost => {
                let error = lost.and_then(Result::err).map(|error| error.to_string());
                tracing::error!(report = %bytes::to_hex(&id), error, "a stored bundle is lost");
                None
            }
        })
    }
}

fn named(report: &Report, bundle: &Bundle) -> Option<(Digest, Digest)> {
    Some((bytes::array("report.relay", &report.relay).ok()?, session_head(bundle)?))
}

fn opened(id: Digest, signed: &[u8]) -> Option<Stamps> {
    let stamps = bytes::decode::<Signed>("stamps", signed)
        .map_err(signing::Error::from)
        .and_then(|signed| signing::open(Domain::Stamps, &signed));
    stamps.inspect_err(|error| tracing::error!(report = %bytes::to_hex(&id), %error, "stored stamps are damaged")).ok()
}
