//! Kills a process that ingests, at moments nobody chose, and looks for everything that it had acknowledged.
//!
//! A program of its own: it starts itself as the process to kill. The market test does the same to the whole oracle.
#![allow(clippy::print_stdout, reason = "the acknowledgements travel on standard output")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use gpux_oracle::log::{Frontier, leaf_hash};
use gpux_oracle::store::{Accepted, Blob, Commit, Report, Sqlite, Store};

/// How often it is killed without a wish: `cargo test --test crash -- 200` kills it 200 times.
const ROUNDS: u32 = 6;
/// How many write at the same time.
const CALLERS: u32 = 16;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("write") {
        let directory = arguments.next().expect("a directory is given");
        let first = arguments.next().and_then(|first| first.parse().ok()).expect("a number is given");
        return runtime.block_on(write(Path::new(&directory), first));
    }
    let rounds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(ROUNDS);
    let directory = tempfile::tempdir().expect("a directory is made");
    let mut acknowledged = Vec::new();
    for round in 0..rounds {
        let before = acknowledged.len();
        acknowledged.extend(killed(directory.path(), round));
        assert!(acknowledged.len() > before || dies_early(round), "round {round} acknowledged nothing");
        runtime.block_on(check(directory.path(), &acknowledged[before..]));
    }
    // What survived its own kill survived the later ones as well.
    runtime.block_on(check(directory.path(), &acknowledged));
    println!("{} acknowledged reports survived {rounds} kills", acknowledged.len());
}

fn id(number: u32) -> [u8; 32] {
    *blake3::hash(&number.to_le_bytes()).as_bytes()
}

/// Runs a writer for a while, kills it, and returns what it acknowledged.
fn killed(directory: &Path, round: u32) -> Vec<u32> {
    let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
        .arg("write")
        .arg(directory)
        .arg((round * 1_000_000).to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the writer starts");
    let lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
    let (first, began) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let numbers = lines.map_while(Result::ok).filter_map(|line| line.strip_suffix('.')?.parse().ok());
        // Whoever waits for the first may have gone.
        numbers.inspect(|_| _ = first.send(())).collect::<Vec<u32>>()
    });
    // Different in each round and in each run; SIGKILL gives no moment to tidy up. Some die while they start.
    let moment = u64::from(std::process::id() ^ round.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x9e37_79b9) >> 7;
    if !dies_early(round) {
        began.recv_timeout(Duration::from_secs(60)).expect("the writer acknowledges something");
    }
    std::thread::sleep(Duration::from_millis(moment % 250));
    child.kill().expect("the writer is killed");
    child.wait().expect("the writer ends");
    reader.join().expect("its output is read")
}

/// Whether a round may end before anything is acknowledged: while the store opens what the kill before left.
fn dies_early(round: u32) -> bool {
    round % 5 == 4
}

/// Commits and reveals for ever, and says so after each acknowledgement.
async fn write(directory: &Path, first: u32) {
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(directory).await.expect("the store opens"));
    let callers = (0..CALLERS).map(|caller| tokio::spawn(caller_loop(store.clone(), first + caller)));
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("a caller goes on");
    }
}

async fn caller_loop(store: Arc<dyn Store>, first: u32) {
    for number in (first..).step_by(CALLERS as usize) {
        let (report, fisher) = (id(number), [1; 20]);
        let entry = number.to_le_bytes().to_vec();
        let commit = Commit { report, fisher, epoch: 1, entry: entry.clone() };
        store.accept_commit(commit).await.expect("the commit is held");
        store.put_blob(Blob::Bundle, report, entry.clone()).await.expect("the bundle is held");
        store.accept_report(revealed(number)).await.expect("the report is held");
        // The full stop tells a whole line from one that the kill cut.
        writeln!(std::io::stdout().lock(), "{number}.").expect("the acknowledgement is written");
    }
}

fn revealed(number: u32) -> Report {
    Report {
        id: id(number),
        node: id(number % 7),
        fisher: [1; 20],
        rental: id(!number),
        resource: 1,
        epoch: 1,
        due: 1,
        bundle: Some(id(number)),
        slot: None,
        signed: number.to_le_bytes().to_vec(),
        entry: vec![9; 40],
    }
}

/// Everything acknowledged is there, once, and the log is whole.
async fn check(directory: &Path, acknowledged: &[u32]) {
    let store = Sqlite::open(directory).await.expect("the store opens after a kill");
    for number in acknowledged {
        let held = store.report(id(*number)).await.expect("reports are read");
        assert_eq!(held.map(|row| row.signed), Some(number.to_le_bytes().to_vec()), "report {number} is lost");
        let bundle = store.blob(Blob::Bundle, id(*number)).await.expect("bundles are read");
        assert_eq!(bundle, Some(number.to_le_bytes().to_vec()), "bundle of {number} is lost");
    }
    if let Some(last) = acknowledged.last() {
        let again = store.accept_report(revealed(*last)).await.expect("a replay is answered");
        assert!(matches!(again, Accepted::Duplicate { .. }), "report {last} was held twice");
    }
    let mut frontier = Frontier::new();
    loop {
        let entries = store.log_entries(frontier.size(), 10_000).await.expect("the log is read");
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            assert_eq!(entry.index, frontier.size(), "the log has a gap");
            frontier.append(leaf_hash(&entry.bytes));
        }
    }
    let head = store.log_head().await.expect("the log's head is read");
    assert_eq!(head, (frontier.size(), frontier.root()), "the log's root is not that of its entries");
}
