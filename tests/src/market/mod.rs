//! The development market: a chain, an oracle, nodes, relays and fishers as real programs on this machine.
//!
//! [`Market::start`] brings them up in the order in which they need each other, [`watch`] waits for what they find out,
//! [`findings`] compares it with the [`cast`]. Everything that is written lies in one data folder, every process ends
//! with [`Market::stop`] or with the value. All periods are development parameters.

pub mod cases;
pub mod cast;
pub mod evidence;
pub mod findings;
mod launch;
pub mod payout;
pub mod progress;
pub mod replica;
pub mod seal;
pub mod show;
pub mod usage;
pub mod wages;
pub mod watch;

use crate::{
    process::Process,
    stage::{RunningOracle, Stage},
};
use alloy::primitives::Address;
use anyhow::bail;
use cast::Role;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// How long a fisher may take to stop its rentals: two transactions on a chain of one block a second.
const FISHER_GRACE: Duration = Duration::from_secs(15);
const GRACE: Duration = Duration::from_secs(5);

/// How a market is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything is kept.
    pub folder: PathBuf,
    /// Which nodes play.
    pub cast: &'static [Role],
    /// How many fishers.
    pub fishers: usize,
    /// How many of them lie.
    pub liars: usize,
    /// How many sessions each has at once.
    pub parallel: usize,
    /// How many relays carry them, each of another owner; without any, fishers go to nodes directly.
    pub relays: usize,
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    /// What it plays.
    pub role: &'static Role,
    /// Its public key, 0x and 64 digits.
    pub id: String,
    /// Where it answers.
    pub url: String,
    process: Process,
}

/// A running fisher.
#[derive(Debug)]
pub struct Fisher {
    /// Its name in the market.
    pub name: String,
    /// His account.
    pub address: Address,
    /// Whether he lies.
    pub lies: bool,
    process: Process,
}

/// A running market.
#[derive(Debug)]
pub struct Market {
    /// The ground: folder, programs, chain.
    pub stage: Stage,
    /// The oracle.
    pub oracle: RunningOracle,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The fishers.
    pub fishers: Vec<Fisher>,
    /// When the market began to start.
    pub started: Instant,
    relays: Vec<Process>,
}

impl Market {
    /// Starts everything, telling `say` what comes next.
    pub async fn start(options: &Options, say: impl FnMut(String)) -> anyhow::Result<Self> {
        launch::market(options, say).await
    }

    /// Fails when a program has ended that nobody asked to end.
    pub fn check_alive(&mut self) -> anyhow::Result<()> {
        let nodes = self.nodes.iter_mut().map(|node| &mut node.process);
        let fishers = self.fishers.iter_mut().map(|fisher| &mut fisher.process);
        for process in nodes.chain(&mut self.relays).chain(fishers).chain([&mut self.oracle.process]) {
            if let Some(status) = process.ended()? {
                bail!("{} ended unexpectedly ({status})\n{}", process.name(), process.tail());
            }
        }
        Ok(())
    }

    /// Ends the fishers: each stops its rentals and takes the rest back before it goes.
    pub async fn stop_fishers(&mut self) {
        end(std::mem::take(&mut self.fishers).into_iter().map(|fisher| fisher.process), FISHER_GRACE).await;
    }

    /// Ends everything: fishers while nodes, oracle and chain still answer them, then those.
    pub async fn stop(mut self) {
        self.stop_fishers().await;
        end(self.relays, GRACE).await;
        end(self.nodes.into_iter().map(|node| node.process), GRACE).await;
        end([self.oracle.process], GRACE).await;
        drop(self.stage);
    }
}

/// Asks all at once, then waits for each.
async fn end(processes: impl IntoIterator<Item = Process>, grace: Duration) {
    let mut processes: Vec<Process> = processes.into_iter().collect();
    processes.iter().for_each(Process::ask_to_end);
    let deadline = Instant::now() + grace;
    for process in &mut processes {
        process.finish(deadline.saturating_duration_since(Instant::now())).await;
    }
}
