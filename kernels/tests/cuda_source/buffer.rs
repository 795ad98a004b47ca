//! Memory of the device, which is memory of the host between guards.

use gpux_kernels::Digest;

/// What stands around a buffer and, until a kernel writes it, in it.
const UNTOUCHED: u8 = 0xA5;
/// Enough that a row or a block beyond the end still hits the guard and not the heap.
const GUARD_LINES: usize = 512;

/// Allocations of a device begin at multiples of 256 bytes.
#[derive(Clone, Copy)]
#[repr(align(256))]
struct Line([u8; 256]);

/// A piece of device memory.
pub(crate) struct Buffer {
    lines: Vec<Line>,
    bytes: usize,
}

impl Buffer {
    /// Allocates memory that no kernel has written.
    pub(crate) fn new(bytes: usize) -> Self {
        let lines = bytes.div_ceil(size_of::<Line>()) + 2 * GUARD_LINES;
        Self { lines: vec![Line([UNTOUCHED; 256]); lines], bytes }
    }

    pub(crate) fn of(content: &[u8]) -> Self {
        let mut buffer = Self::new(content.len());
        buffer.write(0, content);
        buffer
    }

    /// Writes bytes that begin at `at` and stay inside.
    pub(crate) fn write(&mut self, at: usize, content: &[u8]) {
        assert!(at + content.len() <= self.bytes, "a copy stays inside a buffer");
        let from = GUARD_LINES * size_of::<Line>() + at;
        for (at, byte) in content.iter().enumerate() {
            let place = from + at;
            self.lines[place / 256].0[place % 256] = *byte;
        }
    }

    pub(crate) fn of_addresses(addresses: &[u64]) -> Self {
        Self::of(&addresses.iter().flat_map(|address| address.to_le_bytes()).collect::<Vec<_>>())
    }

    /// Returns the address for kernels, which may write there while nothing else here looks.
    pub(crate) fn address(&mut self) -> u64 {
        self.lines[GUARD_LINES..].as_mut_ptr().expose_provenance() as u64
    }

    /// Reads everything back; a kernel that wrote beyond either end is an error.
    pub(crate) fn read(&self) -> Result<Vec<u8>, String> {
        let all: Vec<u8> = self.lines.iter().flat_map(|line| line.0).collect();
        let from = GUARD_LINES * size_of::<Line>();
        let (before, rest) = all.split_at(from);
        let (content, after) = rest.split_at(self.bytes);
        match before.iter().chain(after).position(|byte| *byte != UNTOUCHED) {
            Some(_) => Err(format!("written beyond the {} bytes of a buffer", self.bytes)),
            None => Ok(content.to_vec()),
        }
    }

    pub(crate) fn read_digests(&self) -> Result<Vec<Digest>, String> {
        let bytes = self.read()?;
        Ok(bytes.as_chunks::<32>().0.to_vec())
    }
}
