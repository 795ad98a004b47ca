//! `link` on a card: both ends of the bus.

#![allow(unsafe_code)] // Launches, on memory that is held here.

use std::sync::Arc;

use super::Error;
use super::driver::Driver;
use super::launches::blocks;
use super::launches::tree::NODE_BYTES;
use super::owned::{Buffer, Loaded};
use crate::block::BLOCK_BYTES;
use crate::key::Key;
use crate::merkle;
use crate::philox::{self, stream};

/// Blocks of the host, and where they and the state of the trips travel.
pub(super) struct Link<D: Driver> {
    blocks: u32,
    trips: u32,
    sent: D::Staging,
    returned: D::Staging,
    from: Buffer<D>,
    to: Buffer<D>,
    state: Buffer<D>,
}

impl<D: Driver> Link<D> {
    /// Allocates both ends; the host's blocks are those that `stream` begins with.
    pub(super) fn new(driver: &Arc<D>, (blocks, trips): (u32, u32), fill: &Key) -> Result<Self, Error> {
        let bytes = blocks as usize * BLOCK_BYTES;
        let mut sent = driver.staging(bytes)?;
        philox::expand(fill.words(), stream::BLOCK, 0, sent.as_mut());
        Ok(Self {
            blocks,
            trips,
            sent,
            returned: driver.staging(bytes)?,
            from: Buffer::new(driver, bytes as u64)?,
            to: Buffer::new(driver, bytes as u64)?,
            state: Buffer::new(driver, NODE_BYTES)?,
        })
    }

    /// Sends the blocks, passes over them, takes them back and makes the trips, whose last state is the last unit's result.
    /// That unit's leaf goes to the card, so that one tree serves all probes. `state` is 32 bytes to travel in.
    pub(super) fn round(
        &mut self,
        loaded: &Loaded<D>,
        leaves: &Buffer<D>,
        state: &mut D::Staging,
        key: &Key,
    ) -> Result<(), Error> {
        self.from.write(0, self.sent.as_ref())?;
        let places = (self.from.address(), self.to.address());
        // SAFETY: both buffers are held here, and a leaf a block by the session that this belongs to.
        unsafe { loaded.launch(&blocks::link(places, self.blocks, key, leaves.address()))? };
        self.to.read(0, self.returned.as_mut())?;
        state.as_mut().copy_from_slice(key.as_bytes());
        for _ in 0..self.trips {
            self.state.write(0, state.as_ref())?;
            // SAFETY: the state is held here.
            unsafe { loaded.launch(&blocks::trip(self.state.address()))? };
            self.state.read(0, state.as_mut())?;
            let hashed = blake3::hash(state.as_ref());
            state.as_mut().copy_from_slice(hashed.as_bytes());
        }
        let leaf = merkle::unit_leaf(self.blocks, self.blocks + 1, state.as_ref());
        Ok(leaves.write(u64::from(self.blocks) * NODE_BYTES, &leaf)?)
    }
}
