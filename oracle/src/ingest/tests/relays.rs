//! Relays' registrations and stamps: who gives them, how large they are, and that each counts once.

use alloy::{primitives::B256, signers::local::PrivateKeySigner};
use gpux_kernels::evidence::session_head;
use gpux_proto::{
    evidence::{Bundle, Direction, EndedBy, RelayRegistration, Signed, Stamp, Stamps, log_entry::Fact},
    frames::{Chains, Side},
    signing::{self, Domain, SigningKey},
};

use super::{
    honest,
    keys::ecdsa,
    log,
    world::{CHAIN, NOW, UNTIL, World, deployment, time},
};
use crate::store::BondChange;

/// An owner's account and his relay.
pub(super) struct Owner {
    pub(super) account: PrivateKeySigner,
    pub(super) relay: SigningKey,
}

impl Owner {
    pub(super) fn new(number: u8) -> Self {
        Self {
            account: PrivateKeySigner::from_bytes(&B256::repeat_byte(0x50 + number)).unwrap(),
            relay: SigningKey::from_bytes(&[0x60 + number; 32]),
        }
    }

    pub(super) fn key(&self) -> [u8; 32] {
        self.relay.verifying_key().to_bytes()
    }

    pub(super) fn registration(&self) -> RelayRegistration {
        self.sign(RelayRegistration {
            chain_id: CHAIN,
            bonds: deployment().bonds.to_vec(),
            owner: self.account.address().to_vec(),
            relay: self.key().to_vec(),
            endpoint: "https://relay.example:7443".into(),
            valid_until: UNTIL,
            owner_signature: Vec::new(),
        })
    }

    fn sign(&self, registration: RelayRegistration) -> RelayRegistration {
        let digest = signing::relay_digest(&registration).unwrap();
        RelayRegistration { owner_signature: ecdsa(&self.account, digest), ..registration }
    }

    /// What an honest relay stamps of a session: every frame, by a clock of its own.
    pub(super) fn stamps(&self, bundle: &Bundle) -> Stamps {
        let open = signing::id(Domain::Open, &bundle.open.as_ref().unwrap().payload);
        let mut chains = Chains::new(open);
        // The times of the session as `session::hold` made them, whatever the fisher wrote since.
        let mut time_us = 1;
        let stamps = bundle.frames.iter().map(|frame| {
            let side = if frame.direction() == Direction::Renter { Side::Renter } else { Side::Node };
            let data = &frame.frame.as_ref().unwrap().data;
            let head = chains.follow(side, data).unwrap().to_vec();
            time_us += 12_500;
            Stamp { head, direction: frame.direction, time_us }
        });
        let stamps: Vec<_> = stamps.collect();
        Stamps {
            relay: self.key().to_vec(),
            node: SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes().to_vec(),
            start_time: Some(time(NOW - 30)),
            end_us: stamps.last().map_or(0, |stamp| stamp.time_us),
            stamps,
            ended_by: EndedBy::Renter.into(),
        }
    }

    pub(super) fn signed(&self, stamps: &Stamps) -> Signed {
        signing::sign(Domain::Stamps, stamps, &self.relay)
    }
}

/// A market in which owner 0 has the smallest bond.
async fn ready() -> (World, Owner) {
    let (world, owner) = (World::ready().await, Owner::new(0));
    let account = owner.account.address().into_array();
    let bond = BondChange { log_index: 0, fisher: account, amount: 50_000_000 };
    let block = world.block_at(NOW - 50, |facts| facts.bonds.push(bond)).await;
    world.store.finalise(block.number).await.unwrap();
    (world, owner)
}

#[tokio::test]
async fn an_owner_with_a_bond_registers_a_relay_once() {
    let (world, owner) = ready().await;
    assert_eq!(world.ingest.register_relay(owner.registration()).await.unwrap(), owner.key());
    let entered = |fact: &Fact| matches!(fact, Fact::RelayRegistered(_));
    let before = world.contents().await;
    world.ingest.register_relay(owner.registration()).await.unwrap();
    assert_eq!(world.contents().await, before);
    let longer = owner.sign(RelayRegistration { valid_until: UNTIL + 1, ..owner.registration() });
    world.ingest.register_relay(longer).await.unwrap();
    assert_eq!(log(&world).await.iter().filter(|fact| entered(fact)).count(), 2);
}

#[tokio::test]
async fn registrations_are_refused_for_what_they_say() {
    let (world, owner) = ready().await;
    let base = owner.registration();
    let cases = [
        ("FOREIGN_CHAIN", owner.sign(RelayRegistration { chain_id: 1, ..base.clone() })),
        ("FOREIGN_CHAIN", owner.sign(RelayRegistration { bonds: vec![9; 20], ..base.clone() })),
        ("MALFORMED", owner.sign(RelayRegistration { relay: vec![0; 32], ..base.clone() })),
        ("MALFORMED", RelayRegistration { relay: vec![9; 31], ..base.clone() }),
        ("MALFORMED", RelayRegistration { owner: vec![9; 19], ..base.clone() }),
        ("MALFORMED", owner.sign(RelayRegistration { endpoint: "ftp://relay.example".into(), ..base.clone() })),
        (
            "MALFORMED",
            owner.sign(RelayRegistration { endpoint: format!("http://{}", "x".repeat(250)), ..base.clone() }),
        ),
        ("MALFORMED", RelayRegistration { valid_until: 1 << 40, ..base.clone() }),
        ("REGISTRATION_VOID", owner.sign(RelayRegistration { valid_until: NOW, ..base.clone() })),
        ("REGISTRATION_VOID", owner.sign(RelayRegistration { valid_until: NOW + 63_072_000, ..base.clone() })),
        ("BAD_SIGNATURE", RelayRegistration { endpoint: "http://elsewhere.example".into(), ..base.clone() }),
        ("OWNER_WITHOUT_BOND", Owner::new(1).registration()),
    ];
    let before = world.contents().await;
    for (index, (reason, registration)) in cases.into_iter().enumerate() {
        let refusal = world.ingest.register_relay(registration).await.unwrap_err();
        assert_eq!(refusal.reason(), reason, "case {index}: {refusal}");
        assert_eq!(world.contents().await, before, "case {index}");
    }
    world.ingest.register_relay(base.clone()).await.unwrap();
    let stale = owner.sign(RelayRegistration { endpoint: "http://elsewhere.example".into(), ..base });
    assert_eq!(world.ingest.register_relay(stale).await.unwrap_err().reason(), "REGISTRATION_VOID");
    // The fisher, who has a bond, tries to take the relay with its past over.
    let thief = Owner { account: world.keys.fisher.clone(), relay: owner.relay.clone() };
    assert_eq!(world.ingest.register_relay(thief.registration()).await.unwrap_err().reason(), "RELAY_OWNED");
}

#[tokio::test]
async fn stamps_of_a_registered_relay_are_held_once_and_stay_out_of_the_log() {
    let (world, owner) = ready().await;
    let stamps = owner.stamps(honest());
    let refusal = world.ingest.submit_stamps(owner.signed(&stamps)).await.unwrap_err();
    assert_eq!(refusal.reason(), "RELAY_UNKNOWN");
    world.ingest.register_relay(owner.registration()).await.unwrap();
    let entries = log(&world).await.len();
    world.ingest.submit_stamps(owner.signed(&stamps)).await.unwrap();
    assert_eq!(log(&world).await.len(), entries);
    let head = session_head(honest()).unwrap();
    assert!(world.store.stamps(owner.key(), head).await.unwrap().is_some());
    let before = world.contents().await;
    world.ingest.submit_stamps(owner.signed(&stamps)).await.unwrap();
    let other = Stamps { ended_by: EndedBy::Node.into(), ..stamps.clone() };
    assert_eq!(world.ingest.submit_stamps(owner.signed(&other)).await.unwrap_err().reason(), "STAMPS_HELD");
    assert_eq!(world.contents().await, before);
    world.set_clock(UNTIL);
    assert_eq!(world.ingest.submit_stamps(owner.signed(&stamps)).await.unwrap_err().reason(), "RELAY_UNKNOWN");
}

#[tokio::test]
async fn stamps_are_refused_for_what_they_say() {
    let (world, owner) = ready().await;
    world.ingest.register_relay(owner.registration()).await.unwrap();
    type Change = fn(&mut Stamps);
    let cases: &[(&str, Change)] = &[
        ("MALFORMED", |s| s.stamps.clear()),
        ("MALFORMED", |s| s.stamps.retain(|stamp| stamp.direction() == Direction::Node)),
        ("MALFORMED", |s| s.stamps[3].head.truncate(31)),
        ("MALFORMED", |s| s.stamps[3].direction = 0),
        ("MALFORMED", |s| s.stamps[3].direction = 3),
        ("MALFORMED", |s| s.stamps.swap(3, 4)),
        ("MALFORMED", |s| s.end_us -= 1),
        ("MALFORMED", |s| s.end_us = 86_400_000_001),
        ("MALFORMED", |s| s.ended_by = 0),
        ("MALFORMED", |s| s.ended_by = 9),
        ("MALFORMED", |s| s.start_time = None),
        ("MALFORMED", |s| s.node.clear()),
        ("MALFORMED", |s| s.stamps = vec![s.stamps[0].clone(); 4_097]),
        ("OVERSIZED", |s| s.stamps = vec![s.stamps[0].clone(); 9_000]),
        ("FUTURE_DATED", |s| s.start_time = Some(time(NOW + 31))),
        ("RELAY_UNKNOWN", |s| s.relay = vec![9; 32]),
        ("NODE_UNKNOWN", |s| s.node = vec![9; 32]),
    ];
    let before = world.contents().await;
    for (index, (reason, change)) in cases.iter().enumerate() {
        let mut stamps = owner.stamps(honest());
        change(&mut stamps);
        let refusal = world.ingest.submit_stamps(owner.signed(&stamps)).await.unwrap_err();
        assert_eq!(refusal.reason(), *reason, "case {index}: {refusal}");
    }
    let foreign = signing::sign(Domain::Stamps, &owner.stamps(honest()), &SigningKey::from_bytes(&[9; 32]));
    assert_eq!(world.ingest.submit_stamps(foreign).await.unwrap_err().reason(), "BAD_SIGNATURE");
    assert_eq!(world.contents().await, before);
}
