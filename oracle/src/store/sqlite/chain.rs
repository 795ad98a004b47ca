//! The index of the chain: blocks, rentals, movements of money, bonds, cases.
//!
//! Owns what can be undone: every fact hangs on its block and goes with it when the chain reorganises. Making a block final
//! moves its entries to the log and its payments to the sums, in the same transaction; from then on it stays.

mod cases;
mod finality;

use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};

use super::super::records::{Address, BlockFacts, BlockRef, Digest, PaymentTotals, Rental};
use super::super::{Error, Result};
use super::row::{amount, fixed, for_all, integer, number, unavailable};

pub(super) use cases::{case, cases, is_party};
pub(super) use finality::finalise;

const INDEXING: &str = "indexes a block";

/// Indexes the next block.
pub(super) async fn apply(connection: &mut SqliteConnection, facts: BlockFacts) -> Result<()> {
    let BlockRef { number, hash, timestamp } = facts.block;
    if let Some(head) = newest(connection, "SELECT * FROM blocks ORDER BY number DESC LIMIT 1").await? {
        if number <= head.number {
            let held = query("SELECT * FROM blocks WHERE number = ?")
                .bind(integer("block", number)?)
                .fetch_optional(connection)
                .await
                .map_err(unavailable(INDEXING))?;
            let held = held.as_ref().map(block_row).transpose()?;
            let same = held.is_some_and(|held| held.hash == hash);
            return if same { Ok(()) } else { Err(Error::Discontinuous { number, head: head.number }) };
        }
        // Blocks without facts may be left out, and then there is no parent to compare.
        if number == head.number + 1 && facts.parent != head.hash {
            return Err(Error::Discontinuous { number, head: head.number });
        }
    }
    let block = integer("block", number)?;
    query("INSERT INTO blocks (number, hash, timestamp) VALUES (?, ?, ?)")
        .bind(block)
        .bind(hash.to_vec())
        .bind(integer("time", timestamp)?)
        .execute(&mut *connection)
        .await
        .map_err(unavailable(INDEXING))?;
    insert_facts(connection, block, facts).await
}

async fn insert_facts(connection: &mut SqliteConnection, block: i64, facts: BlockFacts) -> Result<()> {
    for rental in &facts.opened {
        integer("start", rental.start)?;
    }
    let sql = (
        "INSERT INTO rentals (rental, block, log_index, transaction_hash, node, provider, consumer, rate, deposit, start, \
         note) ",
        "",
    );
    for_all(connection, sql, facts.opened, |mut row, opened| {
        row.push_bind(opened.rental.to_vec()).push_bind(block).push_bind(opened.log_index);
        row.push_bind(opened.transaction.to_vec());
        row.push_bind(opened.node.to_vec()).push_bind(opened.provider.to_vec()).push_bind(opened.consumer.to_vec());
        row.push_bind(opened.rate.to_string()).push_bind(opened.deposit.to_string());
        row.push_bind(opened.start.cast_signed()).push_bind(opened.note.to_vec());
    })
    .await
    .map_err(unavailable(INDEXING))?;
    let sql = ("INSERT INTO movements (block, log_index, transaction_hash, rental, kind, amount) ", "");
    for_all(connection, sql, facts.movements, |mut row, movement| {
        row.push_bind(block).push_bind(movement.log_index).push_bind(movement.transaction.to_vec());
        row.push_bind(movement.rental.to_vec());
        row.push_bind(movement.kind as i64).push_bind(movement.amount.to_string());
    })
    .await
    .map_err(unavailable(INDEXING))?;
    let sql = ("INSERT INTO bonds (block, log_index, fisher, amount) ", "");
    for_all(connection, sql, facts.bonds, |mut row, bond| {
        row.push_bind(block).push_bind(bond.log_index);
        row.push_bind(bond.fisher.to_vec()).push_bind(bond.amount.to_string());
    })
    .await
    .map_err(unavailable(INDEXING))?;
    cases::insert(connection, block, facts.cases).await?;
    let sql = ("INSERT INTO waiting_entries (block, log_index, bytes) ", "");
    for_all(connection, sql, facts.entries, |mut row, (log_index, bytes)| {
        row.push_bind(block).push_bind(log_index).push_bind(bytes);
    })
    .await
    .map_err(unavailable(INDEXING))?;
    Ok(())
}

/// Forgets every block after a number, with all that hangs on it.
pub(super) async fn roll_back(connection: &mut SqliteConnection, number: u64) -> Result<()> {
    if let Some(last) = newest(connection, NEWEST_FINAL).await?
        && number < last.number
    {
        return Err(Error::Finalised { number, finalised: last.number });
    }
    query("DELETE FROM blocks WHERE number > ?")
        .bind(integer("block", number)?)
        .execute(connection)
        .await
        .map_err(unavailable("rolls back"))?;
    Ok(())
}

const NEWEST_FINAL: &str = "SELECT * FROM blocks WHERE final = 1 ORDER BY number DESC LIMIT 1";

async fn newest(connection: &mut SqliteConnection, sql: &'static str) -> Result<Option<BlockRef>> {
    let row = query(sql).fetch_optional(connection).await.map_err(unavailable("reads a block"))?;
    row.as_ref().map(block_row).transpose()
}

/// The newest indexed block.
pub(super) async fn head(readers: &SqlitePool) -> Result<Option<BlockRef>> {
    one(readers, "SELECT * FROM blocks WHERE number >= ? ORDER BY number DESC LIMIT 1", 0).await
}

/// The newest final block.
pub(super) async fn finalised(readers: &SqlitePool) -> Result<Option<BlockRef>> {
    one(readers, "SELECT * FROM blocks WHERE final = 1 AND number >= ? ORDER BY number DESC LIMIT 1", 0).await
}

/// One block.
pub(super) async fn block(readers: &SqlitePool, number: u64) -> Result<Option<BlockRef>> {
    one(readers, "SELECT * FROM blocks WHERE number = ?", number).await
}

/// The first final block at or after a moment.
pub(super) async fn first_finalised_since(readers: &SqlitePool, timestamp: u64) -> Result<Option<BlockRef>> {
    let sql = "SELECT * FROM blocks WHERE final = 1 AND timestamp >= ? ORDER BY timestamp, number LIMIT 1";
    one(readers, sql, timestamp).await
}

async fn one(readers: &SqlitePool, sql: &'static str, value: u64) -> Result<Option<BlockRef>> {
    let row = query(sql)
        .bind(integer("block", value)?)
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads a block"))?;
    row.as_ref().map(block_row).transpose()
}

fn block_row(row: &SqliteRow) -> Result<BlockRef> {
    Ok(BlockRef { number: number(row, "number")?, hash: fixed(row, "hash")?, timestamp: number(row, "timestamp")? })
}

/// The node of a rental.
pub(super) async fn rental_node(readers: &SqlitePool, id: Digest) -> Result<Option<Digest>> {
    let row = query("SELECT node FROM rentals WHERE rental = ?")
        .bind(id.to_vec())
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads a rental"))?;
    row.map(|row| fixed(&row, "node")).transpose()
}

/// A rental with everything that moved in it so far.
pub(super) async fn rental(readers: &SqlitePool, id: Digest) -> Result<Option<Rental>> {
    // One transaction, so that no reorganisation comes between the opening and its movements.
    let mut snapshot = readers.begin().await.map_err(unavailable("reads a rental"))?;
    let opened = query("SELECT r.*, b.* FROM rentals r JOIN blocks b ON b.number = r.block WHERE r.rental = ?")
        .bind(id.to_vec())
        .fetch_optional(&mut *snapshot)
        .await
        .map_err(unavailable("reads a rental"))?;
    let Some(row) = opened else { return Ok(None) };
    let mut rental = Rental {
        rental: id,
        node: fixed(&row, "node")?,
        provider: fixed(&row, "provider")?,
        consumer: fixed(&row, "consumer")?,
        rate: amount(&row, "rate")?,
        deposit: amount(&row, "deposit")?,
        refunded: 0,
        collected: 0,
        slashed: 0,
        start: number(&row, "start")?,
        stop: None,
        note: fixed(&row, "note")?,
        opened: block_row(&row)?,
    };
    let movements = query(
        "SELECT m.kind, m.amount, b.timestamp FROM movements m JOIN blocks b ON b.number = m.block \
         WHERE m.rental = ? ORDER BY m.block, m.log_index",
    )
    .bind(id.to_vec())
    .fetch_all(&mut *snapshot)
    .await
    .map_err(unavailable("reads a rental"))?;
    for row in &movements {
        let sum = match number::<u8>(row, "kind")? {
            2 => &mut rental.deposit,
            3 => {
                rental.stop = Some(number(row, "timestamp")?);
                &mut rental.refunded
            }
            4 => &mut rental.collected,
            5 => &mut rental.slashed,
            _ => return Err(Error::Damaged("kind")),
        };
        *sum = sum.saturating_add(amount(row, "amount")?);
    }
    Ok(Some(rental))
}

/// A fisher's bond after the newest change that is indexed, or the newest that is final.
pub(super) async fn bond(readers: &SqlitePool, fisher: Address, final_only: bool) -> Result<u128> {
    let sql = "SELECT o.amount FROM bonds o JOIN blocks b ON b.number = o.block \
               WHERE o.fisher = ? AND b.final >= ? ORDER BY o.block DESC, o.log_index DESC LIMIT 1";
    let row = query(sql)
        .bind(fisher.to_vec())
        .bind(i64::from(final_only))
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads a bond"))?;
    row.map_or(Ok(0), |row| amount(&row, "amount"))
}

/// The sums over a node's final rentals.
pub(super) async fn payments(readers: &SqlitePool, node: Digest) -> Result<PaymentTotals> {
    let mut connection = readers.acquire().await.map_err(unavailable("reads payments"))?;
    finality::totals(&mut connection, node).await
}
