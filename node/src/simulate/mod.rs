//! Simulated cards, for development markets only: each rental gets the end of a socket as file descriptor 3, and a thread
//! of the node answers on the other end no earlier than the named model would. Owns the card's time; says nowhere that
//! it is real.
use gpux_kernels::{
    catalogue::Model,
    device::paced::{Behaviour, Card, PacedModel, serve},
};
use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
};

/// How many cards there are behind a node's rentals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cards {
    /// Each rental gets a card of its own, as the offer's capacity promises.
    Each,
    /// All rentals share the time of one card: the node sells it more than once.
    Oversold,
}

/// Simulated cards that rentals are plugged into.
#[derive(Debug)]
pub struct Simulator {
    model: Model,
    behaviour: Behaviour,
    oversold: Option<Card>,
}

impl Simulator {
    /// Simulates cards of a model.
    #[must_use]
    pub fn new(model: Model, behaviour: Behaviour, cards: Cards) -> Self {
        Self { model, behaviour, oversold: (cards == Cards::Oversold).then(Card::new) }
    }

    /// Returns a job's end of the socket. The thread ends when the job has closed it.
    pub fn plug(&self) -> io::Result<OwnedFd> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut device = PacedModel::new(self.model.clone(), self.oversold.clone().unwrap_or_default(), self.behaviour);
        std::thread::Builder::new().name("simulated-card".into()).spawn(move || {
            if let Err(error) = serve(ours, &mut device) {
                tracing::debug!(%error, "a job left its simulated card");
            }
        })?;
        Ok(theirs.into())
    }
}
