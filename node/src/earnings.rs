//! What a provider's rentals earned, and how he takes it: what is past its hold becomes credit, and credit is paid out.
//!
//! An honest leaf shortens the hold: an oracle serves it, and Scores is asked before it is used. Owns no money and no key of
//! its own.
use crate::{
    case::connect,
    cli::{Earnings, Income, LiftLevy, Withdraw, output},
};
use alloy::primitives::B256;
use anyhow::{Context as _, Result, bail};
use gpux_contracts::{
    Scores,
    court::{self, Client, Leaves},
    published,
};
use gpux_proto::{
    bytes::{from_hex, to_hex},
    oracle::{GetReputationRequest, reputation_service_client::ReputationServiceClient},
};
use std::time::Duration;
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};

/// How a leaf says "honest".
const HONEST: u8 = 1;
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a command.
pub async fn run(command: Earnings) -> Result<()> {
    match command {
        Earnings::Show(income) => {
            let (client, leaves) = begin(&income).await?;
            show(&client, &leaves).await
        }
        Earnings::Collect(income) => {
            let (client, leaves) = begin(&income).await?;
            let provider = client.account().context("no key")?;
            let earnings = client.earnings(provider, &leaves).await?;
            if earnings.collectable() == 0 {
                bail!("nothing is past its hold: {} token units wait", earnings.held());
            }
            client.collect(&earnings, &leaves).await?;
            show(&client, &leaves).await
        }
        Earnings::Withdraw(Withdraw { party, to }) => {
            let client = connect(&party).await?;
            let account = client.account().context("no key")?;
            let credit = client.earnings(account, &Leaves::new()).await?.credit;
            if credit == 0 {
                bail!("there is no credit: `gpux-node earnings collect` makes it");
            }
            let to = to.unwrap_or(account);
            client.withdraw_credit(to).await?;
            output::text(&format!("{credit} token units were paid to {to}\n"));
            Ok(())
        }
    }
}

/// Ends a node's levy by its newest leaf.
pub async fn lift_levy(LiftLevy { node, oracle, party }: LiftLevy) -> Result<()> {
    let node = B256::from(from_hex::<32>("--node", &node)?);
    let client = connect(&party).await?;
    let Some((leaf, proof)) = leaf(&mut reach(&oracle)?, node).await? else {
        bail!("no epoch with this node is on chain yet");
    };
    client.lift_levy(leaf, proof).await?;
    output::text(&format!("the levy on node {node} has ended: what it earns from now on is whole\n"));
    Ok(())
}

async fn begin(Income { oracle, party }: &Income) -> Result<(Client, Leaves)> {
    let client = connect(party).await?;
    let leaves = match oracle {
        Some(oracle) => honest(&client, oracle).await?,
        None => Leaves::new(),
    };
    Ok((client, leaves))
}

/// The active honest leaves of the provider's nodes.
async fn honest(client: &Client, oracle: &str) -> Result<Leaves> {
    let mut oracle = reach(oracle)?;
    let mut leaves = Leaves::new();
    for node in client.rented_nodes(client.account().context("no key")?).await? {
        if let Some((leaf, proof)) = leaf(&mut oracle, node).await?
            && leaf.verdict == HONEST
            && client.is_active(&leaf, &proof).await?
        {
            leaves.insert(node, (leaf, proof));
        }
    }
    Ok(leaves)
}

fn reach(oracle: &str) -> Result<ReputationServiceClient<Channel>> {
    let endpoint = Endpoint::from_shared(oracle.to_owned()).context("--oracle is no URL")?;
    Ok(ReputationServiceClient::new(endpoint.connect_timeout(PATIENCE).timeout(PATIENCE).connect_lazy()))
}

/// A node's newest leaf on chain, if there is one.
async fn leaf(oracle: &mut ReputationServiceClient<Channel>, node: B256) -> Result<Option<(Scores::Leaf, Vec<B256>)>> {
    let request = GetReputationRequest { name: to_hex(node.as_slice()) };
    let reputation = match oracle.get_reputation(request).await {
        Ok(answer) => answer.into_inner().reputation.context("the oracle's answer is empty")?,
        Err(status) if status.code() == Code::NotFound => return Ok(None),
        Err(status) => bail!("the oracle does not answer: {}", status.message()),
    };
    Ok(published(&reputation)?)
}

async fn show(client: &Client, leaves: &Leaves) -> Result<()> {
    let earnings = client.earnings(client.account().context("no key")?, leaves).await?;
    output::text(&told(&earnings));
    Ok(())
}

fn told(earnings: &court::Earnings) -> String {
    format!(
        "held         {} token units in {} rentals, inside their hold: a case could reach them\n\
         collectable  {} token units, past their hold: `gpux-node earnings collect`\n\
         credit       {} token units: `gpux-node earnings withdraw`\n",
        earnings.held(),
        earnings.rentals.len(),
        earnings.collectable(),
        earnings.credit
    )
}
