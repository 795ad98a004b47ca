//! `gpux-market`: the development market behind `make demo`. Exit codes: 0 all was found, 1 failed, 2 an expected finding
//! is missing or a budget does not hold, 64 usage.

use anyhow::Context as _;
use clap::Parser;
use gpux_tests::{
    binaries::Binaries,
    figures,
    market::{
        Market, Options, cases, cast::CAST, evidence, findings, payout, progress::Progress, seal, show, usage, wages,
        watch,
    },
    output,
};
use std::{path::PathBuf, process::ExitCode, time::Duration};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Starts a whole market on this machine with development parameters: a chain, an oracle, honest and cheating nodes
/// (simulated, and this machine itself), relays, and fishers who find out which is which.
#[derive(Debug, Parser)]
#[command(name = "gpux-market", version)]
struct Arguments {
    /// Stop once every node has the verdict that it deserves, and every fisher the weight.
    #[arg(long)]
    once: bool,
    /// How many fishers probe.
    #[arg(long, default_value_t = 5)]
    fishers: usize,
    /// How many of them lie.
    #[arg(long, default_value_t = 1)]
    liars: usize,
    /// How many sessions each fisher has at once.
    #[arg(long, default_value_t = 2)]
    parallel: usize,
    /// How many relays carry their sessions, each of another owner; 0 lets them go to nodes directly.
    #[arg(long, default_value_t = 5)]
    relays: usize,
    /// Keep everything in this folder, which must be empty; a temporary one is made, and removed at the end, without.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Keep the temporary folder.
    #[arg(long)]
    keep: bool,
    /// Give up waiting for verdicts after so many seconds.
    #[arg(long, default_value_t = 900)]
    limit_seconds: u64,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; everything else is wrong usage (sysexits: 64).
            let code = if error.use_stderr() { 64 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(run(&arguments)) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    output::problem(format!("gpux-market: {error:#}"));
    ExitCode::FAILURE
}

async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (folder, temporary) = data_folder(arguments)?;
    let mut ends = Ends::new()?;
    let mut progress = Progress::new();
    let Arguments { fishers, parallel, relays, .. } = *arguments;
    let liars = arguments.liars.min(fishers);
    let options = Options { folder, cast: CAST, fishers, liars, parallel, relays };
    let mut market = tokio::select! {
        market = Market::start(&options, |text| progress.stage(&text)) => market?,
        () = ends.asked() => return Ok(stopped(&progress)),
    };
    let code = tokio::select! {
        code = watch_and_show(&mut market, arguments, &mut progress) => code,
        () = ends.asked() => Ok(stopped(&progress)),
    };
    progress.clear();
    tokio::select! {
        () = market.stop() => {}
        () = ends.asked() => {}
    }
    if let Some(temporary) = temporary {
        temporary.close().context("cannot remove the data folder")?;
    }
    code
}

/// What a shell expects of a program that was interrupted: 128 + SIGINT.
fn stopped(progress: &Progress) -> ExitCode {
    progress.clear();
    output::line("stopping");
    ExitCode::from(130)
}

async fn watch_and_show(
    market: &mut Market,
    arguments: &Arguments,
    progress: &mut Progress,
) -> anyhow::Result<ExitCode> {
    let limit = Duration::from_secs(arguments.limit_seconds);
    let known = watch::until_judged(market, limit, |text| progress.tell(text)).await?;
    progress.stage("checking evidence offline, scores on chain, and wages");
    let mut found = findings::judge(&market.nodes, &known);
    found.extend(findings::verdicts(market, &known));
    found.extend(evidence::check(market, &known).await?);
    found.push(seal::check(market).await?);
    found.extend(wages::check(market).await?);
    found.extend(payout::check(market).await?);
    progress.stage("playing four cases: three are heard, one is not");
    found.extend(cases::check(market).await?);
    found.extend(usage::check(market).await?);
    let figures = show::figures(market, &known, &found);
    progress.clear();
    output::blank();
    show::nodes(market, &known);
    show::findings(&found);
    figures::print(&figures);
    let file = figures::path(Binaries::beside_this_program()?.target(), "demo");
    figures::write(&file, &figures)?;
    let good = figures::all_hold(&figures);
    if arguments.once {
        output::line("This market has ended. `make demo` keeps one running, with its API to try.");
    } else {
        show::next(market, &known);
        output::line("The market goes on; Ctrl-C ends it.");
        loop {
            market.check_alive()?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// The folder, and the temporary one that is to be removed.
fn data_folder(arguments: &Arguments) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
    if let Some(folder) = &arguments.data {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let empty = std::fs::read_dir(folder)?.next().is_none();
        anyhow::ensure!(empty, "{} is not empty: each market needs a folder of its own", folder.display());
        return Ok((folder.canonicalize()?, None));
    }
    let temporary = tempfile::Builder::new().prefix("gpux-market-").tempdir()?;
    if arguments.keep {
        let folder = temporary.keep();
        output::line(format!("data is kept in {}", folder.display()));
        return Ok((folder, None));
    }
    Ok((temporary.path().to_owned(), Some(temporary)))
}

/// The signals that end a market.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
}

impl Ends {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
