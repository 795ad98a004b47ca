//! Operators' signatures over epochs, and the choice of those that are published.

use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};

use super::super::records::{Address, Countersignature, Epoch};
use super::super::{Error, Result};
use super::epochs::epoch_row;
use super::row::{fixed, integer, number, unavailable};

const READING: &str = "reads countersignatures";

/// The most signatures over one epoch: Scores' threshold has eight bits.
const SIGNATURES_MAX: u32 = 256;

/// Holds a signature; another one of the same operator changes nothing.
pub(super) async fn hold(connection: &mut SqliteConnection, signature: Countersignature) -> Result<()> {
    let Countersignature { epoch, operator, signature } = signature;
    let number = integer("epoch", epoch)?;
    require(connection, epoch).await?;
    let row = query("SELECT count(*) AS held FROM countersignatures WHERE epoch = ? AND operator <> ?")
        .bind(number)
        .bind(operator.to_vec())
        .fetch_one(&mut *connection)
        .await
        .map_err(unavailable(READING))?;
    if self::number::<u32>(&row, "held")? >= SIGNATURES_MAX {
        return Err(Error::CountersignaturesFull { epoch, limit: SIGNATURES_MAX });
    }
    query("INSERT INTO countersignatures (epoch, operator, signature) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(number)
        .bind(operator.to_vec())
        .bind(signature.to_vec())
        .execute(connection)
        .await
        .map_err(unavailable("holds a countersignature"))?;
    Ok(())
}

/// Holds what an epoch is published with.
pub(super) async fn choose(connection: &mut SqliteConnection, epoch: u64, signatures: Vec<u8>) -> Result<()> {
    require(connection, epoch).await?;
    query("UPDATE epochs SET signatures = ? WHERE epoch = ?")
        .bind(signatures)
        .bind(integer("epoch", epoch)?)
        .execute(connection)
        .await
        .map_err(unavailable("holds an epoch's signatures"))?;
    Ok(())
}

/// Fails unless the epoch is held.
async fn require(connection: &mut SqliteConnection, epoch: u64) -> Result<()> {
    let held = query("SELECT 1 FROM epochs WHERE epoch = ?")
        .bind(integer("epoch", epoch)?)
        .fetch_optional(connection)
        .await
        .map_err(unavailable("looks up an epoch"))?;
    held.map(|_| ()).ok_or(Error::EpochUnknown(epoch))
}

/// The signatures over an epoch.
pub(super) async fn of(readers: &SqlitePool, epoch: u64) -> Result<Vec<Countersignature>> {
    let rows = query("SELECT operator, signature FROM countersignatures WHERE epoch = ? ORDER BY operator")
        .bind(integer("epoch", epoch)?)
        .fetch_all(readers)
        .await
        .map_err(unavailable(READING))?;
    let held = |row: &SqliteRow| {
        Ok(Countersignature { epoch, operator: fixed(row, "operator")?, signature: fixed(row, "signature")? })
    };
    rows.iter().map(held).collect()
}

/// Epochs that others have signed often enough.
pub(super) async fn epochs(readers: &SqlitePool, own: Address, least: u32, limit: u32) -> Result<Vec<Epoch>> {
    let rows = query(
        "SELECT * FROM epochs WHERE state < 3 AND (SELECT count(*) FROM countersignatures c \
         WHERE c.epoch = epochs.epoch AND c.operator <> ?1) >= ?2 ORDER BY epoch LIMIT ?3",
    )
    .bind(own.to_vec())
    .bind(least)
    .bind(limit)
    .fetch_all(readers)
    .await
    .map_err(unavailable("reads epochs"))?;
    rows.iter().map(epoch_row).collect()
}
