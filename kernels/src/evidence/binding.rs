//! What a session is about, before any frame: node, offer, rental, session key, job. Every check stops one way of framing
//! a host or of stealing evidence; all of them hold without a chain, since ids are hashes and signatures name their keys.

use gpux_proto::bytes::{array, decode, present};
use gpux_proto::evidence::{Bundle, Descriptor, Hello, JobManifest, Open, Signed};
use gpux_proto::signing::{self, Domain, VerifyingKey};

use super::{Examination, Rules};
use crate::plan::Market;
use crate::release;

/// The largest manifest, as nodes take it; a worker's has 60 bytes. Its empty texts take a dozen times more when decoded.
const MANIFEST_BYTES_MAX: usize = 64 << 10;

/// The keys and ids that the frames depend on.
#[derive(Clone, Debug)]
pub struct Bound {
    /// Signs the renter's frames.
    pub session_key: VerifyingKey,
    /// Signs the node's frames.
    pub node_key: VerifyingKey,
    /// Starts both chains.
    pub open_id: [u8; 32],
    /// What the hello commits to.
    pub secret_digest: [u8; 32],
}

type Result<T> = std::result::Result<T, String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn signed<'a>(field: &'static str, signed: &'a Option<Signed>) -> Result<&'a Signed> {
    present(field, signed).map_err(text)
}

/// Runs the checks in order; `None` once the rest has no meaning.
pub(super) fn check(bundle: &Bundle, rules: &Rules, examination: &mut Examination) -> Option<Bound> {
    let mut run = |name, result: Result<String>| examination.check(name, result).then_some(());
    let (descriptor, node_key, descriptor_id) = match descriptor(bundle) {
        Ok(found) => found,
        Err(error) => {
            run("descriptor", Err(error));
            return None;
        }
    };
    run("descriptor", Ok(format!("signed by node {}", gpux_proto::bytes::to_hex(&descriptor.node))))?;
    run("offer", offer(bundle, rules, &descriptor, descriptor_id))?;
    run("rental", rental(bundle))?;
    let (hello, session_key, hello_id) = match hello(bundle, &descriptor) {
        Ok(found) => found,
        Err(error) => {
            run("hello", Err(error));
            return None;
        }
    };
    run("hello", Ok("signed by a session key that the consumer authorised for this rental".into()))?;
    run("job", job(bundle, rules, &hello))?;
    let open_id = match open(bundle, &hello, hello_id, &node_key) {
        Ok(id) => id,
        Err(error) => {
            run("open", Err(error));
            return None;
        }
    };
    run("open", Ok("signed by the node: the rental's only job".into()))?;
    let secret_digest = array("secret_digest", &hello.secret_digest).ok()?;
    Some(Bound { session_key, node_key, open_id, secret_digest })
}

fn descriptor(bundle: &Bundle) -> Result<(Descriptor, VerifyingKey, [u8; 32])> {
    let signed = signed("descriptor", &bundle.descriptor)?;
    let descriptor: Descriptor = signing::open(Domain::Descriptor, signed).map_err(text)?;
    let key = signing::public_key("node", &descriptor.node).map_err(text)?;
    let id = signing::verify(Domain::Descriptor, signed, &key).map_err(text)?;
    Ok((descriptor, key, id))
}

fn offer(bundle: &Bundle, rules: &Rules, descriptor: &Descriptor, descriptor_id: [u8; 32]) -> Result<String> {
    let signed = present("offer", &bundle.offer).map_err(text)?;
    let (offer, _) = signing::verify_offer(signed).map_err(text)?;
    if offer.chain_id != rules.chain_id || offer.rentals != rules.rentals {
        return Err(format!("the offer is for chain {}, another chain or contract", offer.chain_id));
    }
    if offer.node != descriptor.node || offer.provider != descriptor.provider {
        return Err("the offer names another node or provider than the descriptor".into());
    }
    if offer.descriptor_digest != descriptor_id {
        return Err("the offer is for another descriptor".into());
    }
    Ok("signed by node and provider, for this descriptor".into())
}

fn rental(bundle: &Bundle) -> Result<String> {
    let terms = present("terms", &bundle.terms).map_err(text)?;
    if terms.offer != bundle.offer.as_ref().and_then(|signed| signed.offer.clone()) {
        return Err("the rental's terms contain another offer".into());
    }
    let id = signing::rental_id(terms).map_err(text)?;
    Ok(format!("{} by its terms", gpux_proto::bytes::to_hex(&id)))
}

fn hello(bundle: &Bundle, descriptor: &Descriptor) -> Result<(Hello, VerifyingKey, [u8; 32])> {
    let signed = signed("hello", &bundle.hello)?;
    let hello: Hello = signing::open(Domain::Hello, signed).map_err(text)?;
    let key = signing::public_key("session_key", &hello.session_key).map_err(text)?;
    let id = signing::verify(Domain::Hello, signed, &key).map_err(text)?;
    let terms = present("terms", &bundle.terms).map_err(text)?;
    let offer = present("terms.offer", &terms.offer).map_err(text)?;
    let rental = signing::rental_id(terms).map_err(text)?;
    if hello.rental != rental || hello.node != descriptor.node {
        return Err("the hello is for another rental or node".into());
    }
    if hello.chain_id != offer.chain_id || hello.rentals != offer.rentals {
        return Err("the hello is for another chain or contract".into());
    }
    if hello.offer_digest != signing::offer_digest(offer).map_err(text)? {
        return Err("the hello names another offer".into());
    }
    let rentals = array("rentals", &hello.rentals).map_err(text)?;
    let digest = signing::session_digest(hello.chain_id, rentals.into(), rental, key.to_bytes(), hello.valid_until);
    let consumer = array::<20>("consumer", &terms.consumer).map_err(text)?;
    signing::verify_ecdsa("session", &digest.map_err(text)?, &hello.authorisation, consumer.into()).map_err(text)?;
    array::<32>("secret_digest", &hello.secret_digest).map_err(text)?;
    Ok((hello, key, id))
}

/// J is the digest of what ran, and what ran is an accepted release: a forged worker would convict an honest host.
fn job(bundle: &Bundle, rules: &Rules, hello: &Hello) -> Result<String> {
    if signing::id(Domain::Job, &bundle.manifest)[..] != hello.job[..] {
        return Err("the manifest is not the job that the hello names".into());
    }
    if bundle.manifest.len() > MANIFEST_BYTES_MAX {
        return Err(format!("a manifest of {} bytes is larger than any node takes", bundle.manifest.len()));
    }
    let manifest: JobManifest = decode("manifest", &bundle.manifest).map_err(text)?;
    if !manifest.argv.is_empty() || !manifest.environment.is_empty() || !manifest.files.is_empty() {
        return Err("a worker takes no arguments, environment or files: they could poison it".into());
    }
    let executable = present("executable", &manifest.executable).map_err(text)?;
    let release: [u8; 32] = array("release", &bundle.release).map_err(text)?;
    let variant: [u8; 32] = array("variant", &bundle.variant).map_err(text)?;
    let (built, detail) = build(rules, release, &variant)?;
    if executable.digest != built {
        return Err("the executable is not this release in this variant".into());
    }
    Ok(detail.into())
}

/// The digest of build(release, variant), by the accepted release itself.
fn build(rules: &Rules, release: [u8; 32], variant: &[u8; 32]) -> Result<([u8; 32], &'static str)> {
    if let Some(accepted) = rules.releases.iter().find(|accepted| accepted.digest() == release) {
        return Ok((accepted.digest_of(variant).map_err(text)?, "an accepted release, rebuilt with the variant"));
    }
    match (rules.releases.as_slice(), rules.market) {
        ([_, ..], _) => Err("the release is not accepted".into()),
        // The identity leaves a release as it is, so its digest is known without its bytes.
        ([], Market::Development) if *variant == release::IDENTITY => {
            Ok((release, "the release itself, whatever it is: no accepted release is known"))
        }
        ([], _) => Err("the worker cannot be rebuilt: no accepted release is known".into()),
    }
}

fn open(bundle: &Bundle, hello: &Hello, hello_id: [u8; 32], node: &VerifyingKey) -> Result<[u8; 32]> {
    let signed = signed("open", &bundle.open)?;
    let id = signing::verify(Domain::Open, signed, node).map_err(text)?;
    let open: Open = signing::open(Domain::Open, signed).map_err(text)?;
    if open.hello != hello_id || open.job != hello.job || open.node != hello.node {
        return Err("the open answers another hello, job or node".into());
    }
    if open.ordinal != 1 {
        return Err(format!("job {} of the rental did not run alone", open.ordinal));
    }
    Ok(id)
}
