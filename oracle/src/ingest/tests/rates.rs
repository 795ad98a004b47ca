//! What a key may send in a second.

use super::{Refusal, World};

#[tokio::test]
async fn a_key_sends_its_rate_and_nobody_uses_up_anothers() {
    let world = World::ready().await;
    let ingest = world.ingest.clone().with_key_rate(1);
    let commit = |number: u8| {
        let report = gpux_proto::evidence::Signed { payload: vec![number], signature: vec![1; 64] };
        world.keys.commit(&report)
    };
    // Whoever cannot sign for the fisher takes nothing of his.
    for _ in 0..50 {
        let mut forged = commit(0);
        forged.signature[7] ^= 1;
        let refusal = ingest.commit_report(forged).await.unwrap_err();
        assert!(matches!(refusal, Refusal::BadSignature(_)), "{refusal:?}");
    }
    let mut taken = 0;
    let refusal = loop {
        match ingest.commit_report(commit(taken)).await {
            Ok(_) => taken += 1,
            Err(refusal) => break refusal,
        }
        assert!(taken < 50, "nothing is refused");
    };
    assert!(taken >= 4, "{taken} at once");
    assert!(matches!(refusal, Refusal::KeyRate { wait } if !wait.is_zero()), "{refusal:?}");
    assert_eq!((refusal.reason(), refusal.retryable()), ("RATE_LIMITED", true));
    ingest.announce_node(world.keys.description()).await.expect("another key is not held up");
}
