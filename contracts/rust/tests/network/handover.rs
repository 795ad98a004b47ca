//! From the Safe to the votes, with OpenZeppelin's own Governor, each stage checked before and after.

use alloy::primitives::{Address, B256, U256};
use alloy::providers::Provider as _;
use gpux_contracts::network::{Action, By, Error, Network, Stage as Handover, Turn};
use gpux_contracts::{AccessManager, Court, Deployment, TimelockController};

use crate::stage::{DEPLOYER, SAFE, STRANGER, Stage, address, provider, put_constant, skip};

alloy::sol!(
    #[sol(rpc)]
    VoteToken,
    "artifacts/VoteToken.json"
);
alloy::sol!(
    #[sol(rpc)]
    #[allow(clippy::too_many_arguments)]
    Dao,
    "artifacts/Dao.json"
);

const DAY: u64 = 86_400;

struct Government {
    stage: Stage,
    deployment: Deployment,
    timelock: Address,
    dao: Address,
}

impl Government {
    /// A deployment whose Governor has one voter, the stranger.
    async fn set() -> Self {
        let stage = Stage::set().await;
        let deployment = stage.client().await.run(stage.out(), |_| {}).await.unwrap();
        let chain = provider(&stage.anvil, STRANGER);
        let timelock = Court::new(deployment.court, &chain).rulesOf(1).call().await.unwrap().appealCourt;
        let votes = VoteToken::deploy(chain.clone()).await.unwrap();
        votes.mint(address(STRANGER), U256::from(100)).send().await.unwrap().get_receipt().await.unwrap();
        votes.delegate(address(STRANGER)).send().await.unwrap().get_receipt().await.unwrap();
        let dao = *Dao::deploy(chain.clone(), *votes.address(), timelock).await.unwrap().address();
        skip(&chain, 1).await;
        Self { stage, deployment, timelock, dao }
    }

    fn network(&self) -> Network {
        self.stage.network(31_337, &format!("governor = \"{}\"", self.dao))
    }

    async fn hand_over(&self, stage: Handover, key: usize) -> Result<Vec<Action>, Error> {
        let client = self.stage.connect(self.network(), key).await.unwrap();
        client.hand_over(&self.deployment, stage, |_| {}).await
    }

    /// What is still to be done, with what it waits for.
    async fn open(&self, stage: Handover, key: usize) -> Vec<Turn> {
        let actions = self.hand_over(stage, key).await.unwrap();
        actions.into_iter().map(|action| action.turn).filter(|turn| *turn != Turn::Done).collect()
    }

    async fn expect_verified(&self, stage: Handover) {
        let client = self.stage.connect(self.network(), DEPLOYER).await.unwrap();
        for other in [Handover::A, Handover::B, Handover::C, Handover::D] {
            let checks = client.verify(&self.deployment, other).await.unwrap();
            let wrong: Vec<_> = checks.iter().filter(|check| !check.holds).collect();
            assert_eq!(wrong.is_empty(), other == stage, "{other} in {stage}: {wrong:?}");
        }
    }

    async fn wait(&self, seconds: u64) {
        skip(&provider(&self.stage.anvil, STRANGER), seconds).await;
    }

    async fn to_c(&self) {
        assert_eq!(self.open(Handover::B, SAFE).await, []);
        assert_eq!(self.open(Handover::C, SAFE).await.len(), 1);
        self.wait(2 * DAY).await;
        assert_eq!(self.open(Handover::C, STRANGER).await, []);
    }
}

#[tokio::test]
async fn the_safe_hands_over_to_the_timelock_and_that_to_the_votes() {
    let government = Government::set().await;
    government.expect_verified(Handover::A).await;

    // Whoever may not is told what the Safe has to send.
    let actions = government.hand_over(Handover::B, STRANGER).await.unwrap();
    let turns: Vec<_> = actions.iter().map(|action| action.turn).collect();
    assert_eq!(turns, [Turn::Due, Turn::Later, Turn::Later]);
    assert!(actions.iter().all(|action| action.by == By::Account(address(SAFE))));
    assert_eq!(actions[0].to, government.deployment.court);
    government.expect_verified(Handover::A).await;

    assert_eq!(government.open(Handover::B, SAFE).await, []);
    government.expect_verified(Handover::B).await;
    assert_eq!(government.open(Handover::B, SAFE).await, [], "again");

    // The Safe proposes, the delay runs, anybody executes.
    assert!(matches!(government.open(Handover::C, SAFE).await[..], [Turn::From(_)]));
    assert!(matches!(government.open(Handover::C, STRANGER).await[..], [Turn::From(_)]));
    government.expect_verified(Handover::B).await;
    government.wait(2 * DAY).await;
    assert_eq!(government.open(Handover::C, STRANGER).await, []);
    government.expect_verified(Handover::C).await;

    // A voter makes the motion; nobody votes for him; then anybody has it queued and executed.
    let actions = government.hand_over(Handover::D, STRANGER).await.unwrap();
    let turns: Vec<_> = actions.iter().map(|action| action.turn).collect();
    assert_eq!(turns, [Turn::Done, Turn::Due, Turn::Later, Turn::Later]);
    assert_eq!(actions[1].by, By::Voters);
    government.wait(DAY + 1).await;
    let voter = provider(&government.stage.anvil, STRANGER);
    let vote = government.stage.connect(government.network(), STRANGER).await.unwrap();
    let vote = vote.handover(&government.deployment, Handover::D).await.unwrap()[1].clone();
    let vote = alloy::rpc::types::TransactionRequest::default().to(vote.to).input(vote.input.into());
    voter.send_transaction(vote).await.unwrap().get_receipt().await.unwrap();
    government.wait(7 * DAY + 1).await;
    assert!(matches!(government.open(Handover::D, DEPLOYER).await[..], [Turn::From(_)]));
    government.expect_verified(Handover::C).await;
    government.wait(2 * DAY).await;
    assert_eq!(government.open(Handover::D, DEPLOYER).await, []);
    government.expect_verified(Handover::D).await;
    assert_eq!(government.open(Handover::D, DEPLOYER).await, [], "again");
}

/// What the administrator changed before stays as he left it.
#[tokio::test]
async fn handing_the_rulings_over_changes_nothing_else() {
    let government = Government::set().await;
    let court = Court::new(government.deployment.court, provider(&government.stage.anvil, SAFE));
    let mut rules = court.rulesOf(1).call().await.unwrap();
    rules.fee = 77;
    court.setRules(rules.clone()).send().await.unwrap().get_receipt().await.unwrap();
    assert_eq!(government.open(Handover::B, SAFE).await, []);
    rules.arbiter = government.timelock;
    assert_eq!(court.rulesOf(3).call().await.unwrap(), rules);
    assert_eq!(court.rulesVersion().call().await.unwrap(), 3);
}

#[tokio::test]
async fn no_stage_is_skipped() {
    let government = Government::set().await;
    for stage in [Handover::C, Handover::D] {
        let error = government.hand_over(stage, SAFE).await.unwrap_err();
        assert!(matches!(error, Error::StageBefore(_)), "{error}");
    }
    assert_eq!(government.open(Handover::B, SAFE).await, []);
    let error = government.hand_over(Handover::D, SAFE).await.unwrap_err();
    assert!(matches!(error, Error::StageBefore(_)), "{error}");
    let manager = AccessManager::new(government.deployment.access_manager, provider(&government.stage.anvil, SAFE));
    assert!(manager.hasRole(0, government.timelock).call().await.unwrap().isMember);
}

/// The Safe may take its own proposal back, and make it again.
#[tokio::test]
async fn a_cancelled_handover_is_proposed_again() {
    let government = Government::set().await;
    assert_eq!(government.open(Handover::B, SAFE).await, []);
    let actions = government.hand_over(Handover::C, SAFE).await.unwrap();
    let timelock = TimelockController::new(government.timelock, provider(&government.stage.anvil, SAFE));
    let call =
        <TimelockController::scheduleBatchCall as alloy::sol_types::SolCall>::abi_decode(&actions[0].input).unwrap();
    let id = timelock.hashOperationBatch(call.targets, call.values, call.payloads, call.predecessor, call.salt);
    let id: B256 = id.call().await.unwrap();
    assert!(timelock.isOperationPending(id).call().await.unwrap());
    timelock.cancel(id).send().await.unwrap().get_receipt().await.unwrap();
    assert_eq!(government.open(Handover::C, STRANGER).await, [Turn::Due, Turn::Later]);
    assert!(matches!(government.open(Handover::C, SAFE).await[..], [Turn::From(_)]));
}

#[tokio::test]
async fn a_vote_that_failed_is_said() {
    let government = Government::set().await;
    government.to_c().await;
    assert_eq!(government.open(Handover::D, STRANGER).await.len(), 3);
    government.wait(9 * DAY).await;
    let error = government.hand_over(Handover::D, STRANGER).await.unwrap_err();
    assert!(matches!(error, Error::Voted), "{error}");
}

#[tokio::test]
async fn a_governor_of_another_timelock_gets_nothing() {
    let government = Government::set().await;
    assert_eq!(government.open(Handover::B, SAFE).await, []);
    let foreign = Address::repeat_byte(0xd1);
    put_constant(&provider(&government.stage.anvil, SAFE), foreign, address(STRANGER).into_word()).await;
    for governor in [foreign, address(STRANGER)] {
        let network = government.stage.network(31_337, &format!("governor = \"{governor}\""));
        let client = government.stage.connect(network, SAFE).await.unwrap();
        let error = client.hand_over(&government.deployment, Handover::C, |_| {}).await.unwrap_err();
        assert!(matches!(error, Error::Governor { .. }), "{error}");
    }
    let error = government.stage.client().await.handover(&government.deployment, Handover::C).await.unwrap_err();
    assert!(matches!(error, Error::NoGovernor), "{error}");
}
