//! Where sessions are held: a node's keys, claim and offer, a consumer, a released worker, and the fisher's judge. One stage
//! serves all sessions about one claim.

use std::{sync::Arc, time::Duration};

use alloy::{
    primitives::Address,
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use futures_util::FutureExt as _;
use gpux_contracts::Deployment;
use gpux_kernels::{
    Digest, ProbeId,
    catalogue::{self, Model},
    evidence::{Expectation, Rules, expected, step_name},
    plan::{Market, Plan, plan},
    release::{Built, IDENTITY, Release},
};
use gpux_prober::{
    offered::{self, Offered, Place},
    report::{Finding, Judge},
    session::{self, Order},
};
use gpux_proto::{
    evidence::{Description, Descriptor, Gpu, Offer, Outcome, SignedOffer, Terms},
    signing::{self, Domain, SigningKey},
};

use super::{host::Host, prover::Prover, random::Random, table::Played, world::World};

/// When all sessions happen, since 1970: part of what is signed, so it must not be this machine's time.
pub(super) const WALL: Duration = Duration::from_secs(1_800_000_000);

/// What a node claims, and what is probed of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) model: &'static str,
    pub(super) count: u32,
    pub(super) probe: ProbeId,
}

impl Claim {
    /// One card of the suite's model.
    pub(super) const fn of(probe: ProbeId) -> Self {
        Self { model: MODEL, count: 1, probe }
    }
}

/// The card of the suite: a slow one, so that a session has some 50 rounds, and still 860 tiles.
const MODEL: &str = "GeForce RTX 3060 12 GB";

/// Everything that sessions about one claim share.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) model: &'static Model,
    pub(super) plan: Plan,
    pub(super) release: Arc<Release>,
    pub(super) worker: Built,
    pub(super) node: SigningKey,
    pub(super) consumer: PrivateKeySigner,
    pub(super) offered: Offered,
    deployment: Deployment,
    expectation: Expectation,
}

impl Stage {
    pub(super) fn new(claim: Claim) -> anyhow::Result<Self> {
        let unknown = || anyhow::anyhow!("{} cannot be probed by {}", claim.model, claim.probe);
        let model = catalogue::by_name(claim.model).ok_or_else(unknown)?;
        let plan = plan(claim.probe, Market::Development).ok_or_else(unknown)?;
        let release = Release::new(b"the released worker".to_vec())?;
        let worker = release.build(&IDENTITY)?;
        let node = SigningKey::from_bytes(&[2; 32]);
        let provider = PrivateKeySigner::from_bytes(&[3; 32].into())?;
        let consumer = PrivateKeySigner::from_bytes(&[4; 32].into())?;
        let deployment = deployment();
        let description = description(claim, &node, &provider, &deployment)?;
        let place = Place { chain_id: deployment.chain_id, rentals: deployment.rentals };
        let offered = offered::verify(&description, place, WALL)?;
        let expectation = expected(&offered.descriptor, claim.probe, Market::Development).ok_or_else(unknown)?;
        let release = Arc::new(release);
        Ok(Self { model, plan, release, worker, node, consumer, offered, deployment, expectation })
    }

    /// The terms of one rental.
    pub(super) fn terms(&self, note: Digest) -> Terms {
        let consumer = self.consumer.address().to_vec();
        Terms { consumer, offer: Some(self.offered.offer.clone()), note: note.to_vec(), nonce: 1 }
    }

    /// The node, run by a prover.
    pub(super) fn host<P: Prover>(&self, prover: P) -> Host<P> {
        Host::new(prover, self.model, self.node.clone())
    }

    /// Rents the node and holds a session as the fisher does; returns what his judge finds.
    pub(super) fn session<P: Prover>(&self, seed: &Digest, host: &mut Host<P>) -> Finding {
        let mut random = Random::new(seed, "fisher");
        let terms = self.terms(random.bytes());
        let order = Order {
            offered: &self.offered,
            terms: &terms,
            consumer: &self.consumer,
            worker: &self.worker,
            plan: &self.plan,
            lock: None,
            watch: &|_| {},
        };
        let world = World::new(host, WALL, random);
        let ended = session::run_in(world, &order).now_or_never().expect("nothing in a simulated world waits");
        let (market, deployment, expectation) = (Market::Development, &self.deployment, &self.expectation);
        Judge { market, deployment, expectation, release: &self.release }.find(self.plan.probe, &ended)
    }

    /// Holds a session and keeps what the table counts.
    pub(super) fn play<P: Prover>(&self, seed: &Digest, prover: P) -> Played {
        played(&self.session(seed, &mut self.host(prover)))
    }

    /// The rate that a session finds for honest cards of the claim.
    pub(super) fn honest_rate(&self) -> f64 {
        let finding = self.session(&[0; 32], &mut self.host(HonestCards(self.cards())));
        finding.measurement.map_or(0.0, |measurement| measurement.rate as f64)
    }

    fn cards(&self) -> u32 {
        self.offered.descriptor.gpus.iter().map(|gpu| gpu.count).sum()
    }

    /// The rules of whoever examines bundles.
    pub(super) fn rules(&self) -> Rules {
        Rules {
            market: Market::Development,
            chain_id: self.deployment.chain_id,
            rentals: self.deployment.rentals.into_array(),
            releases: vec![Arc::clone(&self.release)],
        }
    }
}

/// As many honest cards as claimed.
struct HonestCards(u32);

impl Prover for HonestCards {
    fn devices(&self) -> u32 {
        self.0
    }
}

/// What the table counts of a finding.
pub(super) fn played(finding: &Finding) -> Played {
    let step = step_name(finding.step);
    Played {
        passed: finding.outcome == Outcome::Pass,
        convicted: finding.convicts,
        caught: match finding.outcome {
            Outcome::Pass => None,
            Outcome::Inconclusive => Some(format!("inconclusive at {step}: {}", finding.detail)),
            _ => Some(format!("{step}: {}", finding.detail)),
        },
        rate: finding.measurement.as_ref().map_or(0.0, |measurement| measurement.rate as f64),
    }
}

fn deployment() -> Deployment {
    let address = Address::repeat_byte;
    Deployment {
        chain_id: 31_337,
        development: true,
        block: 0,
        token: address(1),
        access_manager: address(2),
        rentals: address(3),
        bonds: address(4),
        scores: address(5),
        court: address(6),
        rewards: address(7),
        epoch_length_seconds: 5,
    }
}

fn description(
    claim: Claim,
    node: &SigningKey,
    provider: &PrivateKeySigner,
    deployment: &Deployment,
) -> anyhow::Result<Description> {
    let descriptor = Descriptor {
        node: node.verifying_key().to_bytes().to_vec(),
        endpoint: "http://127.0.0.1:1".into(),
        provider: provider.address().to_vec(),
        gpus: vec![Gpu { model: claim.model.into(), count: claim.count }],
        sequence: 1,
        ..Default::default()
    };
    let descriptor = signing::sign(Domain::Descriptor, &descriptor, node);
    let offer = Offer {
        chain_id: deployment.chain_id,
        rentals: deployment.rentals.to_vec(),
        node: node.verifying_key().to_bytes().to_vec(),
        provider: provider.address().to_vec(),
        descriptor_digest: signing::id(Domain::Descriptor, &descriptor.payload).to_vec(),
        rate: "1000".into(),
        capacity: 2,
        valid_until: WALL.as_secs() + 86_400,
    };
    let digest = signing::offer_digest(&offer)?;
    let offer = SignedOffer {
        offer: Some(offer),
        node_signature: signing::sign_id(&digest, node).to_vec(),
        provider_signature: provider.sign_hash_sync(&digest.into())?.as_bytes().to_vec(),
    };
    Ok(Description { descriptor: Some(descriptor), offer: Some(offer), membership: None })
}
