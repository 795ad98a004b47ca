//! How much the market is used, by day.
//!
//! Owns the sums over final blocks. They grow in the transaction that makes a block final, so that each block counts once; the
//! compute power comes with its epoch.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};

use super::super::records::{Address, DAY_SECS, Digest, MovementKind, Power, Usage, UsageDay};
use super::super::{Error, Result};
use super::row::{amount, fixed, for_all, integer, number, unavailable};

const COUNTING: &str = "counts usage";
const READING: &str = "reads usage";
/// How rentals were opened is no movement of theirs; among kinds it stands first.
const OPENED: u8 = 1;

/// What one day's blocks add.
#[derive(Debug, Default)]
struct Added {
    transactions: BTreeSet<Digest>,
    accounts: BTreeSet<Address>,
    usage: Usage,
}

/// Adds what blocks up to a number, that are not final yet, moved.
pub(super) async fn count(connection: &mut SqliteConnection, number: i64) -> Result<()> {
    let rows = query(
        "SELECT b.timestamp, r.transaction_hash, 1 AS kind, r.deposit AS amount, r.consumer, r.provider \
         FROM blocks b JOIN rentals r ON r.block = b.number WHERE b.final = 0 AND b.number <= ?1 UNION ALL \
         SELECT b.timestamp, m.transaction_hash, m.kind, m.amount, r.consumer, r.provider \
         FROM blocks b JOIN movements m ON m.block = b.number JOIN rentals r ON r.rental = m.rental \
         WHERE b.final = 0 AND b.number <= ?1",
    )
    .bind(number)
    .fetch_all(&mut *connection)
    .await
    .map_err(unavailable(COUNTING))?;
    let mut days: BTreeMap<u64, Added> = BTreeMap::new();
    for row in &rows {
        let day = self::number::<u64>(row, "timestamp")? / DAY_SECS;
        add(days.entry(day).or_default(), row)?;
    }
    // A day without rentals is a day as well.
    let blocks = query("SELECT DISTINCT timestamp / ? AS day FROM blocks WHERE final = 0 AND number <= ?")
        .bind(integer("seconds of a day", DAY_SECS)?)
        .bind(number)
        .fetch_all(&mut *connection)
        .await
        .map_err(unavailable(COUNTING))?;
    for row in &blocks {
        days.entry(self::number(row, "day")?).or_default();
    }
    for (day, added) in days {
        hold(connection, day, added).await?;
    }
    Ok(())
}

fn add(added: &mut Added, row: &SqliteRow) -> Result<()> {
    const TOPPED_UP: u8 = MovementKind::ToppedUp as u8;
    const REFUNDED: u8 = MovementKind::Refunded as u8;
    const COLLECTED: u8 = MovementKind::Collected as u8;
    const SLASHED: u8 = MovementKind::Slashed as u8;
    let kind: u8 = number(row, "kind")?;
    let usage = &mut added.usage;
    usage.rentals += u64::from(kind == OPENED);
    let side = match kind {
        OPENED | TOPPED_UP => &mut usage.deposited,
        REFUNDED => &mut usage.refunded,
        COLLECTED => &mut usage.collected,
        SLASHED => &mut usage.slashed,
        _ => return Err(Error::Damaged("kind")),
    };
    *side = side.saturating_add(amount(row, "amount")?);
    if kind == SLASHED {
        // The end of a case is no transaction for compute, and whoever sent it no party of the rental.
        return Ok(());
    }
    added.transactions.insert(fixed(row, "transaction_hash")?);
    if kind != COLLECTED {
        added.accounts.insert(fixed(row, "consumer")?);
    }
    if kind == OPENED || kind == COLLECTED {
        added.accounts.insert(fixed(row, "provider")?);
    }
    Ok(())
}

/// Adds to a day.
async fn hold(connection: &mut SqliteConnection, day: u64, added: Added) -> Result<()> {
    let day = integer("day", day)?;
    let held = query("SELECT * FROM usage_days WHERE day = ?")
        .bind(day)
        .fetch_optional(&mut *connection)
        .await
        .map_err(unavailable(COUNTING))?;
    let mut sum = held.as_ref().map(day_row).transpose()?.unwrap_or(UsageDay {
        day: 0,
        usage: Usage::default(),
        new_accounts: 0,
    });
    let usage = &mut sum.usage;
    usage.transactions += added.transactions.len() as u64;
    usage.add_amounts(&added.usage);
    for account in added.accounts {
        let seen = query("SELECT last_day FROM usage_accounts WHERE account = ?")
            .bind(account.to_vec())
            .fetch_optional(&mut *connection)
            .await
            .map_err(unavailable(COUNTING))?;
        let last: Option<i64> = seen.map(|row| number(&row, "last_day")).transpose()?;
        if last.is_some_and(|last| last >= day) {
            continue;
        }
        usage.accounts += 1;
        sum.new_accounts += u64::from(last.is_none());
        query("INSERT INTO usage_accounts (account, last_day) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET last_day = ?2")
            .bind(account.to_vec())
            .bind(day)
            .execute(&mut *connection)
            .await
            .map_err(unavailable(COUNTING))?;
    }
    query(
        "INSERT INTO usage_days (day, transactions, rentals, accounts, new_accounts, deposited, refunded, collected, \
         slashed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET transactions = ?2, rentals = ?3, \
         accounts = ?4, new_accounts = ?5, deposited = ?6, refunded = ?7, collected = ?8, slashed = ?9",
    )
    .bind(day)
    .bind(integer("transactions", usage.transactions)?)
    .bind(integer("rentals", usage.rentals)?)
    .bind(integer("accounts", usage.accounts)?)
    .bind(integer("accounts", sum.new_accounts)?)
    .bind(usage.deposited.to_string())
    .bind(usage.refunded.to_string())
    .bind(usage.collected.to_string())
    .bind(usage.slashed.to_string())
    .execute(connection)
    .await
    .map_err(unavailable(COUNTING))?;
    Ok(())
}

/// Everything so far: a row a day, so that even a decade is read at once.
pub(super) async fn total(readers: &SqlitePool) -> Result<Usage> {
    let rows = query("SELECT * FROM usage_days").fetch_all(readers).await.map_err(unavailable(READING))?;
    let mut total = Usage::default();
    for row in &rows {
        let day = day_row(row)?;
        total.transactions += day.usage.transactions;
        total.accounts += day.new_accounts;
        total.add_amounts(&day.usage);
    }
    Ok(total)
}

/// Days before one, newest first.
pub(super) async fn days(readers: &SqlitePool, before: Option<u64>, limit: u32) -> Result<Vec<UsageDay>> {
    let before = before.map_or(Ok(i64::MAX), |day| integer("day", day))?;
    let rows = query("SELECT * FROM usage_days WHERE day < ? ORDER BY day DESC LIMIT ?")
        .bind(before)
        .bind(limit)
        .fetch_all(readers)
        .await
        .map_err(unavailable(READING))?;
    rows.iter().map(day_row).collect()
}

fn day_row(row: &SqliteRow) -> Result<UsageDay> {
    Ok(UsageDay {
        day: number(row, "day")?,
        usage: Usage {
            transactions: number(row, "transactions")?,
            rentals: number(row, "rentals")?,
            accounts: number(row, "accounts")?,
            deposited: amount(row, "deposited")?,
            refunded: amount(row, "refunded")?,
            collected: amount(row, "collected")?,
            slashed: amount(row, "slashed")?,
        },
        new_accounts: number(row, "new_accounts")?,
    })
}

/// Holds the compute power at the end of an epoch.
pub(super) async fn save_power(connection: &mut SqliteConnection, epoch: i64, power: Vec<Power>) -> Result<()> {
    let sql = ("INSERT INTO powers (epoch, resource, nodes, advertised, probed_nodes, probed, verified) ", "");
    for_all(connection, sql, power, |mut row, of| {
        row.push_bind(epoch).push_bind(of.resource);
        row.push_bind(of.nodes.cast_signed()).push_bind(of.advertised.to_string());
        row.push_bind(of.probed_nodes.cast_signed()).push_bind(of.probed.to_string());
        row.push_bind(of.verified.to_string());
    })
    .await
    .map_err(unavailable("holds the compute power"))?;
    Ok(())
}

/// The compute power at the end of the newest epoch of a range.
pub(super) async fn power(readers: &SqlitePool, epochs: Range<u64>) -> Result<Option<(u64, Vec<Power>)>> {
    // SQLite's integers end where these do not; no epoch lies there.
    let bound = |epoch: u64| i64::try_from(epoch).unwrap_or(i64::MAX);
    let rows = query(
        "SELECT * FROM powers WHERE epoch = (SELECT MAX(epoch) FROM powers WHERE epoch >= ? AND epoch < ?) \
         ORDER BY resource",
    )
    .bind(bound(epochs.start))
    .bind(bound(epochs.end))
    .fetch_all(readers)
    .await
    .map_err(unavailable(READING))?;
    let Some(first) = rows.first() else { return Ok(None) };
    let power = rows.iter().map(power_row).collect::<Result<_>>()?;
    Ok(Some((number(first, "epoch")?, power)))
}

fn power_row(row: &SqliteRow) -> Result<Power> {
    Ok(Power {
        resource: number(row, "resource")?,
        nodes: number(row, "nodes")?,
        advertised: amount(row, "advertised")?,
        probed_nodes: number(row, "probed_nodes")?,
        probed: amount(row, "probed")?,
        verified: amount(row, "verified")?,
    })
}
