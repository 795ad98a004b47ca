//! `gpux-oracle`: parses, installs telemetry, runs, and says by its exit code how it went.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use gpux_contracts::{Deployment, keys};
use gpux_kernels::plan::Market;
use gpux_oracle::{
    api, arbitrate,
    cli::{Attest, Cli, Command, Countersign, Explain, ExplainError, Replay, Serve, VerifyEvidence},
    config::Config,
    countersign, deploy, errors,
    ingest::Clock,
    output, releases, replay,
    score::{NodeId, Parameters},
    serve, telemetry,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// The command line is wrong (sysexits EX_USAGE).
const USAGE: u8 = 64;
/// A check found something: the evidence convicts, or the replay differs.
const FOUND: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed stdout is no reason to fail at printing the help.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    // A service's last line belongs to its log; whoever waits for a command's answer reads a sentence.
    let serves = matches!(cli.command, Command::Serve(_) | Command::Countersign(_));
    run(cli).unwrap_or_else(|error| {
        if serves {
            tracing::error!("{error:#}");
        } else {
            output::failed(&error);
        }
        ExitCode::FAILURE
    })
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    telemetry::install(cli.log_format, &cli.log_filter).context("--log-filter is no filter")?;
    match cli.command {
        Command::Serve(flags) => serve_market(flags),
        Command::VerifyEvidence(flags) => verify_evidence(&flags),
        Command::Attest(flags) => attest(flags),
        Command::Countersign(flags) => runtime()?.block_on(countersigned(flags)),
        Command::Replay(flags) => runtime()?.block_on(replay_epoch(&flags)),
        Command::Explain(flags) => runtime()?.block_on(explain(&flags)),
        Command::ExplainError(flags) => explain_error(&flags),
        Command::Deploy(step) => runtime()?.block_on(deploy::run(step)),
        Command::Case(case) => runtime()?.block_on(async { arbitrate::case(case, stopped()?).await }),
    }
}

fn serve_market(flags: Serve) -> anyhow::Result<ExitCode> {
    let dump = flags.dump_config;
    let config = Config::load(flags)?;
    if dump {
        output::config(&config)?;
        return Ok(ExitCode::SUCCESS);
    }
    runtime()?.block_on(async {
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

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
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
        limits: api::Limits { reads_per_second: config.reads_per_second, writes_per_second: config.writes_per_second },
        key_writes_per_second: config.key_writes_per_second,
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
    Ok(if report.convicts { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

fn attest(flags: Attest) -> anyhow::Result<ExitCode> {
    let deployment = Deployment::read(&flags.deployment)?;
    let key = keys::wallet(&flags.operator_key_file, flags.operator_password_file.as_deref())?;
    let releases = releases::read(&releases::given(flags.release, None))?;
    let bundle = match (&flags.file, &flags.bundle, &flags.oracle) {
        (Some(file), ..) => arbitrate::read(file)?,
        (None, Some(bundle), Some(oracle)) => {
            let digest = gpux_proto::bytes::from_hex("bundle", bundle)?;
            runtime()?.block_on(arbitrate::fetch(oracle, digest, &key, &deployment, Clock::system().now()))?
        }
        _ => anyhow::bail!("neither a file nor a bundle's digest and an oracle are given"),
    };
    match arbitrate::attest(&bundle, &deployment, &key, releases)? {
        Ok(signature) => {
            output::text(&format!("{signature}\n"));
            Ok(ExitCode::SUCCESS)
        }
        Err(report) => {
            output::examination(&report);
            Ok(ExitCode::from(FOUND))
        }
    }
}

async fn countersigned(flags: Countersign) -> anyhow::Result<ExitCode> {
    let Countersign { of, data, rpc, deployment, operator_key_file, operator_password_file, once } = flags;
    let options = countersign::Options { of, data, rpc, deployment, operator_key_file, operator_password_file, once };
    Ok(match countersign::run(options, stopped()?).await? {
        countersign::Ended::Well => ExitCode::SUCCESS,
        countersign::Ended::Refused => ExitCode::from(FOUND),
    })
}

fn parameters(development: bool) -> Parameters {
    if development { Parameters::development() } else { Parameters::production() }
}

async fn replay_epoch(flags: &Replay) -> anyhow::Result<ExitCode> {
    let is_url = |place: &str| place.starts_with("http://") || place.starts_with("https://");
    let oracle = flags
        .against
        .as_deref()
        .filter(|place| is_url(place))
        .or(Some(&flags.log).filter(|log| is_url(log)).map(String::as_str));
    let mut authority = match (&flags.rpc, oracle) {
        (Some(rpc), _) => {
            let path = flags.deployment.as_deref().context("--rpc needs --deployment")?;
            replay::Authority::chain(rpc, Deployment::read(path)?)?
        }
        (None, Some(url)) => replay::Authority::oracle(url).await?,
        (None, None) => anyhow::bail!("nobody says what was published: give --rpc and --deployment, or --against URL"),
    };
    let replay = replay::Replay {
        log: &flags.log,
        against: flags.against.as_deref(),
        epoch: flags.epoch,
        parameters: parameters(flags.development),
        save: flags.save.as_deref(),
    };
    let outcome = replay.run(&mut authority).await?;
    if flags.json {
        output::replay_json(&outcome, authority.name())?;
    } else {
        output::replay(&outcome, authority.name());
    }
    Ok(if matches!(outcome, replay::Outcome::Equal(_)) { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

async fn explain(flags: &Explain) -> anyhow::Result<ExitCode> {
    let digits = flags.node.strip_prefix("nodes/").unwrap_or(&flags.node);
    let node = NodeId(gpux_proto::bytes::from_hex("node", digits)?);
    let history = replay::explain(&flags.log, parameters(flags.development), node, flags.epoch).await?;
    let history = history.with_context(|| format!("no probe of node {} was folded", flags.node))?;
    output::explanation(&history);
    Ok(ExitCode::SUCCESS)
}

fn explain_error(flags: &ExplainError) -> anyhow::Result<ExitCode> {
    let found = errors::explain(&flags.code);
    anyhow::ensure!(!found.is_empty(), "no error has the code {:?}; docs/errors.md lists them all", flags.code);
    output::explained_error(&found);
    Ok(ExitCode::SUCCESS)
}
