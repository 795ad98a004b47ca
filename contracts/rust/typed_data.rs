//! What operators sign for the chain: the digests of a publication and of a conviction, the same 32 bytes as
//! `Scores.publicationDigest` and `Court.convictionDigest`.
//! Offers, sessions and rentals' ids are signed and hashed in `gpux-proto`; a test compares those with the chain too.

use alloy::primitives::{Address, B256};
use alloy::sol;
use alloy::sol_types::{SolStruct, eip712_domain};

use crate::bindings::Scores;

/// The digest that operators sign for an epoch.
pub fn publish_digest(publication: &Scores::Publish, chain_id: u64, scores: Address) -> B256 {
    let domain = eip712_domain! { name: "GPUX Scores", version: "1", chain_id: chain_id, verifying_contract: scores, };
    publication.eip712_signing_hash(&domain)
}

sol! {
    /// What operators sign when `verify-evidence` convicts; as `Court.convictionDigest` hashes it.
    struct Conviction { bytes32 evidence; bytes32 node; bytes32 rental; }
}

/// The digest that operators sign for a proof case: the bundle's id, the node, and the rental in which the session ran.
pub fn conviction_digest(evidence: B256, node: B256, rental: B256, chain_id: u64, court: Address) -> B256 {
    let domain = eip712_domain! { name: "GPUX Court", version: "1", chain_id: chain_id, verifying_contract: court, };
    Conviction { evidence, node, rental }.eip712_signing_hash(&domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EIP-712 type strings are the wire format: a renamed or reordered field of the Solidity struct breaks every signature.
    #[test]
    fn the_type_string_is_the_one_that_the_contract_hashes() {
        assert_eq!(
            Scores::Publish::eip712_root_type(),
            "Publish(uint64 epoch,bytes32 root,bytes32 rewardsRoot,bytes32 dataHash,uint64 logSize,bytes32 logRoot,bytes32 parameters)"
        );
    }

    #[test]
    fn the_digest_depends_on_chain_and_contract() {
        let publication = Scores::Publish::default();
        let one = publish_digest(&publication, 1, Address::repeat_byte(1));
        assert_ne!(one, publish_digest(&publication, 2, Address::repeat_byte(1)));
        assert_ne!(one, publish_digest(&publication, 1, Address::repeat_byte(2)));
    }
}
