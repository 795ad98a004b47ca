//! Values between Rust and SQL: integers are signed there, ids are blobs, money is decimal text.

use sqlx::query_builder::Separated;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{QueryBuilder, Row as _, SqliteConnection};

use super::super::{Error, Result};

/// Rows of one bulk statement; the sizes are powers of two, so that few statements stay prepared.
const CHUNK: usize = 64;

/// Names what the store was doing when the backend failed; the backend's own words go to the operator's log only.
pub(super) fn unavailable(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |error| {
        tracing::error!(%error, "store {doing}");
        Error::Unavailable(doing)
    }
}

/// An unsigned number as a column holds it.
pub(super) fn integer(field: &'static str, value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::OutOfRange { field, value })
}

/// An unsigned number.
pub(super) fn number<T: TryFrom<i64>>(row: &SqliteRow, column: &'static str) -> Result<T> {
    let value: i64 = row.try_get(column).map_err(|_| Error::Damaged(column))?;
    T::try_from(value).map_err(|_| Error::Damaged(column))
}

/// Bytes of a fixed length.
pub(super) fn fixed<const N: usize>(row: &SqliteRow, column: &'static str) -> Result<[u8; N]> {
    let bytes: &[u8] = row.try_get(column).map_err(|_| Error::Damaged(column))?;
    bytes.try_into().map_err(|_| Error::Damaged(column))
}

/// Bytes of a fixed length, or none.
pub(super) fn optional<const N: usize>(row: &SqliteRow, column: &'static str) -> Result<Option<[u8; N]>> {
    let bytes: Option<&[u8]> = row.try_get(column).map_err(|_| Error::Damaged(column))?;
    bytes.map(|bytes| bytes.try_into().map_err(|_| Error::Damaged(column))).transpose()
}

/// Bytes of any length.
pub(super) fn bytes(row: &SqliteRow, column: &'static str) -> Result<Vec<u8>> {
    row.try_get(column).map_err(|_| Error::Damaged(column))
}

/// An amount of money.
pub(super) fn amount(row: &SqliteRow, column: &'static str) -> Result<u128> {
    let text: &str = row.try_get(column).map_err(|_| Error::Damaged(column))?;
    text.parse().map_err(|_| Error::Damaged(column))
}

/// Runs `head VALUES (...), (...) tail` over all rows, some at a time.
pub(super) async fn for_all<R>(
    connection: &mut SqliteConnection,
    (head, tail): (&'static str, &'static str),
    rows: Vec<R>,
    mut push: impl FnMut(Separated<'_, Sqlite, &'static str>, R),
) -> sqlx::Result<Vec<SqliteRow>> {
    let mut rows = rows.into_iter();
    let mut answers = Vec::new();
    while rows.len() > 0 {
        let size = 1 << rows.len().min(CHUNK).ilog2();
        let mut query = QueryBuilder::new(head);
        query.push_values(rows.by_ref().take(size), &mut push);
        query.push(tail);
        answers.extend(query.build().fetch_all(&mut *connection).await?);
    }
    Ok(answers)
}
