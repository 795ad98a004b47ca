//! Offers and terms from the wire (`gpux.evidence.v1`) into the contract's structs. Every size and range is checked: what
//! does not fit its Solidity type is an error, never cut.

use alloy::primitives::{aliases::U40, aliases::U96};
use gpux_proto::bytes::{self, array, present};
use gpux_proto::evidence;

use crate::bindings::Rentals;

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
