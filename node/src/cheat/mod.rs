//! The lies that a development market must find out: cheating modes of a simulated node, each for one row of the suite in
//! design/kernels.md. Refused outside a development market. Owns what a cheat needs to know; the session asks it at two
//! places: before OPEN, and for every frame. Never used by an honest node.
mod replay;
mod stall;

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// A way to cheat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Cheat {
    /// The simulated card makes up a part of the results.
    SkipWork,
    /// The simulated card holds less memory than it says.
    LessMemory,
    /// Answers with the frames of an earlier session.
    Replay,
    /// Sells one simulated card twice.
    Oversell,
    /// Refuses half of the sessions.
    Offline,
    /// Hangs in the second window.
    Stall,
}

/// A cheat with what it remembers between sessions.
#[derive(Debug)]
pub struct Cheating {
    cheat: Cheat,
    sessions: AtomicU64,
    tapes: Mutex<replay::Tapes>,
}

impl Cheating {
    /// Starts to cheat.
    #[must_use]
    pub fn new(cheat: Cheat) -> Self {
        Self { cheat, sessions: AtomicU64::new(0), tapes: Mutex::default() }
    }

    /// Whether the next session is refused before OPEN: every second one.
    pub(crate) fn refuses(&self) -> bool {
        self.cheat == Cheat::Offline && self.sessions.fetch_add(1, Ordering::Relaxed) % 2 == 1
    }

    /// What meddles with the frames of a session.
    pub(crate) fn meddler(&self) -> Meddler {
        match self.cheat {
            Cheat::Replay => {
                let tapes = self.tapes.lock().unwrap_or_else(PoisonError::into_inner).clone();
                Meddler::Replay(Box::new(replay::Player::new(tapes)))
            }
            Cheat::Stall => Meddler::Stall(stall::Stall::default()),
            _ => Meddler::None,
        }
    }

    /// Takes back a meddler when its session has ended well.
    pub(crate) fn learn(&self, meddler: Meddler) {
        if let Meddler::Replay(player) = meddler {
            player.remember(&mut self.tapes.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// What is done with a session's frames.
#[derive(Debug)]
pub(crate) enum Meddler {
    /// Nothing.
    None,
    /// The output is another session's.
    Replay(Box<replay::Player>),
    /// The output stops.
    Stall(stall::Stall),
}

impl Meddler {
    /// Sees an input frame; says whether the job gets it.
    pub(crate) fn input(&mut self, data: &[u8]) -> bool {
        match self {
            Self::None => true,
            Self::Replay(player) => player.input(data),
            Self::Stall(stall) => {
                stall.input(data);
                true
            }
        }
    }

    /// Sees a piece of output; says whether the renter gets it.
    pub(crate) fn output(&mut self, data: &[u8]) -> bool {
        match self {
            Self::None => true,
            Self::Replay(player) => player.output(data),
            Self::Stall(stall) => !stall.hangs(),
        }
    }

    /// The next piece of output that was not the job's, when it is due.
    pub(crate) async fn made_up(&mut self) -> Vec<u8> {
        match self {
            Self::Replay(player) => player.due().await,
            _ => std::future::pending().await,
        }
    }
}
