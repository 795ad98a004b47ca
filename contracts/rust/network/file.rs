//! The network file: what a market is deployed with, in TOML. Unknown keys are errors, and what has a default may be left
//! out. It names no secret, unless the RPC's URL has one.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::cost::Fees;

/// The largest network file.
const BYTES_MAX: u64 = 64 << 10;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
/// Scores counts them in 16 bits; every publication lists its signers.
const OPERATORS_MAX: usize = 64;
/// What `Holds` allows: a hold and two of the longest pauses of filing within thirty days.
const HOLD_MAX: u64 = 16 * DAY;
/// The contracts' periods have 40 bits.
const PERIOD_MAX: u64 = (1 << 40) - 1;

/// Why a network file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("cannot read network file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is too large to be one.
    #[error("network file {0} is larger than {BYTES_MAX} bytes")]
    TooLarge(PathBuf),
    /// It has an unknown key, lacks one, or a value is of the wrong kind.
    #[error("network file {path} is wrong: {reason}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// Its values contradict each other, or what the contracts allow.
    #[error("network file: {key} {reason}")]
    Value {
        /// Which one, with its table.
        key: &'static str,
        /// What it must be.
        reason: String,
    },
}

/// What may be left out of a network file, because the program that reads it knows it.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    /// Digest of the scoring parameters.
    pub parameters: B256,
    /// Length of an epoch in seconds.
    pub epoch_length: u64,
}

/// A market as it is to stand. Periods are in seconds, amounts in units of the coin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The RPC's URL; it may carry a key and is never printed.
    pub rpc: Option<String>,
    /// The coin of rentals and bonds: of six decimals, taking no fee of a transfer.
    pub token: Address,
    /// Administers and proposes to the timelock until the handover: a Safe.
    pub admin: Address,
    /// Pauses, and disables roots.
    pub guardian: Address,
    /// Rules first.
    pub arbiter: Address,
    /// Receives the public part of slashes, lost bonds and levies.
    pub treasury: Address,
    /// Takes over in stage C.
    pub governor: Option<Address>,
    /// Who signs epochs and convictions, in rising order.
    pub operators: Vec<Address>,
    /// How many of them must.
    pub threshold: u8,
    /// Digest of the scoring parameters in force.
    pub parameters: B256,
    /// Holds, the thaw, levies, epochs and the timelock.
    pub periods: Periods,
    /// How long each step of a case may take.
    pub windows: Windows,
    /// What filing costs.
    pub rules: Rules,
    /// What a transaction costs, for the plan's table.
    pub fees: Fees,
}

/// Periods in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Periods {
    /// Hold with an honest leaf.
    #[serde(deserialize_with = "period_above_zero")]
    pub hold_honest: u64,
    /// Hold without one.
    #[serde(deserialize_with = "period_above_zero")]
    pub hold: u64,
    /// How long a bond thaws.
    #[serde(deserialize_with = "period_above_zero")]
    pub thaw: u64,
    /// The longest levy.
    #[serde(deserialize_with = "period_above_zero")]
    pub max_levy_time: u64,
    /// Between publication and effect.
    #[serde(deserialize_with = "period")]
    pub activation_delay: u64,
    /// Between a decision in the timelock and its execution.
    #[serde(deserialize_with = "period_above_zero")]
    pub timelock_delay: u64,
    /// Length of an epoch. Zero, which no file can say, stands for the reading program's own until that is put here.
    #[serde(deserialize_with = "period_above_zero")]
    pub epoch_length: u64,
}

impl Default for Periods {
    fn default() -> Self {
        Self {
            hold_honest: 72 * HOUR,
            hold: 14 * DAY,
            thaw: 90 * DAY,
            max_levy_time: 90 * DAY,
            activation_delay: HOUR / 2,
            timelock_delay: 2 * DAY,
            epoch_length: 0,
        }
    }
}

/// Windows of a case, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Windows {
    /// A proof case is filed until this long after its rental ended.
    #[serde(deserialize_with = "period_above_zero")]
    pub filing: u64,
    /// The provider answers this long.
    #[serde(deserialize_with = "period_above_zero")]
    pub answer: u64,
    /// The arbiter rules this long after that.
    #[serde(deserialize_with = "period_above_zero")]
    pub ruling: u64,
    /// A ruling is appealed this long.
    #[serde(deserialize_with = "period_above_zero")]
    pub appeal: u64,
    /// The appeal court rules this long.
    #[serde(deserialize_with = "period_above_zero")]
    pub appeal_ruling: u64,
    /// What was held stays frozen this long after the last possible ruling.
    #[serde(deserialize_with = "period_above_zero")]
    pub execution: u64,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            filing: DAY,
            answer: 48 * HOUR,
            ruling: 21 * DAY,
            appeal: 72 * HOUR,
            appeal_ruling: 21 * DAY,
            execution: 72 * HOUR,
        }
    }
}

impl Windows {
    /// The longest that a case can take, and so the longest freeze, in seconds.
    pub fn longest(&self) -> u64 {
        // Each is below 2^40.
        self.answer + self.ruling + self.appeal + self.appeal_ruling + self.execution
    }
}

/// What filing costs, in units of the coin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// The least bond of a case.
    pub min_bond: u64,
    /// What a drawn or withdrawn case costs its filer.
    pub fee: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { min_bond: 50_000_000, fee: 1_000_000 }
    }
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    chain_id: u64,
    rpc: Option<String>,
    token: Account,
    admin: Account,
    guardian: Account,
    arbiter: Option<Account>,
    treasury: Account,
    governor: Option<Account>,
    operators: Vec<Account>,
    threshold: u8,
    parameters: Option<B256>,
    #[serde(default)]
    periods: Periods,
    #[serde(default)]
    windows: Windows,
    #[serde(default)]
    rules: Rules,
    #[serde(default)]
    fees: Fees,
}

/// An address. One in mixed case must have a valid checksum (EIP-55): a mistyped administrator cannot be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Account(Address);

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").ok_or_else(|| D::Error::custom("an address begins with 0x"))?;
        let mixed = digits.bytes().any(|byte| byte.is_ascii_uppercase())
            && digits.bytes().any(|byte| byte.is_ascii_lowercase());
        let parsed = if mixed {
            Address::parse_checksummed(&text, None).map_err(|_| "has a wrong checksum: a digit was mistyped")
        } else {
            text.parse().map_err(|_| "is no address of 40 hexadecimal digits")
        };
        match parsed {
            Ok(Address::ZERO) => Err(D::Error::custom("the zero address owns nothing")),
            Ok(address) => Ok(Self(address)),
            Err(reason) => Err(D::Error::custom(format!("{text} {reason}"))),
        }
    }
}

impl Network {
    /// Reads and checks a network file.
    pub fn read(path: &Path, defaults: Defaults) -> Result<Self, FileError> {
        let failed = |source| FileError::Io { path: path.into(), source };
        let mut text = String::new();
        File::open(path).map_err(failed)?.take(BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > BYTES_MAX {
            return Err(FileError::TooLarge(path.into()));
        }
        // The error's own form quotes the line, and a line may be a URL with a key.
        let document: Document = toml::from_str(&text)
            .map_err(|error| FileError::Format { path: path.into(), reason: error.message().to_owned() })?;
        let network = Self::of(document, defaults);
        network.check()?;
        Ok(network)
    }

    fn of(document: Document, defaults: Defaults) -> Self {
        let mut operators: Vec<_> = document.operators.into_iter().map(|Account(address)| address).collect();
        operators.sort_unstable();
        let mut periods = document.periods;
        if periods.epoch_length == 0 {
            periods.epoch_length = defaults.epoch_length;
        }
        Self {
            chain_id: document.chain_id,
            rpc: document.rpc,
            token: document.token.0,
            admin: document.admin.0,
            guardian: document.guardian.0,
            arbiter: document.arbiter.unwrap_or(document.admin).0,
            treasury: document.treasury.0,
            governor: document.governor.map(|Account(address)| address),
            operators,
            threshold: document.threshold,
            parameters: document.parameters.unwrap_or(defaults.parameters),
            periods,
            windows: document.windows,
            rules: document.rules,
            fees: document.fees,
        }
    }

    /// What constructors would refuse is said here with its reason, before anything is paid.
    fn check(&self) -> Result<(), FileError> {
        let (periods, windows, rules) = (&self.periods, &self.windows, &self.rules);
        let no = |key, reason: &str| Err(FileError::Value { key, reason: reason.to_owned() });
        let count = self.operators.len();
        if count == 0 || count > OPERATORS_MAX || self.operators.windows(2).any(|pair| pair[0] == pair[1]) {
            return no("operators", "must be 1 to 64 accounts, each once");
        }
        if self.threshold == 0 || usize::from(self.threshold) > count {
            return no("threshold", "must be at least 1 and at most the number of operators");
        }
        if self.guardian == self.admin {
            return no("guardian", "must not be the administrator: it is to act when that one cannot");
        }
        if periods.activation_delay > periods.epoch_length {
            return no("periods.activation_delay", "must be at most epoch_length");
        }
        if periods.hold_honest > periods.hold || periods.hold > HOLD_MAX {
            return no("periods.hold", "must be at least hold_honest and at most 16 d");
        }
        if windows.filing > periods.hold_honest {
            return no("windows.filing", "must be at most periods.hold_honest: later nothing is held");
        }
        if periods.timelock_delay >= windows.ruling.min(windows.appeal_ruling) {
            return no("periods.timelock_delay", "must be below a ruling's window: else no vote rules in time");
        }
        if rules.min_bond == 0 || rules.fee > rules.min_bond {
            return no("rules", "min_bond must be above 0 and at least fee");
        }
        Ok(())
    }
}

/// Seconds, of a number and its unit: "30 min", "72 h", "14 d"; at most 2^40 - 1 s.
fn period<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    seconds(&text)
        .ok_or_else(|| D::Error::custom(format!("{text:?} is no period as \"90 s\", \"30 min\", \"72 h\" or \"14 d\"")))
}

fn period_above_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match period(deserializer)? {
        0 => Err(D::Error::custom("a period of nothing leaves no time to act")),
        seconds => Ok(seconds),
    }
}

fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ')?;
    let unit = match unit {
        "s" => 1,
        "min" => 60,
        "h" => HOUR,
        "d" => DAY,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    number.checked_mul(unit).filter(|seconds| *seconds <= PERIOD_MAX)
}

#[cfg(test)]
impl Network {
    /// A network of made-up parties, for tests of what is made of one.
    pub(super) fn example() -> Self {
        let document = toml::from_str(tests::LEAST).expect("the tests' own file");
        Self::of(document, tests::DEFAULTS)
    }
}

#[cfg(test)]
#[path = "file/tests.rs"]
mod tests;
