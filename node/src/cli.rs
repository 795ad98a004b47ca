//! The command line: what can be asked for, and nothing else. No secret is ever a flag; keys are files.
pub mod output;

use crate::{cheat::Cheat, sandbox::Choice};
use alloy::primitives::Address;
use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// The reference provider agent of GPUX.
#[derive(Debug, Parser)]
#[command(name = "gpux-node", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Offers this machine and runs paid rentals until it is stopped.
    Run(Box<Run>),
    /// Signs that a node is one of an organisation's and writes the membership to standard output.
    SignMembership(SignMembership),
    /// Looks at cases against this provider, and takes his steps.
    #[command(subcommand)]
    Case(Case),
    /// Shows what this provider's rentals earned, and takes it.
    #[command(subcommand)]
    Earnings(Earnings),
}

/// What a provider does with what he earned.
#[derive(Debug, Subcommand)]
pub enum Earnings {
    /// Shows what is inside its hold, what can be collected, and what can be withdrawn.
    Show(Income),
    /// Moves what is past its hold to the provider's credit, less a levy.
    Collect(Income),
    /// Pays the whole credit out.
    Withdraw(Withdraw),
}

/// Whose earnings.
#[derive(Debug, Args)]
pub struct Income {
    /// An oracle that serves the nodes' leaves: with an honest one the short hold is enough.
    #[arg(long, value_name = "URL")]
    pub oracle: Option<String>,
    /// The provider.
    #[command(flatten)]
    pub party: Party,
}

/// A payment.
#[derive(Debug, Args)]
pub struct Withdraw {
    /// Who is paid [default: the provider].
    #[arg(long, value_name = "ADDRESS")]
    pub to: Option<Address>,
    /// The provider.
    #[command(flatten)]
    pub party: Party,
}

/// Whose levy ends.
#[derive(Debug, Args)]
pub struct LiftLevy {
    /// The node's key.
    #[arg(long, value_name = "HEX")]
    pub node: String,
    /// An oracle that serves the node's leaf; Court checks its proof.
    #[arg(long, value_name = "URL")]
    pub oracle: String,
    /// Who sends: anybody may.
    #[command(flatten)]
    pub party: Party,
}

/// What a provider does about cases.
#[derive(Debug, Subcommand)]
pub enum Case {
    /// Lists cases against this provider, the newest first.
    List(Party),
    /// Fetches the bundle of the session that a proof or bare case is about, although it is sealed.
    Bundle(Bundle),
    /// Answers a case by the digest of a statement, once, while the window for it is open.
    Answer(Answer),
    /// Appeals a ruling, under a counter-bond of the provider's own stake in Bonds.
    Appeal(Step),
    /// Ends the levy of a convicted node, by a later leaf that calls it honest.
    LiftLevy(LiftLevy),
}

/// The provider, and where the chain is.
#[derive(Debug, Args)]
pub struct Party {
    /// The chain's JSON-RPC.
    #[arg(long, env = "GPUX_RPC", hide_env_values = true)]
    pub rpc: String,
    /// The deployment file of the contracts.
    #[arg(long)]
    pub deployment: PathBuf,
    /// The provider's key: a Web3 keystore or a file of 64 hexadecimal digits that nobody else can read.
    #[arg(long)]
    pub provider_key_file: PathBuf,
    /// The keystore's password.
    #[arg(long)]
    pub provider_password_file: Option<PathBuf>,
}

/// A step of a case.
#[derive(Debug, Args)]
pub struct Step {
    /// The case: "cases/0x…" or its id.
    pub case: String,
    /// Who acts.
    #[command(flatten)]
    pub party: Party,
}

/// What a case is about.
#[derive(Debug, Args)]
pub struct Bundle {
    /// Which case, and who asks.
    #[command(flatten)]
    pub step: Step,
    /// An oracle of this market.
    #[arg(long, value_name = "URL")]
    pub oracle: String,
    /// The file, which must not exist; `gpux-oracle verify-evidence` reads it.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
}

/// An answer.
#[derive(Debug, Args)]
pub struct Answer {
    /// Which case, and who answers.
    #[command(flatten)]
    pub step: Step,
    /// A file with the statement: its keccak-256 stands on chain, the file is shown to the arbiter.
    #[arg(long, value_name = "FILE")]
    pub statement: PathBuf,
}

/// How to run.
#[derive(Debug, Args)]
pub struct Run {
    /// Where the node's key and jobs' files lie.
    #[arg(long)]
    pub data: PathBuf,
    /// Who is paid, and where.
    #[command(flatten)]
    pub party: Party,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// The URI by which renters reach the node, if it is not the one that it listens on.
    #[arg(long)]
    pub endpoint: Option<String>,
    /// An oracle to be announced to.
    #[arg(long)]
    pub oracle: Option<String>,
    /// Token units a second.
    #[arg(long, default_value_t = 1_000, value_parser = rate)]
    pub rate: u128,
    /// Simultaneous rentals, each with everything that is claimed.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub capacity: Option<u32>,
    /// Simulates a card of this model (development markets only).
    #[arg(long, value_name = "MODEL", requires = "development")]
    pub simulate: Option<String>,
    /// Claims a card of this model; the simulated one without it.
    #[arg(long, value_name = "MODEL", requires = "simulate")]
    pub claim: Option<String>,
    /// Cheats (development markets only).
    #[arg(long, requires = "simulate")]
    pub cheat: Option<Cheat>,
    /// Measures this machine's cores and memory and claims a third of what they reach.
    #[arg(long)]
    pub measure_self: bool,
    /// The organisation's membership of this node.
    #[arg(long, value_name = "FILE")]
    pub membership: Option<PathBuf>,
    /// Where jobs run.
    #[arg(long, value_enum, default_value = "auto")]
    pub sandbox: Choice,
    /// Serves a development market: simulated cards, and a sandbox that isolates nothing where bubblewrap does not work.
    #[arg(long)]
    pub development: bool,
}

/// What to sign.
#[derive(Debug, Args)]
pub struct SignMembership {
    /// The organisation's key.
    #[arg(long)]
    pub organisation_key_file: PathBuf,
    /// The node's public key.
    #[arg(long, value_name = "HEX")]
    pub node: String,
    /// For how long it holds.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(crate::identity::MEMBERSHIP_DAYS_MAX)))]
    pub days: u32,
}

/// A rate that the contract takes: a positive uint96. Zero is refused there, since evidence must cost money.
fn rate(text: &str) -> Result<u128, String> {
    text.parse::<u128>().ok().filter(|rate| (1..1 << 96).contains(rate)).ok_or_else(|| "not within 1..2^96".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lies_need_a_development_market_and_a_simulated_card() {
        let base = ["gpux-node", "run", "--data=d", "--rpc=r", "--deployment=f", "--provider-key-file=k"];
        let parse = |more: &[&str]| Cli::try_parse_from(base.iter().chain(more)).is_ok();
        assert!(parse(&[]));
        assert!(!parse(&["--simulate=X"]) && parse(&["--simulate=X", "--development"]));
        assert!(!parse(&["--cheat=stall", "--development"]) && !parse(&["--claim=Y", "--development"]));
        assert!(!parse(&["--rate=0"]) && !parse(&["--rate=79228162514264337593543950336"]));
    }
}
