//! What a provider does about cases against him: sees them, answers, appeals.
use crate::cli::{Answer, Case, Party, Step, output};
use alloy::primitives::B256;
use anyhow::{Context as _, Result, ensure};
use gpux_contracts::{
    Deployment,
    court::{Client, statement_digest},
    keys,
};
use gpux_proto::bytes::from_hex;
use std::{
    fs::File,
    io::{ErrorKind, Read as _},
    path::Path,
};

/// The most cases that are looked through.
const CASES_MAX: usize = 1_000;
/// The largest statement: the arbiter reads it.
const STATEMENT_BYTES_MAX: u64 = 1 << 20;

/// Runs a command.
pub async fn run(command: Case) -> Result<()> {
    match command {
        Case::List(party) => list(&connect(&party).await?).await,
        Case::Answer(Answer { step, statement }) => {
            let statement = statement_digest(&read(&statement)?);
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
    let digits = step.case.strip_prefix("cases/").unwrap_or(&step.case);
    Ok((connect(&step.party).await?, from_hex::<32>("case", digits)?.into()))
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

fn read(path: &Path) -> Result<Vec<u8>> {
    let named = || format!("statement {}", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(named)?;
    file.take(STATEMENT_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(named)?;
    let fits = bytes.len() as u64 <= STATEMENT_BYTES_MAX;
    ensure!(fits, "{} is larger than {STATEMENT_BYTES_MAX} bytes", named());
    if bytes.is_empty() {
        return Err(std::io::Error::from(ErrorKind::UnexpectedEof)).with_context(named);
    }
    Ok(bytes)
}
