//! What a fisher may claim: an oracle's account of him, as far as a proof holds it against the chain's root.
//!
//! Owns the check of the proof. The oracle is not believed: a proof that does not lead to the root that Scores calls active
//! would only cost a transaction that reverts.
use alloy::primitives::{Address, B256};
use gpux_contracts::merkle;
use gpux_proto::{
    bytes::{self, from_hex},
    oracle::Reward,
};

/// A tree of 16 million fishers is 24 high; whatever is longer is no proof.
const PROOF_MAX: usize = 64;

/// What an oracle says of a fisher's reward is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field is no hash or address.
    #[error("the oracle's answer cannot be read: {0}")]
    Field(#[from] bytes::Error),
    /// An amount is none.
    #[error("the oracle's answer cannot be read: {field} is no amount")]
    Amount {
        /// Which.
        field: &'static str,
    },
    /// The account is another fisher's.
    #[error("the oracle answered for {0} instead")]
    Foreign(Address),
    /// The proof does not lead from the amount to the root.
    #[error("the oracle's proof does not lead to the active rewards root {root}: ask another oracle")]
    Unproven {
        /// The root.
        root: B256,
    },
}

/// A fisher's account as an oracle tells it, in token units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    /// What he has earned by the newest closed epoch.
    pub earned: u128,
    /// What he is paid once audits agreed with him.
    pub pending: u128,
    /// What he lost.
    pub forfeited: u128,
}

/// What a root assigns to a fisher, proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// In all, claimed before or not; 0 if nothing is assigned, which no proof shows.
    pub cumulative: u128,
    /// The way to the root.
    pub proof: Vec<B256>,
}

impl Account {
    /// Reads an account.
    pub fn of(reward: &Reward, fisher: Address) -> Result<Self, Error> {
        let answered = Address::from(from_hex::<20>("fisher", &reward.fisher)?);
        if answered != fisher {
            return Err(Error::Foreign(answered));
        }
        Ok(Self {
            earned: amount("earned", &reward.earned)?,
            pending: amount("pending", &reward.pending)?,
            forfeited: amount("forfeited", &reward.forfeited)?,
        })
    }
}

impl Claim {
    /// Reads what a root assigns, and checks the proof.
    pub fn of(reward: &Reward, fisher: Address, root: B256) -> Result<Self, Error> {
        let cumulative = amount("cumulative", &reward.cumulative)?;
        if reward.proof.len() > PROOF_MAX {
            return Err(Error::Unproven { root });
        }
        let hash = |text: &String| from_hex::<32>("proof", text).map(B256::from);
        let proof = reward.proof.iter().map(hash).collect::<Result<Vec<_>, _>>()?;
        let leaf = merkle::reward_leaf_hash(fisher, cumulative);
        if cumulative > 0 && !merkle::verify(root, leaf, &proof) {
            return Err(Error::Unproven { root });
        }
        Ok(Self { cumulative, proof })
    }
}

fn amount(field: &'static str, text: &str) -> Result<u128, Error> {
    text.parse().map_err(|_| Error::Amount { field })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpux_proto::bytes::to_hex;

    fn reward() -> (Reward, Address, B256) {
        let (fisher, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let hashes = vec![merkle::reward_leaf_hash(fisher, 7), merkle::reward_leaf_hash(other, 9)];
        let tree = merkle::Tree::of_hashes(hashes).unwrap();
        let proof = tree.proof(merkle::reward_leaf_hash(fisher, 7)).unwrap();
        let reward = Reward {
            fisher: to_hex(fisher.as_slice()),
            earned: "8".into(),
            pending: "2".into(),
            forfeited: "1".into(),
            cumulative: "7".into(),
            proof: proof.iter().map(|hash| to_hex(hash.as_slice())).collect(),
            ..Reward::default()
        };
        (reward, fisher, tree.root())
    }

    #[test]
    fn a_proven_amount_is_taken() {
        let (reward, fisher, root) = reward();
        assert_eq!(Account::of(&reward, fisher).unwrap(), Account { earned: 8, pending: 2, forfeited: 1 });
        assert_eq!(Claim::of(&reward, fisher, root).unwrap().cumulative, 7);
    }

    #[test]
    fn an_oracle_that_promises_more_is_not_believed() {
        let (reward, fisher, root) = reward();
        let unproven = |reward: Reward| matches!(Claim::of(&reward, fisher, root), Err(Error::Unproven { .. }));
        assert!(unproven(Reward { cumulative: "8".into(), ..reward.clone() }));
        assert!(unproven(Reward { proof: vec![], ..reward.clone() }));
        assert!(unproven(Reward { proof: vec![to_hex(&[0; 32]); 65], ..reward.clone() }));
        assert!(matches!(Claim::of(&reward, fisher, B256::ZERO), Err(Error::Unproven { .. })));
        let broken = Reward { proof: vec!["0x12".into()], ..reward.clone() };
        assert!(matches!(Claim::of(&broken, fisher, root), Err(Error::Field(_))));
        let amount = Reward { cumulative: "-7".into(), ..reward.clone() };
        assert!(matches!(Claim::of(&amount, fisher, root), Err(Error::Amount { field: "cumulative" })));
        assert!(matches!(Account::of(&reward, Address::ZERO), Err(Error::Foreign(_))));
        let nothing = Reward { cumulative: "0".into(), proof: vec![], ..reward };
        assert_eq!(Claim::of(&nothing, fisher, root).unwrap(), Claim { cumulative: 0, proof: vec![] });
    }
}
