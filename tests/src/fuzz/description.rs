//! What a node says of itself, as a fisher and an oracle list it: any bytes, and any claims that it signed itself.

use super::transcript::{CHAIN, NOW, RENTALS, descriptor, ecdsa, keys};
use gpux_kernels::plan::Market;
use gpux_prober::{
    choose,
    offered::{self, Place},
};
use gpux_proto::{
    evidence::{Description, Descriptor, Offer, Signed, SignedOffer},
    signing::{self, Domain},
};
use prost::Message as _;
use std::time::Duration;

fn place() -> Place {
    Place { chain_id: CHAIN, rentals: RENTALS.into() }
}

/// The first byte says whether the rest is a description or a descriptor that its node signs.
pub(super) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    let description = if kind % 2 == 0 { Description::decode(bytes).ok() } else { Some(signed(bytes)) };
    let Some(description) = description else { return };
    let now = Duration::from_secs(NOW);
    if let Ok(offered) = offered::verify(&description, place(), now) {
        assert!(offered.descriptor.endpoint.len() <= offered::ENDPOINT_BYTES_MAX && offered.rate > 0);
        assert_eq!(offered.offer.node, offered.descriptor.node);
        for market in [Market::Development, Market::Production] {
            let _ = choose::probes(&offered, market);
        }
        let later = Duration::from_secs(offered.offer.valid_until);
        assert!(offered::verify(&description, place(), later).is_err(), "an offer ends");
        let elsewhere = Place { chain_id: CHAIN + 1, ..place() };
        assert!(offered::verify(&description, elsewhere, now).is_err(), "an offer is of one chain");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = offered::endpoint(text);
    }
}

/// A node that claims whatever it likes, with an offer that fits.
fn signed(bytes: &[u8]) -> Description {
    let keys = keys();
    let mut claims = descriptor();
    let node = claims.node.clone();
    let _ = claims.merge(bytes);
    (claims.node, claims.provider) = (node, keys.provider.address().to_vec());
    describe(&claims)
}

/// Signs a descriptor and an offer for it.
pub(super) fn describe(claims: &Descriptor) -> Description {
    let keys = keys();
    let descriptor = signing::sign(Domain::Descriptor, claims, &keys.node);
    let offer = Offer {
        chain_id: CHAIN,
        rentals: RENTALS.to_vec(),
        node: claims.node.clone(),
        provider: claims.provider.clone(),
        descriptor_digest: signing::id(Domain::Descriptor, &descriptor.payload).to_vec(),
        rate: "10".into(),
        capacity: 1,
        valid_until: super::transcript::UNTIL,
    };
    let digest = signing::offer_digest(&offer).unwrap_or_default();
    let offer = SignedOffer {
        offer: Some(offer),
        node_signature: signing::sign_id(&digest, &keys.node).to_vec(),
        provider_signature: ecdsa(&keys.provider, &digest),
    };
    Description { descriptor: Some(descriptor), offer: Some(offer), membership: Some(Signed::default()) }
}

/// A good description, and claims.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let claims = descriptor();
    let description = Description { membership: None, ..describe(&claims) };
    vec![
        [vec![0], description.encode_to_vec()].concat(),
        [vec![1], claims.encode_to_vec()].concat(),
        [vec![2], claims.endpoint.into_bytes()].concat(),
    ]
}
