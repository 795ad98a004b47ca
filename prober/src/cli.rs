//! The command line of `gpux-prober`: what may be asked, and the exit codes (0 ok, 1 failed, 2 `check` found problems, 64
//! usage). Everything is parsed and opened before the first transaction; secrets come from files only.
mod calibrate;
mod case;
mod check;
mod doctor;
mod earnings;
mod endpoint;
mod output;
mod relay;
mod rewards;
mod route;
mod run;
mod setup;
mod table;
mod wallet;

use crate::lie::Lie;
use clap::{Args, Parser, Subcommand};
use gpux_proto::bytes;
use std::{path::PathBuf, process::ExitCode};
use tokio_util::sync::CancellationToken;
use tonic::transport::Uri;
use tracing_subscriber::EnvFilter;
use wallet::Wallet;

/// Rents nodes, probes them, and reports what they really are.
#[derive(Debug, Parser)]
#[command(name = "gpux-prober", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Probes the nodes that it is assigned and reports to an oracle.
    Run(Run),
    /// Probes this machine, or every claim of one node, and prints a table; no report.
    Check(Box<check::Check>),
    /// Measures this machine's devices for a calibration file, or merges such files.
    Calibrate(calibrate::Calibrate),
    /// Says what is missing on this machine and around it, and what to do.
    Doctor(Box<doctor::Doctor>),
    /// Answers the network part of `check --network` on another machine.
    Endpoint(endpoint::Endpoint),
    /// Carries other owners' sessions to nodes and stamps their times.
    Relay(Box<relay::Relay>),
    /// Claims what the fisher has earned.
    #[command(subcommand)]
    Rewards(rewards::Rewards),
    /// Accuses a node, and takes a filer's later steps.
    #[command(subcommand)]
    Case(case::Case),
    /// Shows what probes cost and what they brought.
    Earnings(earnings::Earnings),
    /// Takes money back from throw-away accounts that a crash left behind.
    Sweep(Sweep),
}

#[derive(Debug, Args)]
struct Run {
    /// Where keys, accounts and undelivered reports are kept.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    wallet: Wallet,
    /// The oracle.
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    oracle: Uri,
    /// The worker, gpux-job.
    #[arg(long, value_name = "PATH")]
    job: PathBuf,
    /// Sessions to run; 0 goes on until it is interrupted.
    #[arg(long, value_name = "N", default_value_t = 0)]
    sessions: u64,
    /// Sessions at the same time.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    parallel: u32,
    /// A lock that sessions of one machine share, so that probes of the machine itself are timed alone.
    #[arg(long, value_name = "FILE")]
    machine_lock: Option<PathBuf>,
    /// Only these nodes, chosen by oneself: such reports carry no weight.
    #[arg(long, value_name = "HEX", value_parser = node)]
    node: Vec<[u8; 32]>,
    /// Repeats the choices of an earlier run with the same --node.
    #[arg(long, value_name = "N", requires = "node")]
    seed: Option<u64>,
    /// Goes to nodes directly: they see this machine's address, and such sessions carry no weight.
    #[arg(long)]
    direct: bool,
    /// One JSON object a session.
    #[arg(long)]
    json: bool,
    /// Accepts a deployment with development parameters.
    #[arg(long)]
    development: bool,
    /// Lies (development markets only).
    #[arg(long, requires = "development")]
    lie: Option<Lie>,
}

#[derive(Debug, Args)]
struct Sweep {
    /// The data directory of the run that crashed.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    wallet: Wallet,
}

fn endpoint(text: &str) -> Result<Uri, String> {
    crate::offered::endpoint(text).map_err(|e| e.to_string())
}

fn node(text: &str) -> Result<[u8; 32], String> {
    bytes::from_hex("node", text).map_err(|e| e.to_string())
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing can be done about a closed terminal.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,gpux_prober=info"));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::failed(&error.into()),
    };
    let stop = CancellationToken::new();
    let result = runtime.block_on(async {
        tokio::spawn(signals(stop.clone()));
        match cli.command {
            Command::Run(arguments) => run::run(arguments, stop).await,
            Command::Check(arguments) => check::run(*arguments, stop).await,
            Command::Calibrate(arguments) => calibrate::run(arguments, stop).await,
            Command::Doctor(arguments) => doctor::run(*arguments, stop).await,
            Command::Endpoint(arguments) => endpoint::run(arguments, stop).await,
            Command::Relay(arguments) => relay::run(*arguments, stop).await,
            Command::Rewards(arguments) => rewards::run(arguments).await,
            Command::Case(command) => case::run(command).await,
            Command::Earnings(arguments) => earnings::run(arguments).await,
            Command::Sweep(arguments) => sweep(arguments).await,
        }
    });
    result.unwrap_or_else(|error| output::failed(&error))
}

async fn sweep(arguments: Sweep) -> anyhow::Result<ExitCode> {
    let purse = setup::purse(&arguments.wallet, &arguments.data, 1).await?;
    let (empty, left) = purse.sweep().await?;
    output::swept(empty, left);
    Ok(ExitCode::from(u8::from(left > 0)))
}

/// The first signal ends the program in order, money back included; the second ends it now.
async fn signals(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    for last in [false, true] {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if last {
            // What is on throw-away accounts stands in the journal.
            std::process::exit(1);
        }
        stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_checks_its_values() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
        let base = ["gpux-prober", "sweep", "--data", "d", "--deployment", "f", "--key-file", "k", "--rpc"];
        let parse = |rpc: &'static str| Cli::try_parse_from(base.into_iter().chain([rpc]));
        assert!(parse("http://127.0.0.1:8545").is_ok());
        for bad in ["file:///etc/passwd", "localhost", "http://", ""] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(node("0x12").is_err() && endpoint("ftp://x").is_err() && endpoint("http://h:1").is_ok());
    }
}
