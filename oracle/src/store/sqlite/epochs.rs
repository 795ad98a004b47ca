//! Published epochs and the scores that they changed.

use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};

use super::super::records::{Epoch, EpochChanges, EpochState, ScoreUpdate};
use super::super::{Error, Result};
use super::row::{bytes, fixed, for_all, integer, number, unavailable};

/// Holds a built epoch and what it changed.
pub(super) async fn save(connection: &mut SqliteConnection, epoch: Epoch, changes: EpochChanges) -> Result<()> {
    let held = query("SELECT * FROM epochs WHERE epoch = ?")
        .bind(integer("epoch", epoch.epoch)?)
        .fetch_optional(&mut *connection)
        .await
        .map_err(unavailable("looks up an epoch"))?;
    if let Some(row) = held {
        let held = epoch_row(&row)?;
        // How far the publication has come is not part of what was folded.
        let (state, transaction, signatures) = (held.state, held.transaction.clone(), held.signatures.clone());
        let same = Epoch { state, transaction, signatures, ..epoch.clone() } == held;
        return if same { Ok(()) } else { Err(Error::EpochDiffers(epoch.epoch)) };
    }
    let number = integer("epoch", epoch.epoch)?;
    query(
        "INSERT INTO epochs (epoch, log_size, log_root, root, rewards_root, parameters, data_hash, leaves, state, \
         state_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(number)
    .bind(integer("log size", epoch.log_size)?)
    .bind(epoch.log_root.to_vec())
    .bind(epoch.root.to_vec())
    .bind(epoch.rewards_root.to_vec())
    .bind(epoch.parameters.to_vec())
    .bind(epoch.data_hash.to_vec())
    .bind(integer("number of leaves", epoch.leaves)?)
    .bind(epoch.state as i64)
    .bind(epoch.transaction)
    .execute(&mut *connection)
    .await
    .map_err(unavailable("holds an epoch"))?;
    save_scores(connection, number, changes.scores).await?;
    super::rewards::save(connection, number, changes.rewards).await?;
    super::usage::save_power(connection, number, changes.power).await
}

async fn save_scores(connection: &mut SqliteConnection, epoch: i64, scores: Vec<ScoreUpdate>) -> Result<()> {
    let mut resources = Vec::new();
    let mut nodes = Vec::with_capacity(scores.len());
    for ScoreUpdate { provider, score } in scores {
        let last = integer("epoch", score.last_epoch)?;
        for resource in &score.resources {
            resources.push((score.node.0, *resource, integer("epoch", resource.last_epoch)?));
        }
        nodes.push((provider, score, last));
    }
    let sql = (
        "INSERT INTO scores (node, epoch, provider, low_bps, score_bps, high_bps, verdict, probes, last_epoch) ",
        " ON CONFLICT (node) DO UPDATE SET epoch = excluded.epoch, provider = excluded.provider, \
         low_bps = excluded.low_bps, score_bps = excluded.score_bps, high_bps = excluded.high_bps, \
         verdict = excluded.verdict, probes = excluded.probes, last_epoch = excluded.last_epoch",
    );
    for_all(connection, sql, nodes, |mut row, (provider, score, last)| {
        let e = score.estimate;
        row.push_bind(score.node.0.to_vec()).push_bind(epoch).push_bind(provider.to_vec());
        row.push_bind(e.low_bps).push_bind(e.score_bps).push_bind(e.high_bps);
        row.push_bind(score.verdict as i64).push_bind(score.probes).push_bind(last);
    })
    .await
    .map_err(unavailable("holds scores"))?;
    let sql =
        ("INSERT INTO resource_scores (node, epoch, resource, low_bps, score_bps, high_bps, probes, last_epoch) ", "");
    for_all(connection, sql, resources, |mut row, (node, resource, last)| {
        let e = resource.estimate;
        row.push_bind(node.to_vec()).push_bind(epoch).push_bind(resource.resource.0);
        row.push_bind(e.low_bps).push_bind(e.score_bps).push_bind(e.high_bps);
        row.push_bind(resource.probes).push_bind(last);
    })
    .await
    .map_err(unavailable("holds scores"))?;
    Ok(())
}

/// Moves an epoch on, if it is where the caller thinks it is.
pub(super) async fn advance(
    connection: &mut SqliteConnection,
    epoch: u64,
    (from, to): (EpochState, EpochState),
    data: Vec<u8>,
) -> Result<()> {
    if to < from {
        return Err(Error::EpochState { epoch, expected: to });
    }
    let changed = query("UPDATE epochs SET state = ?, state_data = ? WHERE epoch = ? AND state = ?")
        .bind(to as i64)
        .bind(data)
        .bind(integer("epoch", epoch)?)
        .bind(from as i64)
        .execute(connection)
        .await
        .map_err(unavailable("advances an epoch"))?;
    if changed.rows_affected() == 1 { Ok(()) } else { Err(Error::EpochState { epoch, expected: from }) }
}

/// One epoch.
pub(super) async fn epoch(readers: &SqlitePool, epoch: u64) -> Result<Option<Epoch>> {
    let row = query("SELECT * FROM epochs WHERE epoch = ?")
        .bind(integer("epoch", epoch)?)
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads an epoch"))?;
    row.as_ref().map(epoch_row).transpose()
}

/// The newest epoch that reached a state.
pub(super) async fn latest(readers: &SqlitePool, reached: Option<EpochState>) -> Result<Option<Epoch>> {
    let row = query("SELECT * FROM epochs WHERE state >= ? ORDER BY epoch DESC LIMIT 1")
        .bind(reached.map_or(0, |state| state as i64))
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads an epoch"))?;
    row.as_ref().map(epoch_row).transpose()
}

/// Epochs whose publication is not confirmed, oldest first.
pub(super) async fn unconfirmed(readers: &SqlitePool, limit: u32) -> Result<Vec<Epoch>> {
    let rows = query("SELECT * FROM epochs WHERE state < 3 ORDER BY epoch LIMIT ?")
        .bind(limit)
        .fetch_all(readers)
        .await
        .map_err(unavailable("reads epochs"))?;
    rows.iter().map(epoch_row).collect()
}

pub(super) fn epoch_row(row: &SqliteRow) -> Result<Epoch> {
    let state = match number::<u8>(row, "state")? {
        0 => EpochState::Built,
        1 => EpochState::Signed,
        2 => EpochState::Sent,
        3 => EpochState::Confirmed,
        _ => return Err(Error::Damaged("state")),
    };
    Ok(Epoch {
        epoch: number(row, "epoch")?,
        log_size: number(row, "log_size")?,
        log_root: fixed(row, "log_root")?,
        root: fixed(row, "root")?,
        rewards_root: fixed(row, "rewards_root")?,
        parameters: fixed(row, "parameters")?,
        data_hash: fixed(row, "data_hash")?,
        leaves: number(row, "leaves")?,
        state,
        transaction: bytes(row, "state_data")?,
        signatures: bytes(row, "signatures")?,
    })
}
