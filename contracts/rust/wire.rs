//! Offers, terms and leaves from the wire into the contract's structs. Every size and range is checked: what
//! does not fit its Solidity type is an error, never cut.

use alloy::primitives::{B256, aliases::U40, aliases::U96};
use gpux_proto::bytes::{self, array, from_hex, present};
use gpux_proto::{evidence, oracle};

use crate::bindings::{Rentals, Scores};

impl TryFrom<&evidence::Offer> for Rentals::Offer {
    type Error = bytes::Error;

    fn try_from(offer: &evidence::Offer) -> Result<Self, bytes::Error> {
        let rate: u128 = offer.rate.parse().map_err(|_| bytes::Error::Decimal("offer.rate"))?;
        Ok(Self {
            provider: array("offer.provider", &offer.provider)?.into(),
            node: array("offer.node", &offer.node)?.into(),
            descriptor: array("offer.descriptor_digest", &offer.descriptor_digest)?.into(),
            rate: U96::try_from(rate).map_err(|_| bytes::Error::Decimal("offer.rate"))?,
            capacity: offer.capacity,
            validUntil: U40::try_from(offer.valid_until).map_err(|_| bytes::Error::Decimal("offer.valid_until"))?,
        })
    }
}

impl TryFrom<&evidence::Terms> for Rentals::Terms {
    type Error = bytes::Error;

    fn try_from(terms: &evidence::Terms) -> Result<Self, bytes::Error> {
        Ok(Self {
            consumer: array("terms.consumer", &terms.consumer)?.into(),
            offer: present("terms.offer", &terms.offer)?.try_into()?,
            note: array("terms.note", &terms.note)?.into(),
            nonce: terms.nonce,
        })
    }
}

/// The leaf of a reputation as it stands on chain, with its proof; none before an epoch with the node is there.
pub fn published(reputation: &oracle::Reputation) -> Result<Option<(Scores::Leaf, Vec<B256>)>, bytes::Error> {
    let Some(on_chain) = reputation.on_chain.as_ref().filter(|on_chain| !on_chain.transaction.is_empty()) else {
        return Ok(None);
    };
    let share = |field, value: u32| u16::try_from(value).map_err(|_| bytes::Error::Decimal(field));
    let leaf = Scores::Leaf {
        epoch: on_chain.epoch,
        node: from_hex::<32>("node", &reputation.node)?.into(),
        provider: from_hex::<20>("provider", &reputation.provider)?.into(),
        scoreLowBps: share("score_low_bps", on_chain.score_low_bps)?,
        scoreBps: share("score_bps", on_chain.score_bps)?,
        verdict: u8::try_from(on_chain.verdict).map_err(|_| bytes::Error::Decimal("verdict"))?,
        probes: on_chain.probes,
        certificates: from_hex::<32>("certificates", &on_chain.certificates)?.into(),
    };
    let proof = on_chain.proof.iter().map(|hash| from_hex::<32>("proof", hash).map(B256::from));
    Ok(Some((leaf, proof.collect::<Result<_, _>>()?)))
}
