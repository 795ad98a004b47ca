//! From sessions through relays to weights: real bundles and stamps, taken in, audited, folded and folded again.

use gpux_proto::{
    evidence::{Bundle, Finding, Report, log_entry::Fact},
    signing::{self, Domain},
};
use prost::Message as _;

use super::{
    keys::Keys,
    log,
    relays::Owner,
    session::Twist,
    world::{NOW, World, opened, time},
};
use crate::{
    audit::fixture,
    publish::{self, Epochs, Folder},
    score::{FisherId, NodeId, Parameters, Weight},
    store::{BlockRef, BondChange, Settled},
};

const OWNERS: u8 = 4;

/// Fishers choose what they probe: assignments have tests of their own.
fn chosen() -> Parameters {
    Parameters { assignment_slots: 0, ..Parameters::development() }
}

/// A market with four owners, an honest fisher and one who lies when he likes.
struct Market {
    world: World,
    owners: Vec<Owner>,
    honest: Keys,
    liar: Keys,
    parameters: Parameters,
    epochs: Epochs,
    /// The time of the newest block; an epoch later with each.
    now: u64,
    rentals: u64,
}

impl Market {
    async fn open(parameters: Parameters) -> Self {
        let world = World::empty(parameters.clone()).await;
        let owners: Vec<_> = (0..OWNERS).map(Owner::new).collect();
        let (honest, liar) = (Keys::new(), Keys::of_another_fisher(0x17));
        let mut market = Self {
            epochs: epochs(&world, &parameters).await,
            world,
            owners,
            honest,
            liar,
            parameters,
            now: NOW - 500,
            rentals: 0,
        };
        let fishers = [&market.honest, &market.liar].map(|keys| (keys.fisher.address().into_array(), 1_000_000_000));
        let owners = market.owners.iter().map(|owner| (owner.account.address().into_array(), 50_000_000));
        let bonds: Vec<_> = fishers.into_iter().chain(owners).collect();
        market.block(&bonds, None).await;
        market.world.ingest.announce_node(market.honest.description()).await.unwrap();
        for keys in [&market.honest, &market.liar] {
            market.world.ingest.register_fisher(keys.registration()).await.unwrap();
        }
        for owner in &market.owners {
            market.world.ingest.register_relay(owner.registration()).await.unwrap();
        }
        market
    }

    /// A final block, the first of the next epoch, which is its beacon.
    async fn block(&mut self, bonds: &[([u8; 20], u128)], rental: Option<&gpux_proto::evidence::Terms>) -> BlockRef {
        self.now += 5;
        let epoch = self.parameters.epoch_at(self.now);
        let block = self.world.block_at(self.now, |facts| {
            facts.entries.push((0, fixture::entry(fixture::beacon(epoch))));
            for (index, (fisher, amount)) in (1..).zip(bonds) {
                facts.bonds.push(BondChange { log_index: index, fisher: *fisher, amount: *amount });
                facts.entries.push((index, fixture::entry(fixture::bonded(*fisher, *amount))));
            }
            facts.opened.extend(rental.map(|terms| {
                let mut rental = opened(terms);
                rental.start = NOW - 3_000;
                rental
            }));
        });
        let block = block.await;
        self.world.store.finalise(block.number).await.unwrap();
        block
    }

    /// Closes the epoch.
    async fn close(&mut self) -> Option<u64> {
        let block = self.block(&[], None).await;
        self.epochs.advance(&block).await.unwrap()
    }

    /// A rental of its own for each report.
    async fn rent(&mut self, lies: bool) -> gpux_proto::evidence::Terms {
        self.rentals += 1;
        let terms = self.keys(lies).terms_of(self.rentals);
        self.block(&[], Some(&terms)).await;
        terms
    }

    fn keys(&self, lies: bool) -> &Keys {
        if lies { &self.liar } else { &self.honest }
    }

    async fn deliver(&self, keys: &Keys, report: &Report, bundle: &[u8]) -> [u8; 32] {
        let signed = signing::sign(Domain::Report, report, &keys.report);
        self.world.ingest.commit_report(keys.commit(&signed)).await.unwrap();
        self.world.ingest.submit_report(signed, bundle.to_vec()).await.unwrap().report
    }

    /// A session through an owner's relay; a lie is that the clock ran a thousand times slower.
    async fn session(&mut self, of_liar: bool, lies: bool, owner: Option<usize>, stamped: bool) -> [u8; 32] {
        let terms = self.rent(of_liar).await;
        let keys = self.keys(of_liar);
        let mut bundle: Bundle = keys.bundle(&terms, Twist::None);
        if lies {
            bundle.frames.iter_mut().for_each(|frame| frame.time_us *= 1_000);
        }
        let relay = owner.map(|owner| self.owners[owner].key().to_vec()).unwrap_or_default();
        let report = Report { relay, start_time: Some(time(NOW - 2_000)), ..keys.report(&bundle) };
        assert_eq!(report.x_lower == 64, !lies, "{}", report.x_lower);
        let id = self.deliver(keys, &report, &bundle.encode_to_vec()).await;
        if let Some(owner) = owner.filter(|_| stamped).map(|owner| &self.owners[owner]) {
            self.world.ingest.submit_stamps(owner.signed(&owner.stamps(&bundle))).await.unwrap();
        }
        id
    }

    /// The log, folded anew.
    async fn folder(&self) -> Folder {
        let mut folder = Folder::new(self.parameters.clone());
        for row in self.world.store.log_entries(0, 10_000).await.unwrap() {
            let Some(epoch) = folder.apply(&row.bytes).unwrap().filter(|_| folder.has_scores()) else { continue };
            // Whoever replays the log publishes the same leaves.
            let published = self.world.store.epoch(epoch).await.unwrap().unwrap();
            assert_eq!(publish::data_hash(&folder.leaf_file().unwrap().bytes()).0, published.data_hash);
        }
        folder
    }

    async fn weight(&self, of_liar: bool) -> Weight {
        let fisher = FisherId(self.keys(of_liar).fisher.address().into_array());
        self.folder().await.state().weight(&fisher)
    }

    async fn findings(&self) -> Vec<Finding> {
        let facts = log(&self.world).await.into_iter();
        facts
            .filter_map(|fact| if let Fact::FisherAudited(found) = fact { Some(found.finding()) } else { None })
            .collect()
    }
}

async fn epochs(world: &World, parameters: &Parameters) -> Epochs {
    let rules = crate::ingest::Rules {
        deployment: super::world::deployment(),
        parameters: parameters.clone(),
        releases: Vec::new(),
    };
    Epochs::restore(world.store.clone(), parameters.clone(), rules.evidence()).await.unwrap()
}

#[tokio::test]
async fn audits_give_an_honest_fisher_weight_and_take_it_from_a_liar() {
    let mut market = Market::open(chosen()).await;
    for round in 0..market.parameters.audits_min as usize {
        assert_eq!((market.weight(false).await, market.weight(true).await), (Weight::ZERO, Weight::ZERO));
        market.session(false, false, Some(round % 4), true).await;
        market.session(true, false, Some((round + 1) % 4), true).await;
        market.close().await;
    }
    assert_eq!((market.weight(false).await, market.weight(true).await), (Weight::FULL, Weight::FULL));
    assert!(market.folder().await.state().scores().next().is_none(), "what weighed nothing moved nothing");
    let mut lies = 0;
    while market.weight(true).await != Weight::ZERO {
        market.session(true, true, Some(lies % 4), true).await;
        market.session(false, false, Some(lies % 4), true).await;
        market.close().await;
        lies += 1;
        assert!(lies < 12, "a liar keeps his weight");
    }
    assert_eq!(market.weight(false).await, Weight::FULL);
    assert_eq!(market.findings().await.iter().filter(|found| **found == Finding::Disagrees).count(), lies);
    // The stamps contradict the lies: the node is fast in every audit.
    for fact in log(&market.world).await {
        if let Fact::AuditFolded(audit) = fact {
            assert_eq!((audit.x_lower, audit.inconclusive), (64, false));
        }
    }
    let node = NodeId(market.honest.node.verifying_key().to_bytes());
    assert!(market.folder().await.state().score(&node).is_some());
}

#[tokio::test]
async fn a_direct_report_weighs_nothing_and_is_not_audited() {
    let mut market = Market::open(chosen()).await;
    market.session(false, false, None, false).await;
    market.close().await;
    let facts = log(&market.world).await;
    assert!(facts.iter().any(|fact| matches!(fact, Fact::ReportFolded(folded) if folded.weight == 0)));
    assert!(!facts.iter().any(|fact| matches!(fact, Fact::AuditFolded(_))));
}

#[tokio::test]
async fn a_report_waits_for_its_stamps_and_then_no_longer() {
    let mut market = Market::open(chosen()).await;
    let late = market.session(false, false, Some(0), false).await;
    let folded = async |market: &Market| market.world.store.report(late).await.unwrap().unwrap().folded;
    for _ in 0..3 {
        assert!(!folded(&market).await);
        market.close().await;
    }
    market.close().await;
    assert!(folded(&market).await);
    assert_eq!(market.findings().await, [Finding::Inconclusive]);
}

#[tokio::test]
async fn a_commit_that_is_never_revealed_counts_once_as_a_lie() {
    let parameters = Parameters { reveal_epochs: 3, ..chosen() };
    let mut market = Market::open(parameters).await;
    let terms = market.rent(false).await;
    let report = market.honest.unopened(&terms);
    let signed = signing::sign(Domain::Report, &report, &market.honest.report);
    market.world.ingest.commit_report(market.honest.commit(&signed)).await.unwrap();
    for _ in 0..3 {
        market.close().await;
        assert_eq!(market.findings().await, []);
    }
    for _ in 0..4 {
        market.close().await;
        market.epochs = epochs(&market.world, &market.parameters).await;
        assert_eq!(market.findings().await, [Finding::Disagrees]);
        let refusal = market.world.ingest.submit_report(signed.clone(), Vec::new()).await.unwrap_err();
        assert_eq!(refusal.reason(), "REVEAL_LATE");
    }
    market.folder().await;
}

#[tokio::test]
async fn findings_with_a_lag_are_neither_lost_nor_doubled_by_restarts() {
    // Short windows, so that the test ends soon; sessions that never opened need no stamps.
    let parameters = Parameters { lag_epochs_max: 6, beacon_epochs: 2, ..chosen() };
    let mut runs = Vec::new();
    for restarts in [false, true] {
        let mut market = Market::open(parameters.clone()).await;
        for round in 0..24_u64 {
            if round < 8 {
                let terms = market.rent(false).await;
                let relay = market.owners[round as usize % 4].key().to_vec();
                let report = Report { relay, ..market.honest.unopened(&terms) };
                market.deliver(&market.honest, &report, &[]).await;
            }
            market.close().await;
            if restarts {
                market.epochs = epochs(&market.world, &parameters).await;
                let block = market.world.store.finalised().await.unwrap().unwrap();
                assert_eq!(market.epochs.advance(&block).await.unwrap(), None);
            }
        }
        let facts = log(&market.world).await;
        let at = |wanted: fn(&Fact) -> bool| facts.iter().filter(|fact| wanted(fact)).count();
        assert_eq!(at(|fact| matches!(fact, Fact::AuditFolded(_))), 8);
        assert_eq!(market.findings().await.len(), 8);
        let first = |wanted: fn(&Fact) -> bool| facts.iter().position(wanted).unwrap();
        let told = first(|fact| matches!(fact, Fact::FisherAudited(_)));
        assert!(told > first(|fact| matches!(fact, Fact::EpochClosed(_))), "a finding keeps step with its audit");
        market.folder().await;
        runs.push(facts);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn audits_ahead_of_their_time_find_the_same() {
    let parameters = Parameters { lag_epochs_max: 6, beacon_epochs: 1, ..chosen() };
    let mut runs = Vec::new();
    for ahead in [false, true] {
        let mut market = Market::open(parameters.clone()).await;
        for round in 0..18 {
            if round < 2 {
                market.session(false, false, Some(round), true).await;
            }
            market.close().await;
            let block = market.world.store.finalised().await.unwrap().unwrap();
            for _ in 0..3 * usize::from(ahead) {
                assert_eq!(market.epochs.advance(&block).await.unwrap(), None);
            }
            if ahead && round == 2 {
                // What was found is not looked up again: the stamps could be gone.
                let before = Settled { stamps_before: u64::MAX >> 1, ..Settled::default() };
                market.world.store.append_entries(Vec::new(), before).await.unwrap();
            }
        }
        assert_eq!(market.findings().await, [Finding::Agrees; 2]);
        runs.push(log(&market.world).await);
    }
    assert_eq!(runs[0], runs[1]);
}
