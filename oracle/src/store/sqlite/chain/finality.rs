//! Making blocks final: their log entries are appended, their payments and usage summed, once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use sqlx::query;
use sqlx::sqlite::SqliteConnection;

use super::super::super::records::{Address, Appended, Digest, PaymentTotals};
use super::super::super::{Error, Result};
use super::super::row::{amount, bytes, fixed, integer, number, unavailable};
use super::super::{log, usage};
use crate::log::Frontier;

const DOING: &str = "finalises blocks";

/// Makes every indexed block up to a number final.
pub(in super::super) async fn finalise(
    connection: &mut SqliteConnection,
    frontier: &mut Frontier,
    number: u64,
) -> Result<Appended> {
    let number = integer("block", number)?;
    sum_payments(connection, number).await?;
    usage::count(connection, number).await?;
    let rows = query("SELECT bytes FROM waiting_entries WHERE block <= ? ORDER BY block, log_index")
        .bind(number)
        .fetch_all(&mut *connection)
        .await
        .map_err(unavailable(DOING))?;
    let entries = rows.iter().map(|row| bytes(row, "bytes")).collect::<Result<_>>()?;
    let appended = log::append(connection, frontier, entries).await?;
    for sql in
        ["DELETE FROM waiting_entries WHERE block <= ?", "UPDATE blocks SET final = 1 WHERE final = 0 AND number <= ?"]
    {
        query(sql).bind(number).execute(&mut *connection).await.map_err(unavailable(DOING))?;
    }
    Ok(appended)
}

/// Adds what blocks that are not final yet moved to the sums of its nodes.
async fn sum_payments(connection: &mut SqliteConnection, number: i64) -> Result<()> {
    let opened = query(
        "SELECT r.node, r.consumer, r.deposit FROM blocks b JOIN rentals r ON r.block = b.number \
         WHERE b.final = 0 AND b.number <= ?",
    )
    .bind(number)
    .fetch_all(&mut *connection)
    .await
    .map_err(unavailable(DOING))?;
    let moved = query(
        "SELECT r.node, m.kind, m.amount FROM blocks b JOIN movements m ON m.block = b.number \
         JOIN rentals r ON r.rental = m.rental WHERE b.final = 0 AND b.number <= ?",
    )
    .bind(number)
    .fetch_all(&mut *connection)
    .await
    .map_err(unavailable(DOING))?;
    let mut sums: BTreeMap<Digest, PaymentTotals> = BTreeMap::new();
    for row in &opened {
        let (node, consumer): (Digest, Address) = (fixed(row, "node")?, fixed(row, "consumer")?);
        let new = query("INSERT INTO payers (node, consumer) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(node.to_vec())
            .bind(consumer.to_vec())
            .execute(&mut *connection)
            .await
            .map_err(unavailable(DOING))?;
        let sum = sum_of(connection, &mut sums, node).await?;
        sum.rentals += 1;
        sum.consumers += new.rows_affected();
        sum.deposited = sum.deposited.saturating_add(amount(row, "deposit")?);
    }
    for row in &moved {
        let sum = sum_of(connection, &mut sums, fixed(row, "node")?).await?;
        let side = match self::number::<u8>(row, "kind")? {
            2 => &mut sum.deposited,
            3 => &mut sum.refunded,
            4 => &mut sum.collected,
            5 => &mut sum.slashed,
            _ => return Err(Error::Damaged("kind")),
        };
        *side = side.saturating_add(amount(row, "amount")?);
    }
    for (node, sum) in sums {
        hold(connection, node, sum).await?;
    }
    Ok(())
}

async fn sum_of<'a>(
    connection: &mut SqliteConnection,
    sums: &'a mut BTreeMap<Digest, PaymentTotals>,
    node: Digest,
) -> Result<&'a mut PaymentTotals> {
    match sums.entry(node) {
        Entry::Occupied(held) => Ok(held.into_mut()),
        Entry::Vacant(place) => Ok(place.insert(totals(connection, node).await?)),
    }
}

/// The sums of a node.
pub(super) async fn totals(connection: &mut SqliteConnection, node: Digest) -> Result<PaymentTotals> {
    let row = query("SELECT * FROM payments WHERE node = ?")
        .bind(node.to_vec())
        .fetch_optional(connection)
        .await
        .map_err(unavailable("reads payments"))?;
    let Some(row) = row else { return Ok(PaymentTotals::default()) };
    Ok(PaymentTotals {
        rentals: number(&row, "rentals")?,
        consumers: number(&row, "consumers")?,
        deposited: amount(&row, "deposited")?,
        refunded: amount(&row, "refunded")?,
        collected: amount(&row, "collected")?,
        slashed: amount(&row, "slashed")?,
    })
}

async fn hold(connection: &mut SqliteConnection, node: Digest, sum: PaymentTotals) -> Result<()> {
    query(
        "INSERT INTO payments (node, rentals, consumers, deposited, refunded, collected, slashed) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (node) DO UPDATE SET rentals = ?2, consumers = ?3, \
         deposited = ?4, refunded = ?5, collected = ?6, slashed = ?7",
    )
    .bind(node.to_vec())
    .bind(integer("rentals", sum.rentals)?)
    .bind(integer("consumers", sum.consumers)?)
    .bind(sum.deposited.to_string())
    .bind(sum.refunded.to_string())
    .bind(sum.collected.to_string())
    .bind(sum.slashed.to_string())
    .execute(connection)
    .await
    .map_err(unavailable(DOING))?;
    Ok(())
}
