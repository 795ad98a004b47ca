//! What a renter sends before he may upload: a Start with any bytes, or one whose Hello he signed about any manifest.

use super::transcript::{CHAIN, RENTALS, descriptor, ecdsa, keys};
use gpux_node::{identity::Published, session::admissible};
use gpux_proto::{
    evidence::{File, Hello, JobManifest, Offer, Terms},
    node::Start,
    signing::{self, Domain},
};
use prost::Message as _;

/// No clock is as late as this.
const NEVER: u64 = (1 << 40) - 1;

fn published() -> Published {
    let description = super::description::describe(&descriptor());
    let offer = description.offer.clone().and_then(|signed| signed.offer).unwrap_or_default();
    Published { description, offer, previous: None }
}

/// The first byte says whether the rest is a Start or the manifest of a good one.
pub(super) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    let published = published();
    if kind % 2 == 0 {
        let Ok(start) = Start::decode(bytes) else { return };
        let _ = admissible(&start, &published);
        return;
    }
    let start = start(&published.offer, bytes.to_vec());
    if admissible(&start, &published).is_err() {
        return;
    }
    // What was admitted is admitted for this rental, node and job only.
    let mut other = start.clone();
    other.manifest.push(0);
    assert!(admissible(&other, &published).is_err(), "another manifest");
    let mut other = start.clone();
    other.terms.iter_mut().for_each(|terms| terms.nonce ^= 1);
    assert!(admissible(&other, &published).is_err(), "another rental");
    let elsewhere = Published { offer: Offer { chain_id: CHAIN + 1, ..published.offer.clone() }, ..published };
    assert!(admissible(&start, &elsewhere).is_err(), "another chain");
}

/// A Start that only its manifest can make inadmissible.
fn start(offer: &Offer, manifest: Vec<u8>) -> Start {
    let keys = keys();
    let terms =
        Terms { consumer: keys.consumer.address().to_vec(), offer: Some(offer.clone()), note: vec![5; 32], nonce: 1 };
    let rental = signing::rental_id(&terms).unwrap_or_default();
    let session_key = keys.session.verifying_key().to_bytes();
    let digest = signing::session_digest(CHAIN, RENTALS.into(), rental, session_key, NEVER).unwrap_or_default();
    let hello = Hello {
        chain_id: CHAIN,
        rentals: RENTALS.to_vec(),
        rental: rental.to_vec(),
        node: offer.node.clone(),
        offer_digest: signing::offer_digest(offer).unwrap_or_default().to_vec(),
        session_key: session_key.to_vec(),
        authorisation: ecdsa(&keys.consumer, &digest),
        valid_until: NEVER,
        job: signing::id(Domain::Job, &manifest).to_vec(),
        secret_digest: vec![6; 32],
    };
    Start { hello: Some(signing::sign(Domain::Hello, &hello, &keys.session)), terms: Some(terms), manifest }
}

/// A good Start, and manifests.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let file = |name: &str| File { name: name.into(), digest: vec![1; 32], size: 5 };
    let manifest = JobManifest {
        executable: Some(file("job")),
        argv: vec!["-x".into()],
        environment: vec![gpux_proto::evidence::EnvironmentEntry { name: "A".into(), value: "1".into() }],
        files: vec![file("a"), file("b")],
    };
    let manifest = manifest.encode_to_vec();
    let whole = start(&published().offer, manifest.clone()).encode_to_vec();
    vec![[vec![0], whole].concat(), [vec![1], manifest].concat()]
}
