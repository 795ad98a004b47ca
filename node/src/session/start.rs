//! The checks before a renter may upload: who he is, that the rental is his, this node's, open and paid, and what he wants
//! to run. The cheap ones come first; the chain is asked last, so that a stranger cannot make the node ask it.
use super::{Error, manifest::Manifest};
use crate::{
    chain::{Rental, Rentals},
    clock,
    identity::Published,
};
use alloy::primitives::Address;
use gpux_proto::{
    bytes::{array, present, to_hex},
    evidence::{Hello, Terms},
    node::Start,
    signing::{self, Domain, VerifyingKey},
};

/// A renter whose every claim was checked.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The id of his Hello.
    pub(super) hello: [u8; 32],
    /// Whose signature his frames carry.
    pub(super) session_key: VerifyingKey,
    pub(super) rental: [u8; 32],
    /// J.
    pub(super) job: [u8; 32],
    pub(super) manifest: Manifest,
}

/// Checks everything that needs no chain.
pub(super) fn admit(start: &Start, published: &Published) -> Result<Admitted, Error> {
    let signed = present("start.hello", &start.hello)?;
    let terms = present("start.terms", &start.terms)?;
    let hello: Hello = signing::open(Domain::Hello, signed)?;
    let session_key = signing::public_key("hello.session_key", &hello.session_key)?;
    let id = signing::verify(Domain::Hello, signed, &session_key)?;
    let rental = belongs(&hello, terms, published)?;
    authorised(&hello, terms, rental)?;
    array::<32>("hello.secret_digest", &hello.secret_digest)?;
    let job = array("hello.job", &hello.job)?;
    let manifest = Manifest::decode(&start.manifest)?;
    if signing::id(Domain::Job, &start.manifest) != job {
        return Err(Error::ManifestMismatch("the manifest is not the one that the hello names".into()));
    }
    Ok(Admitted { hello: id, session_key, rental, job, manifest })
}

/// Checks that the terms are of this node and of the rental that the Hello names.
fn belongs(hello: &Hello, terms: &Terms, published: &Published) -> Result<[u8; 32], Error> {
    let own = &published.offer;
    if hello.chain_id != own.chain_id || hello.rentals != own.rentals {
        return Err(Error::ForeignChain);
    }
    let taken = present("terms.offer", &terms.offer)?;
    if hello.node != own.node || taken.node != own.node {
        return Err(Error::RentalForeign("the hello is for another node"));
    }
    if !published.stands_by(taken) {
        return Err(Error::OfferVoid);
    }
    if hello.offer_digest != signing::offer_digest(taken)? {
        return Err(Error::RentalForeign("the hello names another offer than the terms"));
    }
    let rental = array("hello.rental", &hello.rental)?;
    if signing::rental_id(terms)? != rental {
        return Err(Error::RentalForeign("the terms are of another rental"));
    }
    Ok(rental)
}

/// Checks that whoever pays has authorised the session key, for this rental and until later than now.
fn authorised(hello: &Hello, terms: &Terms, rental: [u8; 32]) -> Result<(), Error> {
    if hello.valid_until < clock::unix().as_secs() {
        return Err(Error::NotAuthorised(format!("the authorisation ended at {}", hello.valid_until)));
    }
    let rentals = Address::from(array::<20>("hello.rentals", &hello.rentals)?);
    let consumer = Address::from(array::<20>("terms.consumer", &terms.consumer)?);
    let key = array("hello.session_key", &hello.session_key)?;
    let digest = signing::session_digest(hello.chain_id, rentals, rental, key, hello.valid_until)?;
    signing::verify_ecdsa("session", &digest, &hello.authorisation, consumer)
        .map_err(|e| Error::NotAuthorised(e.to_string()))
}

/// Checks on the chain that the rental is open, paid and pays the rate.
pub(super) async fn paid(rentals: &impl Rentals, admitted: &Admitted, rate: u128) -> Result<Rental, Error> {
    let rental = rentals.rental(admitted.rental).await?;
    if !rental.open() {
        return Err(Error::RentalNotOpen(to_hex(&admitted.rental)));
    }
    if rental.rate < rate {
        return Err(Error::RentalBelowOffer { paid: rental.rate, asked: rate });
    }
    if rental.left().is_zero() {
        return Err(Error::RentalUnpaid(to_hex(&admitted.rental)));
    }
    Ok(rental)
}
