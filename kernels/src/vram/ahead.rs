//! What makes reading memory fast and changes nothing that is read: a cell is asked for before it is needed, and memory is
//! taken in large pages where the system has them.
//!
//! Owns both requests. Where there is no such instruction or no such page nothing is asked.
#![allow(unsafe_code)] // One intrinsic, and one system call that takes an address.

use super::{Cell, Held};

/// Asks for a cell.
#[cfg(target_arch = "x86_64")]
pub(super) fn announce(cell: &Cell) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: prefetching reads nothing and cannot fault; SSE is part of every x86-64 processor.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(cell.as_ptr().cast()) }
}

/// Asks for nothing.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn announce(_: &Cell) {}

/// Asks for large pages behind what was reserved and is not written yet: else each read waits for the page's place as well.
pub(crate) fn in_large_pages(cells: &mut Vec<Held>) {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::mman::{MmapAdvise, madvise};
        let room = cells.spare_capacity_mut();
        let (from, bytes) = (room.as_mut_ptr().cast::<u8>(), std::mem::size_of_val(room));
        // The advice is about whole pages, and is wanted for the large ones that lie inside alone.
        let skip = from.align_offset(LARGE_PAGE_BYTES);
        let whole = bytes.saturating_sub(skip) / LARGE_PAGE_BYTES * LARGE_PAGE_BYTES;
        if let Some(first) = std::ptr::NonNull::new(from.wrapping_add(skip)).filter(|_| whole > 0) {
            // SAFETY: the range lies inside memory that this vector owns, and the advice changes no byte of it. It may be refused.
            let _ = unsafe { madvise(first.cast(), whole, MmapAdvise::MADV_HUGEPAGE) };
        }
    }
}

/// A large page of x86-64 and of most others.
#[cfg(target_os = "linux")]
const LARGE_PAGE_BYTES: usize = 2 << 20;
