//! What a provider does about cases against him: sees them, answers, appeals.
use crate::cli::{Answer, Case, Party, Step, output};
use alloy::primitives::B256;
use anyhow::{Context as _, Result};
use gpux_contracts::{
    Deployment,
    court::{self, Client},
    keys,
};

/// The most cases that are looked through.
const CASES_MAX: usize = 1_000;

/// Runs a command.
pub async fn run(command: Case) -> Result<()> {
    match command {
        Case::List(party) => list(&connect(&party).await?).await,
        Case::Answer(Answer { step, statement }) => {
            let statement = court::statement(&statement)?;
            let (client, id) = begin(&step).await?;
            client.answer(id, statement).await?;
            show(&client, id).await
        }
        Case::Appeal(step) => {
            let (client, id) = begin(&step).await?;
            client.appeal(id).await?;
            show(&client, id).await
        }
    }
}

async fn connect(party: &Party) -> Result<Client> {
    let key = keys::wallet(&party.provider_key_file, party.provider_password_file.as_deref())?;
    let rpc = party.rpc.parse().ok().context("--rpc is no URL")?;
    Ok(Client::connect(rpc, Deployment::read(&party.deployment)?, Some(key)).await?)
}

async fn begin(step: &Step) -> Result<(Client, B256)> {
    Ok((connect(&step.party).await?, court::id(&step.case)?))
}

async fn show(client: &Client, id: B256) -> Result<()> {
    let case = client.case(id).await?;
    output::text(&case.told(client.now().await?, &client.windows().await?));
    Ok(())
}

async fn list(client: &Client) -> Result<()> {
    let (now, windows) = (client.now().await?, client.windows().await?);
    let mut found = 0;
    let (ids, _) = client.filed_since(0).await?;
    for id in ids.into_iter().rev().take(CASES_MAX) {
        let case = client.case(id).await?;
        if Some(case.provider) == client.account() {
            output::text(&case.told(now, &windows));
            found += 1;
        }
    }
    if found == 0 {
        output::text("no case was filed against this provider\n");
    }
    Ok(())
}
