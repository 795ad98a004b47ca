//! Commits and reports, many at a time.
//!
//! Owns the order of the checks: not committed, held before, rental reported. The writer is alone, so what a look-up did
//! not find is still not there when the rows go in; only the batch itself can bring the same thing twice.

use std::collections::{HashMap, HashSet};

use sqlx::sqlite::SqliteConnection;

use super::super::records::{Accepted, Address, Commit, Digest, Report};
use super::super::{Error, Result};
use super::row::{fixed, for_all, integer, number, unavailable};
use super::{assignments, log};
use crate::log::Frontier;

/// Holds commits, each once for its report and fisher.
pub(super) async fn commits(
    connection: &mut SqliteConnection,
    frontier: &mut Frontier,
    commits: Vec<Commit>,
) -> Result<Vec<Result<Accepted>>> {
    let mut held = HashMap::new();
    let reports: Vec<_> = commits.iter().map(|commit| commit.report).collect();
    for row in committed(connection, reports).await? {
        held.insert((row.report, row.fisher), row.commit_index);
    }
    let (mut answers, mut rows, mut entries) = (vec![], vec![], vec![]);
    for commit in commits {
        let index = frontier.size() + entries.len() as u64;
        if let Some(first) = held.get(&(commit.report, commit.fisher)) {
            answers.push(Ok(Accepted::Duplicate { log_index: *first }));
            continue;
        }
        let epoch = match integer("epoch", commit.epoch) {
            Ok(epoch) => epoch,
            Err(refusal) => {
                answers.push(Err(refusal));
                continue;
            }
        };
        held.insert((commit.report, commit.fisher), index);
        answers.push(Ok(Accepted::New { log_index: index }));
        rows.push((epoch, integer("log index", index)?, commit.report, commit.fisher));
        entries.push(commit.entry);
    }
    log::append(connection, frontier, entries).await?;
    let sql = ("INSERT INTO commits (report, fisher, epoch, log_index) ", "");
    for_all(connection, sql, rows, |mut row, (epoch, index, report, fisher)| {
        row.push_bind(report.to_vec()).push_bind(fisher.to_vec()).push_bind(epoch).push_bind(index);
    })
    .await
    .map_err(unavailable("holds commits"))?;
    Ok(answers)
}

/// Holds reports, each once for its id, its rental and its assignment.
pub(super) async fn reports(
    connection: &mut SqliteConnection,
    frontier: &mut Frontier,
    reports: Vec<Report>,
) -> Result<Vec<Result<Accepted>>> {
    let (mut open, mut held) = (HashSet::new(), HashMap::new());
    for row in committed(connection, reports.iter().map(|report| report.id).collect()).await? {
        if !row.unrevealed {
            open.insert((row.report, row.fisher));
        }
        held.extend(row.report_index.map(|index| (row.report, index)));
    }
    let mut rentals = reported(connection, reports.iter().map(|report| report.rental).collect()).await?;
    let (mut slots, mut assigned) = (assignments::taken(connection, &reports).await?, vec![]);
    let (mut answers, mut rows, mut entries) = (vec![], vec![], vec![]);
    for mut report in reports {
        let index = frontier.size() + entries.len() as u64;
        if !open.contains(&(report.id, report.fisher)) {
            answers.push(Err(Error::NotCommitted(report.id)));
            continue;
        }
        if let Some(first) = held.get(&report.id) {
            answers.push(Ok(Accepted::Duplicate { log_index: *first }));
            continue;
        }
        let assigned_in = integer("assigned epoch", report.slot.map_or(0, |slot| slot.epoch));
        let epochs = match (integer("epoch", report.epoch), integer("due epoch", report.due), assigned_in) {
            (Ok(epoch), Ok(due), Ok(_)) => (epoch, due),
            (Err(refusal), ..) | (_, Err(refusal), _) | (.., Err(refusal)) => {
                answers.push(Err(refusal));
                continue;
            }
        };
        if rentals.contains(&report.rental) {
            answers.push(Err(Error::RentalReported(report.rental)));
            continue;
        }
        if let Some(slot) = report.slot {
            if !slots.insert((report.fisher, slot)) {
                answers.push(Err(Error::SlotReported(slot)));
                continue;
            }
            assigned.push((report.fisher, slot, report.id));
        }
        rentals.insert(report.rental);
        held.insert(report.id, index);
        answers.push(Ok(Accepted::New { log_index: index }));
        entries.push(std::mem::take(&mut report.entry));
        rows.push((report, epochs, integer("log index", index)?));
    }
    log::append(connection, frontier, entries).await?;
    let sql = ("INSERT INTO reports (id, node, fisher, rental, resource, epoch, due, log_index, bundle, signed) ", "");
    for_all(connection, sql, rows, |mut row, (report, (epoch, due), index)| {
        row.push_bind(report.id.to_vec()).push_bind(report.node.to_vec()).push_bind(report.fisher.to_vec());
        row.push_bind(report.rental.to_vec()).push_bind(report.resource);
        row.push_bind(epoch).push_bind(due).push_bind(index);
        row.push_bind(report.bundle.map(|digest| digest.to_vec())).push_bind(report.signed);
    })
    .await
    .map_err(unavailable("holds reports"))?;
    assignments::hold(connection, assigned).await?;
    Ok(answers)
}

/// A commit, and where its report stands in the log if it was revealed.
struct Committed {
    report: Digest,
    fisher: Address,
    unrevealed: bool,
    commit_index: u64,
    report_index: Option<u64>,
}

async fn committed(connection: &mut SqliteConnection, reports: Vec<Digest>) -> Result<Vec<Committed>> {
    let sql = (
        "SELECT c.report, c.fisher, c.unrevealed, c.log_index AS commit_index, coalesce(r.log_index, -1) AS report_index \
         FROM commits c LEFT JOIN reports r ON r.id = c.report WHERE c.report IN (",
        ")",
    );
    let rows = for_all(connection, sql, reports, |mut row, report| {
        row.push_bind(report.to_vec());
    })
    .await
    .map_err(unavailable("looks up commits"))?;
    rows.iter()
        .map(|row| {
            let report_index: i64 = number(row, "report_index")?;
            Ok(Committed {
                report: fixed(row, "report")?,
                fisher: fixed(row, "fisher")?,
                unrevealed: number::<u8>(row, "unrevealed")? == 1,
                commit_index: number(row, "commit_index")?,
                report_index: u64::try_from(report_index).ok(),
            })
        })
        .collect()
}

async fn reported(connection: &mut SqliteConnection, rentals: Vec<Digest>) -> Result<HashSet<Digest>> {
    let sql = ("SELECT rental FROM reports WHERE rental IN (", ")");
    let rows = for_all(connection, sql, rentals, |mut row, rental| {
        row.push_bind(rental.to_vec());
    })
    .await
    .map_err(unavailable("looks up rentals"))?;
    rows.iter().map(|row| fixed(row, "rental")).collect()
}
