//! Puts a node together and runs it until it is stopped.
//!
//! Owns the order: everything is read and checked before a port opens; the line on standard output comes after binding;
//! on a stop the sessions end first, which kills their jobs, then the connections.
use crate::{
    announce::keep_announced,
    case,
    chain::Contract,
    cheat::{Cheat, Cheating},
    cli::{Run, output},
    identity::{self, Claims, Identity, Price},
    measure,
    sandbox::{Limits, Sandbox},
    session::{Device, Node, Options, Timeouts},
    simulate::{Cards, Simulator},
};
use anyhow::{Context as _, Result, ensure};
use gpux_contracts::{Deployment, keys};
use gpux_kernels::{
    catalogue::{self, Model},
    device::paced::Behaviour,
    plan::Market,
};
use gpux_proto::{evidence::Gpu, node::node_service_server::NodeServiceServer, signing::SigningKey};
use std::{fs, os::unix::fs::DirBuilderExt as _, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::{
    Endpoint, Server,
    server::{Router, TcpIncoming},
};

/// The largest message that a renter may send: an upload piece is a quarter of it.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Streams of one connection; a renter needs one.
const STREAMS_MAX: u32 = 16;
const KEEPALIVE: Duration = Duration::from_secs(10);
/// For how long an offer is valid.
const OFFER_VALIDITY: Duration = Duration::from_secs(86_400);
/// How long sessions and connections may take to end after a stop.
const GRACE: Duration = Duration::from_secs(5);
/// Of the work, what the skipping card makes up; of the memory, what the smaller one holds.
const SKIPPED_SHARE: f64 = 0.5;
const HELD_SHARE: f64 = 0.5;
/// Rentals that one oversold card is sold to at the same time.
const OVERSOLD: u32 = 2;

/// Runs until `stop` is cancelled.
pub async fn run(arguments: Run, stop: CancellationToken) -> Result<()> {
    let deployment = Deployment::read(&arguments.party.deployment)?;
    let market = if arguments.development { Market::Development } else { Market::Production };
    ensure!(
        arguments.development || !deployment.development,
        "the deployment is a development market's; --development says that this is meant"
    );
    let rentals = Contract::connect(&arguments.party.rpc, &deployment).await?;
    let folder = prepare(&arguments)?;
    let key = SigningKey::from_bytes(&keys::ed25519_or_create(&arguments.data.join("node.key"))?);
    let sandbox = Sandbox::find(arguments.sandbox, arguments.development).await?;
    tracing::info!(sandbox = ?sandbox.kind(), "jobs run in this sandbox");
    if arguments.development {
        tracing::warn!("development parameters: nothing here has value");
    }
    let claims = claims(&arguments, market).await?;
    let host = claims.host.unwrap_or_default();
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    let (device, cheating) = device(&arguments)?;
    let listener = TcpListener::bind(arguments.listen).await.with_context(|| format!("bind {}", arguments.listen))?;
    let address = listener.local_addr()?;
    let endpoint = arguments.endpoint.clone().unwrap_or_else(|| format!("http://{address}"));
    let identity = Arc::new(identity(&arguments, &deployment, key, (endpoint, claims))?);
    let node = Node::new(
        Options {
            identity: identity.clone(),
            rentals,
            sandbox,
            limits: Limits::of_rental(threads.max(host.threads), host.ram_bytes),
            timeouts: Timeouts::of_market(arguments.development),
            folder,
            ledger: arguments.data.join("sessions"),
            device,
            cheating,
        },
        stop.clone(),
    )
    .context("open the file of sessions")?;
    let oracle = arguments.oracle.map(Endpoint::from_shared).transpose().context("the oracle's URL")?;
    output::listening(address, &identity.node());
    let duties = async {
        let announced = async {
            match oracle {
                Some(oracle) => keep_announced(&identity, oracle).await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(announced, identity.keep_fresh(), case::warn(&arguments.party))
    };
    tokio::select! {
        served = serve(node, listener, stop) => served,
        _ = duties => Ok(()),
    }
}

/// Serves a node on a listener until `stop`, and then waits until every session has ended.
pub async fn serve<R: crate::chain::Rentals>(
    node: Node<R>,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<()> {
    let sessions = node.sessions();
    // A frame is small and awaited: held back for a fuller packet it would cost a round trip of a timed window.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let served = router(node).serve_with_incoming_shutdown(incoming, stop.cancelled());
    // A renter that keeps its connection open must not keep the node from stopping.
    let cut = async {
        stop.cancelled().await;
        sessions.close();
        if tokio::time::timeout(GRACE, sessions.wait()).await.is_err() {
            tracing::warn!("sessions did not end in time");
        }
    };
    tokio::pin!(served);
    tokio::select! {
        result = &mut served => result.context("the server failed")?,
        () = cut => {
            if let Ok(result) = tokio::time::timeout(GRACE, served).await {
                result.context("the server failed")?;
            }
        }
    }
    sessions.close();
    sessions.wait().await;
    Ok(())
}

fn router<R: crate::chain::Rentals>(node: Node<R>) -> Router {
    let service = NodeServiceServer::new(node).max_decoding_message_size(MESSAGE_BYTES_MAX);
    Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .add_service(service)
}

/// Makes the data folder, for the node's user alone, and an empty folder for jobs in it: whatever a killed node left of
/// its jobs is removed.
fn prepare(arguments: &Run) -> Result<std::path::PathBuf> {
    let folder = arguments.data.join("jobs");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.with_context(|| format!("make {}", folder.display()))?;
    folder.canonicalize().with_context(|| format!("find {}", folder.display()))
}

async fn claims(arguments: &Run, market: Market) -> Result<Claims> {
    let claimed = arguments.claim.as_ref().or(arguments.simulate.as_ref());
    let gpus = match claimed {
        Some(name) => vec![Gpu { model: model(name)?.name.clone(), count: 1 }],
        None => Vec::new(),
    };
    let host = if arguments.measure_self {
        Some(tokio::task::spawn_blocking(move || measure::host(market)).await??)
    } else {
        None
    };
    if gpus.is_empty() && host.is_none() {
        tracing::warn!("this node claims nothing, so nothing of it will be probed");
    }
    Ok(Claims { gpus, host })
}

fn model(name: &str) -> Result<&'static Model, identity::Error> {
    catalogue::by_name(name).ok_or_else(|| identity::Error::Model(name.to_owned()))
}

fn device(arguments: &Run) -> Result<(Device, Option<Cheating>)> {
    let behaviour = match arguments.cheat {
        Some(Cheat::SkipWork) => Behaviour::SkipsWork { share: SKIPPED_SHARE },
        Some(Cheat::LessMemory) => Behaviour::HoldsLess { share: HELD_SHARE },
        _ => Behaviour::Honest,
    };
    let cards = if arguments.cheat == Some(Cheat::Oversell) { Cards::Oversold } else { Cards::Each };
    let device = match &arguments.simulate {
        Some(name) => Device::Simulated(Simulator::new(model(name)?.clone(), behaviour, cards)),
        None => Device::None,
    };
    Ok((device, arguments.cheat.map(Cheating::new)))
}

fn identity(
    arguments: &Run,
    deployment: &Deployment,
    key: SigningKey,
    (endpoint, claims): (String, Claims),
) -> Result<Identity> {
    let provider = keys::wallet(&arguments.party.provider_key_file, arguments.party.provider_password_file.as_deref())?;
    let node = key.verifying_key().to_bytes();
    let membership = match &arguments.membership {
        Some(path) => {
            let file = fs::read(path).with_context(|| format!("read {}", path.display()))?;
            Some(identity::accept_membership(&file, node)?)
        }
        None => None,
    };
    let (membership, organisation) = membership.unzip();
    let oversold = arguments.cheat == Some(Cheat::Oversell);
    let price = Price {
        chain_id: deployment.chain_id,
        rentals: deployment.rentals.into_array(),
        rate: arguments.rate,
        capacity: arguments.capacity.unwrap_or(if oversold { OVERSOLD } else { 1 }),
        validity: OFFER_VALIDITY,
    };
    let descriptor = identity::describe(&key, provider.address().into_array(), endpoint, organisation, claims)?;
    Ok(Identity::new(key, provider, price, descriptor, membership)?)
}
