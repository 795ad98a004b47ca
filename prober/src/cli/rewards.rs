//! `gpux-prober rewards claim`: has the fisher paid what the active rewards root assigns to him. Exit code 0 when he was paid
//! or nothing new is assigned; 1 when it failed.
use super::{endpoint, output, setup, wallet::Party};
use crate::{
    rent::Chain,
    report::Oracle,
    reward::{Account, Claim},
};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::process::ExitCode;
use tonic::transport::Uri;

/// What is done with rewards.
#[derive(Debug, Subcommand)]
pub(super) enum Rewards {
    /// Has Rewards pay what is new; anybody may send it, and the fisher alone is paid.
    Claim(ClaimNow),
}

/// A claim.
#[derive(Debug, Args)]
pub(super) struct ClaimNow {
    #[command(flatten)]
    party: Party,
    /// An oracle that computes rewards; its proof is checked against the chain.
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    oracle: Uri,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What a claim came to, in token units.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Claimed {
    /// The epoch whose root pays; absent before the first one.
    epoch: Option<u64>,
    /// What the root assigns in all.
    assigned: u128,
    /// What was paid now.
    paid: u128,
    /// What was paid in all.
    claimed: u128,
    /// What Rewards could not pay, since it holds too little.
    owed: u128,
    /// What is earned and not in the active root yet.
    later: u128,
    pending: u128,
}

/// Runs the command.
pub(super) async fn run(arguments: Rewards) -> anyhow::Result<ExitCode> {
    let Rewards::Claim(ClaimNow { party, oracle, json }) = arguments;
    let chain = setup::chain(&party).await?;
    let claimed = claim(&chain, &Oracle::new(oracle)).await?;
    if json {
        output::print_json(&claimed)
    } else {
        output::text(&words(&claimed))
    }
    Ok(ExitCode::SUCCESS)
}

async fn claim(chain: &Chain, oracle: &Oracle) -> anyhow::Result<Claimed> {
    let fisher = chain.fisher().address();
    let before = chain.claimed(fisher).await?;
    let active = chain.active_rewards_root().await?;
    let Some(reward) = oracle.reward(fisher, active.map(|(_, root)| root)).await? else {
        // Without a root there is nothing to prove, and with one another oracle may know it.
        anyhow::ensure!(active.is_none(), "the oracle knows neither this fisher nor the active rewards root");
        return Ok(Claimed { epoch: None, assigned: 0, paid: 0, claimed: before, owed: 0, later: 0, pending: 0 });
    };
    let account = Account::of(&reward, fisher)?;
    let claim = match active {
        Some((_, root)) => Claim::of(&reward, fisher, root)?,
        None => Claim { cumulative: 0, proof: Vec::new() },
    };
    // A claim of nothing, and one that Rewards cannot pay, would only revert.
    if claim.cumulative > before && chain.rewards_balance().await? > 0 {
        chain.claim(claim.cumulative, claim.proof).await.context("the claim was not paid")?;
    }
    let after = chain.claimed(fisher).await?;
    Ok(Claimed {
        epoch: active.map(|(epoch, _)| epoch),
        assigned: claim.cumulative,
        paid: after.saturating_sub(before),
        claimed: after,
        owed: claim.cumulative.saturating_sub(after),
        later: account.earned.saturating_sub(claim.cumulative),
        pending: account.pending,
    })
}

/// In words for people.
fn words(claimed: &Claimed) -> String {
    let Claimed { epoch, assigned, paid, claimed, owed, later, pending } = claimed;
    let mut text = match epoch {
        None => "nothing can be claimed yet: no rewards root is active\n".to_owned(),
        Some(epoch) => format!(
            "paid {paid} token units; epoch {epoch} assigns {assigned} in all, of which {claimed} are claimed\n"
        ),
    };
    if *owed > 0 {
        text += &format!("Rewards holds too little: {owed} stay claimable; anybody may grant it more\n");
    }
    if *later > 0 {
        text += &format!("{later} more are earned, and can be claimed when a later epoch is active\n");
    }
    if *pending > 0 {
        text += &format!("{pending} are pending until enough audits agree with this fisher\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_now_is_said_and_why() {
        let claimed = Claimed { epoch: Some(7), assigned: 100, paid: 30, claimed: 60, owed: 40, later: 5, pending: 2 };
        let text = words(&claimed);
        for said in ["paid 30", "epoch 7 assigns 100", "40 stay claimable", "5 more", "2 are pending"] {
            assert!(text.contains(said), "{text}");
        }
        let nothing = Claimed { epoch: None, assigned: 0, paid: 0, claimed: 0, owed: 0, later: 0, pending: 0 };
        assert_eq!(words(&nothing), "nothing can be claimed yet: no rewards root is active\n");
    }
}
