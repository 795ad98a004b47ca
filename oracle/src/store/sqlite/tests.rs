//! The behaviour suite on SQLite, and what only a data directory has: reopening it, and holding it alone.

use super::*;
use crate::store::Error;
use crate::store::behaviour::behaviour_suite;

async fn fresh() -> (Sqlite, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (Sqlite::open(directory.path()).await.unwrap(), directory)
}

behaviour_suite!(fresh);

impl Sqlite {
    /// A digest of every row and every large file, to see that a refused request left the store as it was.
    pub(crate) async fn digest(&self) -> [u8; 32] {
        let mut digest = blake3::Hasher::new();
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
                .fetch_all(&self.readers)
                .await
                .unwrap();
        for table in tables {
            let columns: Vec<String> = sqlx::query_scalar("SELECT 'quote(' || name || ')' FROM pragma_table_info(?)")
                .bind(&table)
                .fetch_all(&self.readers)
                .await
                .unwrap();
            let sql = format!("SELECT {} AS row FROM {table} ORDER BY row", columns.join(" || ',' || "));
            let rows: Vec<String> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&self.readers).await.unwrap();
            digest.update(format!("{table} {rows:?}").as_bytes());
        }
        digest.update(&self.bundles.digest());
        digest.finalize().into()
    }
}

fn commit(report: u8) -> Commit {
    Commit { report: [report; 32], fisher: [1; 20], epoch: 1, entry: vec![report] }
}

/// Opens a directory that another store has just let go of; its writer may still be closing.
async fn reopen(directory: &Path) -> Sqlite {
    Sqlite::open(directory).await.unwrap()
}

#[tokio::test]
async fn a_directory_is_reopened_as_it_was_left() {
    let directory = tempfile::tempdir().unwrap();
    let store = reopen(directory.path()).await;
    for report in 0..5 {
        store.accept_commit(commit(report)).await.unwrap();
    }
    let head = store.log_head().await.unwrap();
    drop(store);
    std::fs::write(directory.path().join("bundles/00.0.partial"), b"half").unwrap();
    let store = reopen(directory.path()).await;
    assert_eq!(store.log_head().await.unwrap(), head);
    assert!(!directory.path().join("bundles/00.0.partial").exists());
    assert_eq!(store.accept_commit(commit(4)).await.unwrap(), Accepted::Duplicate { log_index: 4 });
    assert_eq!(store.accept_commit(commit(5)).await.unwrap(), Accepted::New { log_index: 5 });
}

#[tokio::test]
async fn a_directory_is_held_by_one_store() {
    let (_store, directory) = fresh().await;
    let second = Sqlite::open(directory.path()).await;
    assert!(matches!(second, Err(OpenError::InUse(_))), "{second:?}");
}

#[tokio::test]
async fn a_damaged_log_is_noticed() {
    let (store, directory) = fresh().await;
    for report in 0..6 {
        store.accept_commit(commit(report)).await.unwrap();
    }
    drop(store);
    let options = SqliteConnectOptions::new().filename(directory.path().join("oracle.sqlite"));
    let mut connection = options.connect().await.unwrap();
    sqlx::query("DELETE FROM log_subtrees WHERE level = 2").execute(&mut connection).await.unwrap();
    drop(connection);
    let damaged = Sqlite::open(directory.path()).await;
    assert!(matches!(damaged, Err(OpenError::Damaged { source: Error::Damaged("log subtree"), .. })), "{damaged:?}");
}

#[tokio::test]
async fn the_digest_sees_rows_and_files() {
    let (store, _directory) = fresh().await;
    let empty = store.digest().await;
    store.accept_commit(commit(1)).await.unwrap();
    let row = store.digest().await;
    store.put_blob(Blob::Bundle, [1; 32], vec![1]).await.unwrap();
    let file = store.digest().await;
    assert!(empty != row && row != file);
    store.accept_commit(commit(1)).await.unwrap();
    assert_eq!(store.digest().await, file);
}
