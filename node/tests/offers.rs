//! Who may upload, by what he took: offers that are forged, foreign, replayed or dated ahead are refused, whatever is put
//! into them and however well the rest fits.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

use alloy::{
    primitives::Address,
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use gpux_node::{
    identity::{Claims, Identity, Price, Published, describe},
    session::{Error, admissible},
};
use gpux_proto::{
    evidence::{File, Hello, JobManifest, Offer, Terms},
    node::Start,
    signing::{self, Domain, SigningKey},
};
use proptest::prelude::*;
use prost::Message as _;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

const CHAIN: u64 = 31_337;
const RENTALS: [u8; 20] = [0x11; 20];
/// No clock is as late as this.
const NEVER: u64 = (1 << 40) - 1;

/// A node whose offer was just renewed: it stands by two.
fn published() -> &'static Published {
    static PUBLISHED: OnceLock<Arc<Published>> = OnceLock::new();
    PUBLISHED.get_or_init(|| {
        let key = SigningKey::from_bytes(&[5; 32]);
        let provider = PrivateKeySigner::from_bytes(&[7; 32].into()).unwrap();
        let owner = provider.address().into_array();
        let descriptor = describe(&key, owner, "http://127.0.0.1:1".into(), None, Claims::default()).unwrap();
        let validity = Duration::from_secs(3_600);
        let price = Price { chain_id: CHAIN, rentals: RENTALS, rate: 1_000, capacity: 4, validity };
        let published = Identity::new(key, provider, price, descriptor, None).unwrap().published();
        let (description, offer) = (published.description.clone(), published.offer.clone());
        let previous = Some(Offer { valid_until: offer.valid_until - 60, ..offer.clone() });
        Arc::new(Published { description, offer, previous })
    })
}

/// A renter who fits everything that he sends to what he says that he took.
#[derive(Debug, Clone)]
struct Renter {
    /// What the terms take.
    taken: Offer,
    nonce: u64,
    /// What the Hello says beside what follows from the terms.
    chain_id: u64,
    rentals: [u8; 20],
    node: Vec<u8>,
    valid_until: u64,
}

impl Renter {
    fn of(taken: Offer) -> Self {
        let node = published().offer.node.clone();
        Self { taken, nonce: 1, chain_id: CHAIN, rentals: RENTALS, node, valid_until: NEVER }
    }

    fn terms(&self) -> Terms {
        let taken = Some(self.taken.clone());
        Terms { consumer: consumer().address().to_vec(), offer: taken, note: vec![3; 32], nonce: self.nonce }
    }

    fn start(&self) -> Start {
        let session = SigningKey::from_bytes(&[13; 32]);
        let key = session.verifying_key().to_bytes();
        let rental = signing::rental_id(&self.terms()).unwrap();
        let contract = Address::from(self.rentals);
        let digest = signing::session_digest(self.chain_id, contract, rental, key, self.valid_until).unwrap();
        let executable = Some(File { name: "job".into(), digest: vec![1; 32], size: 5 });
        let manifest = JobManifest { executable, ..JobManifest::default() }.encode_to_vec();
        let hello = Hello {
            chain_id: self.chain_id,
            rentals: self.rentals.to_vec(),
            rental: rental.to_vec(),
            node: self.node.clone(),
            offer_digest: signing::offer_digest(&self.taken).unwrap().to_vec(),
            session_key: key.to_vec(),
            authorisation: consumer().sign_hash_sync(&digest.into()).unwrap().as_bytes().to_vec(),
            valid_until: self.valid_until,
            job: signing::id(Domain::Job, &manifest).to_vec(),
            secret_digest: vec![6; 32],
        };
        Start { hello: Some(signing::sign(Domain::Hello, &hello, &session)), terms: Some(self.terms()), manifest }
    }
}

fn consumer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&[9; 32].into()).unwrap()
}

/// An offer that the node never made: one of its own with one thing changed.
fn never_made() -> impl Strategy<Value = Offer> {
    let offer = || published().offer.clone();
    let bytes = |length: usize| prop::collection::vec(any::<u8>(), length);
    prop_oneof![
        (1..u128::from(u64::MAX)).prop_map(move |rate| Offer { rate: rate.to_string(), ..offer() }),
        any::<u32>().prop_map(move |capacity| Offer { capacity, ..offer() }),
        // Replayed from long ago, and dated ahead.
        (1..NEVER).prop_map(move |valid_until| Offer { valid_until, ..offer() }),
        bytes(20).prop_map(move |provider| Offer { provider, ..offer() }),
        bytes(32).prop_map(move |descriptor_digest| Offer { descriptor_digest, ..offer() }),
        any::<u64>().prop_map(move |chain_id| Offer { chain_id, ..offer() }),
        bytes(20).prop_map(move |rentals| Offer { rentals, ..offer() }),
    ]
    .prop_filter("an offer that the node stands by", |offer| !published().stands_by(offer))
}

proptest! {
    #[test]
    fn an_offer_that_the_node_never_made_is_void(offer in never_made(), nonce: u64) {
        let refused = admissible(&Renter { nonce, ..Renter::of(offer) }.start(), published());
        prop_assert!(matches!(refused, Err(Error::OfferVoid)), "{refused:?}");
    }

    #[test]
    fn another_nodes_offer_is_foreign(node: [u8; 32]) {
        let taken = Offer { node: node.to_vec(), ..published().offer.clone() };
        for named in [node.to_vec(), published().offer.node.clone()] {
            let refused = admissible(&Renter { node: named, ..Renter::of(taken.clone()) }.start(), published());
            prop_assert!(matches!(refused, Err(Error::RentalForeign(_))), "{refused:?}");
        }
    }

    #[test]
    fn a_hello_for_another_chain_or_contract_is_foreign(change in 1_u64.., contract: [u8; 20], both: bool) {
        let chain_id = CHAIN ^ change;
        let mut renter = Renter { chain_id, ..Renter::of(published().offer.clone()) };
        if both {
            // With an offer that fits.
            (renter.taken.chain_id, renter.taken.rentals, renter.rentals) = (chain_id, contract.to_vec(), contract);
        }
        let refused = admissible(&renter.start(), published());
        prop_assert!(matches!(refused, Err(Error::ForeignChain)), "{refused:?}");
        if contract != RENTALS {
            let renter = Renter { rentals: contract, ..Renter::of(published().offer.clone()) };
            let refused = admissible(&renter.start(), published());
            prop_assert!(matches!(refused, Err(Error::ForeignChain)), "{refused:?}");
        }
    }

    #[test]
    fn a_hello_replayed_in_another_rental_is_foreign(one: u64, other: u64) {
        prop_assume!(one != other);
        let renter = |nonce| Renter { nonce, ..Renter::of(published().offer.clone()) };
        let replayed = Start { terms: Some(renter(other).terms()), ..renter(one).start() };
        let refused = admissible(&replayed, published());
        prop_assert!(matches!(refused, Err(Error::RentalForeign(_))), "{refused:?}");
    }

    #[test]
    fn an_authorisation_that_ended_or_was_prolonged_is_none(until in 0..1_700_000_000_u64, longer in 1..NEVER / 2) {
        let ended = Renter { valid_until: until, ..Renter::of(published().offer.clone()) };
        let refused = admissible(&ended.start(), published());
        prop_assert!(matches!(refused, Err(Error::NotAuthorised(_))), "{refused:?}");
        // The renter signs the Hello himself; what the consumer signed stays what it was.
        let session = SigningKey::from_bytes(&[13; 32]);
        let mut start = ended.start();
        let mut hello: Hello = signing::open(Domain::Hello, start.hello.as_ref().unwrap()).unwrap();
        hello.valid_until = NEVER - longer;
        start.hello = Some(signing::sign(Domain::Hello, &hello, &session));
        let refused = admissible(&start, published());
        prop_assert!(matches!(refused, Err(Error::NotAuthorised(_))), "{refused:?}");
    }

    #[test]
    fn a_hello_that_another_key_signed_is_forged(key: [u8; 32]) {
        let mut start = Renter::of(published().offer.clone()).start();
        let hello: Hello = signing::open(Domain::Hello, start.hello.as_ref().unwrap()).unwrap();
        prop_assume!(key != [13; 32]);
        start.hello = Some(signing::sign(Domain::Hello, &hello, &SigningKey::from_bytes(&key)));
        let refused = admissible(&start, published());
        prop_assert!(matches!(refused, Err(Error::Signature(_))), "{refused:?}");
    }
}

#[test]
fn both_offers_that_the_node_stands_by_are_admitted() {
    for offer in [Some(published().offer.clone()), published().previous.clone()] {
        admissible(&Renter::of(offer.unwrap()).start(), published()).unwrap();
    }
}
