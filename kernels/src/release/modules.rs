//! The GPU modules of a worker: PTX texts, one a probe and capability level.
//!
//! Owns the form in which they are packed, and their variation as a whole. A pack may come from anybody's file, so reading
//! one fails in words and never panics.

use super::random::Random;
use super::region;
use super::{Error, IDENTITY, vary};

/// The most modules of a worker; there are about fifty.
const MODULES_MAX: u32 = 1 << 10;
/// The most kernels of a module.
const NAMES_MAX: u32 = 1 << 8;

/// A probe's kernels for a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The compute capability times ten from which it runs: 80 for 8.0.
    pub level: u16,
    /// The probe's name.
    pub probe: String,
    /// PTX.
    pub text: String,
    /// What kernels are called in the text, by the names that the sources give them; empty where those are used.
    names: Vec<(String, String)>,
}

impl Module {
    /// A module as it was compiled.
    #[must_use]
    pub fn new(level: u16, probe: impl Into<String>, text: impl Into<String>) -> Self {
        Self { level, probe: probe.into(), text: text.into(), names: Vec::new() }
    }

    /// What a kernel of the sources, as `gpux_imma`, is called here.
    #[must_use]
    pub fn kernel<'a>(&'a self, canonical: &'a str) -> &'a str {
        self.names.iter().find(|(old, _)| old == canonical).map_or(canonical, |(_, new)| new)
    }

    /// Kernels by the sources' names and by the text's; none where they are the same.
    pub fn kernels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().map(|(old, new)| (old.as_str(), new.as_str()))
    }

    fn vary(&self, variant: &[u8; 32]) -> Result<Self, Error> {
        let subject = format!("sm_{}/{}", self.level, self.probe);
        let varied = vary::vary(&self.text, &mut Random::new(variant, &subject));
        let (text, names) = varied.map_err(|reason| Error::Module { subject, reason })?;
        Ok(Self { text, names, ..self.clone() })
    }
}

/// All modules of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modules {
    modules: Vec<Module>,
}

impl Modules {
    /// The modules of the program that runs: varied in a worker that was built with a variant, as compiled in any other.
    pub fn embedded() -> Result<Self, Error> {
        region::embedded()
    }

    /// A set of modules.
    #[must_use]
    pub fn new(modules: Vec<Module>) -> Self {
        Self { modules }
    }

    /// The probe's module of the highest level that a device of this capability (times ten) runs.
    #[must_use]
    pub fn find(&self, capability: u16, probe: &str) -> Option<&Module> {
        let fits = |module: &&Module| module.probe == probe && module.level <= capability;
        self.modules.iter().filter(fits).max_by_key(|module| module.level)
    }

    /// Each module.
    pub fn iter(&self) -> impl Iterator<Item = &Module> {
        self.modules.iter()
    }

    /// Writes every module in another way, and all of them in another order. The identity leaves them as they are.
    pub fn vary(&self, variant: &[u8; 32]) -> Result<Self, Error> {
        if *variant == IDENTITY {
            return Ok(self.clone());
        }
        let varied: Result<Vec<_>, _> = self.modules.iter().map(|module| module.vary(variant)).collect();
        let mut modules = varied?;
        Random::new(variant, "order").shuffle(&mut modules);
        Ok(Self { modules })
    }

    /// The pack: a count, then of each module level, probe, names and text; integers are little-endian.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut pack = Vec::new();
        count(&mut pack, self.modules.len());
        for module in &self.modules {
            pack.extend(module.level.to_le_bytes());
            string(&mut pack, &module.probe);
            count(&mut pack, module.names.len());
            for (old, new) in &module.names {
                string(&mut pack, old);
                string(&mut pack, new);
            }
            string(&mut pack, &module.text);
        }
        pack
    }

    /// Reads a pack.
    pub(super) fn decode(pack: &[u8]) -> Result<Self, Error> {
        let mut input = Input { rest: pack };
        let modules = (0..input.count(MODULES_MAX)?).map(|_| input.module()).collect::<Result<_, _>>()?;
        if input.rest.is_empty() { Ok(Self { modules }) } else { Err(Error::Pack("bytes follow the last module")) }
    }
}

// A pack fits into a worker, which is far smaller than 4 GiB.
fn count(pack: &mut Vec<u8>, count: usize) {
    pack.extend((count as u32).to_le_bytes());
}

fn string(pack: &mut Vec<u8>, text: &str) {
    count(pack, text.len());
    pack.extend(text.as_bytes());
}

struct Input<'a> {
    rest: &'a [u8],
}

impl Input<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Error::Pack("it ends early"))?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn count(&mut self, limit: u32) -> Result<u32, Error> {
        let count = u32::from_le_bytes(self.bytes()?);
        if count <= limit { Ok(count) } else { Err(Error::Pack("a count is above its limit")) }
    }

    fn string(&mut self) -> Result<String, Error> {
        let length = self.count(u32::MAX)? as usize;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(Error::Pack("it ends early"))?;
        self.rest = rest;
        String::from_utf8(text.to_vec()).map_err(|_| Error::Pack("a text is no UTF-8"))
    }

    fn module(&mut self) -> Result<Module, Error> {
        let (level, probe) = (u16::from_le_bytes(self.bytes()?), self.string()?);
        let names =
            (0..self.count(NAMES_MAX)?).map(|_| Ok((self.string()?, self.string()?))).collect::<Result<_, _>>()?;
        Ok(Module { level, probe, text: self.string()?, names })
    }
}
