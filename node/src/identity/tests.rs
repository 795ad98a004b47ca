use super::*;
use gpux_proto::{
    evidence::{Descriptor, Membership},
    signing::Domain,
};
use prost::Message as _;

fn identity() -> Identity {
    let key = SigningKey::from_bytes(&[5; 32]);
    let provider = PrivateKeySigner::from_bytes(&[7; 32].into()).unwrap();
    let price =
        Price { chain_id: 31_337, rentals: [1; 20], rate: 1_000, capacity: 1, validity: Duration::from_secs(3_600) };
    let address = provider.address().into_array();
    let descriptor = describe(&key, address, "http://127.0.0.1:1".into(), None, Claims::default()).unwrap();
    Identity::new(key, provider, price, descriptor, None).unwrap()
}

#[test]
fn a_description_passes_a_renters_checks() {
    let identity = identity();
    let published = identity.published();
    let (offer, _) = signing::verify_offer(published.description.offer.as_ref().unwrap()).unwrap();
    let descriptor = published.description.descriptor.as_ref().unwrap();
    let key = signing::public_key("node", &offer.node).unwrap();
    let digest = signing::verify(Domain::Descriptor, descriptor, &key).unwrap();
    assert_eq!(offer.descriptor_digest, digest);
    let descriptor: Descriptor = signing::open(Domain::Descriptor, descriptor).unwrap();
    assert_eq!((descriptor.node, descriptor.provider), (offer.node.clone(), offer.provider.clone()));
}

#[test]
fn an_offer_that_was_just_renewed_is_still_stood_by() {
    let identity = identity();
    let first = identity.published().offer.clone();
    let foreign = Offer { rate: "1".into(), ..first.clone() };
    assert!(!identity.published().stands_by(&foreign));
    identity.renew().unwrap();
    assert!(identity.published().stands_by(&first));
}

#[test]
fn a_membership_counts_for_its_node_while_it_is_valid() {
    let organisation = SigningKey::from_bytes(&[9; 32]);
    let file = sign_membership(&organisation, [3; 32], 1).encode_to_vec();
    assert_eq!(accept_membership(&file, [3; 32]).unwrap().1, organisation.verifying_key().to_bytes());
    assert!(matches!(accept_membership(&file, [4; 32]), Err(Error::Membership("it is of another node"))));
    let expired = sign_membership(&organisation, [3; 32], 0).encode_to_vec();
    assert!(matches!(accept_membership(&expired, [3; 32]), Err(Error::Membership("it has expired"))));
    let mut forged: Signed = sign_membership(&organisation, [3; 32], 1);
    let mut membership = Membership::decode(&*forged.payload).unwrap();
    membership.node = vec![4; 32];
    forged.payload = membership.encode_to_vec();
    assert!(matches!(accept_membership(&forged.encode_to_vec(), [4; 32]), Err(Error::Signing(_))));
    assert!(accept_membership(&file[..file.len() - 1], [3; 32]).is_err(), "truncated");
}
