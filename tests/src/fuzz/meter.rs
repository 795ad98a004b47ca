//! How much memory a piece of code holds at once: an allocator that counts, for programs that install it.
//!
//! Counts of bytes are the same on every machine, so a bound on them is a test and not a measurement. Where the allocator is
//! not installed, every peak is 0.
#![allow(unsafe_code)] // An allocator is unsafe to write; this one hands everything on to the system's.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator with counters; a program installs it as its global one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meter;

fn took(bytes: usize) {
    let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(held, Ordering::Relaxed);
}

fn gave(bytes: usize) {
    HELD.fetch_sub(bytes, Ordering::Relaxed);
}

// SAFETY: every call is handed on to the system's allocator with its arguments as they are, and its result is returned.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller's promise about the layout is the one that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        gave(layout.size());
        // SAFETY: the pointer came from `System` with this layout, since nothing else gives any out.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        took(size);
        gave(layout.size());
        // SAFETY: as above; the caller's promise about the size is the one that `System` asks for.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// The most bytes that `work` holds at once beside what was held before. What other threads take counts as well.
pub fn peak(work: impl FnOnce()) -> usize {
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    work();
    PEAK.load(Ordering::Relaxed).saturating_sub(before)
}
