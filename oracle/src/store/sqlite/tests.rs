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

/// A list of a million nodes must cost what its page costs.
#[tokio::test]
async fn every_page_of_a_ranking_walks_an_index_in_its_order() {
    let (store, _directory) = fresh().await;
    let verdicts = [None, Some(crate::score::Verdict::Honest)];
    let of = [
        (None, "scores_ranking", "scores_by_verdict"),
        (Some(RankingOf::Model("m".into())), "scores_by_model", "scores_by_model"),
        (Some(RankingOf::Organisation([1; 32])), "scores_by_organisation", "scores_by_organisation"),
        (Some(RankingOf::Provider([1; 20])), "scores_by_owner", "scores_by_owner"),
    ];
    for ((of, without, with), verdict, after) in of.into_iter().flat_map(|of| {
        verdicts
            .map(|verdict| [None, Some((500, [1; 32]))].map(|after| (of.clone(), verdict, after)))
            .into_iter()
            .flatten()
    }) {
        let filter = RankingFilter { of, verdict, least_bps: 7 };
        let mut sql = ranking::page("EXPLAIN QUERY PLAN ", &filter, after, 10);
        let plan: Vec<(i64, i64, i64, String)> = sql.build_query_as().fetch_all(&store.readers).await.unwrap();
        let index = if verdict.is_some() { with } else { without };
        let walks: Vec<_> = plan.iter().filter(|(.., step)| step.contains(" scores ")).collect();
        assert!(!walks.is_empty(), "{plan:?}");
        for (_, parent, _, step) in walks {
            assert!(step.starts_with("SEARCH scores USING INDEX ") && step.contains(index), "{filter:?}: {plan:?}");
            // A sort beside a walk would read all that the filter leaves before the first row.
            let sorted = plan.iter().any(|(_, of, _, step)| of == parent && step.contains("TEMP B-TREE"));
            assert!(!sorted, "{filter:?}: {plan:?}");
        }
    }
}

#[tokio::test]
async fn changes_walk_an_index_in_their_order() {
    let (store, _directory) = fresh().await;
    let sql = format!("EXPLAIN QUERY PLAN {}", ranking::CHANGES);
    let plan: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&store.readers).await.unwrap();
    let steps: Vec<_> = plan.iter().map(|(.., step)| step.as_str()).collect();
    assert!(matches!(steps[..], [step] if step.starts_with("SEARCH scores USING INDEX scores_by_epoch")), "{steps:?}");
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
