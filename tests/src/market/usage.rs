//! Looks at the market's usage: what moved on chain, and what compute power is verified beside what is advertised.

use super::{
    Market,
    findings::{Finding, finding},
};
use gpux_proto::oracle::GetUsageResponse;

/// The resource that a reader knows best.
const RESOURCE: &str = "imma";

/// Judges the figures by what must be true of any market that has run.
pub async fn check(market: &Market) -> anyhow::Result<Vec<Finding>> {
    let GetUsageResponse { usage, power, .. } = market.oracle.api.usage().await?;
    let usage = usage.unwrap_or_default();
    let amount = |text: &str| text.parse::<u128>().unwrap_or(0);
    let (deposited, collected) = (amount(&usage.deposited), amount(&usage.collected));
    let left = deposited.saturating_sub(amount(&usage.refunded)).saturating_sub(amount(&usage.slashed));
    let words = format!(
        "{} transactions of {} accounts: {deposited} token units deposited, {} refunded, {collected} paid out",
        usage.transactions, usage.accounts, usage.refunded
    );
    let moved = usage.transactions > 0 && usage.accounts > 0 && collected > 0 && collected <= left;
    let mut found = vec![finding("usage", "deposits, payouts, transactions, accounts", words, moved)];
    if let Some(of) = power.iter().find(|of| of.resource == RESOURCE) {
        let (advertised, probed, verified) = (amount(&of.advertised), amount(&of.probed), amount(&of.verified));
        let tera = |figure: u128| figure as f64 / 1e12;
        let words = format!(
            "{:.0} Top/s advertised by {} nodes, {:.0} probed, {:.0} verified",
            tera(advertised),
            of.nodes,
            tera(probed),
            tera(verified)
        );
        let holds = verified > 0 && verified < probed && probed <= advertised;
        found.push(finding("usage", "verified int8 beside advertised", words, holds));
    }
    Ok(found)
}
