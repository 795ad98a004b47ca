//! Scores by their lower bound, the best first, and by the epoch that changed them.
//!
//! Owns the statement, whose cost is the page's and not the list's: every part of it walks one index in order from where the page
//! starts. A filter without a verdict reads a page of each verdict and merges them.

use sqlx::sqlite::{Sqlite, SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, Row as _, query};

use super::super::records::{Change, Digest, RankingFilter, RankingOf, ScoreRow};
use super::super::{Error, Result};
use super::read::{estimate, grouped, verdict};
use super::row::{fixed, integer, number, optional, unavailable};
use crate::score::Verdict;

/// The newest scores behind one of them.
pub(super) const CHANGES: &str = "SELECT * FROM scores WHERE (epoch, node) > (?1, ?2) ORDER BY epoch, node LIMIT ?3";

/// One page.
pub(super) async fn ranking(
    readers: &SqlitePool,
    filter: RankingFilter,
    after: Option<(u16, Digest)>,
    limit: u32,
) -> Result<Vec<ScoreRow>> {
    let rows = page("", &filter, after, limit).build().fetch_all(readers).await;
    grouped(&rows.map_err(unavailable("reads scores"))?)
}

/// The newest scores behind one of them, in the order of their epochs.
pub(super) async fn changes(readers: &SqlitePool, after: Option<(u64, Digest)>, limit: u32) -> Result<Vec<Change>> {
    let (epoch, node) = match after {
        None => (-1, Vec::new()),
        Some((epoch, node)) => (integer("epoch", epoch)?, node.to_vec()),
    };
    let rows = query(CHANGES)
        .bind(epoch)
        .bind(node)
        .bind(limit)
        .fetch_all(readers)
        .await
        .map_err(unavailable("reads scores"))?;
    rows.iter().map(change).collect()
}

fn change(row: &SqliteRow) -> Result<Change> {
    Ok(Change {
        node: fixed(row, "node")?,
        epoch: number(row, "epoch")?,
        provider: optional(row, "owner")?,
        organisation: optional(row, "organisation")?,
        model: row.try_get("model").map_err(|_| Error::Damaged("model"))?,
        estimate: estimate(row, ["low_bps", "score_bps", "high_bps"])?,
        verdict: verdict(row)?,
        probes: number(row, "probes")?,
    })
}

/// The statement, with `before` in front.
pub(super) fn page(
    before: &str,
    filter: &RankingFilter,
    after: Option<(u16, Digest)>,
    limit: u32,
) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new(before);
    sql.push(
        "SELECT s.*, r.resource, r.low_bps AS r_low, r.score_bps AS r_score, r.high_bps AS r_high, r.probes AS r_probes, \
         r.last_epoch AS r_last FROM (",
    );
    let verdicts = match (&filter.of, filter.verdict) {
        (_, Some(verdict)) => vec![Some(verdict)],
        (None, None) => vec![None],
        (Some(_), None) => [Verdict::Unknown, Verdict::Honest, Verdict::UnderDelivering].map(Some).to_vec(),
    };
    let mut first = true;
    for verdict in verdicts {
        // Many nodes share a bound: those behind the last one, and then those below it, are two walks without a skip.
        let parts = match after {
            None => vec![Part::Below(i64::MAX)],
            Some((low, node)) => vec![Part::Beside(low.into(), node), Part::Below(low.into())],
        };
        for part in parts {
            sql.push(if first { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
            first = false;
            walk(&mut sql, filter, verdict, &part);
            sql.push(" LIMIT ").push_bind(limit).push(")");
        }
    }
    sql.push(" ORDER BY low_bps DESC, node LIMIT ").push_bind(limit);
    sql.push(
        ") s JOIN resource_scores r ON r.node = s.node AND r.epoch = s.epoch ORDER BY s.low_bps DESC, s.node, r.resource",
    );
    sql
}

/// Where a walk starts.
enum Part {
    /// Behind this node, with its bound.
    Beside(i64, Digest),
    /// Below this bound.
    Below(i64),
}

fn walk(sql: &mut QueryBuilder<Sqlite>, filter: &RankingFilter, verdict: Option<Verdict>, part: &Part) {
    sql.push("SELECT * FROM scores WHERE low_bps >= ").push_bind(filter.least_bps);
    match &filter.of {
        None => {}
        Some(RankingOf::Model(model)) => {
            sql.push(" AND model = ").push_bind(model.clone());
        }
        Some(RankingOf::Organisation(organisation)) => {
            sql.push(" AND organisation = ").push_bind(organisation.to_vec());
        }
        Some(RankingOf::Provider(provider)) => {
            sql.push(" AND owner = ").push_bind(provider.to_vec());
        }
    }
    if let Some(verdict) = verdict {
        sql.push(" AND verdict = ").push_bind(verdict as i64);
    }
    match part {
        Part::Beside(low, node) => {
            sql.push(" AND low_bps = ").push_bind(*low).push(" AND node > ").push_bind(node.to_vec());
            sql.push(" ORDER BY node");
        }
        Part::Below(low) => {
            sql.push(" AND low_bps < ").push_bind(*low).push(" ORDER BY low_bps DESC, node");
        }
    }
}
