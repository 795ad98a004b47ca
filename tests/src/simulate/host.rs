//! Hosts: what a node delivers in each session, as a share of what it advertises.
//!
//! Owns the behaviours and what is right to say of each. A host knows how often it was rented, never by whom.

use super::stream::Stream;

/// What a GeForce RTX 3060 delivers of the int8 tensor rate of a 3090.
pub(super) const SLOWER_CARD: f64 = 0.36;

/// How a host behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Host {
    /// Keeps its claims with room to spare; this share of its sessions is slow for no fault of its will.
    Compliant { slow: f64 },
    /// At the edge of the claim on slow sessions: this share of them fails, all others are full.
    RateEdge { rate: f64 },
    /// At the exact edge of the claim on the mean: 0.92, and no session slow.
    MeanEdge,
    /// All cards of its model run at this share of the reference, honestly, by a cap on power.
    Capped { mean: f64 },
    /// Always a slower card.
    SlowerCard,
    /// A slower card in this share of the sessions.
    Swaps { share: f64 },
    /// Always this much.
    Under { mean: f64 },
    /// Honest up to this session, then a slower card.
    Milks { until: u32 },
    /// Falls evenly from full to the slower card's rate over so many sessions.
    Ramp { over: u32 },
    /// A slower card that knows this share of probes for what they are, and serves them well.
    Spots { share: f64 },
    /// Fast and slow in turns, to make those who measure it contradict each other.
    Toggles,
    /// A slower card in this share of the sessions, which it breaks off before they end.
    Aborts { share: f64 },
    /// A slower card up to this session, honest afterwards.
    Recovers { from: u32 },
}

impl Host {
    /// x of a session; `probe` counts from 1.
    pub(super) fn deliver(self, probe: u32, stream: &mut Stream) -> f64 {
        let full = |stream: &mut Stream| stream.around(0.98, 0.02);
        let slower = |stream: &mut Stream| stream.around(SLOWER_CARD, 0.02);
        match self {
            Self::Compliant { slow } if stream.happens(slow) => stream.around(0.6, 0.2),
            Self::Compliant { .. } => full(stream),
            Self::RateEdge { rate } => {
                if stream.happens(rate) {
                    0.0
                } else {
                    1.0
                }
            }
            // Both are 64ths, so that rounding leaves no slack: 0.8125 r + (1 - r) = 0.92.
            Self::MeanEdge => {
                if stream.happens(0.08 / 0.1875) {
                    0.8125
                } else {
                    1.0
                }
            }
            Self::Capped { mean } | Self::Under { mean } => stream.around(mean, 0.02),
            Self::SlowerCard => slower(stream),
            Self::Swaps { share } => {
                if stream.happens(share) {
                    slower(stream)
                } else {
                    full(stream)
                }
            }
            Self::Milks { until } => {
                if probe > until {
                    slower(stream)
                } else {
                    full(stream)
                }
            }
            Self::Ramp { over } => {
                let part = (f64::from(probe) / f64::from(over)).min(1.0);
                stream.around(0.99 - (0.99 - SLOWER_CARD) * part, 0.01)
            }
            Self::Spots { share } => {
                if stream.happens(share) {
                    full(stream)
                } else {
                    slower(stream)
                }
            }
            Self::Toggles => {
                if probe.is_multiple_of(2) {
                    full(stream)
                } else {
                    slower(stream)
                }
            }
            Self::Aborts { share } => {
                if stream.happens(share) {
                    0.0
                } else {
                    full(stream)
                }
            }
            Self::Recovers { from } => {
                if probe < from {
                    slower(stream)
                } else {
                    full(stream)
                }
            }
        }
    }

    /// From which session on it breaks a claim; none, if it never does.
    pub(super) fn breaks_from(self) -> Option<u32> {
        match self {
            Self::Compliant { .. } | Self::RateEdge { .. } | Self::MeanEdge | Self::Capped { .. } => None,
            Self::Milks { until } => Some(until + 1),
            // Where its mean falls below 0.92.
            Self::Ramp { over } => Some((f64::from(over) * (0.99 - 0.92) / (0.99 - SLOWER_CARD)) as u32 + 1),
            Self::SlowerCard
            | Self::Swaps { .. }
            | Self::Under { .. }
            | Self::Spots { .. }
            | Self::Toggles
            | Self::Aborts { .. }
            | Self::Recovers { .. } => Some(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_at_the_edge_keep_their_claims_exactly() {
        let mut stream = Stream::of(1, &[]);
        let mean = |host: Host, stream: &mut Stream| {
            (1..=200_000).map(|probe| host.deliver(probe, stream)).sum::<f64>() / 200_000.0
        };
        assert!((mean(Host::MeanEdge, &mut stream) - 0.92).abs() < 1e-3);
        assert!((mean(Host::RateEdge { rate: 0.02 }, &mut stream) - 0.98).abs() < 1e-3);
    }
}
