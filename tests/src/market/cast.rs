//! Who plays in the development market, and what each is expected to be found to be.
//!
//! Names of models stand in the catalogue of gpux-kernels. Every device but this machine's own is simulated, and is
//! called so wherever it is shown.

use gpux_proto::oracle::Verdict;

/// What is expected to be found about a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// Delivers what it claims.
    Honest,
    /// Is another model than it claims.
    OtherModel,
    /// Computes only a part, and fills in the rest: wrong bits.
    SkipsWork,
    /// Holds less memory than it claims.
    LessMemory,
    /// Stops answering in the timed part, since it is slower than it claims.
    Stalls,
}

impl Truth {
    /// The verdict that it deserves.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        if self == Self::Honest { Verdict::Honest } else { Verdict::UnderDelivering }
    }
}

/// One node.
#[derive(Debug)]
pub struct Role {
    /// Its name in the market.
    pub name: &'static str,
    /// The model that is simulated; `None` for this machine itself.
    pub simulate: Option<&'static str>,
    /// The model that is claimed; the simulated one unless it lies.
    pub claim: Option<&'static str>,
    /// A mode of `gpux-node --cheat`.
    pub cheat: Option<&'static str>,
    /// What is to be found.
    pub truth: Truth,
}

impl Role {
    const fn honest(name: &'static str, model: &'static str) -> Self {
        Self { name, simulate: Some(model), claim: None, cheat: None, truth: Truth::Honest }
    }

    const fn cheating(name: &'static str, model: &'static str, cheat: &'static str, truth: Truth) -> Self {
        Self { name, simulate: Some(model), claim: None, cheat: Some(cheat), truth }
    }

    /// The resources that are probed of it.
    #[must_use]
    pub fn resources(&self) -> &'static [&'static str] {
        if self.simulate.is_some() { &["imma", "fma64", "vram"] } else { &["cpu", "ram"] }
    }

    /// What it says that it is.
    #[must_use]
    pub fn claimed(&self) -> &'static str {
        self.claim.or(self.simulate).unwrap_or("this machine's own cores and memory")
    }
}

/// An honest card that is far slower than the one it is sold as.
pub const SMALL: &str = "GeForce RTX 3060 12 GB";
/// What it is sold as.
pub const LARGE: &str = "GeForce RTX 3090";

/// The market of `make demo`.
pub const CAST: &[Role] = &[
    Role { name: "this-machine", simulate: None, claim: None, cheat: None, truth: Truth::Honest },
    Role::honest("honest-3090", LARGE),
    Role::honest("honest-4070", "GeForce RTX 4070"),
    Role::honest("honest-3060", SMALL),
    Role { name: "sold-as-3090", simulate: Some(SMALL), claim: Some(LARGE), cheat: None, truth: Truth::OtherModel },
    Role::cheating("skips-work", LARGE, "skip-work", Truth::SkipsWork),
    Role::cheating("less-memory", LARGE, "less-memory", Truth::LessMemory),
    Role { name: "stalls", simulate: Some(SMALL), claim: Some(LARGE), cheat: Some("stall"), truth: Truth::Stalls },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_market_has_every_kind_of_node_and_no_name_twice() {
        assert!(CAST.len() >= 7);
        for truth in [Truth::Honest, Truth::OtherModel, Truth::SkipsWork, Truth::LessMemory, Truth::Stalls] {
            assert!(CAST.iter().any(|role| role.truth == truth), "{truth:?}");
        }
        assert_eq!(CAST.iter().filter(|role| role.simulate.is_none()).count(), 1);
        let mut names: Vec<&str> = CAST.iter().map(|role| role.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CAST.len());
    }
}
