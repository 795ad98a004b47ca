//! Descriptions that are forged, foreign, replayed or dated ahead: whatever is put into them, each is refused by its own
//! reason, and nothing of it is held.

use alloy::signers::local::PrivateKeySigner;
use gpux_proto::{
    evidence::{Description, Descriptor, Membership, Offer},
    signing::{self, Domain, SigningKey},
};
use proptest::prelude::*;

use super::{
    keys::{Keys, ecdsa},
    shared,
    world::{CHAIN, NOW, UNTIL, deployment, time},
};

/// How far ahead an honest clock may be; see `rules`.
const SKEW_SECS: u64 = 30;

/// What is wrong with a description that is otherwise newer than the one that is held.
#[derive(Debug, Clone)]
enum Wrong {
    /// Somebody else's key signed the descriptor, the offer for the node, the offer for the provider, the membership.
    Descriptor([u8; 32]),
    NodesOffer([u8; 32]),
    ProvidersOffer([u8; 32]),
    Membership([u8; 32]),
    /// Signed by the right keys, for another kind of message.
    OtherDomain,
    /// For another chain, or another contract of this one.
    Chain(u64),
    Contract([u8; 20]),
    /// The offer was made for an older descriptor, with the same keys and a later end.
    OldOffer(u64),
    /// The offer or the membership is of another node, which has signed it.
    OtherNodesOffer([u8; 32]),
    OtherNodesMembership([u8; 32]),
    /// The offer names a provider who has signed it, and the descriptor another.
    OtherProvider([u8; 32]),
    /// An older description, or the same one with an offer that ends no later.
    Old(u64),
    OlderOffer(u64),
    /// Dated ahead by so many seconds.
    IssuedAhead(u64),
    MemberAhead(u64),
    /// Ended so many seconds ago.
    OfferEnded(u64),
    MemberEnded(u64),
}

fn wrong() -> impl Strategy<Value = Wrong> {
    // Keys that are none of the market's, whose bytes all are the same.
    let key = || any::<[u8; 32]>().prop_filter("a key of a stranger", |key| key.iter().any(|byte| *byte != key[0]));
    let seconds = || 0..NOW / 2;
    let contract = any::<[u8; 20]>().prop_filter("another contract", |other| *other != deployment().rentals);
    prop_oneof![
        key().prop_map(Wrong::Descriptor),
        key().prop_map(Wrong::NodesOffer),
        key().prop_map(Wrong::ProvidersOffer),
        key().prop_map(Wrong::Membership),
        Just(Wrong::OtherDomain),
        (1_u64..).prop_map(|change| Wrong::Chain(CHAIN ^ change)),
        contract.prop_map(Wrong::Contract),
        seconds().prop_map(Wrong::OldOffer),
        key().prop_map(Wrong::OtherNodesOffer),
        key().prop_map(Wrong::OtherNodesMembership),
        key().prop_map(Wrong::OtherProvider),
        seconds().prop_map(Wrong::Old),
        seconds().prop_map(Wrong::OlderOffer),
        seconds().prop_map(Wrong::IssuedAhead),
        seconds().prop_map(Wrong::MemberAhead),
        seconds().prop_map(Wrong::OfferEnded),
        seconds().prop_map(Wrong::MemberEnded),
    ]
}

/// A node of an organisation, with a newer descriptor than the one that is held.
fn newer(keys: &Keys) -> Descriptor {
    let organisation = keys.organisation.verifying_key().to_bytes().to_vec();
    Descriptor { sequence: 2, organisation, ..keys.descriptor() }
}

fn member(keys: &Keys, change: impl FnOnce(&mut Membership)) -> gpux_proto::evidence::Signed {
    let mut membership = keys.membership();
    change(&mut membership);
    signing::sign(Domain::Membership, &membership, &keys.organisation)
}

fn describe(keys: &Keys, descriptor: &Descriptor) -> Description {
    Description { membership: Some(member(keys, |_| {})), ..keys.describe(descriptor) }
}

fn offered(keys: &Keys, descriptor: &Descriptor, change: impl FnOnce(&mut Offer)) -> Description {
    let description = describe(keys, descriptor);
    let mut offer = description.offer.clone().unwrap().offer.unwrap();
    change(&mut offer);
    Description { offer: Some(keys.sign_offer(offer)), ..description }
}

fn stranger(bytes: &[u8; 32]) -> PrivateKeySigner {
    // A number above the curve's order is no key.
    let mut bytes = *bytes;
    bytes[0] &= 0x7f;
    PrivateKeySigner::from_bytes(&bytes.into()).unwrap()
}

/// The description, and the reasons by which it may be refused.
fn made(keys: &Keys, wrong: &Wrong) -> (Description, &'static str) {
    let descriptor = newer(keys);
    let mut whole = describe(keys, &descriptor);
    let ed25519 = |bytes: &[u8; 32]| SigningKey::from_bytes(bytes);
    match wrong {
        Wrong::Descriptor(key) => {
            whole.descriptor = Some(signing::sign(Domain::Descriptor, &descriptor, &ed25519(key)));
            (whole, "BAD_SIGNATURE")
        }
        Wrong::NodesOffer(key) => {
            let signed = whole.offer.as_mut().unwrap();
            let digest = signing::offer_digest(signed.offer.as_ref().unwrap()).unwrap();
            signed.node_signature = signing::sign_id(&digest, &ed25519(key)).to_vec();
            (whole, "OFFER_VOID")
        }
        Wrong::ProvidersOffer(key) => {
            let signed = whole.offer.as_mut().unwrap();
            let digest = signing::offer_digest(signed.offer.as_ref().unwrap()).unwrap();
            signed.provider_signature = ecdsa(&stranger(key), digest);
            (whole, "OFFER_VOID")
        }
        Wrong::Membership(key) => {
            whole.membership = Some(signing::sign(Domain::Membership, &keys.membership(), &ed25519(key)));
            (whole, "BAD_SIGNATURE")
        }
        Wrong::OtherDomain => {
            whole.descriptor = Some(signing::sign(Domain::Membership, &descriptor, &keys.node));
            (whole, "BAD_SIGNATURE")
        }
        Wrong::Chain(chain) => (offered(keys, &descriptor, |offer| offer.chain_id = *chain), "FOREIGN_CHAIN"),
        Wrong::Contract(address) => {
            (offered(keys, &descriptor, |offer| offer.rentals = address.to_vec()), "FOREIGN_CHAIN")
        }
        Wrong::OldOffer(later) => {
            let mut old = offered(keys, &keys.descriptor(), |offer| offer.valid_until = UNTIL + later);
            old.descriptor = whole.descriptor;
            (old, "OFFER_VOID")
        }
        Wrong::OtherNodesOffer(key) => {
            let signed = whole.offer.as_mut().unwrap();
            let offer = signed.offer.as_mut().unwrap();
            offer.node = ed25519(key).verifying_key().to_bytes().to_vec();
            let digest = signing::offer_digest(offer).unwrap();
            signed.node_signature = signing::sign_id(&digest, &ed25519(key)).to_vec();
            signed.provider_signature = ecdsa(&keys.provider, digest);
            (whole, "OFFER_VOID")
        }
        Wrong::OtherNodesMembership(key) => {
            let node = ed25519(key).verifying_key().to_bytes().to_vec();
            whole.membership = Some(member(keys, |membership| membership.node = node));
            (whole, "MALFORMED")
        }
        Wrong::OtherProvider(key) => {
            let descriptor = Descriptor { provider: stranger(key).address().to_vec(), ..descriptor };
            (describe(keys, &descriptor), "OFFER_VOID")
        }
        Wrong::Old(later) => {
            let old = Descriptor { sequence: 0, ..newer(keys) };
            (offered(keys, &old, |offer| offer.valid_until = UNTIL + later), "NODE_STALE")
        }
        Wrong::OlderOffer(earlier) => {
            // The description that is held, offered again until earlier: an offer that was taken back lives again.
            let until = (UNTIL - earlier % (UNTIL - NOW)).max(NOW + 1);
            let again = keys.describe(&keys.descriptor());
            let mut offer = again.offer.clone().unwrap().offer.unwrap();
            (offer.valid_until, offer.rate) = (until, "999".into());
            (Description { offer: Some(keys.sign_offer(offer)), ..again }, "NODE_STALE")
        }
        Wrong::IssuedAhead(ahead) => {
            let issue_time = Some(time(NOW + SKEW_SECS + 1 + ahead));
            (describe(keys, &Descriptor { issue_time, ..descriptor }), "FUTURE_DATED")
        }
        Wrong::MemberAhead(ahead) => {
            let start = NOW + SKEW_SECS + 1 + ahead;
            whole.membership = Some(member(keys, |of| {
                (of.start_time, of.expire_time) = (Some(time(start)), Some(time(start + 10)));
            }));
            (whole, "FUTURE_DATED")
        }
        Wrong::OfferEnded(ago) => (offered(keys, &descriptor, |offer| offer.valid_until = NOW - ago), "OFFER_EXPIRED"),
        Wrong::MemberEnded(ago) => {
            whole.membership = Some(member(keys, |of| {
                (of.start_time, of.expire_time) = (Some(time(NOW - ago - 10)), Some(time(NOW - ago)));
            }));
            (whole, "MALFORMED")
        }
    }
}

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: std::sync::OnceLock<tokio::runtime::Runtime> = std::sync::OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_forged_foreign_replayed_or_dated_ahead_is_refused_by_its_reason(wrong in wrong()) {
        runtime().block_on(async {
            let world = shared().await;
            let before = world.contents().await;
            let (description, reason) = made(&world.keys, &wrong);
            let refusal = world.ingest.announce_node(description).await;
            prop_assert_eq!(refusal.map_err(|refusal| refusal.reason()), Err(reason));
            prop_assert_eq!(world.contents().await, before);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn the_same_description_with_nothing_wrong_is_accepted() {
    let world = super::World::ready().await;
    world.ingest.announce_node(describe(&world.keys, &newer(&world.keys))).await.unwrap();
}
