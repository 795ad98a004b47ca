//! Whatever is wrong with a request is refused with its own reason code, the same over gRPC and HTTP, and leaves what the
//! oracle serves as it was.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

mod ask;
mod reports;
mod transcripts;

use ask::{Ask, Asker};
use gpux_proto::{
    evidence::{Commit, Description, Host, Offer},
    signing::{self, Domain},
};
use gpux_tests::{
    chain::TOKEN,
    clock::unix_seconds,
    fisher::Fisher,
    host::{Keys, RATE},
    stage::{RunningOracle, Stage},
};

const MODEL: &str = "GeForce RTX 3090";
/// One day ahead: no clock is that wrong.
const FUTURE: u64 = 86_400;

/// A chain, an oracle, a bonded fisher and a node that he may rent.
struct Ground {
    stage: Stage,
    oracle: RunningOracle,
    fisher: Fisher,
    host: Keys,
    description: Description,
    _folder: tempfile::TempDir,
}

impl Ground {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stage = Stage::set(folder.path()).await.unwrap();
        let fisher = Fisher::create(&stage.chain, &stage.keys, "fisher", 1_000 * TOKEN).await.unwrap();
        let host = Keys::random().unwrap();
        let descriptor = host.descriptor("http://127.0.0.1:9", Some(MODEL), None);
        let description = host.describe(&stage.chain.deployment, &descriptor).unwrap();
        let oracle = stage.oracle("oracle").await.unwrap();
        Self { stage, oracle, fisher, host, description, _folder: folder }
    }

    async fn asker(&self) -> Asker {
        Asker::new(&self.oracle.api).await
    }

    /// The node and the fisher are known from here on.
    async fn introduce(&self, asker: &mut Asker) {
        asker.accepted(&Ask::Announce(self.description.clone())).await;
        let registration = self.fisher.registration(&self.stage.chain.deployment).unwrap();
        asker.accepted(&Ask::Register(registration)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_announced_only_by_both_keys_and_only_here() {
    let ground = Ground::set().await;
    ground.stage.chain.run().await.unwrap();
    let mut asker = ground.asker().await;
    let (host, deployment) = (&ground.host, &ground.stage.chain.deployment);
    let good = &ground.description;
    let offer = |change: &dyn Fn(&mut Offer)| {
        let mut offer = good.offer.clone().unwrap().offer.unwrap();
        change(&mut offer);
        let mut description = good.clone();
        description.offer = Some(host.sign_offer(offer).unwrap());
        Ask::Announce(description)
    };
    let changed = |change: &dyn Fn(&mut Description)| {
        let mut description = good.clone();
        change(&mut description);
        Ask::Announce(description)
    };
    let stranger = Keys::random().unwrap();
    let ahead = gpux_proto::evidence::Descriptor {
        issue_time: Some(gpux_tests::host::timestamp(unix_seconds() + FUTURE)),
        ..host.descriptor("http://127.0.0.1:9", Some(MODEL), Some(Host::default()))
    };
    let cases = [
        ("MALFORMED", changed(&|d| d.descriptor = None)),
        ("MALFORMED", changed(&|d| d.descriptor.as_mut().unwrap().payload.truncate(40))),
        ("BAD_SIGNATURE", changed(&|d| d.descriptor.as_mut().unwrap().signature[7] ^= 1)),
        ("OFFER_VOID", changed(&|d| d.offer.as_mut().unwrap().node_signature.clear())),
        ("OFFER_VOID", changed(&|d| d.offer.as_mut().unwrap().provider_signature.clear())),
        // The descriptor and the offer name a stranger, whose signature is not there: the node's own provider signed.
        ("OFFER_VOID", offer(&|o| o.provider = stranger.provider.address().to_vec())),
        ("OFFER_VOID", offer(&|o| o.descriptor_digest = vec![1; 32])),
        ("OFFER_VOID", offer(&|o| o.rate = "0".to_owned())),
        ("FOREIGN_CHAIN", offer(&|o| o.chain_id += 1)),
        ("FOREIGN_CHAIN", offer(&|o| o.rentals = deployment.bonds.to_vec())),
        ("OFFER_EXPIRED", offer(&|o| o.valid_until = unix_seconds() - 60)),
        ("FUTURE_DATED", Ask::Announce(host.describe(deployment, &ahead).unwrap())),
    ];
    for (reason, ask) in &cases {
        asker.refused(ask, reason).await;
    }
    asker.accepted(&Ask::Announce(good.clone())).await;
    let mut older =
        signing::open::<gpux_proto::evidence::Descriptor>(Domain::Descriptor, good.descriptor.as_ref().unwrap())
            .unwrap();
    older.sequence -= 1;
    asker.refused(&Ask::Announce(host.describe(deployment, &older).unwrap()), "NODE_STALE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fisher_is_registered_only_by_his_own_key_and_commits_only_with_a_bond() {
    let ground = Ground::set().await;
    let poor = Fisher::create(&ground.stage.chain, &ground.stage.keys, "poor", 0).await.unwrap();
    ground.stage.chain.run().await.unwrap();
    let mut asker = ground.asker().await;
    let deployment = &ground.stage.chain.deployment;
    let good = ground.fisher.registration(deployment).unwrap();
    let mut stolen = good.clone();
    stolen.report_key = Keys::random().unwrap().id().to_vec();
    let mut foreign = good.clone();
    foreign.chain_id += 1;
    let mut short = good.clone();
    short.fisher.pop();
    asker.refused(&Ask::Register(stolen), "BAD_SIGNATURE").await;
    asker.refused(&Ask::Register(foreign), "FOREIGN_CHAIN").await;
    asker.refused(&Ask::Register(short), "MALFORMED").await;

    let offer = ground.description.offer.clone().unwrap();
    let rental = ground.fisher.terms(deployment, &offer).unwrap();
    let report = ground.fisher.sign(&ground.fisher.report(deployment, &rental).unwrap());
    let commit = ground.fisher.commit(deployment, &report);
    asker.refused(&Ask::Commit(commit.clone()), "FISHER_UNKNOWN").await;
    asker.accepted(&Ask::Register(good)).await;
    asker.accepted(&Ask::Register(poor.registration(deployment).unwrap())).await;
    let mut without = ground.fisher.report(deployment, &rental).unwrap();
    without.fisher = poor.address().to_vec();
    asker.refused(&Ask::Commit(poor.commit(deployment, &poor.sign(&without))), "FISHER_WITHOUT_BOND").await;
    let elsewhere =
        Commit { chain_id: deployment.chain_id + 1, ..signing::open::<Commit>(Domain::Commit, &commit).unwrap() };
    let elsewhere = signing::sign(Domain::Commit, &elsewhere, &ground.fisher.report_key);
    asker.refused(&Ask::Commit(elsewhere), "FOREIGN_CHAIN").await;
    let forged = gpux_proto::evidence::Signed { signature: vec![1; 64], ..commit.clone() };
    asker.refused(&Ask::Commit(forged), "BAD_SIGNATURE").await;
    asker.accepted_in_time(&Ask::Commit(commit.clone())).await;
    asker.refused(&Ask::Commit(commit), "COMMIT_REPLAYED").await;
}

/// A rental below the offered rate is opened by an offer that both keys signed, and reported with the dearer one.
fn cheaper(ground: &Ground) -> gpux_proto::evidence::SignedOffer {
    let mut offer = ground.description.offer.clone().unwrap().offer.unwrap();
    offer.rate = (RATE / 2).to_string();
    ground.host.sign_offer(offer).unwrap()
}
