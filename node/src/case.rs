//! What a provider does about cases against him: is warned of them, sees them, answers, appeals.
use crate::{
    bundle,
    cli::{Answer, Case, Party, Step, output},
    earnings,
};
use alloy::primitives::B256;
use anyhow::{Context as _, Result};
use gpux_contracts::{
    Deployment,
    court::{self, Client, Sight, Turn, Watch},
    keys,
};
use std::time::Duration;

/// The most cases that are looked through.
const CASES_MAX: usize = 1_000;
/// How often a window of answering is looked at, and how long a look may wait.
const LOOKS: u64 = 4;
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Runs a command.
pub async fn run(command: Case) -> Result<()> {
    match command {
        Case::List(party) => list(&connect(&party).await?).await,
        Case::Bundle(wanted) => bundle::fetch(wanted).await,
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
        Case::LiftLevy(levy) => earnings::lift_levy(levy).await,
    }
}

/// Warns whenever it becomes somebody's turn in a case against the provider, until it is dropped: an answer has a window, and
/// a silent provider is not heard. Looks several times in each window.
pub async fn warn(party: &Party) {
    let mut client = None;
    let mut watch = None;
    loop {
        let looked = async {
            let client = match &mut client {
                Some(client) => client,
                empty => empty.insert(connect(party).await?),
            };
            let watch = watch.get_or_insert_with(|| Watch::of(client.account().unwrap_or_default()));
            for Sight { case, turn, told, .. } in watch.look(client).await?.into_iter().filter(|seen| seen.changed) {
                match turn {
                    Turn::Nobody => {
                        tracing::info!(case = %case.id, outcome = %case.outcome, "a case against this provider has ended")
                    }
                    Turn::Provider { .. } => {
                        tracing::warn!(
                            "a case was filed against this provider; answer with `gpux-node case answer {}`\n{told}",
                            case.id
                        );
                    }
                    Turn::Parties { .. } => {
                        tracing::warn!(
                            "a case against this provider was ruled; appeal with `gpux-node case appeal {}`\n{told}",
                            case.id
                        );
                    }
                    _ => tracing::warn!("a case against this provider goes on\n{told}"),
                }
            }
            anyhow::Ok(client.windows().await?.answer)
        };
        let pause = match looked.await {
            Ok(answer) => Duration::from_secs((answer / LOOKS).max(1)).min(PAUSE_MAX),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "cases against this provider could not be looked for");
                PAUSE_MAX
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// The provider's own client.
pub(crate) async fn connect(party: &Party) -> Result<Client> {
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
