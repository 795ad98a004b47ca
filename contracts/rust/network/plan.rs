//! From a network to what is sent: addresses, constructor arguments, immutables, and the one call that sets all roles.

use alloy::primitives::{Address, B256, Bytes, U256, aliases::U40, keccak256};
use alloy::sol_types::{SolCall, SolConstructor, SolValue as _};

use super::code::{Code, Immutables, Part};
use super::file::Network;
use crate::bindings::{AccessManager, Bonds, Court, Rentals, Rewards, Scores, TimelockController};
use crate::deploy::GUARDIAN_ROLE;

/// AccessManager's administrator.
pub(super) const ADMIN_ROLE: u64 = 0;

/// Where each contract stands, or will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses([Address; Part::ALL.len()]);

impl Addresses {
    /// Those that follow from the deployer's account and the number of its first transaction.
    pub(super) fn predicted(deployer: Address, first_nonce: u64) -> Self {
        Self(std::array::from_fn(|index| deployer.create(first_nonce + index as u64)))
    }

    /// Those that a function gives.
    pub(super) fn each(of: impl FnMut(Part) -> Address) -> Self {
        Self(Part::ALL.map(of))
    }

    /// Where a contract stands.
    pub fn of(&self, part: Part) -> Address {
        self.0[part as usize]
    }
}

/// One transaction.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// What it creates; none of the last one, which sets the roles.
    pub(super) creates: Option<Part>,
    /// To whom it goes; to nobody if it creates.
    pub(super) to: Option<Address>,
    pub(super) input: Bytes,
}

impl Step {
    /// What it is called in tables and errors.
    pub(super) fn name(&self) -> &'static str {
        self.creates.map_or("roles", Part::name)
    }
}

/// All transactions of a deployment, in their order.
pub(super) fn steps(network: &Network, deployer: Address, at: &Addresses) -> Vec<Step> {
    let create = |part: Part| Step {
        creates: Some(part),
        to: None,
        input: Code::of(part).creation(&arguments(network, part, deployer, at)),
    };
    let roles = Step { creates: None, to: Some(at.of(Part::AccessManager)), input: roles(network, deployer, at) };
    Part::ALL.map(create).into_iter().chain([roles]).collect()
}

/// What tells one plan from another: a deployment is never continued with what it was not begun with.
pub(super) fn digest(steps: &[Step]) -> B256 {
    let mut all = Vec::new();
    for step in steps {
        all.extend_from_slice(keccak256(&step.input).as_slice());
    }
    keccak256(all)
}

fn arguments(network: &Network, part: Part, deployer: Address, at: &Addresses) -> Vec<u8> {
    let Network { periods, windows, .. } = network;
    let (authority, court, rentals) = (at.of(Part::AccessManager), at.of(Part::Court), at.of(Part::Rentals));
    match part {
        // The deployer sets the roles and gives his own up in the same transaction.
        Part::AccessManager => AccessManager::constructorCall { initialAdmin: deployer }.abi_encode(),
        // It administers itself from the first day: no key outlives the deployment.
        Part::TimelockController => TimelockController::constructorCall {
            minDelay: U256::from(periods.timelock_delay),
            proposers: vec![network.admin],
            executors: vec![Address::ZERO],
            admin: Address::ZERO,
        }
        .abi_encode(),
        Part::Scores => Scores::constructorCall {
            authority,
            epochLength: U40::from(periods.epoch_length),
            activationDelay: U40::from(periods.activation_delay),
            firstOperators: network.operators.clone(),
            firstThreshold: network.threshold,
            firstParameters: network.parameters,
        }
        .abi_encode(),
        Part::Bonds => {
            Bonds::constructorCall { token: network.token, court, thawTime: U40::from(periods.thaw) }.abi_encode()
        }
        Part::Rentals => Rentals::constructorCall {
            token: network.token,
            scores: at.of(Part::Scores),
            authority,
            court,
            periods: Rentals::Periods {
                holdHonest: U40::from(periods.hold_honest),
                hold: U40::from(periods.hold),
                maxFreeze: U40::from(windows.longest()),
                maxLevyTime: U40::from(periods.max_levy_time),
            },
        }
        .abi_encode(),
        Part::Rewards => Rewards::constructorCall { rentals }.abi_encode(),
        Part::Court => Court::constructorCall {
            parts: Court::Parts { rentals, bonds: at.of(Part::Bonds), rewards: at.of(Part::Rewards), authority },
            periods: Court::Windows {
                filing: U40::from(windows.filing),
                answer: U40::from(windows.answer),
                ruling: U40::from(windows.ruling),
                appeal: U40::from(windows.appeal),
                appealRuling: U40::from(windows.appeal_ruling),
                execution: U40::from(windows.execution),
            },
            firstRules: rules(network, network.arbiter, at),
        }
        .abi_encode(),
    }
}

/// The rules of cases, with this arbiter.
pub(super) fn rules(network: &Network, arbiter: Address, at: &Addresses) -> Court::Rules {
    Court::Rules {
        arbiter,
        appealCourt: at.of(Part::TimelockController),
        treasury: network.treasury,
        minBond: network.rules.min_bond.into(),
        fee: network.rules.fee.into(),
    }
}

/// A function that asks AccessManager whether its caller may.
#[derive(Debug, Clone, Copy)]
pub(super) struct Restricted {
    pub(super) part: Part,
    pub(super) name: &'static str,
    pub(super) selector: [u8; 4],
    /// The role that its caller needs.
    pub(super) role: u64,
}

/// All of them; a test compares the list with the sources.
pub(super) const RESTRICTED: [Restricted; 7] = [
    restricted::<Scores::disableCall>(Part::Scores, "disable", GUARDIAN_ROLE),
    restricted::<Rentals::pauseOpeningCall>(Part::Rentals, "pauseOpening", GUARDIAN_ROLE),
    restricted::<Rentals::pauseFilingCall>(Part::Rentals, "pauseFiling", GUARDIAN_ROLE),
    restricted::<Rentals::resumeFilingCall>(Part::Rentals, "resumeFiling", GUARDIAN_ROLE),
    restricted::<Scores::setOperatorsCall>(Part::Scores, "setOperators", ADMIN_ROLE),
    restricted::<Scores::setParametersCall>(Part::Scores, "setParameters", ADMIN_ROLE),
    restricted::<Court::setRulesCall>(Part::Court, "setRules", ADMIN_ROLE),
];

const fn restricted<C: SolCall>(part: Part, name: &'static str, role: u64) -> Restricted {
    Restricted { part, name, selector: C::SELECTOR, role }
}

/// All roles in one transaction, so that none is ever half set: the guardian's, and the administrator instead of the deployer.
fn roles(network: &Network, deployer: Address, at: &Addresses) -> Bytes {
    let mut calls: Vec<Bytes> = Vec::new();
    // What is the administrator's is his without being said.
    for part in [Part::Scores, Part::Rentals] {
        let guarded = RESTRICTED.iter().filter(|function| function.part == part && function.role == GUARDIAN_ROLE);
        let selectors = guarded.map(|function| function.selector.into()).collect();
        let call = AccessManager::setTargetFunctionRoleCall { target: at.of(part), selectors, roleId: GUARDIAN_ROLE };
        calls.push(call.abi_encode().into());
    }
    let label = AccessManager::labelRoleCall { roleId: GUARDIAN_ROLE, label: "GUARDIAN".to_owned() };
    calls.push(label.abi_encode().into());
    for (role, account) in [(GUARDIAN_ROLE, network.guardian), (ADMIN_ROLE, network.admin)] {
        let grant = AccessManager::grantRoleCall { roleId: role, account, executionDelay: 0 };
        calls.push(grant.abi_encode().into());
    }
    let renounce = AccessManager::renounceRoleCall { roleId: ADMIN_ROLE, callerConfirmation: deployer };
    calls.push(renounce.abi_encode().into());
    AccessManager::multicallCall { data: calls }.abi_encode().into()
}

/// What a contract's immutables must be.
pub(super) fn immutables(network: &Network, part: Part, at: &Addresses) -> Immutables {
    let Network { periods, windows, .. } = network;
    let address = |of: Part| at.of(of).into_word();
    let number = |value: u64| B256::from(U256::from(value));
    let token = network.token.into_word();
    let own: Vec<(&'static str, B256)> = match part {
        Part::AccessManager | Part::TimelockController => vec![],
        Part::Scores => {
            vec![("EPOCH_LENGTH", number(periods.epoch_length)), ("ACTIVATION_DELAY", number(periods.activation_delay))]
        }
        Part::Bonds => vec![("_TOKEN", token), ("COURT", address(Part::Court)), ("THAW", number(periods.thaw))],
        Part::Rentals => vec![
            ("_TOKEN", token),
            ("_SCORES", address(Part::Scores)),
            ("COURT", address(Part::Court)),
            ("HOLD_HONEST", number(periods.hold_honest)),
            ("HOLD", number(periods.hold)),
            ("MAX_FREEZE", number(windows.longest())),
            ("MAX_LEVY_TIME", number(periods.max_levy_time)),
        ],
        Part::Rewards => {
            vec![("_TOKEN", token), ("_RENTALS", address(Part::Rentals)), ("_SCORES", address(Part::Scores))]
        }
        Part::Court => vec![
            ("_RENTALS", address(Part::Rentals)),
            ("_BONDS", address(Part::Bonds)),
            ("_SCORES", address(Part::Scores)),
            ("REWARDS", address(Part::Rewards)),
            ("FILING", number(windows.filing)),
            ("ANSWER", number(windows.answer)),
            ("RULING", number(windows.ruling)),
            ("APPEAL", number(windows.appeal)),
            ("APPEAL_RULING", number(windows.appeal_ruling)),
            ("EXECUTION", number(windows.execution)),
        ],
    };
    let signs = match part {
        Part::Scores => Some("GPUX Scores"),
        Part::Rentals => Some("GPUX Rentals"),
        Part::Court => Some("GPUX Court"),
        _ => None,
    };
    let domain = signs.map(|name| domain(name, network.chain_id, at.of(part)));
    own.into_iter().chain(domain.into_iter().flatten()).collect()
}

/// What OpenZeppelin's EIP712 keeps of a domain of version "1".
fn domain(name: &'static str, chain_id: u64, contract: Address) -> [(&'static str, B256); 7] {
    let kind = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    let (hashed_name, hashed_version) = (keccak256(name), keccak256("1"));
    let separator = keccak256((kind, hashed_name, hashed_version, U256::from(chain_id), contract).abi_encode());
    [
        ("_cachedDomainSeparator", separator),
        ("_cachedChainId", B256::from(U256::from(chain_id))),
        ("_cachedThis", contract.into_word()),
        ("_hashedName", hashed_name),
        ("_hashedVersion", hashed_version),
        ("_name", short(name)),
        ("_version", short("1")),
    ]
}

/// Whether an immutable is one of EIP712's.
pub(super) fn of_domain(name: &str) -> bool {
    domain("", 0, Address::ZERO).iter().any(|(own, _)| *own == name)
}

/// A ShortString: the text from the left, its length in the last byte.
fn short(text: &str) -> B256 {
    let mut word = [0; 32];
    word[..text.len()].copy_from_slice(text.as_bytes());
    // All names here are below 32 bytes.
    word[31] = text.len() as u8;
    word.into()
}

#[cfg(test)]
mod tests {
    use super::super::code::Difference;
    use super::*;

    fn network() -> Network {
        Network::example()
    }

    fn at() -> Addresses {
        Addresses::predicted(Address::repeat_byte(0xd0), 3)
    }

    #[test]
    fn every_immutable_of_every_contract_has_a_value() {
        for part in Part::ALL {
            let values = immutables(&network(), part, &at());
            let mut named: Vec<_> = values.keys().copied().collect();
            named.sort_unstable();
            assert_eq!(Code::of(part).names(), named, "{part}");
            assert!(!Code::of(part).expected(&values).is_empty(), "{part}");
        }
    }

    /// A function that is added and forgotten here would be checked by nobody.
    #[test]
    fn the_restricted_functions_are_those_of_the_sources() {
        let sources = [
            (Part::Scores, include_str!("../../src/Scores.sol")),
            (Part::Rentals, include_str!("../../src/Rentals.sol")),
            (Part::Rentals, include_str!("../../src/Holds.sol")),
            (Part::Court, include_str!("../../src/Court.sol")),
            (Part::Court, include_str!("../../src/Filing.sol")),
            (Part::Court, include_str!("../../src/Windows.sol")),
            (Part::Bonds, include_str!("../../src/Bonds.sol")),
            (Part::Rewards, include_str!("../../src/Rewards.sol")),
        ];
        let mut found = Vec::new();
        for (part, source) in sources {
            for function in source.split("function ").skip(1) {
                let (head, _) = function.split_once('{').unwrap_or((function, ""));
                if head.split_whitespace().any(|word| word == "restricted") {
                    found.push((part, head.split('(').next().unwrap()));
                }
            }
        }
        let mut named = RESTRICTED.map(|function| (function.part, function.name));
        found.sort_unstable();
        named.sort_unstable();
        assert_eq!(found, named);
    }

    #[test]
    fn what_differs_is_named() {
        let values = immutables(&network(), Part::Bonds, &at());
        let code = Code::of(Part::Bonds);
        let expected = code.expected(&values);
        assert_eq!(code.differences(&expected, &values), []);
        assert_eq!(code.differences(&[], &values), [Difference::Nothing]);
        assert_eq!(code.differences(&expected[1..], &values), [Difference::Foreign]);
        let mut altered = expected.to_vec();
        altered[0] ^= 1;
        assert_eq!(code.differences(&altered, &values), [Difference::Foreign]);

        let mut other = network();
        other.periods.thaw += 1;
        let found = code.expected(&immutables(&other, Part::Bonds, &at()));
        let number = |value: u64| B256::from(U256::from(value));
        let thaw = network().periods.thaw;
        let difference = Difference::Immutable("THAW".to_owned(), number(thaw), number(thaw + 1));
        assert_eq!(code.differences(&found, &values), [difference]);
    }

    #[test]
    fn another_network_is_another_plan() {
        let deployer = Address::repeat_byte(0xd0);
        let of = |network: &Network| digest(&steps(network, deployer, &at()));
        let mut other = network();
        other.guardian = Address::repeat_byte(9);
        assert_eq!(of(&network()), of(&network()));
        assert_ne!(of(&network()), of(&other));
    }
}
