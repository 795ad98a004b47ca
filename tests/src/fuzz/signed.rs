//! Signed messages and what the chain may see: every kind, decoded, verified and digested.

use super::transcript::{ecdsa, keys};
use gpux_contracts::Rentals;
use gpux_proto::{
    evidence::{
        Acknowledgement, Checkpoint, Commit, Descriptor, Hello, Membership, Open, Registration, Report, Signed,
        SignedOffer, Terms,
    },
    signing::{self, Domain},
};
use prost::Message;

/// The first byte chooses the kind.
pub(super) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 12 {
        0 => message::<Descriptor>(Domain::Descriptor, bytes),
        1 => message::<Membership>(Domain::Membership, bytes),
        2 => message::<Hello>(Domain::Hello, bytes),
        3 => message::<Open>(Domain::Open, bytes),
        4 => message::<Report>(Domain::Report, bytes),
        5 => message::<Commit>(Domain::Commit, bytes),
        6 => message::<Checkpoint>(Domain::Checkpoint, bytes),
        7 => message::<Acknowledgement>(Domain::Acknowledgement, bytes),
        8 => envelope(bytes),
        9 => offer(bytes),
        10 => terms(bytes),
        _ => registration(bytes),
    }
}

/// A payload that its author signed holds in its own domain and as it is.
fn message<M: Message + Default>(domain: Domain, payload: &[u8]) {
    let key = &keys().node;
    let id = signing::id(domain, payload);
    let signed = Signed { payload: payload.to_vec(), signature: signing::sign_id(&id, key).to_vec() };
    assert_eq!(signing::verify(domain, &signed, &key.verifying_key()), Ok(id));
    let other = if domain == Domain::Report { Domain::Commit } else { Domain::Report };
    assert!(signing::verify(other, &signed, &key.verifying_key()).is_err(), "a signature of another kind");
    let longer = Signed { payload: [payload, &[0]].concat(), ..signed.clone() };
    assert!(signing::verify(domain, &longer, &key.verifying_key()).is_err(), "a longer payload");
    if let Ok(message) = signing::open::<M>(domain, &signed) {
        let _ = message.encode_to_vec();
    }
}

/// An envelope with a signature and a key that anybody wrote.
fn envelope(bytes: &[u8]) {
    let Ok(signed) = Signed::decode(bytes) else { return };
    let Ok(hello) = signing::open::<Hello>(Domain::Hello, &signed) else { return };
    let Ok(key) = signing::public_key("session_key", &hello.session_key) else { return };
    let _ = signing::verify(Domain::Hello, &signed, &key);
    let address = hello.rentals.first_chunk::<20>().copied().unwrap_or_default();
    let digest = signing::session_digest(hello.chain_id, address.into(), [1; 32], key.to_bytes(), hello.valid_until);
    if let Ok(digest) = digest {
        let _ = signing::verify_ecdsa("session", &digest, &hello.authorisation, address.into());
        let consumer = &keys().consumer;
        let signature = ecdsa(consumer, &digest);
        assert_eq!(signing::verify_ecdsa("session", &digest, &signature, consumer.address()), Ok(()));
    }
}

/// An offer holds if both of its keys sign it, and not by either alone.
fn offer(bytes: &[u8]) {
    let Ok(mut signed) = SignedOffer::decode(bytes) else { return };
    let _ = signing::verify_offer(&signed);
    let Some(offer) = signed.offer.as_mut() else { return };
    let keys = keys();
    (offer.node, offer.provider) = (keys.node.verifying_key().to_bytes().to_vec(), keys.provider.address().to_vec());
    let Ok(digest) = signing::offer_digest(offer) else {
        return assert!(Rentals::Offer::try_from(&*offer).is_err() || offer.rentals.len() != 20, "the chain takes it");
    };
    assert!(Rentals::Offer::try_from(&*offer).is_ok(), "what can be signed fits the contract");
    let of_both = SignedOffer {
        node_signature: signing::sign_id(&digest, &keys.node).to_vec(),
        provider_signature: ecdsa(&keys.provider, &digest),
        ..signed.clone()
    };
    assert!(signing::verify_offer(&of_both).is_ok());
    let of_node = SignedOffer { provider_signature: ecdsa(&keys.consumer, &digest), ..of_both.clone() };
    let of_provider = SignedOffer { node_signature: signing::sign_id(&digest, &keys.session).to_vec(), ..of_both };
    assert!(signing::verify_offer(&of_node).is_err() && signing::verify_offer(&of_provider).is_err());
}

/// A rental's id follows from terms that the contract takes, and moves with each of their fields.
fn terms(bytes: &[u8]) {
    let Ok(terms) = Terms::decode(bytes) else { return };
    let Ok(id) = signing::rental_id(&terms) else { return };
    assert!(Rentals::Terms::try_from(&terms).is_ok(), "what has an id fits the contract");
    let mut other = terms.clone();
    other.nonce ^= 1;
    assert_ne!(signing::rental_id(&other), Ok(id));
    let mut other = terms;
    other.note[31] ^= 1;
    assert_ne!(signing::rental_id(&other), Ok(id));
}

fn registration(bytes: &[u8]) {
    let Ok(registration) = Registration::decode(bytes) else { return };
    let Ok(digest) = signing::registration_digest(&registration) else { return };
    let fisher = registration.fisher.first_chunk::<20>().copied().unwrap_or_default();
    let _ = signing::verify_ecdsa("registration", &digest, &registration.fisher_signature, fisher.into());
    let other = Registration { valid_until: registration.valid_until ^ 1, ..registration };
    assert_ne!(signing::registration_digest(&other), Ok(digest));
}

/// One good message of each kind.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let bundle = super::transcript::Transcript::honest(0).sign();
    let of = |kind: u8, bytes: Vec<u8>| [vec![kind], bytes].concat();
    let payload = |signed: &Option<Signed>| signed.clone().unwrap_or_default().payload;
    vec![
        of(0, payload(&bundle.descriptor)),
        of(2, payload(&bundle.hello)),
        of(3, payload(&bundle.open)),
        of(4, super::oracle::report().encode_to_vec()),
        of(8, bundle.hello.unwrap_or_default().encode_to_vec()),
        of(9, bundle.offer.unwrap_or_default().encode_to_vec()),
        of(10, bundle.terms.unwrap_or_default().encode_to_vec()),
        of(11, super::oracle::registration().encode_to_vec()),
    ]
}
