//! The one writer: group commit.
//!
//! Owns the writing connection and the log's frontier. It takes every request that waits, runs them in one transaction and
//! answers each after the commit, so that a thousand fishers pay for one sync. A request that is refused leaves nothing
//! (its savepoint is undone); if the backend fails, the whole batch is undone and every caller hears of it.

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Sqlite as Backend, Transaction};
use tokio::sync::{mpsc, oneshot};

use super::super::records::*;
use super::super::{Error, Result};
use super::{Sqlite, accept, audits, chain, epochs, log, registry, row::unavailable, signatures};
use crate::log::Frontier;

/// Requests of one transaction: enough to share a sync, few enough to answer soon.
const BATCH: usize = 512;

/// What to write.
#[derive(Debug)]
pub(super) enum Write {
    Claim(Vec<u8>),
    Node(Node),
    Fisher(Fisher),
    Relay(Relay),
    Stamps(Stamps),
    Commit(Commit),
    Report(Report),
    Append { entries: Vec<Vec<u8>>, settled: Settled },
    SaveEpoch { epoch: Epoch, changes: EpochChanges },
    AdvanceEpoch { epoch: u64, from: EpochState, to: EpochState, data: Vec<u8> },
    Countersign(Countersignature),
    ChooseSignatures { epoch: u64, signatures: Vec<u8> },
    Block(BlockFacts),
    RollBack(u64),
    Finalise(u64),
}

/// What a write came to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Done {
    Nothing,
    Accepted(Accepted),
    Appended(Appended),
}

impl Done {
    pub(super) fn nothing(self) -> Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Accepted(_) | Self::Appended(_) => Err(Error::Unavailable("answers")),
        }
    }

    pub(super) fn accepted(self) -> Result<Accepted> {
        match self {
            Self::Accepted(accepted) => Ok(accepted),
            Self::Nothing | Self::Appended(_) => Err(Error::Unavailable("answers")),
        }
    }

    pub(super) fn appended(self) -> Result<Appended> {
        match self {
            Self::Appended(appended) => Ok(appended),
            Self::Nothing | Self::Accepted(_) => Err(Error::Unavailable("answers")),
        }
    }
}

/// A write and whom to tell.
#[derive(Debug)]
pub(super) struct Request {
    write: Write,
    reply: oneshot::Sender<Result<Done>>,
}

impl Sqlite {
    /// Hands a write to the writer and waits until it is durable.
    pub(super) async fn write(&self, write: Write) -> Result<Done> {
        let (reply, done) = oneshot::channel();
        self.writes.send(Request { write, reply }).await.map_err(|_| Error::Unavailable("stops"))?;
        done.await.map_err(|_| Error::Unavailable("stops"))?
    }
}

/// The task that writes.
#[derive(Debug)]
pub(super) struct Writer {
    connection: SqliteConnection,
    frontier: Frontier,
}

/// Requests with what they came to; told after the commit.
type Answers = Vec<(oneshot::Sender<Result<Done>>, Result<Done>)>;

impl Writer {
    /// Starts from what is stored.
    pub(super) async fn open(mut connection: SqliteConnection) -> Result<Self> {
        let frontier = log::frontier(&mut connection).await?;
        Ok(Self { connection, frontier })
    }

    /// Writes until nobody can ask for more.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut batch = Vec::with_capacity(BATCH);
        while requests.recv_many(&mut batch, BATCH).await > 0 {
            // The callers of the batch before are just waking up; letting them in costs less than a sync of their own.
            let mut waiting = 0;
            while waiting < batch.len() && batch.len() < BATCH {
                waiting = batch.len();
                tokio::task::yield_now().await;
                while batch.len() < BATCH
                    && let Ok(request) = requests.try_recv()
                {
                    batch.push(request);
                }
            }
            let (writes, replies): (Vec<_>, Vec<_>) = batch.drain(..).map(|r| (r.write, r.reply)).unzip();
            let before = self.frontier.clone();
            match self.commit(writes, replies).await {
                Ok(answers) => {
                    for (reply, answer) in answers {
                        // A caller that went away does not mind.
                        let _ = reply.send(answer);
                    }
                }
                Err(error) => {
                    // Dropping the replies tells every caller that the store is unavailable.
                    tracing::error!(%error, "batch undone");
                    self.frontier = log::frontier(&mut self.connection).await.unwrap_or(before);
                }
            }
        }
    }

    /// Runs a batch in one transaction.
    async fn commit(&mut self, writes: Vec<Write>, replies: Vec<oneshot::Sender<Result<Done>>>) -> Result<Answers> {
        let mut transaction =
            self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(unavailable("begins a transaction"))?;
        let (mut commits, mut reports, mut others) = (vec![], vec![], vec![]);
        for (write, reply) in writes.into_iter().zip(replies) {
            match write {
                Write::Commit(commit) => commits.push((commit, reply)),
                Write::Report(report) => reports.push((report, reply)),
                other => others.push((other, reply)),
            }
        }
        let mut answers = Vec::new();
        let (commits, replies): (Vec<_>, Vec<_>) = commits.into_iter().unzip();
        let done = accept::commits(&mut transaction, &mut self.frontier, commits).await?;
        answers.extend(replies.into_iter().zip(done.into_iter().map(|accepted| accepted.map(Done::Accepted))));
        let (reports, replies): (Vec<_>, Vec<_>) = reports.into_iter().unzip();
        let done = accept::reports(&mut transaction, &mut self.frontier, reports).await?;
        answers.extend(replies.into_iter().zip(done.into_iter().map(|accepted| accepted.map(Done::Accepted))));
        for (write, reply) in others {
            let done = alone(&mut transaction, &mut self.frontier, write).await?;
            answers.push((reply, done));
        }
        transaction.commit().await.map_err(unavailable("commits"))?;
        Ok(answers)
    }
}

/// Runs one write inside a savepoint. The outer error undoes the batch, the inner one only this write.
async fn alone(
    transaction: &mut Transaction<'_, Backend>,
    frontier: &mut Frontier,
    write: Write,
) -> Result<Result<Done>> {
    let before = frontier.clone();
    let mut savepoint = transaction.begin().await.map_err(unavailable("sets a savepoint"))?;
    match perform(&mut savepoint, frontier, write).await {
        Ok(done) => {
            savepoint.commit().await.map_err(unavailable("releases a savepoint"))?;
            Ok(Ok(done))
        }
        Err(error @ (Error::Unavailable(_) | Error::Damaged(_))) => Err(error),
        Err(refusal) => {
            savepoint.rollback().await.map_err(unavailable("undoes a savepoint"))?;
            *frontier = before;
            Ok(Err(refusal))
        }
    }
}

async fn perform(connection: &mut SqliteConnection, frontier: &mut Frontier, write: Write) -> Result<Done> {
    match write {
        Write::Claim(market) => registry::claim(connection, &market).await.map(|()| Done::Nothing),
        Write::Node(node) => registry::announce_node(connection, frontier, node).await.map(Done::Accepted),
        Write::Fisher(fisher) => registry::register_fisher(connection, frontier, fisher).await.map(Done::Accepted),
        Write::Relay(relay) => registry::register_relay(connection, frontier, relay).await.map(Done::Accepted),
        Write::Stamps(stamps) => audits::accept_stamps(connection, stamps).await.map(|()| Done::Nothing),
        Write::Append { entries, settled } => {
            audits::settle(connection, settled).await?;
            log::append(connection, frontier, entries).await.map(Done::Appended)
        }
        Write::SaveEpoch { epoch, changes } => epochs::save(connection, epoch, changes).await.map(|()| Done::Nothing),
        Write::AdvanceEpoch { epoch, from, to, data } => {
            epochs::advance(connection, epoch, (from, to), data).await.map(|()| Done::Nothing)
        }
        Write::Countersign(signature) => signatures::hold(connection, signature).await.map(|()| Done::Nothing),
        Write::ChooseSignatures { epoch, signatures } => {
            signatures::choose(connection, epoch, signatures).await.map(|()| Done::Nothing)
        }
        Write::Block(facts) => chain::apply(connection, facts).await.map(|()| Done::Nothing),
        Write::RollBack(number) => chain::roll_back(connection, number).await.map(|()| Done::Nothing),
        Write::Finalise(number) => chain::finalise(connection, frontier, number).await.map(Done::Appended),
        // These two never come alone.
        Write::Commit(commit) => one(accept::commits(connection, frontier, vec![commit]).await?),
        Write::Report(report) => one(accept::reports(connection, frontier, vec![report]).await?),
    }
}

fn one(accepted: Vec<Result<Accepted>>) -> Result<Done> {
    accepted.into_iter().next().unwrap_or(Err(Error::Unavailable("answers"))).map(Done::Accepted)
}
