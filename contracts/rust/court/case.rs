//! Where a case stands, and who may do what until when.

use std::{fmt, str::FromStr};

use alloy::primitives::{Address, B256};

use crate::bindings::Court;

/// How a case was opened, as Court numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Operators signed that evidence convicts.
    Proof = 0,
    /// A published leaf said that the node under-delivers.
    Statistical = 1,
    /// A renter's word about his own rental.
    Bare = 2,
}

/// Where a case stands, as Court numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is no such case.
    None = 0,
    /// The provider may answer, then the arbiter rules.
    Open = 1,
    /// Ruled.
    Ruled = 2,
    /// The appeal court rules.
    Appealed = 3,
    /// It has ended.
    Final = 4,
}

/// How a case ends, as Court numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody has ruled.
    None = 0,
    /// The filer is right.
    Upheld = 1,
    /// The filer is wrong.
    Rejected = 2,
    /// Nobody can tell.
    Drawn = 3,
    /// The courts were silent.
    Expired = 4,
    /// The filer took it back.
    Withdrawn = 5,
}

/// What a number of Court's enumerations means; `None` for one of a later version.
fn numbered<T: Copy>(number: u8, all: &[T]) -> Option<T> {
    all.get(usize::from(number)).copied()
}

impl Kind {
    /// Reads Court's number.
    pub fn of(number: u8) -> Option<Self> {
        numbered(number, &[Self::Proof, Self::Statistical, Self::Bare])
    }
}

impl State {
    /// Reads Court's number.
    pub fn of(number: u8) -> Option<Self> {
        numbered(number, &[Self::None, Self::Open, Self::Ruled, Self::Appealed, Self::Final])
    }
}

impl Outcome {
    /// Reads Court's number.
    pub fn of(number: u8) -> Option<Self> {
        numbered(number, &[Self::None, Self::Upheld, Self::Rejected, Self::Drawn, Self::Expired, Self::Withdrawn])
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proof => "proof",
            Self::Statistical => "statistical",
            Self::Bare => "bare",
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "unknown",
            Self::Open => "open",
            Self::Ruled => "ruled",
            Self::Appealed => "appealed",
            Self::Final => "final",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "not ruled",
            Self::Upheld => "upheld",
            Self::Rejected => "rejected",
            Self::Drawn => "drawn",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        })
    }
}

/// A court rules one of three.
impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "upheld" => Ok(Self::Upheld),
            "rejected" => Ok(Self::Rejected),
            "drawn" => Ok(Self::Drawn),
            _ => Err("a court rules \"upheld\", \"rejected\" or \"drawn\"".to_owned()),
        }
    }
}

/// The windows that deadlines are made of, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// The provider answers this long.
    pub answer: u64,
    /// The appeal court rules this long.
    pub appeal_ruling: u64,
}

/// A case as Court stores it. Amounts are in token units, times in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its id.
    pub id: B256,
    /// How it was opened.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// How it was ruled last.
    pub outcome: Outcome,
    /// Who accuses.
    pub filer: Address,
    /// Who is accused.
    pub provider: Address,
    /// The node, of a bare case the rental.
    pub subject: B256,
    /// When it was filed.
    pub filed_at: u64,
    /// When the present window ends.
    pub deadline: u64,
    /// What was earned since then was held at filing.
    pub horizon: u64,
    /// The most that can be slashed.
    pub cap: u128,
    /// What the filer has at stake.
    pub bond: u128,
    /// What was ruled to be slashed.
    pub amount: u128,
    /// The levy that was ruled, in basis points.
    pub levy_bps: u16,
    /// Whether the provider has answered.
    pub answered: bool,
    /// Whether a ruling can no longer be appealed.
    pub last_instance: bool,
    /// The number of the rules that it was filed under.
    pub rules: u32,
}

impl Case {
    /// Reads what Court stores; `None` if there is no such case, or one of a later version.
    pub fn of(id: B256, stored: &Court::Case) -> Option<Self> {
        let state = State::of(stored.state).filter(|state| *state != State::None)?;
        Some(Self {
            id,
            kind: Kind::of(stored.kind)?,
            state,
            outcome: Outcome::of(stored.outcome)?,
            filer: stored.filer,
            provider: stored.provider,
            subject: stored.subject,
            filed_at: stored.filedAt.to(),
            deadline: stored.deadline.to(),
            horizon: stored.horizon.to(),
            cap: stored.cap,
            bond: stored.bond,
            amount: stored.amount,
            levy_bps: stored.levyBps,
            answered: stored.answered,
            last_instance: stored.lastInstance,
            rules: stored.rules,
        })
    }

    /// What may be done at a moment of the chain's time. Of what overlaps, the step that moves the case is named: an answer
    /// may still come while the arbiter waits for it.
    pub fn turn(&self, now: u64, windows: &Windows) -> Turn {
        match self.state {
            State::None | State::Final => Turn::Nobody,
            State::Open if now > self.deadline + windows.appeal_ruling => Turn::Anybody { expires: true },
            State::Open if now > self.deadline => Turn::Escalate { until: self.deadline + windows.appeal_ruling },
            State::Open if !self.answered && now <= self.filed_at + windows.answer => {
                Turn::Provider { until: self.filed_at + windows.answer }
            }
            State::Open => Turn::Arbiter { until: self.deadline },
            State::Ruled if self.last_instance || now > self.deadline => Turn::Anybody { expires: false },
            State::Ruled => Turn::Parties { until: self.deadline },
            State::Appealed if now > self.deadline => Turn::Anybody { expires: true },
            State::Appealed => Turn::AppealCourt { until: self.deadline },
        }
    }
}

impl Case {
    /// The case in lines for people, at a moment of the chain's time.
    pub fn told(&self, now: u64, windows: &Windows) -> String {
        let Self { id, kind, state, filer, provider, subject, cap, bond, .. } = self;
        let about = if *kind == Kind::Bare { "rental" } else { "node" };
        let answered = if self.answered { "the provider has answered" } else { "the provider has not answered" };
        let turn = self.turn(now, windows);
        let left = turn.until().map_or_else(String::new, |until| format!(" ({} s left)", until.saturating_sub(now)));
        let ruled = match self.outcome {
            Outcome::None => String::new(),
            outcome => format!("\n  ruled     {outcome}: {} token units, levy {} bps", self.amount, self.levy_bps),
        };
        format!(
            "case {id}: {kind}, {state}\n  {about:<9} {subject}\n  filer     {filer}, bond {bond} token units\n  \
             provider  {provider}; {answered}\n  cap       {cap} token units{ruled}\n  now       {turn}{left}\n"
        )
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The provider answers.
    Provider { until: u64 },
    /// The arbiter rules.
    Arbiter { until: u64 },
    /// The arbiter was silent: anybody brings the case before the appeal court.
    Escalate { until: u64 },
    /// Filer or provider may appeal.
    Parties { until: u64 },
    /// The appeal court rules.
    AppealCourt { until: u64 },
    /// Anybody ends the case; it expires if no court has ruled.
    Anybody { expires: bool },
    /// It has ended.
    Nobody,
}

impl Turn {
    /// Until when, in seconds since 1970, if there is an end.
    pub fn until(&self) -> Option<u64> {
        match self {
            Self::Provider { until }
            | Self::Arbiter { until }
            | Self::Escalate { until }
            | Self::Parties { until }
            | Self::AppealCourt { until } => Some(*until),
            Self::Anybody { .. } | Self::Nobody => None,
        }
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Provider { .. } => "the provider may answer, and the arbiter rules afterwards",
            Self::Arbiter { .. } => "the arbiter rules",
            Self::Escalate { .. } => "the arbiter was silent: anybody may escalate to the appeal court",
            Self::Parties { .. } => "ruled: filer or provider may appeal",
            Self::AppealCourt { .. } => "the appeal court rules",
            Self::Anybody { expires: true } => "the courts were silent: anybody may finalise, and the case expires",
            Self::Anybody { expires: false } => "the ruling stands: anybody may finalise, and the money moves",
            Self::Nobody => "it has ended",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(state: State) -> Case {
        Case {
            id: B256::ZERO,
            kind: Kind::Proof,
            state,
            outcome: Outcome::None,
            filer: Address::ZERO,
            provider: Address::ZERO,
            subject: B256::ZERO,
            filed_at: 100,
            deadline: 120,
            horizon: 0,
            cap: 1,
            bond: 1,
            amount: 0,
            levy_bps: 0,
            answered: false,
            last_instance: false,
            rules: 1,
        }
    }

    #[test]
    fn each_window_belongs_to_one_party_and_ends_with_its_last_second() {
        let windows = Windows { answer: 5, appeal_ruling: 15 };
        let turn = |state, now| case(state).turn(now, &windows);
        assert_eq!(turn(State::Open, 105), Turn::Provider { until: 105 });
        assert_eq!(turn(State::Open, 106), Turn::Arbiter { until: 120 });
        assert_eq!(Case { answered: true, ..case(State::Open) }.turn(101, &windows), Turn::Arbiter { until: 120 });
        assert_eq!(turn(State::Open, 120), Turn::Arbiter { until: 120 });
        assert_eq!(turn(State::Open, 121), Turn::Escalate { until: 135 });
        assert_eq!(turn(State::Open, 136), Turn::Anybody { expires: true });
        assert_eq!(turn(State::Ruled, 120), Turn::Parties { until: 120 });
        assert_eq!(turn(State::Ruled, 121), Turn::Anybody { expires: false });
        let last = Case { last_instance: true, ..case(State::Ruled) };
        assert_eq!(last.turn(101, &windows), Turn::Anybody { expires: false });
        assert_eq!(turn(State::Appealed, 120), Turn::AppealCourt { until: 120 });
        assert_eq!(turn(State::Appealed, 121), Turn::Anybody { expires: true });
        assert_eq!(turn(State::Final, 101), Turn::Nobody);
    }

    #[test]
    fn a_court_rules_one_of_three() {
        for outcome in [Outcome::Upheld, Outcome::Rejected, Outcome::Drawn] {
            assert_eq!(outcome.to_string().parse(), Ok(outcome));
        }
        assert!("expired".parse::<Outcome>().is_err());
        assert_eq!((Kind::of(3), State::of(5), Outcome::of(6)), (None, None, None));
    }
}
