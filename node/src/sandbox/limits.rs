//! What a job may use, and what ended it when it used more. The kernel enforces most of them per process (`prlimit`); the
//! census adds them up over all of the job's processes, so that forking does not multiply them.
use std::{fmt, time::Duration};

/// The limits of one job, over all of its processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From start to end; the rental's paid time may be shorter.
    pub wall: Duration,
    /// CPU time of all threads.
    pub cpu: Duration,
    /// Address space of each process, and resident memory of all together, in bytes.
    pub memory_bytes: u64,
    /// Standard output, in bytes.
    pub output_bytes: u64,
    /// The largest file that it may write, and all of its temporary files in a sandbox that can count them, in bytes.
    pub file_bytes: u64,
    /// Processes and threads.
    pub tasks: u32,
}

/// What a rental gets beyond the memory that the node claims: the worker itself, its stacks and allocator arenas.
const MEMORY_BYTES_BASE: u64 = 4 << 30;
/// The provider's longest job. A full session takes minutes; ordinary tenants open another session.
const WALL: Duration = Duration::from_secs(3_600);

impl Limits {
    /// The limits of a rental that gets this many threads and this much memory.
    #[must_use]
    pub fn of_rental(threads: u32, ram_bytes: u64) -> Self {
        Self {
            wall: WALL,
            cpu: WALL * threads.max(1),
            memory_bytes: MEMORY_BYTES_BASE.saturating_add(ram_bytes),
            output_bytes: 256 << 20,
            file_bytes: 64 << 20,
            tasks: threads.saturating_mul(2).saturating_add(64),
        }
    }
}

/// Which limit ended a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// It ran longer than [`Limits::wall`].
    WallTime,
    /// It used more than [`Limits::cpu`].
    CpuTime,
    /// It holds more than [`Limits::memory_bytes`].
    Memory,
    /// It wrote more than [`Limits::output_bytes`], or a file larger than [`Limits::file_bytes`].
    Output,
    /// It has more than [`Limits::tasks`].
    Tasks,
    /// The rental was stopped or is no longer paid.
    Rental,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WallTime => "wall time",
            Self::CpuTime => "cpu time",
            Self::Memory => "memory",
            Self::Output => "output",
            Self::Tasks => "processes",
            Self::Rental => "rental",
        })
    }
}
