//! The lies of a fisher that a development market must find out. Refused outside a development market.
//!
//! A fisher cannot invent frames, since the node has signed them; what he alone says is when they came. Never used by an
//! honest fisher.
use crate::session::Ended;

/// A way to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Lie {
    /// Says that every session took twice as long, so that every host seems half as fast. The bundle is sound: only the
    /// stamps of a relay tell.
    SlowClock,
}

impl Lie {
    /// Falsifies what a session showed.
    pub fn tell(self, ended: &mut Ended) {
        match self {
            Self::SlowClock => {
                // The end stays, or the report would lie in the future.
                ended.started = ended.started.saturating_sub(ended.ended.saturating_sub(ended.started));
                for frame in ended.bundle.iter_mut().flat_map(|bundle| &mut bundle.frames) {
                    frame.time_us = frame.time_us.saturating_mul(2);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpux_proto::evidence::{Bundle, TranscriptFrame};
    use std::time::Duration;

    #[test]
    fn a_slow_clock_doubles_every_time_and_keeps_the_end() {
        let frames = [0, 700, u64::MAX].map(|time_us| TranscriptFrame { time_us, ..TranscriptFrame::default() });
        let bundle = Some(Bundle { frames: frames.to_vec(), ..Bundle::default() });
        let (started, ended) = (Duration::from_secs(100), Duration::from_secs(103));
        let mut session = Ended { bundle, failure: None, started, ended, relay: None };
        Lie::SlowClock.tell(&mut session);
        assert_eq!((session.started, session.ended), (Duration::from_secs(97), ended));
        let times: Vec<u64> = session.bundle.unwrap().frames.iter().map(|frame| frame.time_us).collect();
        assert_eq!(times, [0, 1_400, u64::MAX]);
    }
}
