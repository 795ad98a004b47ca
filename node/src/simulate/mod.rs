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

/// A simulated card that rentals are plugged into.
#[derive(Debug)]
pub struct Simulator {
    model: Model,
    behaviour: Behaviour,
    card: Card,
}

impl Simulator {
    /// Makes one card; all rentals that are plugged in at the same time share its time.
    #[must_use]
    pub fn new(model: Model, behaviour: Behaviour) -> Self {
        Self { model, behaviour, card: Card::new() }
    }

    /// Returns a job's end of the socket. The thread ends when the job has closed it.
    pub fn plug(&self) -> io::Result<OwnedFd> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut device = PacedModel::new(self.model.clone(), self.card.clone(), self.behaviour);
        std::thread::Builder::new().name("simulated-card".into()).spawn(move || {
            if let Err(error) = serve(ours, &mut device) {
                tracing::debug!(%error, "a job left its simulated card");
            }
        })?;
        Ok(theirs.into())
    }
}
