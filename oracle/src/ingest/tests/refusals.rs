//! Each kind of bad request, refused for its own reason, with the store as it was.

use gpux_proto::{
    evidence::{
        Bundle, Commit, Description, DeviceKind, Gpu, Outcome, Probe, Registration, Report, Signed, Step, Terms,
    },
    signing::{self, Domain, SigningKey},
};
use prost::Message as _;

use super::{
    Refusal, honest,
    keys::{Keys, ecdsa},
    refused,
    session::Twist,
    world::{NOW, UNTIL, World, time},
};
use crate::score::Parameters;

fn changed(keys: &Keys, change: impl FnOnce(&mut Report)) -> Report {
    let mut report = keys.report(honest());
    change(&mut report);
    report
}

/// A report and the bundle that it names.
fn about(keys: &Keys, bundle: &Bundle, change: impl FnOnce(&mut Report)) -> (Report, Vec<u8>) {
    let bytes = bundle.encode_to_vec();
    let mut report = changed(keys, |report| report.bundle_digest = signing::id(Domain::Bundle, &bytes).to_vec());
    change(&mut report);
    (report, bytes)
}

#[tokio::test]
async fn reports_are_refused_for_what_they_say() {
    let world = World::ready().await;
    let keys = &world.keys;
    type Change = fn(&mut Report);
    let cases: &[(&str, Change)] = &[
        ("MALFORMED", |r| r.node.truncate(31)),
        ("MALFORMED", |r| r.probe = 99),
        ("MALFORMED", |r| r.outcome = Outcome::Inconclusive.into()),
        ("MALFORMED", |r| (r.x_lower, r.x_upper) = (65, 65)),
        ("MALFORMED", |r| r.bundle_digest.clear()),
        ("MALFORMED", |r| r.step = Step::Verify.into()),
        ("MALFORMED", |r| r.end_time = r.start_time.map(|t| time(t.seconds as u64 - 1))),
        ("MALFORMED", |r| r.start_time = Some(pbjson_types::Timestamp { seconds: i64::MIN, nanos: -1 })),
        ("MALFORMED", |r| r.detail = "x".repeat(513)),
        ("OVERSIZED", |r| r.detail = "x".repeat(40_000)),
        ("FOREIGN_CHAIN", |r| r.chain_id = 1),
        ("FOREIGN_CHAIN", |r| r.rentals = vec![9; 20]),
        ("FISHER_UNKNOWN", |r| r.fisher = vec![9; 20]),
        ("FISHER_UNKNOWN", |r| r.report_key = vec![9; 32]),
        ("OFFER_VOID", |r| r.offer.as_mut().unwrap().provider_signature.clear()),
        ("OFFER_VOID", |r| r.offer.as_mut().unwrap().node_signature.clear()),
        ("OFFER_VOID", |r| r.offer.as_mut().unwrap().node_signature[5] ^= 1),
        ("RENTAL_BELOW_OFFER", |r| r.terms.as_mut().unwrap().offer.as_mut().unwrap().rate = "999".into()),
        ("RENTAL_FOREIGN", |r| r.terms.as_mut().unwrap().offer.as_mut().unwrap().capacity = 2),
        ("RENTAL_FOREIGN", |r| r.rental = vec![9; 32]),
        ("RENTAL_FOREIGN", |r| r.node = vec![9; 32]),
        ("RENTAL_FOREIGN", |r| r.terms.as_mut().unwrap().nonce = 2),
        ("RENTAL_FOREIGN", |r| r.start_time = Some(time(NOW - 91))),
        ("NOTE_MISMATCH", |r| r.note_salt = vec![9; 32]),
        ("NOTE_MISMATCH", |r| r.court = vec![9; 20]),
        ("FUTURE_DATED", |r| r.end_time = Some(time(NOW + 31))),
        ("DEVICE_REFUSED", |r| r.device = DeviceKind::Cuda.into()),
        ("DEVICE_REFUSED", |r| r.device = DeviceKind::Simulated.into()),
        ("DEVICE_REFUSED", |r| r.device = 0),
        ("DEVICE_REFUSED", |r| r.probe = Probe::Imma.into()),
        ("BUNDLE_MISMATCH", |r| r.bundle_digest = vec![9; 32]),
        ("BUNDLE_DISAGREES", |r| (r.x_lower, r.x_upper) = (63, 64)),
        ("BUNDLE_DISAGREES", |r| r.drawn = 23),
        ("BUNDLE_DISAGREES", |r| r.measurement.as_mut().unwrap().rate += 1),
        ("BUNDLE_DISAGREES", |r| r.measurement = None),
        ("BUNDLE_DISAGREES", |r| r.claimed_model = "GeForce RTX 3090".into()),
        ("BUNDLE_DISAGREES", |r| {
            (r.outcome, r.step) = (Outcome::Fail.into(), Step::Window.into());
            (r.x_lower, r.x_upper) = (0, 0);
        }),
        ("BUNDLE_DISAGREES", |r| {
            (r.outcome, r.step, r.wrong) = (Outcome::Fail.into(), Step::Verify.into(), 2);
            (r.x_lower, r.x_upper) = (0, 0);
        }),
        ("BUNDLE_DISAGREES", |r| r.probe = Probe::Ram.into()),
    ];
    for (index, (reason, change)) in cases.iter().enumerate() {
        let report = changed(keys, change);
        let refusal = refused(&world, &report, &honest().encode_to_vec()).await;
        assert_eq!(refusal.reason(), *reason, "case {index}: {refusal}");
    }
}

#[tokio::test]
async fn reports_are_refused_for_what_their_bundles_show() {
    let world = World::ready().await;
    let keys = &world.keys;
    let terms = keys.terms();

    let (report, bytes) = about(keys, &keys.bundle(&terms, Twist::OtherParameters), |_| {});
    assert_eq!(refused(&world, &report, &bytes).await.reason(), "PARAMETERS_REFUSED");
    // What a host says of its own device, and openings other than the draw, are the host's failure: whoever calls that a
    // pass is refused.
    let (report, bytes) = about(keys, &keys.bundle(&terms, Twist::Simulated), |_| {});
    assert_eq!(refused(&world, &report, &bytes).await.reason(), "BUNDLE_DISAGREES");
    let (report, bytes) = about(keys, &keys.bundle(&terms, Twist::OtherOpening), |_| {});
    assert_eq!(refused(&world, &report, &bytes).await.reason(), "BUNDLE_DISAGREES");

    let mut edited = honest().clone();
    edited.frames[2].frame.as_mut().unwrap().data[0] ^= 1;
    let (report, bytes) = about(keys, &edited, |_| {});
    assert_eq!(refused(&world, &report, &bytes).await.reason(), "BUNDLE_DISAGREES");
    // The windows alone last 1.5 s and more than 2 s longer than the report's session can have.
    let mut slow = honest().clone();
    slow.frames.iter_mut().for_each(|frame| frame.time_us += 4_000_000);
    let (report, bytes) = about(keys, &slow, |report| report.end_time = report.start_time);
    assert_eq!(refused(&world, &report, &bytes).await.reason(), "BUNDLE_DISAGREES");
    let (report, _) =
        about(keys, honest(), |report| report.bundle_digest = signing::id(Domain::Bundle, &[0xff]).to_vec());
    assert_eq!(refused(&world, &report, &[0xff]).await.reason(), "MALFORMED");
    let refusal = refused(&world, &keys.report(honest()), &vec![0; (4 << 20) + 1]).await;
    assert_eq!(refusal.reason(), "OVERSIZED");
    assert!(!refusal.retryable());
}

#[tokio::test]
async fn another_rentals_session_is_no_evidence_for_this_one() {
    let world = World::ready().await;
    let second = Terms { nonce: 2, ..world.keys.terms() };
    world.open(&second).await;
    let (report, bytes) = about(&world.keys, honest(), |report| {
        report.terms = Some(second.clone());
        report.rental = signing::rental_id(&second).unwrap().to_vec();
    });
    assert_eq!(refused(&world, &report, &bytes).await.reason(), "BUNDLE_DISAGREES");
}

#[tokio::test]
async fn rentals_count_once_they_are_final_and_as_the_chain_has_them() {
    let world = World::ready().await;
    let unknown = Terms { nonce: 2, ..world.keys.terms() };
    let report = world.keys.unopened(&unknown);
    let refusal = refused(&world, &report, &[]).await;
    assert_eq!((refusal.reason(), refusal.retryable()), ("RENTAL_UNKNOWN", true));

    world.open_as(&unknown, |_| {}, false).await;
    let signed = signing::sign(Domain::Report, &report, &world.keys.report);
    let refusal = world.ingest.submit_report(signed, Vec::new()).await.unwrap_err();
    assert_eq!(refusal.reason(), "RENTAL_UNKNOWN", "not final yet");

    type Change = fn(&mut crate::store::RentalOpened);
    let cases: [(&str, u64, Change); 3] = [
        ("RENTAL_FOREIGN", 3, |opened| opened.node = [9; 32]),
        ("RENTAL_FOREIGN", 4, |opened| opened.note = [9; 32]),
        ("RENTAL_BELOW_OFFER", 5, |opened| opened.rate -= 1),
    ];
    for (reason, nonce, change) in cases {
        let terms = Terms { nonce, ..world.keys.terms() };
        world.open_as(&terms, change, true).await;
        assert_eq!(refused(&world, &world.keys.unopened(&terms), &[]).await.reason(), reason);
    }
}

#[tokio::test]
async fn a_rental_counts_once_and_a_report_needs_its_commit() {
    let world = World::ready().await;
    let report = world.keys.report(honest());
    let signed = signing::sign(Domain::Report, &report, &world.keys.report);
    let bytes = honest().encode_to_vec();
    let before = world.contents().await;
    let refusal = world.ingest.submit_report(signed.clone(), bytes.clone()).await.unwrap_err();
    assert_eq!(refusal.reason(), "NOT_COMMITTED");
    assert_eq!(world.contents().await, before);

    world.deliver(&report, &bytes).await.unwrap();
    let before = world.contents().await;
    let refusal = world.ingest.commit_report(world.keys.commit(&signed)).await.unwrap_err();
    assert_eq!(refusal.reason(), "COMMIT_REPLAYED");
    let refusal = world.ingest.submit_report(signed, bytes.clone()).await.unwrap_err();
    assert_eq!(refusal.reason(), "REPORT_REPLAYED");
    assert_eq!(world.contents().await, before);
    // The same session in other words, and another probe in the same rental.
    let again = changed(&world.keys, |report| report.detail = "again".into());
    assert_eq!(refused(&world, &again, &bytes).await.reason(), "REPORT_REPLAYED");
    let mut other = world.keys.unopened(&world.keys.terms());
    other.probe = Probe::Ram.into();
    assert_eq!(refused(&world, &other, &[]).await.reason(), "REPORT_REPLAYED");
}

#[tokio::test]
async fn signatures_and_bonds_are_asked_of_everybody() {
    let world = World::ready().await;
    let keys = &world.keys;
    let report = keys.report(honest());
    let signed = signing::sign(Domain::Report, &report, &keys.report);
    let commit = keys.commit(&signed);
    let stranger = SigningKey::from_bytes(&[0x77; 32]);
    let before = world.contents().await;
    let by_stranger = |domain, message: Commit| signing::sign(domain, &message, &stranger);
    let opened: Commit = signing::open(Domain::Commit, &commit).unwrap();
    let commits = [
        ("BAD_SIGNATURE", by_stranger(Domain::Commit, opened.clone())),
        // A signature over another kind of message is none over this one.
        ("BAD_SIGNATURE", signing::sign(Domain::Report, &opened, &keys.report)),
        ("MALFORMED", Signed { payload: commit.payload[..40].to_vec(), ..commit.clone() }),
        ("MALFORMED", Signed { signature: vec![0; 63], ..commit.clone() }),
        ("OVERSIZED", Signed { payload: vec![0; 513], ..commit.clone() }),
        ("FOREIGN_CHAIN", signing::sign(Domain::Commit, &Commit { chain_id: 10, ..opened.clone() }, &keys.report)),
        ("FISHER_UNKNOWN", signing::sign(Domain::Commit, &Commit { fisher: vec![9; 20], ..opened }, &keys.report)),
    ];
    for (reason, commit) in commits {
        let refusal = world.ingest.commit_report(commit).await.unwrap_err();
        assert_eq!(refusal.reason(), reason, "{refusal}");
    }
    let forged = signing::sign(Domain::Report, &report, &stranger);
    let refusal = world.ingest.submit_report(forged, honest().encode_to_vec()).await.unwrap_err();
    assert_eq!(refusal.reason(), "BAD_SIGNATURE");
    world.set_clock(UNTIL);
    let refusal = world.ingest.commit_report(commit.clone()).await.unwrap_err();
    assert_eq!(refusal.reason(), "FISHER_UNKNOWN", "the registration is over");
    world.set_clock(NOW);
    assert_eq!(world.contents().await, before);

    world.bond(49_999_999).await;
    let before = world.contents().await;
    let refusal = world.ingest.commit_report(commit).await.unwrap_err();
    assert_eq!((refusal.reason(), refusal.retryable()), ("FISHER_WITHOUT_BOND", true));
    assert_eq!(world.contents().await, before);
}

#[tokio::test]
async fn nodes_are_refused_for_what_they_announce() {
    let world = World::ready().await;
    let keys = &world.keys;
    let newer = |change: &dyn Fn(&mut gpux_proto::evidence::Descriptor)| {
        let mut descriptor = keys.descriptor();
        descriptor.sequence = 2;
        change(&mut descriptor);
        keys.describe(&descriptor)
    };
    let offered = |change: &dyn Fn(&mut gpux_proto::evidence::Offer)| {
        let mut description = newer(&|_| {});
        let mut offer = description.offer.take().unwrap().offer.unwrap();
        change(&mut offer);
        Description { offer: Some(keys.sign_offer(offer)), ..description }
    };
    let mut stranger = newer(&|_| {});
    let offer = stranger.offer.as_mut().unwrap();
    offer.provider_signature = ecdsa(&keys.stranger, signing::offer_digest(offer.offer.as_ref().unwrap()).unwrap());
    let mut unsigned = newer(&|_| {});
    unsigned.offer.as_mut().unwrap().provider_signature.clear();
    let mut forged = newer(&|_| {});
    forged.descriptor.as_mut().unwrap().signature[3] ^= 1;
    let organisation = keys.organisation.verifying_key().to_bytes().to_vec();
    let member = newer(&|d| d.organisation = organisation.clone());
    let unmembered = member.clone();
    let by_node = signing::sign(Domain::Membership, &keys.membership(), &keys.node);
    let false_member = Description { membership: Some(by_node), ..member };
    let cases = [
        ("NODE_STALE", newer(&|d| d.sequence = 0)),
        ("FUTURE_DATED", newer(&|d| d.issue_time = Some(time(NOW + 31)))),
        ("MALFORMED", newer(&|d| d.endpoint = "ftp://x".into())),
        ("MALFORMED", newer(&|d| d.endpoint = "http://<script>".into())),
        ("MALFORMED", newer(&|d| d.gpus = vec![Gpu { model: "GeForce RTX 3090".into(), count: 0 }])),
        ("MALFORMED", newer(&|d| d.gpus = vec![Gpu { model: "x".into(), count: 1 }; 17])),
        ("MALFORMED", unmembered),
        ("MALFORMED", Description::default()),
        ("BAD_SIGNATURE", false_member),
        ("BAD_SIGNATURE", forged),
        ("OVERSIZED", newer(&|d| d.endpoint = "x".repeat(17 << 10))),
        ("OFFER_VOID", stranger),
        ("OFFER_VOID", unsigned),
        ("OFFER_VOID", offered(&|o| o.provider = keys.stranger.address().to_vec())),
        ("OFFER_VOID", offered(&|o| o.descriptor_digest = vec![9; 32])),
        ("OFFER_VOID", offered(&|o| o.rate = "0".into())),
        ("OFFER_VOID", offered(&|o| o.capacity = 0)),
        ("MALFORMED", Description { offer: None, ..newer(&|_| {}) }),
        ("FOREIGN_CHAIN", offered(&|o| o.chain_id = 10)),
        ("OFFER_EXPIRED", offered(&|o| o.valid_until = NOW)),
    ];
    let before = world.contents().await;
    for (index, (reason, description)) in cases.into_iter().enumerate() {
        let refusal = world.ingest.announce_node(description).await.unwrap_err();
        assert_eq!(refusal.reason(), reason, "case {index}: {refusal}");
        assert_eq!(world.contents().await, before, "case {index}");
    }
    let mut member = newer(&|d| d.organisation = organisation.clone());
    member.membership = Some(signing::sign(Domain::Membership, &keys.membership(), &keys.organisation));
    world.ingest.announce_node(member).await.unwrap();
}

#[tokio::test]
async fn fishers_are_refused_for_what_they_register() {
    let world = World::ready().await;
    let keys = &world.keys;
    let with = |change: &dyn Fn(&mut Registration)| {
        let mut registration = keys.registration();
        change(&mut registration);
        keys.sign_registration(registration)
    };
    let mut forged = keys.registration();
    forged.fisher_signature = ecdsa(&keys.stranger, signing::registration_digest(&forged).unwrap());
    let cases = [
        ("BAD_SIGNATURE", forged),
        ("REGISTRATION_VOID", with(&|r| r.valid_until = NOW)),
        // An older binding, replayed, must not bring back a key that was given up.
        ("REGISTRATION_VOID", with(&|r| (r.valid_until, r.report_key) = (UNTIL - 1, vec![3; 32]))),
        ("FOREIGN_CHAIN", with(&|r| r.chain_id = 10)),
        ("FOREIGN_CHAIN", with(&|r| r.bonds = vec![9; 20])),
        ("MALFORMED", with(&|r| r.report_key = [[1].as_slice(), &[0; 31]].concat())),
        ("MALFORMED", Registration { fisher: vec![1], ..keys.registration() }),
    ];
    let before = world.contents().await;
    for (index, (reason, registration)) in cases.into_iter().enumerate() {
        let refusal = world.ingest.register_fisher(registration).await.unwrap_err();
        // Whether 32 bytes are a key at all is the curve's to say.
        assert_eq!(refusal.reason(), reason, "case {index}: {refusal}");
        assert_eq!(world.contents().await, before, "case {index}");
    }
}

#[tokio::test]
async fn a_simulated_device_and_a_node_that_nobody_announced_are_refused() {
    let production = World::empty(Parameters::production()).await;
    let mut report = production.keys.unopened(&production.keys.terms());
    (report.probe, report.device) = (Probe::Imma.into(), DeviceKind::Simulated.into());
    let signed = signing::sign(Domain::Report, &report, &production.keys.report);
    let refusal = production.ingest.submit_report(signed, Vec::new()).await.unwrap_err();
    assert_eq!(refusal.reason(), "DEVICE_REFUSED");

    let world = World::empty(Parameters::development()).await;
    world.bond(1_000_000_000).await;
    world.open(&world.keys.terms()).await;
    world.ingest.register_fisher(world.keys.registration()).await.unwrap();
    let refusal = refused(&world, &world.keys.unopened(&world.keys.terms()), &[]).await;
    assert_eq!(refusal.reason(), "NODE_UNKNOWN");
}

#[test]
fn reasons_are_the_documented_ones() {
    let reasons = [
        Refusal::Busy.reason(),
        Refusal::Examiner.reason(),
        Refusal::Store(crate::store::Error::ForeignMarket).reason(),
    ];
    assert_eq!(reasons, ["RATE_LIMITED", "INTERNAL", "INTERNAL"]);
}
