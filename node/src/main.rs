//! `gpux-node`: parses, logs to standard error, runs, and says how it ended: 0 ok, 1 failed, 64 usage.
use anyhow::{Context as _, Result};
use clap::Parser as _;
use gpux_contracts::keys;
use gpux_node::{
    case,
    cli::{Cli, Command, SignMembership, output},
    earnings, identity, run,
};
use gpux_proto::{bytes::from_hex, signing::SigningKey};
use prost::Message as _;
use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

const USAGE: u8 = 64;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let usage = error.use_stderr();
            let _closed = error.print();
            return if usage { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(io::stderr).init();
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Run(arguments) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(async { run::run(*arguments, stopped()?).await })
        }
        Command::SignMembership(arguments) => sign_membership(&arguments),
        Command::Case(command) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(case::run(command))
        }
        Command::Earnings(command) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(earnings::run(command))
        }
    }
}

fn sign_membership(arguments: &SignMembership) -> Result<()> {
    let organisation = SigningKey::from_bytes(&keys::ed25519(&arguments.organisation_key_file)?);
    let signed = identity::sign_membership(&organisation, from_hex("--node", &arguments.node)?, arguments.days);
    output::file(&signed.encode_to_vec()).context("write the membership")
}

/// A token that SIGINT or SIGTERM cancels; a second signal ends the process at once.
fn stopped() -> Result<CancellationToken> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            if stop.is_cancelled() {
                std::process::exit(1);
            }
            tracing::info!("stopping");
            stop.cancel();
        }
    });
    Ok(token)
}
