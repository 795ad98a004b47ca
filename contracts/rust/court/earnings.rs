//! What a provider's rentals earned: what is past its hold and can be collected, and what a case could still reach.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256},
    rpc::types::Filter,
};

use super::{
    Client, Error,
    client::limited,
    holdings::{self, LOOKED_AT},
};
use crate::bindings::{Rentals, Scores};

/// The rentals of one transaction: some 40,000 gas each, far below a block's limit.
const BATCH: usize = 64;

/// Leaves with their proofs, by node.
pub type Leaves = BTreeMap<B256, (Scores::Leaf, Vec<B256>)>;

/// A rental with something left in it, in token units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earning {
    /// Its id.
    pub rental: B256,
    /// Its terms.
    pub terms: Rentals::Terms,
    /// What it earned and has not left it.
    pub held: u128,
    /// The part of it that is past its hold, before a levy.
    pub collectable: u128,
}

/// What a provider has in Rentals, in token units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earnings {
    /// The rentals with something left in them.
    pub rentals: Vec<Earning>,
    /// What he may withdraw.
    pub credit: u128,
}

impl Earnings {
    /// What is inside its hold: a case could reach it.
    pub fn held(&self) -> u128 {
        self.rentals.iter().fold(0, |sum, rental| sum.saturating_add(rental.held.saturating_sub(rental.collectable)))
    }

    /// What can be collected now, before a levy.
    pub fn collectable(&self) -> u128 {
        self.rentals.iter().fold(0, |sum, rental| sum.saturating_add(rental.collectable))
    }
}

impl Client {
    /// The nodes of a provider's rentals, as far back as is looked.
    pub async fn rented_nodes(&self, provider: Address) -> Result<Vec<B256>, Error> {
        let mut nodes: Vec<_> =
            self.rentals_of(provider).await?.into_iter().map(|(_, terms)| terms.offer.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        Ok(nodes)
    }

    /// What a provider has, where the short hold is that of the nodes with an honest leaf.
    pub async fn earnings(&self, provider: Address, honest: &Leaves) -> Result<Earnings, Error> {
        let honest: Vec<B256> = honest.keys().copied().collect();
        let address = self.deployment.rentals;
        let asked = holdings::each(self.rentals_of(provider).await?, |rental, terms| {
            let (chain, honest) = (self.provider.clone(), honest.contains(&terms.offer.node));
            async move {
                let rentals = Rentals::new(address, chain);
                let held = limited(rentals.held(rental).call()).await?;
                let collectable = limited(rentals.collectable(terms.clone(), honest).call()).await?;
                Ok(Earning { rental, terms, held, collectable })
            }
        });
        let mut rentals = asked.await?;
        rentals.retain(|rental| rental.held > 0);
        rentals.sort_unstable_by_key(|rental| rental.rental);
        let credit = limited(Rentals::new(address, &self.provider).credit(provider).call()).await?;
        Ok(Earnings { rentals, credit })
    }

    /// Whether Scores holds a leaf for active.
    pub async fn is_active(&self, leaf: &Scores::Leaf, proof: &[B256]) -> Result<bool, Error> {
        let scores = Scores::new(self.deployment.scores, &self.provider);
        limited(scores.verify(leaf.clone(), proof.to_vec()).call()).await
    }

    /// Moves what can be collected to the provider's credit, less levies; anybody may.
    pub async fn collect(&self, earnings: &Earnings, honest: &Leaves) -> Result<(), Error> {
        let rentals = Rentals::new(self.deployment.rentals, &self.provider);
        let due: Vec<_> = earnings.rentals.iter().filter(|rental| rental.collectable > 0).collect();
        for some in due.chunks(BATCH) {
            let terms: Vec<_> = some.iter().map(|rental| rental.terms.clone()).collect();
            let leaf = |terms: &Rentals::Terms| match honest.get(&terms.offer.node) {
                Some((leaf, proof)) => (leaf.clone().into(), proof.clone()),
                None => Default::default(),
            };
            let (leaves, proofs): (Vec<Rentals::Leaf>, Vec<_>) = terms.iter().map(leaf).unzip();
            self.send(rentals.collect(terms, leaves, proofs)).await?;
        }
        Ok(())
    }

    /// Pays the account's whole credit in Rentals out.
    pub async fn withdraw_credit(&self, to: Address) -> Result<(), Error> {
        self.send(Rentals::new(self.deployment.rentals, &self.provider).withdraw(to)).await.map(drop)
    }

    /// Ends the levy on a node by a leaf that calls it honest again.
    pub async fn lift_levy(&self, leaf: Scores::Leaf, proof: Vec<B256>) -> Result<(), Error> {
        self.send(self.court().liftLevy(leaf.into(), proof)).await.map(drop)
    }

    async fn rentals_of(&self, provider: Address) -> Result<Vec<(B256, Rentals::Terms)>, Error> {
        let filter = Filter::new().topic3(provider.into_word());
        let rentals = holdings::opened(&self.provider, &self.deployment, filter, LOOKED_AT).await?;
        let foreign = rentals.iter().any(|(_, terms)| terms.offer.provider != provider);
        if foreign { Err(Error::Log) } else { Ok(rentals) }
    }
}
