//! Commits, reports and scores as they are asked for.

use sqlx::sqlite::{Sqlite, SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, query};

use super::super::records::{Address, CommitRow, Digest, ReportFilter, ReportRow, ScoreRow};
use super::super::{Error, Result};
use super::row::{bytes, fixed, integer, number, optional, unavailable};
use crate::score::{Estimate, NodeId, NodeScore, ResourceId, ResourceScore, Verdict};

/// A commit of one fisher.
pub(super) async fn commit(readers: &SqlitePool, report: Digest, fisher: Address) -> Result<Option<CommitRow>> {
    let row = query("SELECT * FROM commits WHERE report = ? AND fisher = ?")
        .bind(report.to_vec())
        .bind(fisher.to_vec())
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads a commit"))?;
    row.as_ref().map(commit_row).transpose()
}

pub(super) fn commit_row(row: &SqliteRow) -> Result<CommitRow> {
    Ok(CommitRow {
        report: fixed(row, "report")?,
        fisher: fixed(row, "fisher")?,
        epoch: number(row, "epoch")?,
        unrevealed: number::<u8>(row, "unrevealed")? == 1,
        log_index: number(row, "log_index")?,
    })
}

/// One report.
pub(super) async fn report(readers: &SqlitePool, id: Digest) -> Result<Option<ReportRow>> {
    let row = query("SELECT * FROM reports WHERE id = ?")
        .bind(id.to_vec())
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads a report"))?;
    row.as_ref().map(report_row).transpose()
}

/// The report about a rental.
pub(super) async fn rental_report(readers: &SqlitePool, rental: Digest) -> Result<Option<Digest>> {
    let row = query("SELECT id FROM reports WHERE rental = ?")
        .bind(rental.to_vec())
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads a report"))?;
    row.map(|row| fixed(&row, "id")).transpose()
}

/// Reports, newest first.
pub(super) async fn reports(
    readers: &SqlitePool,
    filter: ReportFilter,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<ReportRow>> {
    let mut sql: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT * FROM reports WHERE sequence < ");
    sql.push_bind(before.map_or(Ok(i64::MAX), |before| integer("page", before))?);
    if let Some(node) = filter.node {
        sql.push(" AND node = ").push_bind(node.to_vec());
        if let Some(resource) = filter.resource {
            sql.push(" AND resource = ").push_bind(resource);
        }
    }
    if filter.folded {
        sql.push(" AND folded = 1");
    }
    if filter.weighed {
        sql.push(" AND weighed = 1");
    }
    sql.push(" ORDER BY sequence DESC LIMIT ").push_bind(limit);
    let rows = sql.build().fetch_all(readers).await.map_err(unavailable("reads reports"))?;
    rows.iter().map(report_row).collect()
}

/// The first report that a bundle belongs to.
pub(super) async fn bundle_report(readers: &SqlitePool, bundle: Digest) -> Result<Option<ReportRow>> {
    let row = query("SELECT * FROM reports WHERE bundle = ? ORDER BY sequence LIMIT 1")
        .bind(bundle.to_vec())
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads reports"))?;
    row.as_ref().map(report_row).transpose()
}

/// Reports that may be folded by an epoch and are not.
pub(super) async fn reports_due(readers: &SqlitePool, epoch: u64, limit: u32) -> Result<Vec<ReportRow>> {
    let rows = query("SELECT * FROM reports WHERE folded = 0 AND due <= ? ORDER BY due, sequence LIMIT ?")
        .bind(integer("epoch", epoch)?)
        .bind(limit)
        .fetch_all(readers)
        .await
        .map_err(unavailable("reads reports"))?;
    rows.iter().map(report_row).collect()
}

fn report_row(row: &SqliteRow) -> Result<ReportRow> {
    Ok(ReportRow {
        sequence: number(row, "sequence")?,
        id: fixed(row, "id")?,
        node: fixed(row, "node")?,
        fisher: fixed(row, "fisher")?,
        rental: fixed(row, "rental")?,
        resource: number(row, "resource")?,
        epoch: number(row, "epoch")?,
        due: number(row, "due")?,
        bundle: optional(row, "bundle")?,
        signed: bytes(row, "signed")?,
        folded: number::<u8>(row, "folded")? == 1,
    })
}

/// The columns of a score with one of its resources; the rows of a node follow one another.
macro_rules! select_scores {
    ($page:literal) => {
        concat!(
            "SELECT s.*, r.resource, r.low_bps AS r_low, r.score_bps AS r_score, r.high_bps AS r_high, ",
            "r.probes AS r_probes, r.last_epoch AS r_last FROM (SELECT * FROM scores ",
            $page,
            ") s JOIN resource_scores r ON r.node = s.node AND r.epoch = s.epoch ORDER BY s.node, r.resource"
        )
    };
}

/// A node's newest score.
pub(super) async fn score(readers: &SqlitePool, node: Digest) -> Result<Option<ScoreRow>> {
    let rows = query(select_scores!("WHERE node = ?"))
        .bind(node.to_vec())
        .fetch_all(readers)
        .await
        .map_err(unavailable("reads a score"))?;
    Ok(grouped(&rows)?.pop())
}

/// Scores in the order of the nodes' keys.
pub(super) async fn scores(readers: &SqlitePool, after: Option<Digest>, limit: u32) -> Result<Vec<ScoreRow>> {
    let rows = query(select_scores!("WHERE node > ?1 ORDER BY node LIMIT ?2"))
        .bind(after.map(|key| key.to_vec()).unwrap_or_default())
        .bind(limit)
        .fetch_all(readers)
        .await
        .map_err(unavailable("reads scores"))?;
    grouped(&rows)
}

pub(super) fn grouped(rows: &[SqliteRow]) -> Result<Vec<ScoreRow>> {
    let mut scores: Vec<ScoreRow> = Vec::new();
    for row in rows {
        let node = NodeId(fixed(row, "node")?);
        if scores.last().is_none_or(|last| last.score.node != node) {
            scores.push(score_row(row, node)?);
        }
        let resource = ResourceScore {
            resource: ResourceId(number(row, "resource")?),
            estimate: estimate(row, ["r_low", "r_score", "r_high"])?,
            probes: number(row, "r_probes")?,
            last_epoch: number(row, "r_last")?,
        };
        scores.last_mut().ok_or(Error::Damaged("score"))?.score.resources.push(resource);
    }
    Ok(scores)
}

fn score_row(row: &SqliteRow, node: NodeId) -> Result<ScoreRow> {
    let score = NodeScore {
        node,
        estimate: estimate(row, ["low_bps", "score_bps", "high_bps"])?,
        verdict: verdict(row)?,
        probes: number(row, "probes")?,
        last_epoch: number(row, "last_epoch")?,
        resources: Vec::new(),
    };
    Ok(ScoreRow { epoch: number(row, "epoch")?, provider: fixed(row, "provider")?, score })
}

pub(super) fn verdict(row: &SqliteRow) -> Result<Verdict> {
    match number::<u8>(row, "verdict")? {
        0 => Ok(Verdict::Unknown),
        1 => Ok(Verdict::Honest),
        2 => Ok(Verdict::UnderDelivering),
        _ => Err(Error::Damaged("verdict")),
    }
}

pub(super) fn estimate(row: &SqliteRow, [low, score, high]: [&'static str; 3]) -> Result<Estimate> {
    Ok(Estimate { low_bps: number(row, low)?, score_bps: number(row, score)?, high_bps: number(row, high)? })
}
