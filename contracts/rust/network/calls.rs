//! What each call of a running market costs on OP Mainnet: the gas that the tests measured, and the data of a like transaction.
//!
//! Owns the likenesses: every address, hash, signature and amount is as random as a real one, so that FastLZ makes as little
//! of it. The gas is that of `gas.json`, which a check keeps.

use alloy::{
    consensus::{SignableTransaction as _, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718 as _,
    primitives::{Address, B256, Bytes, Signature, TxKind, U256, aliases::U40, aliases::U96, keccak256},
    sol_types::SolCall,
};
use serde_json::{Map, Value};

use super::cost::{Cost, Fees, ether};
use crate::bindings::{Bonds, Court, Rentals, Rewards, Scores};

const GAS: &str = include_str!("../../gas.json");
/// How deep a tree of a million leaves is.
const DEPTH: usize = 20;
/// A deposit or a bond in millionths of a dollar.
const AMOUNT: u128 = 259_200_000;

/// A call and its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// What is called, as in `gas.json`.
    pub name: String,
    /// What it costs.
    pub cost: Cost,
}

/// The price of every call that is sent as a transaction, in the order of their names.
pub fn calls(chain_id: u64, fees: &Fees) -> Vec<Priced> {
    let gas: Map<String, Value> = serde_json::from_str(GAS).unwrap_or_default();
    let priced = gas.iter().filter_map(|(name, gas)| {
        let (input, gas) = (input(name)?, gas.as_u64()?);
        let signed = signed(chain_id, gas, fees, input);
        Some(Priced { name: name.clone(), cost: Cost::of(&signed, gas, fees) })
    });
    priced.collect()
}

/// The same as a table.
pub fn told(chain_id: u64, fees: &Fees) -> String {
    let mut table = "| call | gas | bytes | compressed | execution, ETH | data, ETH | together, ETH |\n\
                     | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        .to_owned();
    for Priced { name, cost } in calls(chain_id, fees) {
        let Cost { gas, bytes, compressed, execution_wei, data_wei } = cost;
        let (execution, data, all) = (ether(execution_wei), ether(data_wei), ether(cost.wei()));
        table += &format!("| {name} | {gas} | {bytes} | {compressed} | {execution} | {data} | {all} |\n");
    }
    table
}

fn signed(chain_id: u64, gas: u64, fees: &Fees, input: Bytes) -> Vec<u8> {
    let price = u128::from(fees.gas_price_wei);
    let transaction = TxEip1559 {
        chain_id,
        nonce: 417,
        gas_limit: gas + gas / 5,
        max_fee_per_gas: price * 2,
        max_priority_fee_per_gas: price,
        to: TxKind::Call(address("contract")),
        input,
        ..TxEip1559::default()
    };
    let signature = Signature::new(hash("r").into(), hash("s").into(), true);
    TxEnvelope::from(transaction.into_signed(signature)).encoded_2718()
}

/// The data of a call by its name in `gas.json`; none of one that is only read.
fn input(name: &str) -> Option<Bytes> {
    let (call, of) = name.split_once(" of ").unwrap_or((name, ""));
    let count = of.parse().unwrap_or(1);
    let (case, node) = (hash("case"), hash("node"));
    Some(encoded(match call {
        "Rentals.open" => open(count),
        "Rentals.topUp" => top_up(count),
        "Rentals.stop" => Rentals::stopCall { terms: terms(count) }.abi_encode(),
        "Rentals.collect" | "Rentals.collect under a levy" => {
            Rentals::collectCall { terms: terms(count), leaves: vec![], proofs: vec![] }.abi_encode()
        }
        "Rentals.withdraw" => Rentals::withdrawCall { to: address("account") }.abi_encode(),
        "Bonds.deposit" => Bonds::depositCall { fisher: address("fisher"), amount: AMOUNT }.abi_encode(),
        "Bonds.thaw" => Bonds::thawCall { amount: AMOUNT }.abi_encode(),
        "Bonds.withdraw" => Bonds::withdrawCall { to: address("fisher") }.abi_encode(),
        "Court.fileBare" => {
            let [terms] = court_terms(1).try_into().ok()?;
            Court::fileBareCall { terms, salt: hash("salt"), statement: hash("statement") }.abi_encode()
        }
        "Court.fileProof" => Court::fileProofCall {
            terms: court_terms(count),
            own: U256::ZERO,
            salt: hash("salt"),
            evidence: hash("evidence"),
            signatures: signatures(2),
        }
        .abi_encode(),
        "Court.fileStatistical" => {
            Court::fileStatisticalCall { terms: court_terms(count), leaf: leaf(node), proof: proof() }.abi_encode()
        }
        "Court.extend to 100" => Court::extendCall { id: case, terms: court_terms(100) }.abi_encode(),
        "Court.answer" => Court::answerCall { id: case, statement: hash("statement") }.abi_encode(),
        "Court.rule" | "Court.rule in appeal" => {
            Court::ruleCall { id: case, outcome: 1, amount: AMOUNT, levyBps: 1_000 }.abi_encode()
        }
        "Court.appeal" => Court::appealCall { id: case }.abi_encode(),
        "Court.escalate" => Court::escalateCall { id: case }.abi_encode(),
        "Court.withdraw" => Court::withdrawCall { id: case }.abi_encode(),
        "Court.finalise, upheld," => Court::finaliseCall { id: case, terms: court_terms(count) }.abi_encode(),
        "Court.finalise, withdrawn" => Court::finaliseCall { id: case, terms: vec![] }.abi_encode(),
        "Court.liftLevy" => Court::liftLevyCall { leaf: leaf(node), proof: proof() }.abi_encode(),
        "Court.distribute" => Court::distributeCall {}.abi_encode(),
        "Rewards.claim" => {
            Rewards::claimCall { fisher: address("fisher"), cumulative: AMOUNT, proof: proof() }.abi_encode()
        }
        _ => publish(call.strip_prefix("Scores.publish with ")?.split(' ').next()?.parse().ok()?),
    }))
}

fn encoded(call: Vec<u8>) -> Bytes {
    call.into()
}

fn open(count: usize) -> Vec<u8> {
    let signatures = signatures(count);
    Rentals::openCall { terms: terms(count), deposits: vec![AMOUNT; count], providerSignatures: signatures }
        .abi_encode()
}

fn top_up(count: usize) -> Vec<u8> {
    let rentals = (0..count).map(|number| hash(&format!("rental {number}"))).collect();
    Rentals::topUpCall { rentals, amounts: vec![AMOUNT; count] }.abi_encode()
}

fn publish(operators: usize) -> Vec<u8> {
    let publication = Scores::Publish {
        epoch: 489_120,
        root: hash("root"),
        rewardsRoot: hash("rewards"),
        dataHash: hash("data"),
        logSize: 123_456_789,
        logRoot: hash("log"),
        parameters: hash("parameters"),
    };
    Scores::publishCall { publication, signatures: signatures(operators) }.abi_encode()
}

/// Rentals of one node by one account.
fn terms(count: usize) -> Vec<Rentals::Terms> {
    let offer = Rentals::Offer {
        provider: address("provider"),
        node: hash("node"),
        descriptor: hash("descriptor"),
        rate: U96::from(100),
        capacity: 4,
        validUntil: U40::from(1_800_000_000_u64),
    };
    let some = |number: usize| Rentals::Terms {
        consumer: address("consumer"),
        offer: offer.clone(),
        note: hash(&format!("note {number}")),
        nonce: number as u64,
    };
    (0..count).map(some).collect()
}

fn court_terms(count: usize) -> Vec<Court::Terms> {
    terms(count).into_iter().map(Into::into).collect()
}

fn leaf(node: B256) -> Court::Leaf {
    Court::Leaf {
        epoch: 489_120,
        node,
        provider: address("provider"),
        scoreLowBps: 2_031,
        scoreBps: 4_187,
        verdict: 2,
        probes: 213,
        certificates: B256::ZERO,
    }
}

fn proof() -> Vec<B256> {
    (0..DEPTH).map(|level| hash(&format!("level {level}"))).collect()
}

fn signatures(count: usize) -> Vec<Bytes> {
    let one = |number: usize| {
        let half = |name| hash(&format!("{name} {number}"));
        Bytes::from([half("r").as_slice(), half("s").as_slice(), &[27]].concat())
    };
    (0..count).map(one).collect()
}

fn hash(name: &str) -> B256 {
    keccak256(name)
}

fn address(name: &str) -> Address {
    Address::from_word(hash(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measured_transaction_has_a_price_and_what_is_only_read_has_none() {
        let gas: Map<String, Value> = serde_json::from_str(GAS).unwrap();
        let fees = Fees::default();
        let priced: Vec<_> = calls(10, &fees).into_iter().map(|call| call.name).collect();
        let unpriced: Vec<_> = gas.keys().filter(|name| !priced.contains(name)).collect();
        assert_eq!(unpriced, ["Scores.verify of depth 20"]);
        assert_eq!(told(10, &fees).lines().count(), priced.len() + 2);
    }

    #[test]
    fn what_is_random_is_not_compressed_and_more_rentals_cost_more_data() {
        let fees = Fees::default();
        let of = |name: &str| {
            let call = calls(10, &fees).into_iter().find(|call| call.name == name).unwrap();
            (call.cost.bytes, call.cost.compressed as usize, call.cost.data_wei)
        };
        let (one, three) = (of("Rentals.open of 1"), of("Rentals.open of 3"));
        // Of one rental: a note, a node, a descriptor and a signature, 161 bytes that nothing predicts, and three addresses.
        assert!(one.1 > 161 + 60 && one.1 < one.0, "{one:?}");
        // Of each further one the note and the signature alone are new.
        assert!(three.1 - one.1 > 2 * 97 && three.1 - one.1 < 2 * 200, "{one:?} {three:?}");
        assert!(three.2 > one.2);
        assert!(of("Court.extend to 100").1 > 100 * 32);
    }
}
