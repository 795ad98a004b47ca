//! Starts the programs of a market in the order in which they need each other: chain, oracle, this machine's own node
//! (which measures itself while nothing else computes), the other nodes, the relays, the fishers.

use super::{Fisher, Market, Node, Options, cast::Role, wages};
use crate::{
    chain::{Account, TOKEN},
    stage::Stage,
};
use std::time::Instant;

/// What each fisher bonds: B, from which a report counts in full.
pub(super) const BOND: u128 = 1_000 * TOKEN;
/// What each relay's owner bonds: owners count by it as fishers do, so that a fifth of the owners is not bought with names.
const OWNERS_BOND: u128 = 1_000 * TOKEN;
/// What each fisher spends on rentals at most.
const PURSE: u128 = 1_000_000 * TOKEN;

/// Starts everything, telling `say` what comes next.
pub(super) async fn market(options: &Options, mut say: impl FnMut(String)) -> anyhow::Result<Market> {
    let started = Instant::now();
    say("starting a chain (anvil) and deploying the contracts with development parameters".to_owned());
    let stage = Stage::set(&options.folder).await?;
    let bonded = accounts(&stage, ("fisher", options.fishers), (BOND, PURSE)).await?;
    // An owner is nobody's fisher: stamps of a fisher's own relay would be his own word.
    let owners = accounts(&stage, ("owner", options.relays), (OWNERS_BOND, 0)).await?;
    stage.chain.grant(wages::GRANT).await?;
    stage.chain.run().await?;
    say("starting the oracle".to_owned());
    let oracle = stage.oracle("oracle").await?;
    say(format!("the oracle answers at {} after {} ms", oracle.api.url(), oracle.open_after.as_millis()));
    let mut nodes = Vec::new();
    let (own, others): (Vec<&'static Role>, Vec<&'static Role>) =
        options.cast.iter().partition(|role| role.simulate.is_none());
    for role in own {
        say("this machine measures itself".to_owned());
        nodes.push(node(&stage, oracle.api.url(), role).await?);
    }
    say(format!("starting {} nodes with simulated devices", others.len()));
    for role in others {
        nodes.push(node(&stage, oracle.api.url(), role).await?);
    }
    let mut relays = Vec::new();
    if !owners.is_empty() {
        say(format!("starting {} relays of as many owners", owners.len()));
    }
    for (owner, number) in owners.iter().zip(1_usize..) {
        relays.push(stage.relay(&format!("relay-{number}"), owner, oracle.api.url()).await?);
    }
    let (count, bond, liars) = (bonded.len(), BOND / TOKEN, options.liars);
    say(format!("starting {count} fishers, bonded with {bond} tokens each; liars among them: {liars}"));
    let parallel = options.parallel.to_string();
    let mut fishers = Vec::new();
    for (account, number) in bonded.iter().zip(1_usize..) {
        let (name, lies) = (format!("fisher-{number}"), number + options.liars > bonded.len());
        let mut flags = vec!["--parallel", &parallel];
        if lies {
            flags.extend(["--lie", "slow-clock"]);
        }
        let process = stage.fisher(&name, account, oracle.api.url(), &flags).await?;
        fishers.push(Fisher { name, address: account.address(), lies, process });
    }
    Ok(Market { stage, oracle, nodes, relays, started, fishers })
}

/// Accounts with a bond and something to spend.
async fn accounts(
    stage: &Stage,
    (name, count): (&str, usize),
    (bond, purse): (u128, u128),
) -> anyhow::Result<Vec<Account>> {
    let mut accounts = Vec::new();
    for number in 1..=count {
        let account = Account::create(&stage.keys, &format!("{name}-{number}"))?;
        stage.chain.fund(account.address(), bond + purse).await?;
        stage.chain.bond(&account.signer, bond).await?;
        accounts.push(account);
    }
    Ok(accounts)
}

async fn node(stage: &Stage, oracle: &str, role: &'static Role) -> anyhow::Result<Node> {
    let running = stage.node(oracle, role).await?;
    Ok(Node { role, id: running.id, url: running.url, process: running.process })
}
