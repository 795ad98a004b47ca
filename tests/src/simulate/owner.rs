//! Owners of relays: what their stamps say of hosts, and of fishers.
//!
//! Owns what a corrupt owner does: his stamps convict hosts that keep their claims and clear those that do not; he refutes
//! honest fishers and stands by liars.

use gpux_oracle::score::Finding;

/// How an owner behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Honest,
    Corrupt,
}

impl Owner {
    /// x as his stamps show it.
    pub(super) fn stamps(self, x: f64, keeps_claims: bool) -> f64 {
        match self {
            Self::Honest => x,
            Self::Corrupt if keeps_claims => 0.0,
            Self::Corrupt => 1.0,
        }
    }

    /// What he says of a fisher.
    pub(super) fn finding(self, truth: Finding, fisher_is_honest: bool) -> Finding {
        match self {
            Self::Honest => truth,
            Self::Corrupt if fisher_is_honest => Finding::Disagrees,
            Self::Corrupt => Finding::Agrees,
        }
    }
}

/// So many owners, of whom this share is corrupt.
pub(super) fn owners(count: usize, corrupt: f64) -> Vec<Owner> {
    let corrupt = (count as f64 * corrupt).round() as usize;
    (0..count).map(|at| if at < corrupt { Owner::Corrupt } else { Owner::Honest }).collect()
}
