//! Who is refused before OPEN, and with which reason.
use crate::{
    harness::{Market, Setting, reason},
    renter::{Renter, manifest, upload},
};
use gpux_node::sandbox::Choice;
use gpux_proto::{
    evidence::{Frame, Hello},
    node::{Start, session_request::Message},
    signing::SigningKey,
};
use prost::Message as _;
use std::time::Duration;

const SCRIPT: &[u8] = b"#!/bin/sh\nexec cat\n";

async fn market() -> Market {
    Market::start(Choice::Development, Setting::default()).await
}

/// The reason with which a call is refused.
async fn refusal(renter: &Renter, messages: Vec<Message>) -> String {
    let (_requests, mut responses) = renter.call(messages).await;
    let first = tokio::time::timeout(Duration::from_secs(10), responses.message()).await.unwrap();
    reason(&first.expect_err("a refusal"))
}

async fn refused(renter: &Renter, edit: impl FnOnce(&mut Hello)) -> String {
    let manifest = manifest(SCRIPT).encode_to_vec();
    let mut hello = renter.hello(&manifest);
    edit(&mut hello);
    refusal(renter, vec![Message::Start(renter.start_with(&hello, manifest)), upload(SCRIPT)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn hellos_of_others_are_refused_by_their_own_reasons() {
    let market = market().await;
    let renter = market.renter();
    assert_eq!(refused(&renter, |h| h.chain_id += 1).await, "FOREIGN_CHAIN");
    assert_eq!(refused(&renter, |h| h.rentals[0] ^= 1).await, "FOREIGN_CHAIN");
    assert_eq!(refused(&renter, |h| h.node[0] ^= 1).await, "RENTAL_FOREIGN");
    assert_eq!(refused(&renter, |h| h.rental[0] ^= 1).await, "RENTAL_FOREIGN");
    assert_eq!(refused(&renter, |h| h.offer_digest[0] ^= 1).await, "RENTAL_FOREIGN");
    assert_eq!(refused(&renter, |h| h.authorisation[5] ^= 1).await, "NOT_AUTHORISED");
    assert_eq!(refused(&renter, |h| h.valid_until += 1).await, "NOT_AUTHORISED", "another time than was signed");
    assert_eq!(refused(&renter, |h| h.valid_until = 1).await, "NOT_AUTHORISED", "expired");
    assert_eq!(refused(&renter, |h| h.job[0] ^= 1).await, "MANIFEST_MISMATCH");
    assert_eq!(refused(&renter, |h| h.secret_digest.clear()).await, "MALFORMED");
    assert_eq!(refused(&renter, |h| h.session_key = vec![0; 32]).await, "BAD_SIGNATURE", "a weak key");
    let thief = Renter { session: SigningKey::from_bytes(&[66; 32]), ..renter.clone() };
    let stolen = renter.hello(&manifest(SCRIPT).encode_to_vec());
    let start = thief.start_with(&stolen, manifest(SCRIPT).encode_to_vec());
    assert_eq!(refusal(&thief, vec![Message::Start(start)]).await, "BAD_SIGNATURE");
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_of_others_are_refused() {
    let market = market().await;
    let renter = market.renter();
    let mut other = renter.clone();
    other.terms.nonce += 77;
    assert_eq!(refused(&other, |_| {}).await, "RENTAL_FOREIGN", "the terms of another rental");
    let mut cheap = renter.clone();
    cheap.terms.offer.as_mut().unwrap().rate = "1".into();
    cheap.rental = gpux_proto::signing::rental_id(&cheap.terms).unwrap();
    assert_eq!(refused(&cheap, |_| {}).await, "OFFER_VOID");
    let start = Start { terms: None, ..renter.start(SCRIPT) };
    assert_eq!(refusal(&renter, vec![Message::Start(start)]).await, "MALFORMED");
    assert_eq!(refusal(&renter, vec![upload(SCRIPT)]).await, "MALFORMED", "no start");
}

#[tokio::test(flavor = "multi_thread")]
async fn rentals_that_do_not_pay_are_refused() {
    let market = market().await;
    let edit = |renter: &Renter, edit: fn(&mut gpux_node::chain::Rental)| {
        edit(market.table.0.lock().unwrap().get_mut(&renter.rental).unwrap());
    };
    let renter = market.renter();
    edit(&renter, |r| r.stop = 1);
    assert_eq!(refused(&renter, |_| {}).await, "RENTAL_NOT_OPEN");
    edit(&renter, |r| (r.stop, r.start) = (0, 0));
    assert_eq!(refused(&renter, |_| {}).await, "RENTAL_NOT_OPEN", "unknown on chain");
    edit(&renter, |r| (r.start, r.now) = (1, r.paid_until));
    assert_eq!(refused(&renter, |_| {}).await, "RENTAL_UNPAID");
    edit(&renter, |r| (r.now, r.rate) = (1, r.rate - 1));
    assert_eq!(refused(&renter, |_| {}).await, "RENTAL_BELOW_OFFER");
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_other_than_the_manifest_are_refused() {
    let market = market().await;
    let renter = market.renter();
    let start = || Message::Start(renter.start(SCRIPT));
    let longer = [SCRIPT, b"x"].concat();
    assert_eq!(refusal(&renter, vec![start(), upload(&longer)]).await, "OVERSIZED");
    assert_eq!(refusal(&renter, vec![start(), upload(&vec![0; 300 << 10])]).await, "OVERSIZED");
    let mut other = SCRIPT.to_vec();
    other[3] ^= 1;
    assert_eq!(refusal(&renter, vec![start(), upload(&other)]).await, "MANIFEST_MISMATCH");
    assert_eq!(refusal(&renter, vec![start(), upload(b"")]).await, "MALFORMED");
    let early = Message::Frame(Frame { data: vec![1], ..Default::default() });
    assert_eq!(refusal(&renter, vec![start(), upload(&SCRIPT[..4]), early]).await, "UPLOAD_TRUNCATED");
    let (requests, mut responses) = renter.call(vec![start(), upload(&SCRIPT[..4])]).await;
    drop(requests);
    assert_eq!(reason(&responses.message().await.unwrap_err()), "UPLOAD_TRUNCATED");
    assert_eq!(
        refusal(&renter, vec![start(), upload(&vec![0; 2 << 20])]).await,
        "MALFORMED",
        "above the message limit"
    );
    let mut huge = manifest(SCRIPT);
    huge.executable.as_mut().unwrap().size = 257 << 20;
    let huge = huge.encode_to_vec();
    let start = renter.start_with(&renter.hello(&huge), huge);
    assert_eq!(refusal(&renter, vec![Message::Start(start)]).await, "OVERSIZED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_renter_is_not_waited_for() {
    let message = Duration::from_millis(200);
    let market = Market::start(Choice::Development, Setting { message, ..Setting::default() }).await;
    let renter = market.renter();
    let (_requests, mut responses) = renter.call(vec![]).await;
    assert_eq!(reason(&responses.message().await.unwrap_err()), "DEADLINE");
    let (_requests, mut responses) = renter.call(vec![Message::Start(renter.start(SCRIPT))]).await;
    assert_eq!(reason(&responses.message().await.unwrap_err()), "DEADLINE", "during the upload");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_opens_once_and_capacity_is_kept() {
    let market = Market::start(Choice::Development, Setting { capacity: 1, ..Setting::default() }).await;
    let renter = market.renter();
    let start = renter.start(SCRIPT);
    let (requests, mut responses) = renter.call(vec![Message::Start(start.clone()), upload(SCRIPT)]).await;
    responses.message().await.unwrap().unwrap();
    assert_eq!(refusal(&renter, vec![Message::Start(start), upload(SCRIPT)]).await, "HELLO_REPLAYED");
    assert_eq!(refused(&market.renter(), |_| {}).await, "AT_CAPACITY");
    drop((requests, responses));
    let end = tokio::time::Instant::now() + Duration::from_secs(5);
    while let Err(status) = market.renter().open("#!/bin/sh\n").await {
        assert_eq!(reason(&status), "AT_CAPACITY");
        assert!(tokio::time::Instant::now() < end, "the place is given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
