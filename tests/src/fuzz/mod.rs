//! Every parser of bytes that a host, a renter, a fisher, an oracle or a chain may have made, as a function of bytes.
//!
//! `make fuzz` searches them with libFuzzer, `cargo test` replays the corpus and damaged copies of it ([`replay`]). A target
//! returns, or panics where the code under test breaks a promise: it is deterministic, and says what holds beside "no panic".
//! Many inputs are no message but the steps by which a valid conversation is damaged and signed again: whatever lies behind a
//! signature is reached by valid signatures only.

mod answers;
mod calibration;
mod chain;
mod conversation;
mod description;
mod fold;
mod frames;
mod http;
mod kept;
mod log;
pub mod meter;
mod net;
mod oracle;
mod paced;
mod parameters;
mod release;
pub mod replay;
mod sealed;
mod session;
mod signed;
mod start;
mod stream;
mod transcript;
mod worker;

/// The largest input, in bytes; no parser here needs more to reach all of its code.
pub const INPUT_BYTES_MAX: usize = 16 << 10;

/// How much memory an input may take.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Whatever the input.
    pub fixed: usize,
    /// For each of its bytes.
    pub per_byte: usize,
}

/// What is searched.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and its corpus' folder.
    pub name: &'static str,
    /// The most memory that it may hold at once beside what it held before.
    pub memory: Memory,
    /// Inputs from which a search begins, beside the corpus.
    pub seeds: fn() -> Vec<Vec<u8>>,
    run: fn(&[u8]),
}

impl Target {
    const fn new(name: &'static str, run: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Self {
        Self { name, memory: Memory { fixed: 1 << 20, per_byte: 64 }, seeds, run }
    }

    const fn holding(self, fixed: usize, per_byte: usize) -> Self {
        Self { memory: Memory { fixed, per_byte }, ..self }
    }

    /// Runs an input and checks what it held.
    pub fn run(&self, input: &[u8]) {
        let held = meter::peak(|| (self.run)(input));
        let most = self.memory.fixed + self.memory.per_byte * input.len();
        assert!(held <= most, "{} held {held} bytes for an input of {}, more than {most}", self.name, input.len());
    }
}

/// Every target.
pub const TARGETS: [Target; 23] = [
    Target::new("frames", frames::run, frames::seeds),
    Target::new("stream", stream::run, stream::seeds),
    Target::new("sealed", sealed::run, sealed::seeds).holding(16 << 20, 256),
    Target::new("signed", signed::run, signed::seeds),
    Target::new("bundle", conversation::bundle, conversation::bundles),
    Target::new("conversation", conversation::run, conversation::seeds).holding(8 << 20, 256),
    Target::new("session", session::run, session::seeds).holding(8 << 20, 64),
    Target::new("parameters", parameters::run, parameters::seeds),
    Target::new("release", release::run, release::seeds).holding(4 << 20, 512),
    Target::new("modules", release::modules, release::texts).holding(4 << 20, 1_024),
    Target::new("paced", paced::run, paced::seeds).holding(8 << 20, 64),
    Target::new("worker", worker::run, worker::seeds).holding(8 << 20, 64),
    Target::new("description", description::run, description::seeds),
    Target::new("start", start::run, start::seeds),
    Target::new("answers", answers::run, answers::seeds),
    Target::new("ingest", oracle::run, oracle::seeds).holding(16 << 20, 256),
    Target::new("http", http::run, http::seeds).holding(16 << 20, 256),
    Target::new("log", log::run, log::seeds),
    Target::new("chain", chain::run, chain::seeds).holding(32 << 20, 256),
    Target::new("fold", fold::run, fold::seeds).holding(8 << 20, 256),
    Target::new("replay", kept::run, kept::seeds).holding(8 << 20, 256),
    Target::new("calibration", calibration::run, calibration::seeds).holding(8 << 20, 256),
    Target::new("net", net::run, net::seeds),
];

/// The target of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    static ALL: [Target; TARGETS.len()] = TARGETS;
    ALL.iter().find(|target| target.name == name)
}
