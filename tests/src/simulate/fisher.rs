//! Fishers: what they report of what they measured, and what audits then find.
//!
//! Owns the ways of lying. Liars smear hosts that keep their claims and praise those that do not.

use super::stream::Stream;
use gpux_oracle::score::Finding;

/// How a fisher behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fisher {
    Honest,
    /// Lies from the first day, in every report.
    Liar,
    /// Honest up to this epoch, then lies in every report.
    Sleeper {
        from: u32,
    },
    /// Lies as seldom as an honest fisher may err.
    Careful,
    /// Measures honestly and reveals only what is bad.
    DropsGood,
    /// Does not exist before this epoch; honest for so long that he gains weight, then lies in every report.
    Sybil {
        from: u32,
    },
}

/// How many epochs a Sybil behaves: at one audit in ten of eight sessions an hour, more than enough for his weight.
pub(super) const SYBIL_PATIENCE: u32 = 60;
/// How far a report may lie from the stamps (design/scoring.md section 10).
const TOLERANCE: f64 = 0.10;

impl Fisher {
    /// What he reports of a session in which he measured `x`; nothing, if he does not reveal it.
    pub(super) fn report(self, epoch: u32, x: f64, keeps_claims: bool, stream: &mut Stream) -> Option<f64> {
        let lie = if keeps_claims { 0.0 } else { 1.0 };
        if self.lies(epoch, stream) {
            return Some(lie);
        }
        if self == Self::DropsGood && x > 0.9 {
            return None;
        }
        // One session in two hundred suffers from his own line.
        Some(if stream.happens(0.005) { 0.85 * x } else { x })
    }

    fn lies(self, epoch: u32, stream: &mut Stream) -> bool {
        match self {
            Self::Honest | Self::DropsGood => false,
            Self::Liar => true,
            Self::Sleeper { from } => epoch > from,
            Self::Careful => stream.happens(0.015),
            Self::Sybil { from } => epoch > from + SYBIL_PATIENCE,
        }
    }

    /// Whether he takes part yet.
    pub(super) fn exists(self, epoch: u32) -> bool {
        !matches!(self, Self::Sybil { from } if epoch < from)
    }

    /// Whether corrupt owners are on his side.
    pub(super) fn is_honest(self) -> bool {
        self == Self::Honest
    }
}

/// What an audit by an honest owner finds.
pub(super) fn finding(reported: Option<f64>, stamps: f64) -> Finding {
    match reported {
        Some(x) if (x - stamps).abs() <= TOLERANCE => Finding::Agrees,
        // What was committed and not revealed counts as a lie.
        Some(_) | None => Finding::Disagrees,
    }
}

/// A crowd of which this share lies, a third each in one of three ways, spread evenly.
pub(super) fn crowd(count: usize, liars: f64, sleep: u32) -> Vec<Fisher> {
    let liars = (count as f64 * liars).round() as usize;
    let kinds = [Fisher::Sleeper { from: sleep }, Fisher::Liar, Fisher::Careful];
    (0..count).map(|at| if at < liars { kinds[at % kinds.len()] } else { Fisher::Honest }).collect()
}
