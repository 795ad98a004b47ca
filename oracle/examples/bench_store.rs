//! Measures durable ingest against a bare loop of inserts.
//!
//! Prints `name=value` lines. Ratios are what counts, since machines differ; `make bench` compares them with the budgets.
#![allow(clippy::print_stdout, reason = "a benchmark's output is its result")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use gpux_oracle::store::{Commit, Report, Sqlite, Store};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

/// Reports of one measurement.
const REPORTS: u32 = 20_000;
/// Reports under way at the same time: as many as a commit takes at most.
const CONCURRENT: u32 = 512;
/// Bytes of a signed report.
const REPORT_BYTES: usize = 1_200;
/// Rounds, each of both sides one after the other; the median of their ratios counts, so that a machine whose speed drifts
/// between rounds moves neither side alone.
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Result<()> {
    let (mut bare, mut ingest, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let one = bare_rate(tempfile::tempdir()?.path()).await?;
        let other = ingest_rate(tempfile::tempdir()?.path()).await?;
        bare.push(one);
        ingest.push(other);
        ratios.push(other / one);
    }
    println!("bare_inserts_per_second={:.0}", median(bare));
    println!("store_reports_per_second={:.0}", median(ingest));
    println!("store_ingest_ratio={:.3}", median(ratios));
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// An id that is spread like a digest.
fn id(number: u32) -> [u8; 32] {
    *blake3::hash(&number.to_le_bytes()).as_bytes()
}

/// Inserts the same bytes one by one, with the same number of them in a commit.
async fn bare_rate(directory: &Path) -> Result<f64> {
    let mut connection = SqliteConnectOptions::new()
        .filename(directory.join("bare.sqlite"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await?;
    sqlx::query("CREATE TABLE bare (id BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT").execute(&mut connection).await?;
    let start = Instant::now();
    for first in (0..REPORTS).step_by(CONCURRENT as usize) {
        let mut transaction = connection.begin().await?;
        for number in first..REPORTS.min(first + CONCURRENT) {
            sqlx::query("INSERT INTO bare (id, bytes) VALUES (?, ?)")
                .bind(id(number).to_vec())
                .bind(vec![7_u8; REPORT_BYTES])
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
    }
    Ok(f64::from(REPORTS) / start.elapsed().as_secs_f64())
}

/// Accepts committed reports from many callers at once.
async fn ingest_rate(directory: &Path) -> Result<f64> {
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(directory).await?);
    let commits = store.clone();
    all(move |number| {
        let store = commits.clone();
        async move { store.accept_commit(commit(number)).await.map(|_| ()) }
    })
    .await?;
    let start = Instant::now();
    all(move |number| {
        let store = store.clone();
        async move { store.accept_report(report(number)).await.map(|_| ()) }
    })
    .await?;
    Ok(f64::from(REPORTS) / start.elapsed().as_secs_f64())
}

/// Runs one task a caller, each with its share of the numbers.
async fn all<F>(work: impl Fn(u32) -> F + Clone + Send + 'static) -> Result<()>
where
    F: Future<Output = gpux_oracle::store::Result<()>> + Send,
{
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CONCURRENT {
        let work = work.clone();
        callers.spawn(async move {
            for number in (caller..REPORTS).step_by(CONCURRENT as usize) {
                work(number).await?;
            }
            Ok::<_, gpux_oracle::store::Error>(())
        });
    }
    while let Some(done) = callers.join_next().await {
        done.context("a caller ended early")??;
    }
    Ok(())
}

fn commit(number: u32) -> Commit {
    Commit { report: id(number), fisher: [1; 20], epoch: 1, entry: vec![3; 200] }
}

fn report(number: u32) -> Report {
    Report {
        id: id(number),
        node: id(number % 1_000),
        fisher: [1; 20],
        rental: id(number + REPORTS),
        resource: 1,
        epoch: 1,
        due: 1,
        bundle: Some(id(number)),
        slot: None,
        signed: vec![7; REPORT_BYTES],
        entry: vec![5; 72],
    }
}
