//! `gpux-oracle case`: what arbiters rule, and what anybody may do to move a case.
//!
//! Owns the commands and the watch, which acts only where Court lets anybody act: it never rules. Its invariant: while a
//! transaction of the account waits, nothing more is sent.

use std::{process::ExitCode, time::Duration};

use alloy::primitives::B256;
use anyhow::{Context as _, bail};
use gpux_contracts::{
    Deployment,
    court::{self, Case, Client, Error, Outcome, Sight, State, Turn},
    keys,
};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{self, Act, Chain, Look, Rule, Sender, Watch},
    output,
};

/// The most cases that are listed: each is asked of the chain.
const LISTED_MAX: usize = 1_000;

/// Runs a command.
pub async fn run(command: cli::Case, stop: CancellationToken) -> anyhow::Result<ExitCode> {
    match command {
        cli::Case::List(chain) => list(&connect(&chain, None).await?).await?,
        cli::Case::Show(Look { case, chain }) => show(&connect(&chain, None).await?, court::id(&case)?).await?,
        cli::Case::Rule(ruling) => rule(ruling).await?,
        cli::Case::Escalate(act) => {
            let (client, id) = acting(&act).await?;
            client.escalate(id).await?;
            show(&client, id).await?;
        }
        cli::Case::Finalise(act) => {
            let (client, id) = acting(&act).await?;
            client.finalise(&client.case(id).await?).await?;
            show(&client, id).await?;
        }
        cli::Case::Watch(flags) => watch(flags, stop).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn connect(chain: &Chain, sender: Option<&Sender>) -> anyhow::Result<Client> {
    let deployment = Deployment::read(&chain.deployment)?;
    let rpc = chain.rpc.parse().ok().context("--rpc is no URL")?;
    let key = match sender.and_then(|sender| Some((sender.key_file.as_ref()?, sender.password_file.as_deref()))) {
        Some((file, password)) => Some(keys::wallet(file, password)?),
        None => None,
    };
    Ok(Client::connect(rpc, deployment, key).await?)
}

async fn acting(act: &Act) -> anyhow::Result<(Client, B256)> {
    if act.sender.key_file.is_none() {
        bail!("a transaction needs a key: name it with --key-file");
    }
    Ok((connect(&act.chain, Some(&act.sender)).await?, court::id(&act.case)?))
}

async fn show(client: &Client, id: B256) -> anyhow::Result<()> {
    let case = client.case(id).await?;
    let rules = client.rules(&case).await?;
    let told = case.told(client.now().await?, &client.windows().await?);
    output::text(&format!("{told}  arbiter   {}; appeals go to {}\n", rules.arbiter, rules.appealCourt));
    Ok(())
}

async fn list(client: &Client) -> anyhow::Result<()> {
    let (now, windows) = (client.now().await?, client.windows().await?);
    let (ids, _) = client.filed_since(0).await?;
    if ids.is_empty() {
        output::text("no case was ever filed\n");
    }
    for id in ids.into_iter().rev().take(LISTED_MAX) {
        output::text(&client.case(id).await?.told(now, &windows));
    }
    Ok(())
}

async fn rule(Rule { act, outcome, amount, levy_bps }: Rule) -> anyhow::Result<()> {
    let (client, id) = acting(&act).await?;
    let case = client.case(id).await?;
    let amount = match (outcome, amount) {
        (Outcome::Upheld, None) => case.cap,
        (_, amount) => amount.unwrap_or(0),
    };
    client.rule(id, outcome, amount, levy_bps).await?;
    show(&client, id).await
}

/// Looks again and again; a look that fails is told and repeated.
async fn watch(flags: Watch, stop: CancellationToken) -> anyhow::Result<()> {
    let client = connect(&flags.chain, Some(&flags.sender)).await?;
    let mut watch = court::Watch::default();
    while !stop.is_cancelled() {
        if let Err(error) = look(&client, flags.act, &mut watch).await {
            tracing::warn!(%error, "the chain could not be looked at");
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(flags.every)) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

/// One look at all cases that have not ended.
async fn look(client: &Client, acts: bool, watch: &mut court::Watch) -> Result<(), Error> {
    for Sight { case, turn, changed, told } in watch.look(client).await? {
        if changed {
            output::text(&told);
        }
        if acts && !client.waits().await? {
            // Somebody else may come first; the next look shows what has become of it.
            if let Err(error) = act(client, &case, turn).await {
                tracing::warn!(case = %case.id, %error, "a step was not taken");
            }
        }
    }
    Ok(())
}

/// Takes the step that anybody may take, if it is due.
async fn act(client: &Client, case: &Case, turn: Turn) -> Result<(), Error> {
    match turn {
        Turn::Escalate { .. } if case.state == State::Open => client.escalate(case.id).await,
        Turn::Anybody { .. } => client.finalise(case).await,
        _ => Ok(()),
    }
}
