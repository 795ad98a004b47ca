//! Bindings generated from `artifacts/*.json`, and nothing else.
//!
//! The artifacts are committed and checked against the sources by `scripts/artifacts.mjs --check`, so that a build needs
//! neither Node nor a Solidity compiler. Structs that two contracts share (`Leaf`) are generated once for each.

#![allow(clippy::too_many_arguments, reason = "generated functions have the arity of the contract's")]

use alloy::sol;

sol!(
    #[sol(rpc, all_derives, extra_derives(serde::Serialize, serde::Deserialize))]
    Rentals,
    "artifacts/Rentals.json"
);
sol!(
    #[sol(rpc, all_derives, extra_derives(serde::Serialize, serde::Deserialize))]
    Bonds,
    "artifacts/Bonds.json"
);
sol!(
    #[sol(rpc, all_derives, extra_derives(serde::Serialize, serde::Deserialize))]
    Scores,
    "artifacts/Scores.json"
);
sol!(
    #[sol(rpc, all_derives, extra_derives(serde::Serialize, serde::Deserialize))]
    Court,
    "artifacts/Court.json"
);
sol!(
    #[sol(rpc, all_derives, extra_derives(serde::Serialize, serde::Deserialize))]
    Rewards,
    "artifacts/Rewards.json"
);
sol!(
    #[sol(rpc, all_derives)]
    TestToken,
    "artifacts/TestToken.json"
);
sol!(
    #[sol(rpc, all_derives)]
    AccessManager,
    "artifacts/AccessManager.json"
);
sol!(
    #[sol(rpc, all_derives)]
    TimelockController,
    "artifacts/TimelockController.json"
);

impl From<Scores::Leaf> for Rentals::Leaf {
    fn from(leaf: Scores::Leaf) -> Self {
        let Scores::Leaf { epoch, node, provider, scoreLowBps, scoreBps, verdict, probes, certificates } = leaf;
        Self { epoch, node, provider, scoreLowBps, scoreBps, verdict, probes, certificates }
    }
}

impl From<Scores::Leaf> for Court::Leaf {
    fn from(leaf: Scores::Leaf) -> Self {
        let Scores::Leaf { epoch, node, provider, scoreLowBps, scoreBps, verdict, probes, certificates } = leaf;
        Self { epoch, node, provider, scoreLowBps, scoreBps, verdict, probes, certificates }
    }
}

impl From<Rentals::Terms> for Court::Terms {
    fn from(terms: Rentals::Terms) -> Self {
        let Rentals::Terms { consumer, offer, note, nonce } = terms;
        let Rentals::Offer { provider, node, descriptor, rate, capacity, validUntil } = offer;
        let offer = Court::Offer { provider, node, descriptor, rate, capacity, validUntil };
        Self { consumer, offer, note, nonce }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};
    use alloy::sol_types::SolValue;

    use super::*;

    #[test]
    fn a_leaf_is_the_same_for_both_contracts() {
        let leaf = Scores::Leaf {
            epoch: 1,
            node: B256::repeat_byte(2),
            provider: Address::repeat_byte(3),
            scoreLowBps: 4,
            scoreBps: 5,
            verdict: 1,
            probes: 7,
            certificates: B256::repeat_byte(8),
        };
        assert_eq!(Rentals::Leaf::from(leaf.clone()).abi_encode(), leaf.abi_encode());
    }
}
