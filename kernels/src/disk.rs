//! `disk`: size and speed of a disk.
//!
//! A file is filled with pages of 4 KiB of incompressible bytes (Philox stream 15 under the fill key), synced and dropped
//! from the page cache; walkers then read page after page, each address depending on all bytes of the page before. A unit
//! is a walker's segment; its leaf hashes the end state (u64, little-endian). The verifier recomputes the pages that were
//! read. Which other unit could do this? The processor: a page is 256 Philox blocks, made in a microsecond, so a host that
//! *rewrites* the worker needs no disk. Nothing that a verifier can recompute is slower to make than a disk is to read, so
//! `disk` measures what the released worker finds and proves no storage; it opens no case by itself.

use crate::key::{Digest, Key};
use crate::merkle;
use crate::philox::{self, counter, stream};

/// Bytes of a page.
pub(crate) const PAGE_BYTES: usize = 4096;

/// A page.
pub(crate) type Page = [u8; PAGE_BYTES];

/// Where a walk reads.
pub(crate) trait Source {
    /// What goes wrong when a page cannot be read.
    type Error;

    /// Reads a page.
    fn read(&self, index: u64, page: &mut Page) -> Result<(), Self::Error>;
}

/// The pages as they are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill(pub(crate) Key);

impl Fill {
    /// Makes consecutive pages from `first` on.
    pub(crate) fn pages(&self, first: u64, out: &mut [u8]) {
        philox::expand(self.0.words(), stream::PAGE, first * (PAGE_BYTES / 16) as u64, out);
    }
}

impl Source for Fill {
    type Error = std::convert::Infallible;

    fn read(&self, index: u64, page: &mut Page) -> Result<(), Self::Error> {
        self.pages(index, page);
        Ok(())
    }
}

/// Walks a segment and returns its leaf.
pub(crate) fn leaf<S: Source>(
    source: &S,
    pages: u64,
    (key, walker): (&Key, u32),
    (total, steps): (u32, u32),
) -> Result<Digest, S::Error> {
    let words = philox::philox(counter(walker.into(), stream::READER), key.words());
    let mut state = u64::from(words[1]) << 32 | u64::from(words[0]);
    let mut page = [0; PAGE_BYTES];
    for _ in 0..steps {
        // The high bits choose, so that every page is as likely.
        let index = ((u128::from(state) * u128::from(pages)) >> 64) as u64;
        source.read(index, &mut page)?;
        state = page.as_chunks::<8>().0.iter().fold(state, |state, eight| {
            (state.rotate_left(5) ^ u64::from_le_bytes(*eight)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        });
    }
    Ok(merkle::unit_leaf(walker, total, &state.to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_page_moves_the_walk() {
        struct Flipped(Fill, usize);
        impl Source for Flipped {
            type Error = std::convert::Infallible;
            fn read(&self, index: u64, page: &mut Page) -> Result<(), Self::Error> {
                self.0.read(index, page)?;
                page[self.1] ^= 1;
                Ok(())
            }
        }
        let (fill, key) = (Fill(Key::fill(&[1; 32], 0)), Key::first(&[2; 32], 0));
        let truth = leaf(&fill, 40, (&key, 3), (8, 5)).unwrap();
        for at in (0..PAGE_BYTES).step_by(37) {
            assert_ne!(leaf(&Flipped(fill, at), 40, (&key, 3), (8, 5)).unwrap(), truth, "byte {at}");
        }
        assert_ne!(leaf(&fill, 41, (&key, 3), (8, 5)).unwrap(), truth);
        assert_ne!(leaf(&fill, 40, (&key, 4), (8, 5)).unwrap(), truth);
    }

    #[test]
    fn pages_do_not_depend_on_how_many_are_made_together() {
        let fill = Fill(Key::fill(&[1; 32], 0));
        let (mut together, mut alone) = (vec![0; 3 * PAGE_BYTES], [0; PAGE_BYTES]);
        fill.pages(7, &mut together);
        for at in 0..3 {
            fill.read(7 + at as u64, &mut alone).unwrap();
            assert_eq!(together[at * PAGE_BYTES..(at + 1) * PAGE_BYTES], alone);
        }
    }
}
