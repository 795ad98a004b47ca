//! Fishers' accounts over both protocols, with proofs that the contract accepts.

use alloy::primitives::{Address, B256};
use gpux_contracts::merkle;
use gpux_proto::{
    bytes::{from_hex, to_hex},
    oracle::{GetRewardRequest, Reward, rewards_service_client::RewardsServiceClient},
};
use tonic::Code;

use super::market::{FISHER, Market, node_score};
use crate::{
    reward::{Account, RewardFile},
    store::RewardUpdate,
};

const OTHER: [u8; 20] = [0xf2; 20];
const LATE: [u8; 20] = [0xf3; 20];

fn update(fisher: [u8; 20], earned: u128, pending: u128) -> RewardUpdate {
    RewardUpdate { fisher, account: Account { earned, pending, forfeited: 3 } }
}

/// Two epochs on chain; in the second FISHER earned more, and one who never registered came.
async fn market() -> Market {
    let market = Market::open().await;
    market.publish_with(7, vec![node_score([1; 32], 5_000)], &[update(FISHER, 100, 5), update(OTHER, 40, 0)]).await;
    market
        .publish_with(
            8,
            vec![node_score([1; 32], 5_000)],
            &[update(FISHER, 250, 0), update(OTHER, 40, 0), update(LATE, 0, 9)],
        )
        .await;
    market
}

async fn asked(market: &Market, fisher: &str, root: &str) -> Result<Reward, tonic::Status> {
    let mut client = RewardsServiceClient::new(market.channel().await);
    let request = GetRewardRequest { fisher: fisher.into(), root: root.into() };
    Ok(client.get_reward(request).await?.into_inner().reward.unwrap())
}

fn is_proven(reward: &Reward, amount: u128) -> bool {
    let fisher = Address::from(from_hex::<20>("fisher", &reward.fisher).unwrap());
    let hash = |text: &String| B256::from(from_hex::<32>("hash", text).unwrap());
    let proof: Vec<_> = reward.proof.iter().map(hash).collect();
    merkle::verify(hash(&reward.root), merkle::reward_leaf_hash(fisher, amount), &proof)
}

#[tokio::test]
async fn an_account_is_proven_by_the_newest_root_and_by_an_earlier_one() {
    let market = market().await;
    let fisher = to_hex(&FISHER);
    let newest = asked(&market, &fisher, "").await.unwrap();
    assert_eq!((newest.earned.as_str(), newest.pending.as_str(), newest.forfeited.as_str()), ("250", "0", "3"));
    assert_eq!((newest.epoch, newest.cumulative.as_str()), (8, "250"));
    assert!(is_proven(&newest, 250) && !is_proven(&newest, 251));
    let first = RewardFile::of([(FISHER.into(), 100), (OTHER.into(), 40)]).root();
    let earlier = asked(&market, &fisher, &to_hex(first.as_slice())).await.unwrap();
    assert_eq!((earlier.epoch, earlier.earned.as_str(), earlier.cumulative.as_str()), (8, "250", "100"));
    assert!(is_proven(&earlier, 100));
    // Who has only pending work is known, and may claim nothing.
    let late = asked(&market, &to_hex(&LATE), "").await.unwrap();
    assert_eq!((late.pending.as_str(), late.cumulative.as_str(), late.proof.len()), ("9", "0", 0));
    assert_eq!(late.root, newest.root);
}

#[tokio::test]
async fn the_same_over_http_and_errors_are_named() {
    let market = market().await;
    let answer = market.get(&format!("/v1/rewards/{}", to_hex(&FISHER))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["reward"]["cumulative"], "250");
    let unknown = to_hex(&[7; 32]);
    for (path, status) in [
        (format!("/v1/rewards/{}", to_hex(&[9; 20])), 404),
        (format!("/v1/rewards/{}?root={unknown}", to_hex(&FISHER)), 404),
        ("/v1/rewards/0x12".into(), 400),
        (format!("/v1/rewards/{}?root=7", to_hex(&FISHER)), 400),
        (format!("/v1/rewards/{}?rot=7", to_hex(&FISHER)), 400),
    ] {
        assert_eq!(market.get(&path).await.status, status, "{path}");
    }
    assert_eq!(asked(&market, "nobody", "").await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(asked(&market, &to_hex(&[9; 20]), "").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_damaged_file_proves_nothing() {
    let market = Market::open().await;
    let root = RewardFile::of([(FISHER.into(), 1)]).root();
    let other = RewardFile::of([(FISHER.into(), 2)]);
    market.store.put_blob(crate::store::Blob::Rewards, root.0, other.bytes()).await.unwrap();
    let refused = asked(&market, &to_hex(&FISHER), &to_hex(root.as_slice())).await.unwrap_err();
    assert_eq!(refused.code(), Code::Internal);
}
