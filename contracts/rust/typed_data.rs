//! What is signed for the chain, and the ids that the chain computes.
//!
//! Each function gives the same 32 bytes as the contract: `offer_digest` as `Rentals.offerDigest`, `terms_id` as
//! `Rentals.rentalId`, `publish_digest` as `Scores.publicationDigest`. A session is verified off chain only, under the
//! domain of Rentals, so that a signature for one deployment says nothing in another.

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol;
use alloy::sol_types::{Eip712Domain, SolStruct, SolValue, eip712_domain};

use crate::bindings::{Rentals, Scores};

sol! {
    /// The consumer's word that `key` (ed25519) speaks for him in sessions of `rental` until `validUntil` (unix seconds).
    #[derive(Debug, PartialEq, Eq)]
    struct Session {
        bytes32 rental;
        bytes32 key;
        uint40 validUntil;
    }
}

/// The EIP-712 domain of offers and sessions.
pub fn rentals_domain(chain_id: u64, rentals: Address) -> Eip712Domain {
    eip712_domain! { name: "GPUX Rentals", version: "1", chain_id: chain_id, verifying_contract: rentals, }
}

/// The EIP-712 domain of publications.
pub fn scores_domain(chain_id: u64, scores: Address) -> Eip712Domain {
    eip712_domain! { name: "GPUX Scores", version: "1", chain_id: chain_id, verifying_contract: scores, }
}

/// The digest that a provider and his node sign for an offer.
pub fn offer_digest(offer: &Rentals::Offer, chain_id: u64, rentals: Address) -> B256 {
    offer.eip712_signing_hash(&rentals_domain(chain_id, rentals))
}

/// The digest that a consumer signs for a session key.
pub fn session_digest(session: &Session, chain_id: u64, rentals: Address) -> B256 {
    session.eip712_signing_hash(&rentals_domain(chain_id, rentals))
}

/// The digest that operators sign for an epoch.
pub fn publish_digest(publication: &Scores::Publish, chain_id: u64, scores: Address) -> B256 {
    publication.eip712_signing_hash(&scores_domain(chain_id, scores))
}

/// The id of the rental with these terms.
pub fn terms_id(terms: &Rentals::Terms, chain_id: u64, rentals: Address) -> B256 {
    keccak256((U256::from(chain_id), rentals, terms.clone()).abi_encode_params())
}

/// The note that commits to `filer`: `keccak256(abi.encode(chainid, court, filer, salt))`.
pub fn note(chain_id: u64, court: Address, filer: Address, salt: B256) -> B256 {
    keccak256((U256::from(chain_id), court, filer, salt).abi_encode_params())
}

#[cfg(test)]
mod tests {
    use alloy::primitives::b256;

    use super::*;

    /// EIP-712 type strings are the wire format: a renamed or reordered field of the Solidity structs breaks every signature.
    #[test]
    fn type_strings_are_those_that_the_contracts_hash() {
        assert_eq!(
            Rentals::Offer::eip712_root_type(),
            "Offer(address provider,bytes32 node,bytes32 descriptor,uint96 rate,uint32 capacity,uint40 validUntil)"
        );
        assert_eq!(Session::eip712_root_type(), "Session(bytes32 rental,bytes32 key,uint40 validUntil)");
        assert_eq!(
            Scores::Publish::eip712_root_type(),
            "Publish(uint64 epoch,bytes32 root,bytes32 rewardsRoot,bytes32 dataHash,uint64 logSize,bytes32 logRoot,bytes32 parameters)"
        );
    }

    /// Computed with `cast abi-encode` and `cast keccak`.
    #[test]
    fn a_note_is_the_hash_of_the_encoded_commitment() {
        let note = note(31_337, Address::repeat_byte(1), Address::repeat_byte(2), B256::repeat_byte(3));
        assert_eq!(note, b256!("b0d5eeb319b64814fc3bb711512fcb04556977591d4d5fc6f16fa9bddd354739"));
    }

    #[test]
    fn digests_depend_on_chain_and_contract() {
        let offer = Rentals::Offer::default();
        let one = offer_digest(&offer, 1, Address::repeat_byte(1));
        assert_ne!(one, offer_digest(&offer, 2, Address::repeat_byte(1)));
        assert_ne!(one, offer_digest(&offer, 1, Address::repeat_byte(2)));
        let terms = Rentals::Terms::default();
        let one = terms_id(&terms, 1, Address::repeat_byte(1));
        assert_ne!(one, terms_id(&terms, 2, Address::repeat_byte(1)));
        assert_ne!(one, terms_id(&terms, 1, Address::repeat_byte(2)));
    }
}
