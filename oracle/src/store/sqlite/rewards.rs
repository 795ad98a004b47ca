//! Fishers' accounts.

use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::Result;
use super::super::records::{Address, RewardRow, RewardUpdate};
use super::row::{amount, for_all, number, unavailable};
use crate::reward::Account;

/// Holds the accounts that an epoch changed.
pub(super) async fn save(connection: &mut SqliteConnection, epoch: i64, rewards: Vec<RewardUpdate>) -> Result<()> {
    let sql = (
        "INSERT INTO rewards (fisher, epoch, earned, pending, forfeited) ",
        " ON CONFLICT (fisher) DO UPDATE SET epoch = excluded.epoch, earned = excluded.earned, \
         pending = excluded.pending, forfeited = excluded.forfeited",
    );
    for_all(connection, sql, rewards, |mut row, RewardUpdate { fisher, account }| {
        let Account { earned, pending, forfeited } = account;
        row.push_bind(fisher.to_vec()).push_bind(epoch);
        row.push_bind(earned.to_string()).push_bind(pending.to_string()).push_bind(forfeited.to_string());
    })
    .await
    .map_err(unavailable("holds rewards"))?;
    Ok(())
}

/// A fisher's account.
pub(super) async fn account(readers: &SqlitePool, fisher: Address) -> Result<Option<RewardRow>> {
    let row = query("SELECT * FROM rewards WHERE fisher = ?")
        .bind(fisher.to_vec())
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads a reward"))?;
    let Some(row) = row else { return Ok(None) };
    let account = Account {
        earned: amount(&row, "earned")?,
        pending: amount(&row, "pending")?,
        forfeited: amount(&row, "forfeited")?,
    };
    Ok(Some(RewardRow { epoch: number(&row, "epoch")?, account }))
}
