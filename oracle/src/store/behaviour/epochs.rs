//! Epochs and scores.

use super::*;
use crate::reward::Account;
use crate::score::{Estimate, NodeId, NodeScore, ResourceId, ResourceScore, Verdict};

pub(super) fn epoch(number: u64) -> Epoch {
    Epoch {
        epoch: number,
        log_size: 10 * number,
        log_root: digest(1),
        root: digest(2),
        rewards_root: digest(3),
        parameters: digest(4),
        data_hash: digest(5),
        leaves: 6,
        state: EpochState::Built,
        transaction: vec![],
        signatures: vec![],
    }
}

fn update(node: u8, low_bps: u16, resources: u32) -> ScoreUpdate {
    let estimate = Estimate { low_bps, score_bps: low_bps + 10, high_bps: low_bps + 20 };
    let resource = |id| ResourceScore { resource: ResourceId(id), estimate, probes: id, last_epoch: 3 };
    let score = NodeScore {
        node: NodeId(digest(node)),
        estimate,
        verdict: Verdict::Unknown,
        probes: 12,
        last_epoch: 3,
        resources: (1..=resources).map(resource).collect(),
    };
    ScoreUpdate { provider: [node; 20], score }
}

fn changes(scores: Vec<ScoreUpdate>, rewards: Vec<RewardUpdate>) -> EpochChanges {
    EpochChanges { scores, rewards, power: vec![] }
}

pub(in super::super) async fn an_epoch_is_held_once_and_advances_in_order(store: &dyn Store) {
    assert_eq!(store.latest_epoch(None).await.unwrap(), None);
    store.save_epoch(epoch(3), changes(vec![update(1, 500, 1)], vec![])).await.unwrap();
    store.save_epoch(epoch(4), changes(vec![], vec![])).await.unwrap();
    let early = store.advance_epoch(3, EpochState::Sent, EpochState::Confirmed, vec![]).await;
    assert!(matches!(early, Err(Error::EpochState { epoch: 3, expected: EpochState::Sent })), "{early:?}");
    store.advance_epoch(3, EpochState::Built, EpochState::Signed, vec![1]).await.unwrap();
    store.advance_epoch(3, EpochState::Signed, EpochState::Sent, vec![1]).await.unwrap();
    store.advance_epoch(3, EpochState::Sent, EpochState::Sent, vec![2]).await.unwrap();
    let back = store.advance_epoch(3, EpochState::Sent, EpochState::Built, vec![]).await;
    assert!(matches!(back, Err(Error::EpochState { epoch: 3, .. })), "{back:?}");
    // Building the same epoch again, as after a crash, changes nothing; building another is refused.
    store.save_epoch(epoch(3), changes(vec![update(1, 900, 1)], vec![])).await.unwrap();
    assert_eq!(store.score(digest(1)).await.unwrap().unwrap().score.estimate.low_bps, 500);
    let other = store.save_epoch(Epoch { root: digest(9), ..epoch(3) }, changes(vec![], vec![])).await;
    assert!(matches!(other, Err(Error::EpochDiffers(3))), "{other:?}");
    let held = store.epoch(3).await.unwrap().unwrap();
    assert_eq!(held, Epoch { state: EpochState::Sent, transaction: vec![2], ..epoch(3) });
    assert_eq!(store.unconfirmed_epochs(9).await.unwrap().len(), 2);
    store.advance_epoch(3, EpochState::Sent, EpochState::Confirmed, vec![2]).await.unwrap();
    assert_eq!(store.unconfirmed_epochs(9).await.unwrap(), [epoch(4)]);
    assert_eq!(store.latest_epoch(None).await.unwrap(), Some(epoch(4)));
    assert_eq!(store.latest_epoch(Some(EpochState::Confirmed)).await.unwrap().unwrap().epoch, 3);
}

pub(in super::super) async fn scores_are_the_newest_and_ranked_by_their_lower_bound(store: &dyn Store) {
    let first = vec![update(1, 700, 2), update(2, 900, 1), update(3, 700, 3), update(4, 0, 1)];
    store.save_epoch(epoch(3), changes(first, vec![])).await.unwrap();
    store.save_epoch(epoch(4), changes(vec![update(4, 800, 2)], vec![])).await.unwrap();
    let held = store.score(digest(4)).await.unwrap().unwrap();
    assert_eq!((held.epoch, held.provider, held.score), (4, [4; 20], update(4, 800, 2).score));
    assert_eq!(store.score(digest(9)).await.unwrap(), None);
    let order =
        |rows: &[ScoreRow]| rows.iter().map(|r| (r.score.node.0[0], r.score.resources.len())).collect::<Vec<_>>();
    let page = store.ranking(RankingFilter::default(), None, 3).await.unwrap();
    assert_eq!(order(&page), [(2, 1), (4, 2), (1, 2)]);
    assert_eq!(order(&store.ranking(RankingFilter::default(), Some((700, digest(1))), 3).await.unwrap()), [(3, 3)]);
    assert_eq!(order(&store.scores(Some(digest(1)), 2).await.unwrap()), [(2, 1), (3, 3)]);
}

pub(in super::super) async fn a_ranking_is_narrowed_by_what_nodes_say_now(store: &dyn Store) {
    let judged = |node, low, verdict| {
        let mut update = update(node, low, 1);
        update.score.verdict = verdict;
        update
    };
    let (unknown, honest, liar) = (Verdict::Unknown, Verdict::Honest, Verdict::UnderDelivering);
    // Nodes 1 and 2 are announced before their first score, 3 to 6 after it, 7 never.
    for key in [1, 2] {
        store.announce_node(node(key, 1, 9)).await.unwrap();
    }
    let scores =
        [(1, 100, unknown), (2, 900, honest), (3, 500, liar), (4, 500, honest), (5, 500, honest), (6, 500, unknown)];
    let scores = scores.into_iter().map(|(node, low, verdict)| judged(node, low, verdict)).collect();
    store.save_epoch(epoch(3), changes(scores, vec![])).await.unwrap();
    store.save_epoch(epoch(4), changes(vec![judged(7, 800, honest)], vec![])).await.unwrap();
    for key in 3..=6 {
        store.announce_node(node(key, 1, 9)).await.unwrap();
    }
    // Page by page, so that every place between two nodes is once the start of a page.
    let ranked = async |of: Option<RankingOf>, verdict, least_bps| {
        let filter = RankingFilter { of, verdict, least_bps };
        let (mut seen, mut after) = (Vec::new(), None);
        while let Some(row) = store.ranking(filter.clone(), after, 1).await.unwrap().pop() {
            after = Some((row.score.estimate.low_bps, row.score.node.0));
            seen.push(row.score.node.0[0]);
        }
        let whole = store.ranking(filter, None, 100).await.unwrap();
        assert_eq!(whole.iter().map(|row| row.score.node.0[0]).collect::<Vec<_>>(), seen);
        seen
    };
    assert_eq!(ranked(None, None, 0).await, [2, 7, 3, 4, 5, 6, 1]);
    assert_eq!(ranked(None, None, 501).await, [2, 7]);
    assert_eq!(ranked(None, Some(honest), 0).await, [2, 7, 4, 5]);
    assert_eq!(ranked(None, Some(honest), 800).await, [2, 7]);
    let organisation = || Some(RankingOf::Organisation(digest(200)));
    assert_eq!(ranked(organisation(), None, 0).await, [2, 4, 6]);
    assert_eq!(ranked(organisation(), Some(unknown), 0).await, [6]);
    let provider = |key| Some(RankingOf::Provider([key; 20]));
    assert_eq!(ranked(provider(3), None, 0).await, [3]);
    assert_eq!(ranked(provider(3), Some(honest), 0).await, [] as [u8; 0]);
    let model = |name: &str| Some(RankingOf::Model(name.into()));
    assert_eq!(ranked(model("model 0"), None, 0).await, [3, 6]);
    assert_eq!(ranked(model("model 2"), None, 0).await, [2, 5]);
    assert_eq!(ranked(model("model 2"), Some(honest), 501).await, [2]);
    assert_eq!(ranked(model("' OR 1 = 1 --"), None, 0).await, [] as [u8; 0]);
    // A new description and a new score move a node at once.
    let sold = Node { provider: [9; 20], organisation: None, model: Some("model 9".into()), ..node(2, 2, 9) };
    store.announce_node(sold).await.unwrap();
    store.save_epoch(epoch(5), changes(vec![judged(6, 950, honest)], vec![])).await.unwrap();
    assert_eq!(ranked(provider(9), None, 0).await, [2]);
    assert_eq!(ranked(provider(2), None, 0).await, [] as [u8; 0]);
    assert_eq!(ranked(organisation(), None, 0).await, [6, 4]);
    assert_eq!(ranked(organisation(), Some(honest), 0).await, [6, 4]);
    assert_eq!(ranked(model("model 2"), None, 0).await, [5]);
    assert_eq!(ranked(model("model 9"), None, 0).await, [2]);
}

pub(in super::super) async fn changes_are_told_once_in_the_order_of_their_epochs(store: &dyn Store) {
    assert_eq!(store.changes(None, 9).await.unwrap(), []);
    store.announce_node(node(2, 1, 9)).await.unwrap();
    let scores = vec![update(3, 700, 2), update(1, 900, 1), update(2, 700, 3)];
    store.save_epoch(epoch(3), changes(scores, vec![])).await.unwrap();
    let told = async |after, limit| {
        let rows = store.changes(after, limit).await.unwrap();
        rows.iter().map(|row| (row.epoch, row.node[0])).collect::<Vec<_>>()
    };
    assert_eq!(told(None, 2).await, [(3, 1), (3, 2)]);
    store.save_epoch(epoch(4), changes(vec![update(1, 800, 1), update(4, 100, 1)], vec![])).await.unwrap();
    assert_eq!(told(Some((3, digest(2))), 9).await, [(3, 3), (4, 1), (4, 4)]);
    assert_eq!(told(Some((4, digest(4))), 9).await, []);
    assert_eq!(told(None, 9).await, [(3, 2), (3, 3), (4, 1), (4, 4)]);
    let first = store.changes(None, 1).await.unwrap().remove(0);
    let of = (first.provider, first.organisation, first.model.as_deref());
    assert_eq!(of, (Some([2; 20]), Some(digest(200)), Some("model 2")));
    let score = update(2, 700, 3).score;
    assert_eq!((first.estimate, first.verdict, first.probes), (score.estimate, score.verdict, score.probes));
}

pub(in super::super) async fn an_account_is_the_newest_of_its_fisher(store: &dyn Store) {
    let account = |fisher, earned| RewardUpdate {
        fisher: [fisher; 20],
        account: Account { earned, pending: u128::MAX, forfeited: 7 },
    };
    store.save_epoch(epoch(3), changes(vec![], vec![account(1, 5), account(2, 6)])).await.unwrap();
    store.save_epoch(epoch(4), changes(vec![], vec![account(2, u128::MAX)])).await.unwrap();
    // An epoch that is held already changes nothing.
    store.save_epoch(epoch(4), changes(vec![], vec![account(1, 9)])).await.unwrap();
    let held = async |fisher| store.reward([fisher; 20]).await.unwrap();
    assert_eq!(held(1).await, Some(RewardRow { epoch: 3, account: account(1, 5).account }));
    assert_eq!(held(2).await, Some(RewardRow { epoch: 4, account: account(2, u128::MAX).account }));
    assert_eq!(held(3).await, None);
}

pub(in super::super) async fn a_signature_is_held_once_for_each_operator_and_a_choice_stays(store: &dyn Store) {
    let signed = |epoch, operator: u8, signature: u8| Countersignature {
        epoch,
        operator: [operator; 20],
        signature: [signature; 65],
    };
    let early = store.countersign(signed(3, 1, 1)).await;
    assert!(matches!(early, Err(Error::EpochUnknown(3))), "{early:?}");
    assert!(matches!(store.choose_signatures(3, vec![1]).await, Err(Error::EpochUnknown(3))));
    for number in 3..=5 {
        store.save_epoch(epoch(number), EpochChanges::default()).await.unwrap();
    }
    for signature in [signed(3, 2, 2), signed(3, 1, 1), signed(3, 1, 9), signed(4, 1, 4)] {
        store.countersign(signature).await.unwrap();
    }
    assert_eq!(store.countersignatures(3).await.unwrap(), [signed(3, 1, 1), signed(3, 2, 2)]);
    let enough = async |own: u8, least, limit| {
        let epochs = store.countersigned_epochs([own; 20], least, limit).await.unwrap();
        epochs.iter().map(|epoch| epoch.epoch).collect::<Vec<_>>()
    };
    assert_eq!(enough(9, 0, 9).await, [3, 4, 5]);
    assert_eq!(enough(9, 1, 9).await, [3, 4]);
    assert_eq!(enough(9, 1, 1).await, [3]);
    assert_eq!(enough(9, 2, 9).await, [3]);
    assert_eq!(enough(1, 1, 9).await, [3], "one's own signature is not another's");
    store.choose_signatures(3, vec![7; 130]).await.unwrap();
    // Neither a state nor the same epoch built again changes the choice.
    store.advance_epoch(3, EpochState::Built, EpochState::Sent, vec![2; 32]).await.unwrap();
    store.save_epoch(epoch(3), EpochChanges::default()).await.unwrap();
    assert_eq!(store.epoch(3).await.unwrap().unwrap().signatures, [7; 130]);
    store.advance_epoch(3, EpochState::Sent, EpochState::Confirmed, vec![2; 32]).await.unwrap();
    assert_eq!(enough(9, 1, 9).await, [4]);
}

pub(in super::super) async fn an_epoch_has_room_for_so_many_signatures(store: &dyn Store) {
    store.save_epoch(epoch(3), EpochChanges::default()).await.unwrap();
    let signed = |number: u16| {
        let mut operator = [0; 20];
        operator[..2].copy_from_slice(&number.to_be_bytes());
        Countersignature { epoch: 3, operator, signature: [1; 65] }
    };
    for number in 0..256 {
        store.countersign(signed(number)).await.unwrap();
    }
    let full = store.countersign(signed(256)).await;
    assert!(matches!(full, Err(Error::CountersignaturesFull { epoch: 3, limit: 256 })), "{full:?}");
    assert_eq!(store.countersignatures(3).await.unwrap().len(), 256);
}
