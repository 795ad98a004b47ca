//! Stamps, findings, and what the entries of an epoch settle.
//!
//! Owns the rows that wait for an audit or follow from one. They change in the transaction of the entries that settle them,
//! so that a run which ends anywhere neither loses nor repeats a finding.

use std::ops::Range;

use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::records::{CommitRow, Digest, Finding, FindingRow, Settled, Stamps};
use super::super::{Error, Result};
use super::read::commit_row;
use super::row::{bytes, fixed, for_all, integer, number, unavailable};

/// Sessions of one owner's relays whose stamps may wait; at most 192 KiB each, some 5 KiB as plans go.
const STAMPS_MAX: u32 = 16_384;

/// Holds a session's stamps, once; earlier ones replace a host's, who learned the head from the frame and sent it again.
pub(super) async fn accept_stamps(connection: &mut SqliteConnection, stamps: Stamps) -> Result<()> {
    let first_us = integer("stamps' time", stamps.first_us)?;
    let held = query("SELECT signed, first_us FROM stamps WHERE relay = ? AND head = ?")
        .bind(stamps.relay.to_vec())
        .bind(stamps.head.to_vec())
        .fetch_optional(&mut *connection)
        .await
        .map_err(unavailable("looks up stamps"))?;
    if let Some(row) = held {
        if bytes(&row, "signed")? == stamps.signed {
            return Ok(());
        }
        if number::<i64>(&row, "first_us")? <= first_us {
            return Err(Error::StampsHeld(stamps.head));
        }
    }
    let row = query("SELECT count(*) AS held FROM stamps WHERE owner = ?")
        .bind(stamps.owner.to_vec())
        .fetch_one(&mut *connection)
        .await
        .map_err(unavailable("counts stamps"))?;
    if number::<u32>(&row, "held")? >= STAMPS_MAX {
        return Err(Error::StampsFull { owner: stamps.owner, limit: STAMPS_MAX });
    }
    query(
        "INSERT INTO stamps (relay, head, owner, epoch, first_us, signed) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (relay, head) DO UPDATE SET epoch = ?4, first_us = ?5, signed = ?6",
    )
    .bind(stamps.relay.to_vec())
    .bind(stamps.head.to_vec())
    .bind(stamps.owner.to_vec())
    .bind(integer("epoch", stamps.epoch)?)
    .bind(first_us)
    .bind(stamps.signed)
    .execute(connection)
    .await
    .map_err(unavailable("holds stamps"))?;
    Ok(())
}

/// Changes what the entries of a closing settle.
pub(super) async fn settle(connection: &mut SqliteConnection, settled: Settled) -> Result<()> {
    let Settled { folded, weighed, compared, found, told, unrevealed, stamps_before } = settled;
    let sql = ("UPDATE reports SET folded = 1 WHERE id IN (", ")");
    for_all(&mut *connection, sql, folded, |mut row, id| {
        row.push_bind(id.to_vec());
    })
    .await
    .map_err(unavailable("marks folded reports"))?;
    let sql = ("UPDATE reports SET weighed = 1 WHERE id IN (", ")");
    for_all(&mut *connection, sql, weighed, |mut row, id| {
        row.push_bind(id.to_vec());
    })
    .await
    .map_err(unavailable("marks reports that weigh"))?;
    let sql = ("DELETE FROM stamps WHERE (relay, head) IN (", ")");
    for_all(&mut *connection, sql, compared, |mut row, (relay, head)| {
        row.push_bind(relay.to_vec()).push_bind(head.to_vec());
    })
    .await
    .map_err(unavailable("forgets stamps"))?;
    let sql = ("UPDATE commits SET unrevealed = 1 WHERE (report, fisher) IN (", ")");
    for_all(&mut *connection, sql, unrevealed, |mut row, (report, fisher)| {
        row.push_bind(report.to_vec()).push_bind(fisher.to_vec());
    })
    .await
    .map_err(unavailable("marks unrevealed commits"))?;
    let told = told.into_iter().map(|sequence| integer("sequence", sequence)).collect::<Result<Vec<_>>>()?;
    let sql = ("DELETE FROM findings WHERE sequence IN (", ")");
    for_all(&mut *connection, sql, told, |mut row, sequence| {
        row.push_bind(sequence);
    })
    .await
    .map_err(unavailable("forgets findings"))?;
    let due = |found: Finding| Ok((integer("due epoch", found.due)?, found));
    let found = found.into_iter().map(due).collect::<Result<Vec<_>>>()?;
    let sql = ("INSERT INTO findings (fisher, owner, finding, due) ", "");
    for_all(&mut *connection, sql, found, |mut row, (due, found)| {
        row.push_bind(found.fisher.to_vec()).push_bind(found.owner.to_vec()).push_bind(found.finding).push_bind(due);
    })
    .await
    .map_err(unavailable("holds findings"))?;
    query("DELETE FROM stamps WHERE epoch < ?")
        .bind(integer("epoch", stamps_before)?)
        .execute(connection)
        .await
        .map_err(unavailable("forgets old stamps"))?;
    Ok(())
}

/// The signed stamps of a session.
pub(super) async fn stamps(readers: &SqlitePool, relay: Digest, head: Digest) -> Result<Option<Vec<u8>>> {
    let row = query("SELECT signed FROM stamps WHERE relay = ? AND head = ?")
        .bind(relay.to_vec())
        .bind(head.to_vec())
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads stamps"))?;
    row.map(|row| bytes(&row, "signed")).transpose()
}

/// Findings whose lag has passed. Their order hides which audits they are of.
pub(super) async fn findings_due(readers: &SqlitePool, epoch: u64, limit: u32) -> Result<Vec<FindingRow>> {
    let rows = query("SELECT * FROM findings WHERE due <= ? ORDER BY fisher, owner, finding, sequence LIMIT ?")
        .bind(integer("epoch", epoch)?)
        .bind(limit)
        .fetch_all(readers)
        .await
        .map_err(unavailable("reads findings"))?;
    rows.iter()
        .map(|row| {
            let finding = Finding {
                fisher: fixed(row, "fisher")?,
                owner: fixed(row, "owner")?,
                finding: number(row, "finding")?,
                due: number(row, "due")?,
            };
            Ok(FindingRow { sequence: number(row, "sequence")?, finding })
        })
        .collect()
}

/// Commits of some epochs that nobody revealed and that do not count yet.
pub(super) async fn unrevealed(readers: &SqlitePool, epochs: Range<u64>, limit: u32) -> Result<Vec<CommitRow>> {
    let rows = query(
        "SELECT * FROM commits c WHERE epoch >= ? AND epoch < ? AND unrevealed = 0 AND NOT EXISTS \
         (SELECT 1 FROM reports r WHERE r.id = c.report AND r.fisher = c.fisher) ORDER BY epoch, report, fisher LIMIT ?",
    )
    .bind(integer("epoch", epochs.start)?)
    .bind(integer("epoch", epochs.end)?)
    .bind(limit)
    .fetch_all(readers)
    .await
    .map_err(unavailable("reads commits"))?;
    rows.iter().map(commit_row).collect()
}
