//! `gpux-oracle`: parses, installs telemetry, runs, and says by its exit code how it went.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use gpux_contracts::Deployment;
use gpux_kernels::plan::Market;
use gpux_oracle::{
    arbitrate,
    cli::{Cli, Command, Serve, VerifyEvidence},
    config::Config,
    output, releases, serve, telemetry,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// The command line is wrong (sysexits EX_USAGE).
const USAGE: u8 = 64;
/// The evidence convicts.
const CONVICTS: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed stdout is no reason to fail at printing the help.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    run(cli).unwrap_or_else(|error| {
        tracing::error!("{error:#}");
        ExitCode::FAILURE
    })
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    telemetry::install(cli.log_format, &cli.log).context("--log is no filter")?;
    match cli.command {
        Command::Serve(flags) => serve_market(flags),
        Command::VerifyEvidence(flags) => verify_evidence(&flags),
    }
}

fn serve_market(flags: Serve) -> anyhow::Result<ExitCode> {
    let dump = flags.dump_config;
    let config = Config::load(flags)?;
    if dump {
        output::config(&config)?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let started = Instant::now();
        serve::run(options(config), stopped()?, |address, admin| {
            output::listening(address, started.elapsed());
            output::admin(admin);
        })
        .await
        .context("the oracle stopped")
    })?;
    Ok(ExitCode::SUCCESS)
}

fn options(config: Config) -> serve::Options {
    serve::Options {
        data: config.data,
        rpc: config.rpc,
        deployment: config.deployment,
        operator_key_file: config.operator_key_file,
        operator_password_file: config.operator_password_file,
        listen: config.listen,
        admin_listen: config.admin_listen,
        releases: config.release,
        development: config.development,
    }
}

/// A token that SIGINT or SIGTERM cancels; a second signal ends the process at once.
fn stopped() -> anyhow::Result<CancellationToken> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.is_cancelled() {
                std::process::exit(1);
            }
            tracing::info!("stopping; a second signal ends at once");
            stop.cancel();
        }
    });
    Ok(token)
}

fn verify_evidence(flags: &VerifyEvidence) -> anyhow::Result<ExitCode> {
    let market = if flags.development { Market::Development } else { Market::Production };
    let deployment = flags.deployment.as_deref().map(Deployment::read).transpose()?;
    let releases = releases::read(&releases::given(flags.release.clone(), None))?;
    let report = arbitrate::verify(&flags.file, market, deployment.as_ref(), releases)?;
    if flags.json {
        output::examination_json(&report)?;
    } else {
        output::examination(&report);
    }
    Ok(if report.convicts { ExitCode::from(CONVICTS) } else { ExitCode::SUCCESS })
}
