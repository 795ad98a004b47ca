//! What stands is checked to the byte, and whatever differs is named.

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::Provider as _;
use gpux_contracts::network::{Check, Stage as Handover};
use gpux_contracts::{AccessManager, Court, Deployment, GUARDIAN_ROLE, Rentals, Scores, TestToken};

use crate::stage::{GUARDIAN, SAFE, STRANGER, Stage, address, provider, put_constant};

async fn deployed() -> (Stage, Deployment) {
    let stage = Stage::set().await;
    let deployment = stage.client().await.run(stage.out(), |_| {}).await.unwrap();
    (stage, deployment)
}

async fn wrong(stage: &Stage, deployment: &Deployment) -> Vec<Check> {
    let checks = stage.client().await.verify(deployment, Handover::A).await.unwrap();
    assert!(checks.len() > 20, "{checks:?}");
    checks.into_iter().filter(|check| !check.holds).collect()
}

/// The names of what does not hold.
async fn names(stage: &Stage, deployment: &Deployment) -> Vec<String> {
    wrong(stage, deployment).await.into_iter().map(|check| check.name).collect()
}

#[tokio::test]
async fn what_was_deployed_is_what_the_file_says() {
    let (stage, deployment) = deployed().await;
    assert_eq!(wrong(&stage, &deployment).await, []);
    let checks = stage.client().await.verify(&deployment, Handover::A).await.unwrap();
    let of = |name: &str| checks.iter().find(|check| check.name == name).unwrap().detail.clone();
    assert_eq!(of("Rentals: HOLD"), (14 * 86_400).to_string());
    assert_eq!(of("Court: REWARDS"), deployment.rewards.to_string());
    assert_eq!(of("administrators"), address(SAFE).to_string());
    assert_eq!(of("timelock: executors"), Address::ZERO.to_string());
}

#[tokio::test]
async fn a_foreign_contract_is_named_with_its_address() {
    let (stage, deployment) = deployed().await;
    let foreign = *TestToken::deploy(provider(&stage.anvil, STRANGER)).await.unwrap().address();
    let forged = Deployment { rewards: foreign, ..deployment.clone() };
    let wrong_code = format!("Rewards: code at {foreign}");
    let found = wrong(&stage, &forged).await;
    assert!(
        found.iter().any(|check| check.name == wrong_code && check.detail.contains("another contract's")),
        "{found:?}"
    );
    // Court still names the true one.
    assert!(found.iter().any(|check| check.name.starts_with("Court: code") && check.detail.starts_with("REWARDS is")));

    let forged = Deployment { court: Address::repeat_byte(1), ..deployment.clone() };
    assert!(names(&stage, &forged).await.contains(&format!("Court: code at {}", Address::repeat_byte(1))));
}

/// One byte of a contract's code, and of a word of its constructor's.
#[tokio::test]
async fn an_altered_byte_is_found() {
    let (stage, deployment) = deployed().await;
    let chain = provider(&stage.anvil, STRANGER);
    let code = chain.get_code_at(deployment.bonds).await.unwrap();
    let put = async |code: Vec<u8>| {
        let call = (deployment.bonds, Bytes::from(code));
        let _: serde_json::Value = chain.raw_request("anvil_setCode".into(), call).await.unwrap();
    };
    let mut altered = code.to_vec();
    *altered.last_mut().unwrap() ^= 1;
    put(altered).await;
    let found = wrong(&stage, &deployment).await;
    assert!(matches!(&found[..], [check] if check.detail.contains("another contract's")), "{found:?}");

    // The thaw is 90 days; a contract that was deployed with another one has the same code else.
    let thaw = B256::from(U256::from(90 * 86_400));
    let altered: Vec<_> = {
        let mut altered = code.to_vec();
        let places: Vec<_> = (0..code.len() - 32).filter(|place| code[*place..place + 32] == thaw[..]).collect();
        assert_eq!(places.len(), 2);
        places.into_iter().for_each(|place| altered[place + 31] ^= 1);
        altered
    };
    put(altered).await;
    let found = wrong(&stage, &deployment).await;
    assert!(matches!(&found[..], [check] if check.detail.starts_with("THAW is 7776001, must be 7776000")), "{found:?}");
}

#[tokio::test]
async fn what_the_administrator_changed_is_named() {
    let (stage, deployment) = deployed().await;
    let safe = provider(&stage.anvil, SAFE);
    let manager = AccessManager::new(deployment.access_manager, &safe);
    let court = Court::new(deployment.court, &safe);
    let mut rules = court.rulesOf(1).call().await.unwrap();
    (rules.treasury, rules.fee) = (address(STRANGER), 2);
    court.setRules(rules).send().await.unwrap().get_receipt().await.unwrap();
    assert_eq!(names(&stage, &deployment).await, ["Court: treasury", "Court: fee"]);

    let scores = Scores::new(deployment.scores, &safe);
    scores.setParameters(B256::ZERO).send().await.unwrap().get_receipt().await.unwrap();
    scores.setOperators(vec![address(STRANGER)], vec![], 1).send().await.unwrap().get_receipt().await.unwrap();
    let found = names(&stage, &deployment).await;
    assert_eq!(found[..3], ["Scores: threshold", "Scores: number of operators", "Scores: parameters"]);

    // A second administrator, another guardian, a role of its own, a function that guardians get, a target that is closed.
    for (role, account) in [(0, STRANGER), (GUARDIAN_ROLE, STRANGER), (7, STRANGER)] {
        manager.grantRole(role, address(account), 0).send().await.unwrap().get_receipt().await.unwrap();
    }
    manager.revokeRole(GUARDIAN_ROLE, address(GUARDIAN)).send().await.unwrap().get_receipt().await.unwrap();
    let selector = <Court::setRulesCall as alloy::sol_types::SolCall>::SELECTOR.into();
    let call = manager.setTargetFunctionRole(deployment.court, vec![selector], GUARDIAN_ROLE);
    call.send().await.unwrap().get_receipt().await.unwrap();
    manager.setTargetClosed(deployment.rentals, true).send().await.unwrap().get_receipt().await.unwrap();
    let found = names(&stage, &deployment).await;
    for name in ["Court.setRules: role", "Rentals: closed", "administrators", "guardians", "holders of other roles"] {
        assert!(found.iter().any(|found| found == name), "{name} of {found:?}");
    }
}

#[tokio::test]
async fn another_authority_is_found() {
    let (stage, deployment) = deployed().await;
    let safe = provider(&stage.anvil, SAFE);
    // A contract that says yes to everything.
    let yes = Address::repeat_byte(0x1e);
    put_constant(&safe, yes, B256::with_last_byte(1)).await;
    let manager = AccessManager::new(deployment.access_manager, &safe);
    manager.updateAuthority(deployment.rentals, yes).send().await.unwrap().get_receipt().await.unwrap();
    assert_eq!(Rentals::new(deployment.rentals, &safe).authority().call().await.unwrap(), yes);
    assert_eq!(names(&stage, &deployment).await, ["Rentals: authority"]);
}

#[tokio::test]
async fn a_record_of_another_network_is_named() {
    let (stage, deployment) = deployed().await;
    let mut network = stage.network(31_337, "");
    network.periods.hold += 86_400;
    network.token = *TestToken::deploy(provider(&stage.anvil, STRANGER)).await.unwrap().address();
    let client = stage.connect(network, STRANGER).await.unwrap();
    let checks = client.verify(&deployment, Handover::A).await.unwrap();
    let wrong: Vec<_> = checks.iter().filter(|check| !check.holds).map(|check| &check.detail).collect();
    assert!(wrong.iter().any(|detail| detail.starts_with("HOLD is 1209600, must be 1296000")), "{wrong:?}");
    assert!(checks.iter().any(|check| check.name == "record: token" && !check.holds));

    let foreign = Deployment { chain_id: 10, ..deployment };
    assert!(stage.client().await.verify(&foreign, Handover::A).await.is_err());
}
