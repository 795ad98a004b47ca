//! `stream` on a card: memory that every round of a session changes in place.

#![allow(unsafe_code)] // Launches, on memory that is held here.

use super::Error;
use super::chunks::Chunks;
use super::driver::{Address, Driver};
use super::launches::blocks;
use super::owned::Loaded;
use crate::key::Key;

/// The blocks and what was done to them.
pub(super) struct Passes<D: Driver> {
    chunks: Chunks<D>,
    fill: Key,
    /// The keys of all rounds so far, of which any may be opened.
    made: Vec<Key>,
    /// How many of them stand in memory. After an opening these are fewer than all.
    standing: usize,
}

impl<D: Driver> Passes<D> {
    pub(super) fn new(chunks: Chunks<D>, fill: &Key) -> Self {
        Self { chunks, fill: *fill, made: Vec::new(), standing: 0 }
    }

    /// Takes the key of the next round and returns how many rounds were before it.
    pub(super) fn next(&mut self, key: &Key) -> usize {
        self.made.push(*key);
        self.made.len() - 1
    }

    /// Returns how many rounds were before that of a key.
    pub(super) fn find(&self, key: &Key) -> Option<usize> {
        self.made.iter().position(|made| made == key)
    }

    /// Goes back to the fill.
    pub(super) fn refill(&mut self, loaded: &Loaded<D>) -> Result<(), Error> {
        self.standing = 0;
        for piece in self.chunks.pieces() {
            // SAFETY: the table and the piece are held here.
            unsafe { loaded.launch(&blocks::fill(self.chunks.table(), piece, &self.fill))? };
        }
        Ok(())
    }

    /// Brings memory to where exactly the first `before` passes were made, from where it stands if that is on the way, and
    /// makes the next one; `leaves` has a place for each of `units` blocks.
    pub(super) fn make(
        &mut self,
        loaded: &Loaded<D>,
        before: usize,
        (leaves, units): (Address, u32),
    ) -> Result<(), Error> {
        if self.standing > before {
            self.refill(loaded)?;
        }
        for key in self.made.get(self.standing..=before).unwrap_or_default() {
            // SAFETY: the table and all pieces are held here, the leaves by the session that this belongs to.
            unsafe { loaded.launch(&blocks::pass(self.chunks.table(), units, key, leaves))? };
        }
        self.standing = before + 1;
        Ok(())
    }
}
