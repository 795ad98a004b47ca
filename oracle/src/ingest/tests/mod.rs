mod assignments;
mod audits;
mod fuzz;
mod keys;
mod rates;
mod refusals;
mod relays;
mod session;
mod strangers;
mod world;

use std::sync::OnceLock;

use gpux_proto::{
    evidence::{Acknowledgement, Bundle, LogEntry, Outcome, Probe, Report, Step, log_entry::Fact},
    signing::{self, Domain},
};
use prost::Message as _;
use tokio::sync::OnceCell;

use super::{Accepted, Refusal};
use keys::Keys;
use relays::Owner;
use session::Twist;
use world::World;

/// An honest session, held once for all tests.
fn honest() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        let keys = Keys::new();
        keys.bundle(&keys.terms(), Twist::None)
    })
}

async fn log(world: &World) -> Vec<Fact> {
    let rows = world.store.log_entries(0, 1_000).await.unwrap();
    rows.iter().map(|row| LogEntry::decode(row.bytes.as_slice()).unwrap().fact.unwrap()).collect()
}

#[tokio::test]
async fn a_committed_report_of_a_real_session_is_accepted_and_enters_the_log() {
    let world = World::ready().await;
    let report = world.keys.report(honest());
    assert_eq!((report.outcome(), report.x_lower, report.wrong), (Outcome::Pass, 64, 0));
    let signed = signing::sign(Domain::Report, &report, &world.keys.report);
    let commit = world.keys.commit(&signed);

    let acknowledged = world.ingest.commit_report(commit.clone()).await.unwrap();
    let word: Acknowledgement = signing::open(Domain::Acknowledgement, &acknowledged).unwrap();
    let operator = signing::public_key("operator", &word.operator).unwrap();
    signing::verify(Domain::Acknowledgement, &acknowledged, &operator).unwrap();
    assert_eq!(word.commit, signing::id(Domain::Commit, &commit.payload));
    let entries = log(&world).await;
    let entry = &entries[usize::try_from(word.log_index).unwrap()];
    assert!(matches!(entry, Fact::ReportCommitted(entered) if entered.commit == Some(commit)));

    let bundle = honest().encode_to_vec();
    let accepted = world.ingest.submit_report(signed.clone(), bundle.clone()).await.unwrap();
    let id = signing::id(Domain::Report, &signed.payload);
    assert_eq!(accepted, Accepted { report: id, epoch: (world::NOW - 98) / 5 });
    let row = world.store.report(id).await.unwrap().unwrap();
    assert_eq!((row.resource, row.due), (Probe::Cpu as u32, accepted.epoch));
    let digest = report.bundle_digest.as_slice().try_into().unwrap();
    assert_eq!(world.store.blob(crate::store::Blob::Bundle, digest).await.unwrap(), Some(bundle));
    assert!(matches!(log(&world).await.last(), Some(Fact::ReportRevealed(entry)) if entry.report == id));
}

#[tokio::test]
async fn what_hosts_do_wrong_is_accepted_as_it_was() {
    let cases = [
        (Twist::WrongBits, Step::Verify),
        (Twist::SilentAfter(3), Step::Window),
        (Twist::SilentAfter(0), Step::Prepare),
        (Twist::OtherOpening, Step::Opening),
    ];
    for (twist, step) in cases {
        let world = World::ready().await;
        let bundle = world.keys.bundle(&world.keys.terms(), twist);
        let report = world.keys.report(&bundle);
        assert_eq!((report.outcome(), report.step(), report.x_upper), (Outcome::Fail, step, 0), "{twist:?}");
        assert_eq!(report.wrong > 1, twist == Twist::WrongBits);
        world.deliver(&report, &bundle.encode_to_vec()).await.unwrap();
    }
}

#[tokio::test]
async fn a_session_that_never_opened_is_accepted_without_a_bundle() {
    let world = World::ready().await;
    world.deliver(&world.keys.unopened(&world.keys.terms()), &[]).await.unwrap();
}

#[tokio::test]
async fn the_same_description_and_registration_again_change_nothing() {
    let world = World::ready().await;
    let before = world.contents().await;
    world.ingest.announce_node(world.keys.description()).await.unwrap();
    world.ingest.register_fisher(world.keys.registration()).await.unwrap();
    assert_eq!(world.contents().await, before);
}

/// A world shared by tests that must not change it.
async fn shared() -> &'static World {
    static WORLD: OnceCell<World> = OnceCell::const_new();
    let ready = async || {
        let world = World::ready().await;
        // The fisher has a bond, so he may own a relay as well.
        let owner = Owner { account: world.keys.fisher.clone(), ..Owner::new(0) };
        world.ingest.register_relay(owner.registration()).await.unwrap();
        world
    };
    WORLD.get_or_init(ready).await
}

/// A report that was changed and signed again; its commit is accepted first, so that the submission is what is refused.
async fn refused(world: &World, report: &Report, bundle: &[u8]) -> Refusal {
    let signed = signing::sign(Domain::Report, report, &world.keys.report);
    world.ingest.commit_report(world.keys.commit(&signed)).await.unwrap();
    let before = world.contents().await;
    let refusal = world.ingest.submit_report(signed, bundle.to_vec()).await.unwrap_err();
    assert_eq!(world.contents().await, before, "{refusal} changed the store");
    refusal
}
