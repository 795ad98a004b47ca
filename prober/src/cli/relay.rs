//! `gpux-prober relay`: carries other owners' sessions and stamps them, until it is interrupted. It pays nothing and needs no
//! chain: the owner's key signs the registration alone.
use super::{output, setup};
use crate::{
    relay::{self, Limits, Options, Registrar, Scope},
    report::Oracle,
};
use anyhow::{Context as _, bail};
use clap::Args;
use gpux_contracts::{Deployment, keys};
use gpux_proto::{bytes::to_hex, signing::SigningKey};
use std::{fs, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;
use tonic::transport::Uri;

/// What a relay needs.
#[derive(Debug, Args)]
pub(super) struct Relay {
    /// The address; port 0 takes a free one, and is printed.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    listen: String,
    /// Where fishers reach it; the address that it listens on, if nothing else is said.
    #[arg(long, value_name = "URL", value_parser = super::endpoint)]
    endpoint: Option<Uri>,
    /// The oracle that knows the nodes and takes the stamps.
    #[arg(long, value_name = "URL", value_parser = super::endpoint)]
    oracle: Uri,
    /// Where the relay's key and undelivered stamps are kept.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The deployment's record.
    #[arg(long, value_name = "FILE")]
    deployment: PathBuf,
    /// The owner's key: a Web3 keystore, or hexadecimal digits readable by the owner only. It signs the registration.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// The keystore's password.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Sessions at once.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    sessions: u16,
    /// Sessions of one node at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    sessions_per_node: u16,
    /// How long a session may last.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    session_seconds: u64,
    /// How many bytes of a session are carried, both ways together.
    #[arg(long, value_name = "N", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    session_bytes: u64,
    /// Accepts a deployment with development parameters, whose nodes may be on this machine.
    #[arg(long)]
    development: bool,
}

/// Runs the command.
pub(super) async fn run(arguments: Relay, stop: CancellationToken) -> anyhow::Result<ExitCode> {
    let deployment = Deployment::read(&arguments.deployment)?;
    setup::agrees(&deployment, arguments.development)?;
    let owner = keys::wallet(&arguments.key_file, arguments.password_file.as_deref())?;
    let data = arguments.data;
    fs::create_dir_all(&data).with_context(|| format!("data {}", data.display()))?;
    let key = SigningKey::from_bytes(&keys::ed25519_or_create(&data.join("relay.key"))?);
    let listener = TcpListener::bind(&arguments.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = listener.local_addr()?;
    let endpoint = match arguments.endpoint {
        Some(endpoint) => endpoint.to_string(),
        None if address.ip().is_unspecified() => bail!("{address} is no address that others reach: name --endpoint"),
        None => format!("http://{address}"),
    };
    let (relay, listed) = (key.verifying_key(), Arc::new(Notify::new()));
    let named = to_hex(&relay.to_bytes());
    let options = Options {
        key,
        oracle: Oracle::new(arguments.oracle),
        scope: if deployment.development { Scope::All } else { Scope::Public },
        registrar: Registrar { deployment, owner, relay, endpoint, listed: Arc::clone(&listed) },
        limits: Limits {
            sessions: arguments.sessions.into(),
            sessions_per_node: arguments.sessions_per_node.into(),
            length: Duration::from_secs(arguments.session_seconds),
            bytes: arguments.session_bytes,
            ..Limits::default()
        },
        data: data.clone(),
    };
    let relay = relay::Relay::new(options, stop.clone()).with_context(|| format!("data {}", data.display()))?;
    output::text(&format!("listening on http://{address} as relay {named}\n"));
    let told = async {
        listed.notified().await;
        output::text("listed by the oracle\n");
        std::future::pending::<()>().await;
    };
    tokio::select! {
        served = relay::serve(relay, listener, stop) => served?,
        () = told => {}
    }
    Ok(ExitCode::SUCCESS)
}
