//! A fisher made by hand: pays real rentals on the chain, and signs whatever a test tells it to.
//!
//! Its reports are of sessions that never opened (inconclusive, without a bundle), the plainest that an oracle accepts;
//! tests change one thing at a time and see it refused.

use crate::{
    chain::{Account, Chain},
    clock::unix_seconds,
    host::{ecdsa, timestamp},
};
use alloy::primitives::{Address, U256};
use anyhow::{Context as _, ensure};
use ed25519_dalek::SigningKey;
use gpux_contracts::{Deployment, Rentals, TestToken, keys};
use gpux_proto::{
    evidence::{Commit, DeviceKind, Outcome, Probe, Registration, Report, Signed, SignedOffer, Step, Terms},
    signing::{self, Domain},
};
use std::path::Path;

/// What a rental is paid with: enough for an hour at the rate of [`crate::host::RATE`].
const DEPOSIT: u128 = 36_000;

/// A rental that was opened on chain.
#[derive(Debug, Clone)]
pub struct Rental {
    /// Its id.
    pub id: [u8; 32],
    /// Its terms.
    pub terms: Terms,
    /// What opens its note.
    pub salt: [u8; 32],
    /// The offer that was taken.
    pub offer: SignedOffer,
}

/// A fisher.
#[derive(Debug)]
pub struct Fisher {
    /// His account; it is also the consumer of his rentals.
    pub account: Account,
    /// What signs his reports.
    pub report_key: SigningKey,
}

impl Fisher {
    /// Makes a fisher with money and a bond.
    pub async fn create(chain: &Chain, folder: &Path, name: &str, bond: u128) -> anyhow::Result<Self> {
        let account = Account::create(folder, name)?;
        let report_key = keys::ed25519_or_create(&folder.join(format!("{name}.report.key")))?;
        chain.fund(account.address(), bond + 1_000 * crate::chain::TOKEN).await?;
        if bond > 0 {
            chain.bond(&account.signer, bond).await?;
        }
        Ok(Self { account, report_key: SigningKey::from_bytes(&report_key) })
    }

    /// His address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.account.address()
    }

    /// The binding of his report key, which begins to hold at once.
    pub fn registration(&self, deployment: &Deployment) -> anyhow::Result<Registration> {
        let mut registration = Registration {
            chain_id: deployment.chain_id,
            bonds: deployment.bonds.to_vec(),
            fisher: self.address().to_vec(),
            report_key: self.report_key.verifying_key().to_bytes().to_vec(),
            valid_until: unix_seconds() + 86_400,
            fisher_signature: Vec::new(),
            chain: vec![0; 32],
            // Further ahead than oracles ask for; these fishers report nothing that was assigned.
            chain_epoch: unix_seconds() / deployment.epoch_length_seconds + 100,
        };
        let digest = signing::registration_digest(&registration)?;
        registration.fisher_signature = ecdsa(&self.account.signer, &digest)?;
        Ok(registration)
    }

    /// Opens `count` rentals by an offer in one transaction.
    pub async fn rent(&self, chain: &Chain, offer: &SignedOffer, count: usize) -> anyhow::Result<Vec<Rental>> {
        let deployment = &chain.deployment;
        let provider = chain.signed_by(&self.account.signer)?;
        let token = TestToken::new(deployment.token, provider.clone());
        let total = U256::from(DEPOSIT * count as u128);
        let approval = token.approve(deployment.rentals, total).send().await?.get_receipt().await?;
        ensure!(approval.status(), "the approval reverted");
        let mut opened = Vec::with_capacity(count);
        let mut terms = Vec::with_capacity(count);
        for _ in 0..count {
            let rental = self.terms(deployment, offer)?;
            terms.push(Rentals::Terms::try_from(&rental.terms)?);
            opened.push(rental);
        }
        let signatures = vec![offer.provider_signature.clone().into(); count];
        let rentals = Rentals::new(deployment.rentals, provider);
        let receipt = rentals.open(terms, vec![DEPOSIT; count], signatures).send().await?.get_receipt().await?;
        ensure!(receipt.status(), "opening rentals reverted");
        Ok(opened)
    }

    /// The terms of a rental that need not be on chain.
    pub fn terms(&self, deployment: &Deployment, offer: &SignedOffer) -> anyhow::Result<Rental> {
        let (mut salt, mut nonce) = ([0; 32], [0; 8]);
        getrandom::fill(&mut salt)?;
        getrandom::fill(&mut nonce)?;
        let terms = Terms {
            consumer: self.address().to_vec(),
            offer: offer.offer.clone(),
            note: signing::note(deployment.chain_id, deployment.court, self.address(), salt).to_vec(),
            nonce: u64::from_le_bytes(nonce),
        };
        Ok(Rental { id: signing::rental_id(&terms)?, terms, salt, offer: offer.clone() })
    }

    /// A report of a session that never opened: it says nothing of the node's speed, and is accepted.
    pub fn report(&self, deployment: &Deployment, rental: &Rental) -> anyhow::Result<Report> {
        let offer = rental.terms.offer.as_ref().context("a rental has an offer")?;
        Ok(Report {
            chain_id: deployment.chain_id,
            rentals: deployment.rentals.to_vec(),
            fisher: self.address().to_vec(),
            report_key: self.report_key.verifying_key().to_bytes().to_vec(),
            node: offer.node.clone(),
            rental: rental.id.to_vec(),
            terms: Some(rental.terms.clone()),
            offer: Some(rental.offer.clone()),
            note_salt: rental.salt.to_vec(),
            court: deployment.court.to_vec(),
            probe: Probe::Imma.into(),
            device: DeviceKind::Simulated.into(),
            claimed_model: "GeForce RTX 3090".to_owned(),
            outcome: Outcome::Inconclusive.into(),
            step: Step::Open.into(),
            detail: "the node did not open the session".to_owned(),
            x_lower: 0,
            x_upper: 64,
            start_time: Some(timestamp(unix_seconds())),
            end_time: Some(timestamp(unix_seconds())),
            ..Report::default()
        })
    }

    /// Signs a report.
    #[must_use]
    pub fn sign(&self, report: &Report) -> Signed {
        signing::sign(Domain::Report, report, &self.report_key)
    }

    /// The commitment to a signed report.
    #[must_use]
    pub fn commit(&self, deployment: &Deployment, report: &Signed) -> Signed {
        let commit = Commit {
            chain_id: deployment.chain_id,
            rentals: deployment.rentals.to_vec(),
            fisher: self.address().to_vec(),
            report: signing::id(Domain::Report, &report.payload).to_vec(),
        };
        signing::sign(Domain::Commit, &commit, &self.report_key)
    }
}
