//! `gpux-prober earnings`: what probes cost by this machine's records, and what they brought by an oracle and the chain.
use super::{endpoint, output, setup, table, wallet::Party};
use crate::{
    rent::{Spending, Spent},
    report::Oracle,
    reward::Account,
};
use alloy::primitives::U256;
use clap::Args;
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};
use tonic::transport::Uri;

/// What is looked at.
#[derive(Debug, Args)]
pub(super) struct Earnings {
    /// The data directory of `run`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    party: Party,
    /// The oracle.
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    oracle: Uri,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What sessions of one probe cost.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    probe: String,
    sessions: u64,
    spent: u128,
    spent_each: u128,
    fees_wei: U256,
}

/// Cost and income, in token units but for transactions, which are paid in wei.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Balance {
    costs: Vec<Cost>,
    sessions: u64,
    spent: u128,
    fees_wei: U256,
    earned: u128,
    pending: u128,
    forfeited: u128,
    claimed: u128,
    /// Earned and pending, by session.
    income_each: u128,
    /// Earned less spent.
    left: i128,
}

impl Balance {
    fn new(sums: BTreeMap<String, Spent>, account: Account, claimed: u128) -> Self {
        let Account { earned, pending, forfeited } = account;
        let sessions = sums.values().map(|spent| spent.rentals).sum::<u64>();
        let spent = sums.values().fold(0_u128, |sum, spent| sum.saturating_add(spent.tokens));
        let each = |amount: u128, sessions: u64| amount / u128::from(sessions.max(1));
        Self {
            fees_wei: sums.values().fold(U256::ZERO, |sum, spent| sum.saturating_add(spent.wei)),
            costs: sums
                .into_iter()
                .map(|(probe, Spent { rentals, tokens, wei })| Cost {
                    probe,
                    sessions: rentals,
                    spent: tokens,
                    spent_each: each(tokens, rentals),
                    fees_wei: wei,
                })
                .collect(),
            sessions,
            spent,
            earned,
            pending,
            forfeited,
            claimed,
            income_each: each(earned.saturating_add(pending), sessions),
            left: i128::try_from(earned)
                .unwrap_or(i128::MAX)
                .saturating_sub(i128::try_from(spent).unwrap_or(i128::MAX)),
        }
    }

    fn text(&self) -> String {
        let row = |of: &Cost| {
            [
                of.probe.clone(),
                of.sessions.to_string(),
                of.spent.to_string(),
                of.spent_each.to_string(),
                of.fees_wei.to_string(),
            ]
        };
        let mut rows: Vec<_> = self.costs.iter().map(row).collect();
        let each = self.spent / u128::from(self.sessions.max(1));
        rows.push(row(&Cost {
            probe: "all".into(),
            sessions: self.sessions,
            spent: self.spent,
            spent_each: each,
            fees_wei: self.fees_wei,
        }));
        let costs = table::render(["probe", "sessions", "rentals cost", "each", "transactions, wei"], &rows);
        let Self { earned, pending, forfeited, claimed, income_each, left, .. } = self;
        format!(
            "{costs}\nearned {earned} (claimed {claimed}), pending {pending}, forfeited {forfeited}: {income_each} a \
             session\nleft {left} of what is earned after rentals, before transactions; amounts in token units\n"
        )
    }
}

/// Runs the command.
pub(super) async fn run(arguments: Earnings) -> anyhow::Result<ExitCode> {
    let Earnings { data, party, oracle, json } = arguments;
    let sums = Spending::open(&data).sum()?;
    let chain = setup::chain(&party).await?;
    let fisher = chain.fisher().address();
    let account = match Oracle::new(oracle).reward(fisher, None).await? {
        Some(reward) => Account::of(&reward, fisher)?,
        None => Account::default(),
    };
    let balance = Balance::new(sums, account, chain.claimed(fisher).await?);
    if json {
        output::print_json(&balance)
    } else {
        output::text(&balance.text())
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_and_income_are_told_by_probe_and_session() {
        let spent = |rentals, tokens| Spent { rentals, tokens, wei: U256::from(9) };
        let sums = BTreeMap::from([("cpu".to_owned(), spent(3, 100)), ("ram".to_owned(), spent(1, 20))]);
        let balance = Balance::new(sums, Account { earned: 300, pending: 100, forfeited: 7 }, 250);
        assert_eq!((balance.sessions, balance.spent, balance.income_each, balance.left), (4, 120, 100, 180));
        let text = balance.text();
        assert!(text.starts_with("probe  sessions  rentals cost  each  transactions, wei\n"), "{text}");
        assert!(text.contains("cpu    3         100           33    9\n"), "{text}");
        assert!(text.contains("all    4         120           30    18\n"), "{text}");
        let none = Balance::new(BTreeMap::new(), Account::default(), 0);
        assert_eq!((none.income_each, none.left), (0, 0));
    }
}
