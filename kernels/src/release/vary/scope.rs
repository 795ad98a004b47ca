//! Which name means what where. PTX nests scopes by braces: the module, a function with its parameters, blocks in it.

use std::collections::HashMap;

use super::name::Namer;
use crate::release::random::Random;

/// The module's own scope.
pub(super) const MODULE: usize = 0;
/// The most registers of a module's classes together: far above what a compiler writes, and 1 MiB of numbers. A class of a
/// million takes 25 bytes to declare, so what bounds each of them would not bound memory.
const REGISTERS_MAX: u32 = 1 << 18;

/// A name that was declared.
struct Declared {
    name: String,
    /// For a class of numbered registers, `%r<12>`, which number each one gets.
    numbers: Vec<u32>,
    /// How many numbers the class has, some of them unused.
    count: u32,
}

struct Scope<'a> {
    parent: Option<usize>,
    names: HashMap<&'a str, Declared>,
}

/// All scopes of a module.
pub(super) struct Scopes<'a> {
    scopes: Vec<Scope<'a>>,
    /// Registers that may still be declared in classes.
    registers_left: u32,
    pub(super) namer: Namer,
}

impl<'a> Scopes<'a> {
    pub(super) fn new() -> Self {
        let module = Scope { parent: None, names: HashMap::new() };
        Self { scopes: vec![module], registers_left: REGISTERS_MAX, namer: Namer::new() }
    }

    /// Opens a scope in another one.
    pub(super) fn open(&mut self, parent: usize) -> usize {
        self.scopes.push(Scope { parent: Some(parent), names: HashMap::new() });
        self.scopes.len() - 1
    }

    /// The scope around a scope.
    pub(super) fn parent(&self, scope: usize) -> Option<usize> {
        self.scopes.get(scope)?.parent
    }

    /// Declares a name under a new one, unless an earlier declaration (a prototype) has done so.
    pub(super) fn declare(&mut self, scope: usize, old: &'a str, new: impl FnOnce(&mut Namer) -> String) {
        let Some(found) = self.scopes.get_mut(scope) else { return };
        if !found.names.contains_key(old) {
            let name = new(&mut self.namer);
            found.names.insert(old, Declared { name, numbers: Vec::new(), count: 0 });
        }
    }

    /// Declares a class of numbered registers, which are permuted, with a few more than are used.
    pub(super) fn declare_class(
        &mut self,
        scope: usize,
        old: &'a str,
        count: u32,
        random: &mut Random,
    ) -> Result<(), String> {
        let left = self.registers_left.checked_sub(count);
        self.registers_left =
            left.ok_or_else(|| format!("more than {REGISTERS_MAX} registers, {count} in one class"))?;
        let all = count + random.below(8) as u32;
        let mut numbers: Vec<u32> = (0..all).collect();
        random.shuffle(&mut numbers);
        numbers.truncate(count as usize);
        let name = self.namer.register(random);
        if let Some(found) = self.scopes.get_mut(scope) {
            found.names.insert(old, Declared { name, numbers, count: all });
        }
        Ok(())
    }

    fn innermost(&self, mut scope: usize, old: &str) -> Option<&Declared> {
        loop {
            let found = self.scopes.get(scope)?;
            if let Some(declared) = found.names.get(old) {
                return Some(declared);
            }
            scope = found.parent?;
        }
    }

    /// The new name of what a word means in a scope, and its number if it is a numbered register; `None` for special
    /// registers and whatever else is not declared.
    pub(super) fn renamed(&self, scope: usize, old: &str) -> Option<(&str, Option<u32>)> {
        if let Some(declared) = self.innermost(scope, old) {
            return Some((&declared.name, None));
        }
        let class = old.trim_end_matches(|c: char| c.is_ascii_digit());
        let number: usize = old.strip_prefix(class)?.parse().ok()?;
        let declared = self.innermost(scope, class)?;
        declared.numbers.get(number).map(|&number| (declared.name.as_str(), Some(number)))
    }

    /// How many registers a class has.
    pub(super) fn count(&self, scope: usize, class: &str) -> Option<u32> {
        self.innermost(scope, class).map(|declared| declared.count)
    }
}
