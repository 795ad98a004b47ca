//! Whether this machine's clock is right, by the times that others said when they were asked.
use super::Finding;
use std::time::Duration;

/// A difference that nothing depends on: answers travel, and dates have whole seconds.
const OK_MAX: Duration = Duration::from_secs(3);
/// From here on offers, authorisations and reports are refused as not yet or no longer valid.
const WARN_MAX: Duration = Duration::from_secs(30);
/// How old the newest block may be on a chain that is alive.
const BLOCK_AGE_MAX: Duration = Duration::from_secs(120);
const NAME: &str = "clock";
const REMEDY: &str = "set the clock, best by NTP (timedatectl set-ntp true)";

/// What somebody else's clock said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    /// Their time, since 1970.
    pub(super) theirs: Duration,
    /// This machine's, at the same moment.
    pub(super) ours: Duration,
}

/// Judges by the oracle's date, which is of now; or by the newest block, which is never of the future.
pub(super) fn finding(oracle: Option<Told>, block: Option<Told>) -> Finding {
    match (oracle, block) {
        (Some(Told { theirs, ours }), _) => {
            let (by, way) = match ours.checked_sub(theirs) {
                Some(by) => (by, "ahead of"),
                None => (theirs.saturating_sub(ours), "behind"),
            };
            let found = format!("{} s {way} the oracle's", by.as_secs());
            match by {
                by if by <= OK_MAX => Finding::ok(NAME, "as the oracle's"),
                by if by <= WARN_MAX => Finding::warn(NAME, found, REMEDY),
                _ => Finding::fail(NAME, found, REMEDY),
            }
        }
        (None, Some(Told { theirs, ours })) => match (theirs.checked_sub(ours), ours.saturating_sub(theirs)) {
            (Some(behind), _) if behind > WARN_MAX => {
                Finding::fail(NAME, format!("{} s behind the newest block", behind.as_secs()), REMEDY)
            }
            (None, age) if age > BLOCK_AGE_MAX => {
                let found = format!("the newest block is {} s old", age.as_secs());
                Finding::warn(NAME, found, format!("see whether the chain's node is synchronised; if it is, {REMEDY}"))
            }
            _ => Finding::ok(NAME, "as the newest block's"),
        },
        (None, None) => Finding::skipped(NAME, "name --oracle or --rpc, whose time it is compared with"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::State, *};

    fn told(theirs: u64, ours: u64) -> Option<Told> {
        Some(Told { theirs: Duration::from_secs(theirs), ours: Duration::from_secs(ours) })
    }

    #[test]
    fn an_oracle_tells_both_ways_and_a_block_only_that_the_clock_is_behind() {
        let state = |oracle, block| finding(oracle, block).state;
        assert_eq!(state(None, None), State::Skipped);
        assert_eq!(state(told(100, 102), None), State::Ok);
        assert_eq!(state(told(100, 110), None), State::Warn);
        assert_eq!(finding(told(100, 60), None).found, "40 s behind the oracle's");
        assert_eq!(state(told(100, 60), None), State::Fail);
        assert_eq!(state(told(100, 140), None), State::Fail);
        assert_eq!(state(None, told(100, 60)), State::Fail);
        assert_eq!(state(None, told(100, 140)), State::Ok);
        assert_eq!(state(None, told(100, 300)), State::Warn);
        assert_eq!(state(told(100, 100), told(100, 900)), State::Ok, "the oracle knows better");
    }
}
