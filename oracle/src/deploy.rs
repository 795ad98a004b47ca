//! `gpux-oracle deploy`: the contracts of a market, from a network file.
//!
//! Owns the commands and what they print; what is deployed, checked and handed over is decided in `gpux_contracts::network`.

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use gpux_contracts::{
    Deployment, keys,
    network::{self, Action, Check, Client, Defaults, Event, Network, Stage, Turn},
};

use crate::{
    cli::{self, Deployer, Handover, Market, Sender, VerifyDeployment},
    output,
    score::Parameters,
};

/// A check found that the deployment differs.
const FOUND: u8 = 2;

/// Runs a command.
pub async fn run(command: cli::Deploy) -> anyhow::Result<ExitCode> {
    match command {
        cli::Deploy::Plan(flags) => plan(flags).await,
        cli::Deploy::Run(flags) => deploy(flags).await,
        cli::Deploy::Verify(flags) => verify(flags).await,
        cli::Deploy::Handover(flags) => hand_over(flags).await,
        cli::Deploy::Costs(flags) => costs(&flags.network),
    }
}

fn read(file: &Path) -> anyhow::Result<Network> {
    let parameters = Parameters::production();
    let defaults = Defaults { parameters: parameters.digest().into(), epoch_length: u64::from(parameters.epoch_secs) };
    Ok(Network::read(file, defaults)?)
}

fn costs(file: &Path) -> anyhow::Result<ExitCode> {
    let Network { chain_id, fees, .. } = read(file)?;
    output::text(&network::calls_told(chain_id, &fees));
    Ok(ExitCode::SUCCESS)
}

async fn connect(market: &Market, sender: Option<&Sender>) -> anyhow::Result<Client> {
    let network = read(&market.network)?;
    let rpc = market.rpc.as_ref().or(network.rpc.as_ref());
    let rpc = rpc.context("no RPC: give --rpc, GPUX_RPC or rpc in the network file")?;
    let rpc = rpc.parse().ok().context("the RPC is no URL")?;
    let key = match sender.and_then(|sender| Some((sender.key_file.as_ref()?, sender.password_file.as_deref()))) {
        Some((file, password)) => Some(keys::wallet(file, password)?),
        None => None,
    };
    Ok(Client::connect(network, rpc, key).await?)
}

fn recorded(market: &Market, client: &Client) -> anyhow::Result<Deployment> {
    let path = market.out.join(format!("{}.json", client.network().chain_id));
    Ok(Deployment::read(&path)?)
}

async fn plan(Deployer { market, sender }: Deployer) -> anyhow::Result<ExitCode> {
    let client = connect(&market, Some(&sender)).await?;
    match client.plan(&market.out).await? {
        Some(plan) => output::text(&plan.told()),
        None => output::text("a deployment is recorded already: nothing would be sent; `verify` checks it\n"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn deploy(Deployer { market, sender }: Deployer) -> anyhow::Result<ExitCode> {
    let client = connect(&market, Some(&sender)).await?;
    let mut sent = 0;
    let deployment = client.run(&market.out, |event| {
        sent += u64::from(matches!(event, Event::Sent(..)));
        tell(event);
    });
    let deployment = deployment.await?;
    let path = market.out.join(deployment.file_name());
    if sent == 0 {
        output::text(&format!("nothing was sent: the deployment is recorded in {}\n", path.display()));
        return Ok(ExitCode::SUCCESS);
    }
    output::text(&format!("recorded in {}\n", path.display()));
    Ok(checked(&client.verify(&deployment, Stage::A).await?))
}

async fn verify(VerifyDeployment { market, stage }: VerifyDeployment) -> anyhow::Result<ExitCode> {
    let client = connect(&market, None).await?;
    Ok(checked(&client.verify(&recorded(&market, &client)?, stage).await?))
}

async fn hand_over(Handover { market, sender, stage }: Handover) -> anyhow::Result<ExitCode> {
    if stage == Stage::A {
        bail!("stage A is how a deployment begins: hand over to B, C or D");
    }
    let client = connect(&market, Some(&sender)).await?;
    let deployment = recorded(&market, &client)?;
    let actions = match sender.key_file {
        Some(_) => client.hand_over(&deployment, stage, tell).await?,
        None => client.handover(&deployment, stage).await?,
    };
    for action in &actions {
        output::text(&step(action));
    }
    if actions.iter().all(|action| action.turn == Turn::Done) {
        output::text(&format!("stage {stage} is reached\n"));
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(event: Event) {
    let line = match event {
        Event::Stands(name) => format!("{name}: stands\n"),
        Event::Sends(name) => format!("{name}: is sent\n"),
        Event::Sent(name, hash) => format!("{name}: transaction {hash}\n"),
        Event::Done(name) => format!("{name}: done\n"),
    };
    output::text(&line);
}

/// A step as whoever takes it with another program needs it, a Safe's owner for one.
fn step(Action { what, by, to, input, turn }: &Action) -> String {
    let when = match turn {
        Turn::Done => return format!("  done  {what}\n"),
        Turn::Due => "  due   ".to_owned(),
        Turn::From(time) => format!("  due from {time} (seconds since 1970) "),
        Turn::Later => "  later ".to_owned(),
    };
    format!("{when}{what}\n        by    {by}\n        to    {to}\n        data  {input}\n")
}

fn checked(checks: &[Check]) -> ExitCode {
    for Check { name, holds, detail } in checks {
        let mark = if *holds { "holds" } else { "FAILS" };
        output::text(&format!("  {mark}  {name}: {detail}\n"));
    }
    let failed = checks.iter().filter(|check| !check.holds).count();
    if failed == 0 {
        output::text(&format!("all {} checks hold\n", checks.len()));
        return ExitCode::SUCCESS;
    }
    output::text(&format!("{failed} of {} checks fail\n", checks.len()));
    ExitCode::from(FOUND)
}
