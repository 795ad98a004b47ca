//! A card without memory: addresses are handed out, and every call is recorded.

#![allow(unsafe_code)] // The seam to drivers is.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::device::cuda::driver::{Address, Argument, Driver, Failure, Geometry, Properties, Refusal};

/// What the driver answers to the call that is to fail.
pub(super) const FAULT: u32 = 719;

/// What a card is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Card {
    pub(super) capability: u16,
    pub(super) memory_bytes: u64,
    /// The largest piece that is free.
    pub(super) piece_bytes: u64,
    /// Which call fails, counted from 0.
    pub(super) fails_at: Option<usize>,
}

impl Default for Card {
    fn default() -> Self {
        Self { capability: 86, memory_bytes: 16 << 30, piece_bytes: u64::MAX, fails_at: None }
    }
}

/// A call that matters to a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Upload(Address, Vec<u8>),
    Download(Address, usize),
    Launch(String, Geometry, Vec<Argument>),
    Synchronise,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    /// Since the last look.
    pub(super) calls: Vec<Call>,
    /// Bytes by address, of what was not given back.
    pub(super) held: BTreeMap<Address, u64>,
    /// The order in which memory was allocated since the card was made.
    pub(super) allocated: Vec<(Address, u64)>,
    /// Texts of the modules that were not given back.
    pub(super) modules: BTreeMap<usize, String>,
    /// Kernels that were found, each with its module.
    pub(super) kernels: Vec<(usize, String)>,
    /// Bytes that the driver calls free and will not give.
    taken_bytes: u64,
    answered: usize,
    loaded: usize,
    next: u64,
}

/// The card and, for whoever has a clone, its record.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    card: Card,
    properties: Properties,
    log: Arc<Mutex<Log>>,
}

impl Recording {
    pub(super) fn new(card: Card) -> Self {
        let properties = Properties {
            name: "card".into(),
            capability: card.capability,
            multiprocessors: 28,
            clock_khz: 1_777_000,
            memory_bytes: card.memory_bytes,
            bus: "0000:65:00".into(),
            driver: (12, 4),
        };
        let log = Log { next: 0x7_0000_0000, ..Log::default() };
        Self { card, properties, log: Arc::new(Mutex::new(log)) }
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        // A test that fails still drops its device.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the calls since the last look.
    pub(super) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.log().calls)
    }

    /// Lets somebody else take memory that the driver goes on to call free.
    pub(super) fn take_secretly(&self, bytes: u64) {
        self.log().taken_bytes = bytes;
    }

    /// Counts calls that may fail.
    fn turn(&self, call: &'static str) -> Result<MutexGuard<'_, Log>, Failure> {
        let mut log = self.log();
        log.answered += 1;
        if self.card.fails_at == Some(log.answered - 1) {
            return Err(Failure { call, code: FAULT, name: "CUDA_ERROR_LAUNCH_FAILED".into() });
        }
        Ok(log)
    }
}

impl Log {
    /// Says whether all bytes from an address on are of one allocation.
    fn holds(&self, from: Address, bytes: usize) -> bool {
        let before = self.held.range(..=from).next_back();
        before.is_some_and(|(start, held)| from.0 + bytes as u64 <= start.0 + held)
    }
}

impl Driver for Recording {
    type Module = usize;
    type Kernel = usize;
    type Staging = Vec<u8>;

    fn properties(&self) -> &Properties {
        &self.properties
    }

    fn free_bytes(&self) -> Result<u64, Failure> {
        let log = self.turn("free_bytes")?;
        Ok(self.card.memory_bytes - log.held.values().sum::<u64>())
    }

    fn allocate(&self, bytes: u64) -> Result<Address, Failure> {
        let mut log = self.turn("allocate")?;
        let left = self.card.memory_bytes - log.held.values().sum::<u64>() - log.taken_bytes;
        if bytes == 0 || bytes > left.min(self.card.piece_bytes) {
            let name = "CUDA_ERROR_OUT_OF_MEMORY".into();
            return Err(Failure { call: "allocate", code: Failure::OUT_OF_MEMORY, name });
        }
        let address = Address(log.next);
        log.next += bytes.next_multiple_of(256) + 0x1000;
        log.held.insert(address, bytes);
        log.allocated.push((address, bytes));
        Ok(address)
    }

    unsafe fn free(&self, address: Address) {
        assert!(self.log().held.remove(&address).is_some(), "given back once");
    }

    fn staging(&self, bytes: usize) -> Result<Vec<u8>, Failure> {
        self.turn("staging").map(|_| vec![0; bytes])
    }

    unsafe fn upload(&self, to: Address, from: &[u8]) -> Result<(), Failure> {
        let mut log = self.turn("upload")?;
        assert!(log.holds(to, from.len()), "inside an allocation");
        log.calls.push(Call::Upload(to, from.to_owned()));
        Ok(())
    }

    unsafe fn download(&self, from: Address, to: &mut [u8]) -> Result<(), Failure> {
        let mut log = self.turn("download")?;
        assert!(log.holds(from, to.len()), "inside an allocation");
        log.calls.push(Call::Download(from, to.len()));
        // The card's answer to everything.
        to.fill(0xC4);
        Ok(())
    }

    fn load(&self, ptx: &CStr) -> Result<usize, Refusal> {
        let refusal = |failure| Refusal { failure, log: "ptxas fatal\nmore".into() };
        let mut log = self.turn("load").map_err(refusal)?;
        log.loaded += 1;
        let module = log.loaded;
        log.modules.insert(module, ptx.to_str().unwrap().to_owned());
        Ok(module)
    }

    unsafe fn unload(&self, module: usize) {
        assert!(self.log().modules.remove(&module).is_some(), "given back once");
    }

    unsafe fn kernel(&self, module: usize, name: &CStr) -> Result<usize, Failure> {
        let mut log = self.turn("kernel")?;
        let name = name.to_str().unwrap().to_owned();
        if super::ptx::widths(&log.modules[&module], &name).is_none() {
            return Err(Failure { call: "kernel", code: Failure::NOT_FOUND, name: "CUDA_ERROR_NOT_FOUND".into() });
        }
        log.kernels.push((module, name));
        Ok(log.kernels.len() - 1)
    }

    unsafe fn launch(&self, kernel: usize, geometry: Geometry, arguments: &[Argument]) -> Result<(), Failure> {
        let mut log = self.turn("launch")?;
        let (module, name) = log.kernels[kernel].clone();
        let declared = super::ptx::widths(&log.modules[&module], &name).unwrap();
        let given: Vec<u32> = arguments.iter().map(|a| if matches!(a, Argument::U32(_)) { 32 } else { 64 }).collect();
        assert_eq!(given, declared, "{name} gets what it declares");
        log.calls.push(Call::Launch(name, geometry, arguments.to_owned()));
        Ok(())
    }

    fn synchronise(&self) -> Result<(), Failure> {
        self.turn("synchronise")?.calls.push(Call::Synchronise);
        Ok(())
    }
}
