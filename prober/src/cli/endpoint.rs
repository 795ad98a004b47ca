//! `gpux-prober endpoint`: answers `check --network` from elsewhere, so that the way between two machines is measured. It
//! speaks to everybody, keeps nothing and ends when it is interrupted.
use super::output;
use crate::net;
use anyhow::Context as _;
use clap::Args;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// Where to listen.
#[derive(Debug, Args)]
pub(super) struct Endpoint {
    /// The address; port 0 takes a free one, and is printed. On a public address anybody can use this machine's bandwidth.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    listen: String,
}

/// Runs the command.
pub(super) async fn run(arguments: Endpoint, stop: CancellationToken) -> anyhow::Result<ExitCode> {
    let bound = net::Endpoint::bind(&arguments.listen).await;
    let endpoint = bound.with_context(|| format!("cannot listen on {}", arguments.listen))?;
    output::text(&format!("listening on {}\n", endpoint.address()));
    endpoint.serve(stop).await;
    Ok(ExitCode::SUCCESS)
}
