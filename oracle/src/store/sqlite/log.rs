//! The log's rows: entries, finished subtrees, the frontier.

use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::records::{Appended, LogEntryRow};
use super::super::{Error, Result};
use super::row::{bytes, fixed, for_all, integer, number, unavailable};
use crate::log::{Frontier, Hash, Position, TreeNode, leaf_hash};

/// Subtrees asked for at once; a proof over 2^64 entries takes fewer than 4,096.
const POSITIONS: usize = 4_096;

/// Appends entries, in order.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    frontier: &mut Frontier,
    entries: Vec<Vec<u8>>,
) -> Result<Appended> {
    let first = frontier.size();
    let mut leaves = Vec::with_capacity(entries.len());
    let mut subtrees = Vec::with_capacity(entries.len());
    for entry in entries {
        let leaf = leaf_hash(&entry);
        leaves.push((integer("log index", frontier.size())?, leaf, entry));
        // The first finished subtree is the leaf itself, which stands beside the entry.
        for node in frontier.append(leaf).into_iter().skip(1) {
            let Position { level, index } = node.position;
            subtrees.push((i64::from(level), integer("subtree index", index)?, node.hash));
        }
    }
    let sql = ("INSERT INTO log_entries (idx, leaf_hash, bytes) ", "");
    for_all(connection, sql, leaves, |mut row, (index, leaf, entry)| {
        row.push_bind(index).push_bind(leaf.to_vec()).push_bind(entry);
    })
    .await
    .map_err(unavailable("appends to the log"))?;
    let sql = ("INSERT INTO log_subtrees (level, idx, hash) ", "");
    for_all(connection, sql, subtrees, |mut row, (level, index, hash)| {
        row.push_bind(level).push_bind(index).push_bind(hash.to_vec());
    })
    .await
    .map_err(unavailable("appends to the log"))?;
    Ok(Appended { first, size: frontier.size(), root: frontier.root() })
}

/// The frontier as it is stored.
pub(super) async fn frontier(connection: &mut SqliteConnection) -> Result<Frontier> {
    let row = query("SELECT coalesce(max(idx) + 1, 0) AS size FROM log_entries")
        .fetch_one(&mut *connection)
        .await
        .map_err(unavailable("reads the log"))?;
    let size: u64 = number(&row, "size")?;
    let mut roots = Vec::new();
    for position in Frontier::positions(size) {
        let node = subtree(connection, position).await?.ok_or(Error::Damaged("log subtree"))?;
        roots.push(node.hash);
    }
    Frontier::restore(size, roots).map_err(|_| Error::Damaged("log frontier"))
}

async fn subtree(connection: &mut SqliteConnection, position: Position) -> Result<Option<TreeNode>> {
    let sql = if position.level == 0 {
        "SELECT leaf_hash AS hash FROM log_entries WHERE idx = ?1 AND ?2 = 0"
    } else {
        "SELECT hash FROM log_subtrees WHERE idx = ?1 AND level = ?2"
    };
    let row = query(sql)
        .bind(integer("subtree index", position.index)?)
        .bind(i64::from(position.level))
        .fetch_optional(connection)
        .await
        .map_err(unavailable("reads the log"))?;
    row.map(|row| Ok(TreeNode { position, hash: fixed(&row, "hash")? })).transpose()
}

/// The size and root of what is committed.
pub(super) async fn head(readers: &SqlitePool) -> Result<(u64, Hash)> {
    // One transaction, so that no append comes between the size and its subtrees.
    let mut snapshot = readers.begin().await.map_err(unavailable("reads the log"))?;
    let frontier = frontier(&mut snapshot).await?;
    Ok((frontier.size(), frontier.root()))
}

/// Entries from an index on.
pub(super) async fn entries(readers: &SqlitePool, from: u64, limit: u32) -> Result<Vec<LogEntryRow>> {
    let rows = query("SELECT idx, leaf_hash, bytes FROM log_entries WHERE idx >= ? ORDER BY idx LIMIT ?")
        .bind(integer("log index", from)?)
        .bind(limit)
        .fetch_all(readers)
        .await
        .map_err(unavailable("reads the log"))?;
    rows.iter()
        .map(|row| {
            Ok(LogEntryRow {
                index: number(row, "idx")?,
                leaf_hash: fixed(row, "leaf_hash")?,
                bytes: bytes(row, "bytes")?,
            })
        })
        .collect()
}

/// Finished subtrees; those that are not finished are left out.
pub(super) async fn tree_nodes(readers: &SqlitePool, positions: &[Position]) -> Result<Vec<TreeNode>> {
    let mut connection = readers.acquire().await.map_err(unavailable("reads the log"))?;
    let mut nodes = Vec::with_capacity(positions.len().min(POSITIONS));
    for position in positions.iter().take(POSITIONS) {
        nodes.extend(subtree(&mut connection, *position).await?);
    }
    Ok(nodes)
}
