//! Fishers' hash chains, and the assignments that were reported.
//!
//! Owns that a fisher's slot of an epoch has one report at most, and that a chain which came into force stays in force for its
//! epochs.

use std::collections::HashSet;

use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::Result;
use super::super::records::{Address, Chain, Digest, Report, Slot};
use super::row::{fixed, for_all, integer, number, unavailable};

/// Holds a fisher's chain. One that ends at the same epoch replaces it: neither is in force yet.
pub(super) async fn hold_chain(connection: &mut SqliteConnection, fisher: Address, chain: Chain) -> Result<()> {
    query(
        "INSERT INTO fisher_chains (fisher, chain_epoch, chain) VALUES (?1, ?2, ?3) \
         ON CONFLICT (fisher, chain_epoch) DO UPDATE SET chain = ?3",
    )
    .bind(fisher.to_vec())
    .bind(integer("chain's epoch", chain.epoch)?)
    .bind(chain.end.to_vec())
    .execute(connection)
    .await
    .map_err(unavailable("holds a chain"))?;
    Ok(())
}

/// The chain of a fisher that is in force in an epoch.
pub(super) async fn chain(readers: &SqlitePool, fisher: Address, epoch: u64) -> Result<Option<Chain>> {
    let row = query(
        "SELECT chain, chain_epoch FROM fisher_chains WHERE fisher = ? AND chain_epoch < ? \
         ORDER BY chain_epoch DESC LIMIT 1",
    )
    .bind(fisher.to_vec())
    .bind(integer("epoch", epoch)?)
    .fetch_optional(readers)
    .await
    .map_err(unavailable("reads a chain"))?;
    row.map(|row| Ok(Chain { end: fixed(&row, "chain")?, epoch: number(&row, "chain_epoch")? })).transpose()
}

/// Which of these reports' slots have a report.
pub(super) async fn taken(connection: &mut SqliteConnection, reports: &[Report]) -> Result<HashSet<(Address, Slot)>> {
    let mut slots = Vec::new();
    for report in reports {
        // An epoch out of range is refused for its report alone, not for the whole batch.
        if let Some(slot) = report.slot
            && let Ok(epoch) = integer("epoch", slot.epoch)
        {
            slots.push((report.fisher, epoch, slot.number));
        }
    }
    let sql = ("SELECT fisher, epoch, slot FROM assigned_reports WHERE (fisher, epoch, slot) IN (", ")");
    let rows = for_all(connection, sql, slots, |mut row, (fisher, epoch, slot)| {
        row.push_bind(fisher.to_vec()).push_bind(epoch).push_bind(slot);
    })
    .await
    .map_err(unavailable("looks up assignments"))?;
    rows.iter()
        .map(|row| {
            let slot = Slot { epoch: number(row, "epoch")?, number: number(row, "slot")? };
            Ok((fixed(row, "fisher")?, slot))
        })
        .collect()
}

/// Holds which reports belong to which slots.
pub(super) async fn hold(connection: &mut SqliteConnection, held: Vec<(Address, Slot, Digest)>) -> Result<()> {
    let mut rows = Vec::with_capacity(held.len());
    for (fisher, slot, report) in held {
        rows.push((fisher, integer("epoch", slot.epoch)?, slot.number, report));
    }
    let sql = ("INSERT INTO assigned_reports (fisher, epoch, slot, report) ", "");
    for_all(connection, sql, rows, |mut row, (fisher, epoch, slot, report)| {
        row.push_bind(fisher.to_vec()).push_bind(epoch).push_bind(slot).push_bind(report.to_vec());
    })
    .await
    .map_err(unavailable("holds assignments"))?;
    Ok(())
}
