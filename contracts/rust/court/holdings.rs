//! What of a node's earnings a case can reach: its rentals, from logs, and what each holds.

use alloy::{
    primitives::{Address, B256, U256, aliases::U40},
    providers::{DynProvider, Provider as _},
    rpc::types::Filter,
    sol_types::{SolEvent as _, SolValue as _},
};

use tokio::task::JoinSet;

use super::{Error, client::limited};
use crate::{Deployment, bindings::Rentals, rpc::RANGE};

/// The most rentals of one case (`Filing.MAX_RENTALS`).
const RENTALS_MAX: usize = 256;
/// The most rentals of a node that are looked at, the newest first. So many that hiding a rental behind others of dust costs more
/// gas than most rentals are worth.
pub(super) const LOOKED_AT: usize = 65_536;
/// How many are asked about at the same time.
const ASKED_AT_ONCE: usize = 32;

/// A rental and what it holds of its earnings, in token units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Its id.
    pub rental: B256,
    /// Its terms.
    pub terms: Rentals::Terms,
    /// What a case can reach.
    pub held: u128,
}

/// A rental's id, as Rentals computes it.
pub(super) fn id(chain_id: u64, rentals: Address, terms: &Rentals::Terms) -> B256 {
    alloy::primitives::keccak256((U256::from(chain_id), rentals, terms.clone()).abi_encode_params())
}

/// What a node's rentals earned between two moments and hold still, in seconds since 1970; those that hold nothing are left out.
pub(super) async fn held(
    provider: &DynProvider,
    deployment: &Deployment,
    node: B256,
    (since, until): (u64, u64),
) -> Result<Vec<Holding>, Error> {
    let (since, until) = (U40::from(since), U40::from(until));
    let rentals = opened(provider, deployment, Filter::new().topic2(node), LOOKED_AT).await?;
    if rentals.iter().any(|(_, terms)| terms.offer.node != node) {
        return Err(Error::Log);
    }
    let address = deployment.rentals;
    let mut holdings = each(rentals, |rental, terms| {
        let provider = provider.clone();
        async move {
            let rentals = Rentals::new(address, provider);
            let held = limited(rentals.heldBetween(rental, since, until).call()).await?;
            Ok(Holding { rental, terms, held })
        }
    })
    .await?;
    holdings.retain(|holding| holding.held > 0);
    Ok(holdings)
}

/// Asks about each rental, some at a time; in no order.
pub(super) async fn each<T: Send + 'static, F: Future<Output = Result<T, Error>> + Send + 'static>(
    rentals: Vec<(B256, Rentals::Terms)>,
    ask: impl Fn(B256, Rentals::Terms) -> F,
) -> Result<Vec<T>, Error> {
    let mut answers = Vec::with_capacity(rentals.len());
    for some in rentals.chunks(ASKED_AT_ONCE) {
        let mut asked: JoinSet<_> = some.iter().map(|(rental, terms)| ask(*rental, terms.clone())).collect();
        while let Some(answer) = asked.join_next().await {
            answers.push(answer.map_err(|_| Error::Slow)??);
        }
    }
    Ok(answers)
}

/// The terms of one rental.
pub(super) async fn terms_of(
    provider: &DynProvider,
    deployment: &Deployment,
    rental: B256,
) -> Result<Rentals::Terms, Error> {
    let found = opened(provider, deployment, Filter::new().topic1(rental), 1).await?.pop();
    found.filter(|(id, _)| *id == rental).map(|(_, terms)| terms).ok_or(Error::Log)
}

/// The newest rentals that a filter takes, so many at most, from the logs of their opening.
pub(super) async fn opened(
    provider: &DynProvider,
    deployment: &Deployment,
    filter: Filter,
    most: usize,
) -> Result<Vec<(B256, Rentals::Terms)>, Error> {
    let filter = filter.address(deployment.rentals).event_signature(Rentals::Opened::SIGNATURE_HASH);
    let mut found = Vec::new();
    let mut to = limited(provider.get_block_number()).await?;
    loop {
        let from = deployment.block.max(to.saturating_sub(RANGE - 1));
        let logs = limited(provider.get_logs(&filter.clone().from_block(from).to_block(to))).await?;
        for log in logs.iter().rev() {
            let event = Rentals::Opened::decode_log(&log.inner).map_err(|_| Error::Log)?.data;
            // A node that makes up terms would have a case take another's rental, or none.
            if id(deployment.chain_id, deployment.rentals, &event.terms) != event.rental {
                return Err(Error::Log);
            }
            found.push((event.rental, event.terms));
            if found.len() == most {
                return Ok(found);
            }
        }
        if from <= deployment.block {
            return Ok(found);
        }
        to = from - 1;
    }
}

/// What these rentals hold together.
pub fn worth(holdings: &[Holding]) -> u128 {
    holdings.iter().fold(0, |sum, holding| sum.saturating_add(holding.held))
}

/// As few as hold `amount` together, the largest first, or as many as one case takes; in the order of their ids, as Court wants
/// them.
pub fn reaching(mut holdings: Vec<Holding>, amount: u128) -> Vec<Holding> {
    holdings.sort_unstable_by_key(|holding| (std::cmp::Reverse(holding.held), holding.rental));
    let (mut sum, mut count) = (0_u128, 0);
    while count < holdings.len().min(RENTALS_MAX) && sum < amount {
        sum = sum.saturating_add(holdings[count].held);
        count += 1;
    }
    holdings.truncate(count);
    holdings.sort_unstable_by_key(|holding| holding.rental);
    holdings
}

/// All that one case takes, one's own rental among them whatever it holds, since its note is what lets one file.
pub(super) fn with_own(mut holdings: Vec<Holding>, own: Holding) -> Vec<Holding> {
    holdings.retain(|holding| holding.rental != own.rental);
    holdings.sort_unstable_by_key(|holding| (std::cmp::Reverse(holding.held), holding.rental));
    holdings.truncate(RENTALS_MAX - 1);
    holdings.push(own);
    holdings.sort_unstable_by_key(|holding| holding.rental);
    holdings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(id: u8, held: u128) -> Holding {
        let offer = Rentals::Offer {
            provider: Address::ZERO,
            node: B256::ZERO,
            descriptor: B256::ZERO,
            rate: Default::default(),
            capacity: 1,
            validUntil: U40::ZERO,
        };
        let terms = Rentals::Terms { consumer: Address::ZERO, offer, note: B256::ZERO, nonce: id.into() };
        Holding { rental: B256::repeat_byte(id), terms, held }
    }

    #[test]
    fn the_largest_that_suffice_are_taken_in_the_order_of_their_ids() {
        let all = vec![holding(3, 5), holding(1, 9), holding(2, 7), holding(4, 1)];
        let ids = |amount| {
            let taken = reaching(all.clone(), amount);
            taken.iter().map(|holding| holding.rental[0]).collect::<Vec<_>>()
        };
        assert_eq!(ids(9), [1]);
        assert_eq!(ids(10), [1, 2]);
        assert_eq!(ids(17), [1, 2, 3]);
        assert_eq!(ids(u128::MAX), [1, 2, 3, 4]);
        assert_eq!(ids(0), [] as [u8; 0]);
        assert_eq!(worth(&all), 22);
        let many = (0..300_u32).map(|number| {
            let mut holding = holding(0, 1);
            holding.rental = B256::from(U256::from(number));
            holding
        });
        let many: Vec<_> = many.collect();
        assert_eq!(reaching(many.clone(), u128::MAX).len(), RENTALS_MAX);
        let with = with_own(many, holding(0xee, 0));
        assert_eq!((with.len(), with.last().unwrap().rental), (RENTALS_MAX, B256::repeat_byte(0xee)));
        assert_eq!(with_own(all.clone(), all[0].clone()).len(), 4, "one's own is there once");
    }
}
