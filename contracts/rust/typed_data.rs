//! What operators sign for the chain: the digests of a publication and of a conviction, the same 32 bytes as
//! `Scores.publicationDigest` and `Court.convictionDigest`. And what whoever may see sealed evidence signs for an oracle.
//! Offers, sessions and rentals' ids are signed and hashed in `gpux-proto`; a test compares those with the chain too.

use alloy::primitives::{Address, B256, aliases::U40};
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

sol! {
    /// What an operator or the party of a case signs to see what is sealed; no contract reads it.
    struct Opening { bytes32 subject; uint40 validUntil; }
}

/// The digest that opens a bundle, by its digest, or a report, by its id, until some time in unix seconds; none if the time
/// has more than 40 bits. It names Court, since cases are what opens, and each market has its own.
pub fn opening_digest(subject: B256, valid_until: u64, chain_id: u64, court: Address) -> Option<B256> {
    let domain = eip712_domain! { name: "GPUX Oracle", version: "1", chain_id: chain_id, verifying_contract: court, };
    let opening = Opening { subject, validUntil: U40::try_from(valid_until).ok()? };
    Some(opening.eip712_signing_hash(&domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_is_for_one_thing_one_time_and_one_market() {
        assert_eq!(Opening::eip712_root_type(), "Opening(bytes32 subject,uint40 validUntil)");
        let (subject, court) = (B256::repeat_byte(1), Address::repeat_byte(2));
        let one = opening_digest(subject, 9, 1, court).unwrap();
        for other in [
            opening_digest(B256::repeat_byte(3), 9, 1, court),
            opening_digest(subject, 8, 1, court),
            opening_digest(subject, 9, 2, court),
            opening_digest(subject, 9, 1, Address::repeat_byte(4)),
        ] {
            assert_ne!(other, Some(one));
        }
        assert_eq!(opening_digest(subject, 1 << 40, 1, court), None);
    }

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
