//! Provers with fewer cards than they sell.

use std::time::Duration;

use gpux_kernels::ProbeId;
use gpux_proto::evidence::job_output::Message;

use super::{
    prover::Prover,
    random::Random,
    stage::Claim,
    table::{Column, Played, Row},
    worker::{Made, Work},
};

/// Cards that are claimed with one.
const CLAIMED: u32 = 4;

pub(super) fn rows() -> Vec<Row> {
    let imma = Claim::of(ProbeId::Imma);
    let both = |held: Option<Duration>| {
        move |stage: &super::stage::Stage, seed: &gpux_kernels::Digest| {
            // Both sessions start at once. A card that two rentals use at once takes their rounds in turn.
            let share = if held.is_none() { 2 } else { 1 };
            let first = stage.play(seed, Shared { share, held: Duration::ZERO });
            let other = Random::new(seed, "the other rental").bytes();
            let second = stage.play(&other, Shared { share, held: held.unwrap_or_default() });
            worse(first, second)
        }
    };
    vec![
        Row::prover(
            "claims four cards with one",
            Claim { count: CLAIMED, ..imma },
            Column::Gain(1.0 / CLAIMED as f64),
            |_| OneForAll,
        ),
        Row::new("serves two rentals from one card", imma, Column::Gain(0.5), both(None)),
        Row::new("the same, keeping the second waiting", imma, Column::Stated(1.0), both(Some(Duration::from_secs(3)))),
    ]
}

/// What the host gets for both: it passes if both do, at the lower of the two rates.
fn worse(first: Played, second: Played) -> Played {
    let (low, high) = if first.rate <= second.rate { (first, second) } else { (second, first) };
    Played { passed: low.passed && high.passed, convicted: low.convicted || high.convicted, ..low }
}

/// Splits one card's time over all that it claims.
#[derive(Debug)]
struct OneForAll;

impl Prover for OneForAll {
    fn devices(&self) -> u32 {
        CLAIMED
    }

    fn length(&mut self, honest: Duration) -> Duration {
        honest * CLAIMED
    }
}

/// Serves one of the rentals that share a card.
#[derive(Debug)]
struct Shared {
    /// Rentals that use the card while this one is timed.
    share: u32,
    /// How long Ready is held back: until the other rental's windows are over.
    held: Duration,
}

impl Prover for Shared {
    fn length(&mut self, honest: Duration) -> Duration {
        honest * self.share
    }

    fn say(&mut self, at: &mut Duration, message: &mut Message, _: &mut Work, _: &Made) -> bool {
        if matches!(message, Message::Ready(_)) {
            *at += self.held;
        }
        true
    }
}
