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
    store::{Blob, ReportFilter, ReportRow},
};

impl Query {
    /// Returns one report.
    pub async fn get_report(&self, request: GetReportRequest) -> Result<GetReportResponse, Error> {
        let id = id("name", "reports", &request.name)?;
        let row = self.store.report(id).await?.ok_or_else(|| Error::not_found(name("reports", &id)))?;
        let (signed, report) = opened(&row)?;
        Ok(GetReportResponse { summary: Some(summary(&row, &report)), report: Some(signed) })
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
        let filter = ReportFilter { node, resource: None };
        let mut rows = self.store.reports(filter, before, limit(size)).await?;
        let more = cut(&mut rows, size);
        let next = rows.last().filter(|_| more).map(|row| Cursor::Reports { node, before: row.sequence }.token());
        let summary = |row: &ReportRow| opened(row).map(|(_, report)| summary(row, &report));
        let reports = rows.iter().map(summary).collect::<Result<_, _>>()?;
        Ok(ListReportsResponse { reports, next_page_token: next.unwrap_or_default() })
    }

    /// Returns a session's bundle.
    pub async fn get_bundle(&self, request: GetBundleRequest) -> Result<GetBundleResponse, Error> {
        let digest = id("digest", "bundles", &request.digest)?;
        let bundle = self.store.blob(Blob::Bundle, digest).await?;
        let bundle = bundle.ok_or_else(|| Error::not_found(name("bundles", &digest)))?;
        Ok(GetBundleResponse { bundle })
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
        relay: if report.relay.is_empty() { String::new() } else { bytes::to_hex(&report.relay) },
    }
}
