//! Reports and bundles as they are served.
//!
//! Owns GetReport, ListReports and GetBundle. The signed bytes are the truth: every summary is read from them anew, so that
//! it cannot disagree with what the fisher signed.

use gpux_kernels::probe::ProbeId;
use gpux_proto::{
    bytes,
    evidence::{DeviceKind, Report, Signed},
    oracle::{
        GetBundleRequest, GetBundleResponse, GetReportRequest, GetReportResponse, ListReportsRequest,
        ListReportsResponse, ReportSummary,
    },
};

use super::{Query, cut, id, limit, name, page_size};
use crate::{
    api::{
        error::Error,
        page_token::{self, Cursor},
    },
    store::{Blob, Digest, ReportFilter, ReportRow},
};

/// Kinds of cases as Court numbers them.
const PROOF: u8 = 0;
const BARE: u8 = 2;

impl Query {
    /// Returns one report; `now` is the time by which an opening holds.
    pub async fn get_report(&self, request: GetReportRequest, now: u64) -> Result<GetReportResponse, Error> {
        let id = id("name", "reports", &request.name)?;
        let unknown = || Error::not_found(name("reports", &id));
        let mut seal = self.seal().await?;
        // Before it is looked up: a refusal must not tell which reports exist.
        if let Some(opening) = request.opening.filter(|_| seal.epochs > 0) {
            self.require_operator(&opening, id, now).await?;
            seal = Seal::OFF;
        }
        let row = self.store.report(id).await?.ok_or_else(unknown)?;
        if seal.hides(&row) {
            return Err(unknown());
        }
        let (signed, report) = opened(&row)?;
        let report_signed = Some(signed).filter(|_| seal.opens(&row));
        Ok(GetReportResponse { summary: Some(seal.summary(&row, &report)), report: report_signed })
    }

    /// Lists reports, newest first.
    pub async fn list_reports(&self, request: ListReportsRequest) -> Result<ListReportsResponse, Error> {
        let size = page_size(request.page_size)?;
        let wish = request.node.as_str();
        let node = if wish.is_empty() { None } else { Some(id("node", "nodes", wish)?) };
        let before = match Cursor::read(&request.page_token)? {
            None => None,
            Some(Cursor::Reports { node: of, before }) if of == node => Some(before),
            Some(_) => return Err(page_token::refused()),
        };
        let seal = self.seal().await?;
        let filter = ReportFilter { node, folded: seal.epochs > 0, ..ReportFilter::default() };
        let mut rows = self.store.reports(filter, before, limit(size)).await?;
        let more = cut(&mut rows, size);
        let next = rows.last().filter(|_| more).map(|row| Cursor::Reports { node, before: row.sequence }.token());
        let summary = |row: &ReportRow| opened(row).map(|(_, report)| seal.summary(row, &report));
        let reports = rows.iter().map(summary).collect::<Result<_, _>>()?;
        Ok(ListReportsResponse { reports, next_page_token: next.unwrap_or_default() })
    }

    /// Returns a session's bundle; `now` is the time by which an opening holds.
    pub async fn get_bundle(&self, request: GetBundleRequest, now: u64) -> Result<GetBundleResponse, Error> {
        let (subject, digest) = self.bundle_of(&request.digest).await?;
        let seal = self.seal().await?;
        if seal.epochs > 0
            && let Some(row) = self.store.bundle_report(digest).await?
            && !seal.opens(&row)
        {
            let until = row.epoch.saturating_add(seal.epochs);
            let sealed = || Error::new("SEALED", format!("the bundle is sealed until epoch {until} has ended"));
            let opening = request.opening.as_ref().ok_or_else(sealed)?;
            self.require_party((opening, subject), digest, &row, now).await?;
        }
        let bundle = self.store.blob(Blob::Bundle, digest).await?;
        let bundle = bundle.ok_or_else(|| Error::not_found(name("bundles", &digest)))?;
        Ok(GetBundleResponse { bundle })
    }
}

impl Query {
    /// What a request for a bundle names, and the bundle's digest: its own, or that of the session that a case is about.
    async fn bundle_of(&self, named: &str) -> Result<(Digest, Digest), Error> {
        if !named.starts_with("cases/") {
            let digest = id("digest", "bundles", named)?;
            return Ok((digest, digest));
        }
        let case = id("digest", "cases", named)?;
        let without = || Error::not_found(format!("a bundle of {}", name("cases", &case)));
        let filing = self.store.case(case).await?.ok_or_else(without)?.filing;
        let digest = match filing.kind {
            PROOF => Some(filing.evidence),
            BARE => match self.store.rental_report(filing.rental).await? {
                Some(report) => self.store.report(report).await?.and_then(|row| row.bundle),
                None => None,
            },
            _ => None,
        };
        Ok((case, digest.ok_or_else(without)?))
    }
}

/// Up to where reports are open.
#[derive(Debug, Clone, Copy)]
struct Seal {
    epochs: u64,
    /// The newest closed epoch.
    closed: u64,
}

impl Query {
    async fn seal(&self) -> Result<Seal, Error> {
        let epochs = self.view.sealed_epochs;
        let closed = if epochs == 0 { None } else { self.store.latest_epoch(None).await? };
        Ok(Seal { epochs, closed: closed.map_or(0, |epoch| epoch.epoch) })
    }
}

impl Seal {
    /// Everything is open.
    const OFF: Self = Self { epochs: 0, closed: 0 };

    /// Whether everything of a report may be seen.
    fn opens(self, row: &ReportRow) -> bool {
        self.epochs == 0 || row.epoch.saturating_add(self.epochs) <= self.closed
    }

    /// Whether not even its folded part may be seen: it is not in the log.
    fn hides(self, row: &ReportRow) -> bool {
        self.epochs > 0 && !row.folded
    }

    fn summary(self, row: &ReportRow, report: &Report) -> ReportSummary {
        let whole = summary(row, report);
        if self.opens(row) {
            return whole;
        }
        let ReportSummary { name, node, resource, outcome, x_bps, epoch, simulated, .. } = whole;
        let rest = ReportSummary { sealed: true, ..ReportSummary::default() };
        ReportSummary { name, node, resource, outcome, x_bps, epoch, simulated, ..rest }
    }
}

/// The report of a row, as ingest checked it before it was stored.
pub(super) fn opened(row: &ReportRow) -> Result<(Signed, Report), Error> {
    let read = || -> Result<_, bytes::Error> {
        let signed: Signed = bytes::decode("report", &row.signed)?;
        let report = bytes::decode("report", &signed.payload)?;
        Ok((signed, report))
    };
    read().map_err(|error| {
        tracing::error!(report = %bytes::to_hex(&row.id), %error, "a stored report is damaged");
        Error::new("INTERNAL", "a stored report is damaged")
    })
}

/// x in basis points, rounded down.
pub(super) fn x_bps(report: &Report) -> u32 {
    report.x_lower.min(64) * 10_000 / 64
}

/// The measured and the expected figure of a report: bytes for memory probes, otherwise the rate; none without a window.
pub(super) fn figures(report: &Report) -> Option<(u64, u64)> {
    let measurement = report.measurement.as_ref()?;
    let fills = probe(report.probe.cast_unsigned()).is_some_and(ProbeId::fills_memory);
    Some(if fills {
        (measurement.bytes, measurement.expected_bytes)
    } else {
        (measurement.rate, measurement.expected_rate)
    })
}

/// The probe of a number on the wire.
pub(super) fn probe(number: u32) -> Option<ProbeId> {
    u8::try_from(number).ok().and_then(|number| ProbeId::try_from(number).ok())
}

fn summary(row: &ReportRow, report: &Report) -> ReportSummary {
    let (measured, expected) = figures(report).unwrap_or_default();
    ReportSummary {
        name: name("reports", &row.id),
        node: bytes::to_hex(&row.node),
        resource: probe(row.resource).map_or_else(String::new, |probe| probe.name().into()),
        outcome: report.outcome,
        step: report.step,
        detail: report.detail.clone(),
        x_bps: x_bps(report),
        measured,
        expected,
        wrong: report.wrong,
        drawn: report.drawn,
        bundle_digest: row.bundle.map(|digest| bytes::to_hex(&digest)).unwrap_or_default(),
        epoch: row.due,
        start_time: report.start_time,
        fisher: bytes::to_hex(&row.fisher),
        simulated: report.device == DeviceKind::Simulated as i32,
        sealed: false,
        relay: if report.relay.is_empty() { String::new() } else { bytes::to_hex(&report.relay) },
    }
}
