//! A fisher's hash chain.
//!
//! Owns the values from the secret start to the registered end and the walk between them. A value is shown by the report of
//! its epoch, and tells nothing of those of later epochs, which are its preimages. Its invariant: no walk is longer than
//! [`EPOCHS_MAX`] steps, whoever asks for it.

use gpux_proto::signing::{Domain, id};

use crate::plan::Market;

/// The longest chain, in epochs; bounds what a verifier computes for one report (a tenth of a second).
pub const EPOCHS_MAX: u64 = 1 << 20;
/// A new chain begins at least so many epochs ahead: beacons that are known already must not help to choose it.
pub const LEAD_EPOCHS: u64 = 2;
/// Steps between two values that are kept: 32 KiB for the longest chain, and at most as many steps to any value.
const CHECKPOINT_STEPS: u64 = 1_024;

/// How many epochs a fisher's chain lasts: two years of hours, or two months of a development market's 5 s.
#[must_use]
pub fn chain_epochs(market: Market) -> u64 {
    match market {
        Market::Production => 2 * 365 * 24,
        Market::Development => EPOCHS_MAX,
    }
}

/// The value after one step.
fn step(value: &[u8; 32]) -> [u8; 32] {
    id(Domain::Preimage, value)
}

fn walk(value: &[u8; 32], steps: u64) -> [u8; 32] {
    (0..steps).fold(*value, |value, _| step(&value))
}

/// The chain of one secret: a preimage for each epoch after the one at which it ends.
#[derive(Clone)]
pub struct Preimages {
    /// Every so many-th value, from the start on.
    checkpoints: Vec<[u8; 32]>,
    end: [u8; 32],
    end_epoch: u64,
    epochs: u64,
}

impl std::fmt::Debug for Preimages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The values are secret until they are reported.
        f.debug_struct("Preimages").field("end_epoch", &self.end_epoch).field("epochs", &self.epochs).finish()
    }
}

impl Preimages {
    /// Computes the chain of a secret that ends at an epoch and lasts for so many after it (at most [`EPOCHS_MAX`]). The
    /// epoch enters the start, so that one secret gives unrelated chains for different ends.
    #[must_use]
    pub fn new(secret: &[u8; 32], end_epoch: u64, epochs: u64) -> Self {
        let epochs = epochs.clamp(1, EPOCHS_MAX);
        let mut hasher = blake3::Hasher::new_derive_key("gpux/preimages/1");
        hasher.update(secret).update(&end_epoch.to_le_bytes());
        let mut value = *hasher.finalize().as_bytes();
        let mut checkpoints = Vec::with_capacity((epochs / CHECKPOINT_STEPS + 1) as usize);
        for at in 0..epochs {
            if at % CHECKPOINT_STEPS == 0 {
                checkpoints.push(value);
            }
            value = step(&value);
        }
        Self { checkpoints, end: value, end_epoch, epochs }
    }

    /// The end, which is registered.
    #[must_use]
    pub fn end(&self) -> [u8; 32] {
        self.end
    }

    /// The epoch at which it ends; the first preimage is that of the epoch after it.
    #[must_use]
    pub fn end_epoch(&self) -> u64 {
        self.end_epoch
    }

    /// The last epoch that has a preimage.
    #[must_use]
    pub fn last_epoch(&self) -> u64 {
        self.end_epoch.saturating_add(self.epochs)
    }

    /// The preimage of an epoch: the value from which `epoch - end_epoch` steps lead to the end.
    #[must_use]
    pub fn of(&self, epoch: u64) -> Option<[u8; 32]> {
        let steps = epoch.checked_sub(self.end_epoch).filter(|steps| (1..=self.epochs).contains(steps))?;
        let at = self.epochs - steps;
        let checkpoint = self.checkpoints.get((at / CHECKPOINT_STEPS) as usize)?;
        Some(walk(checkpoint, at % CHECKPOINT_STEPS))
    }
}

/// Whether exactly so many steps lead from one value to another. More than [`EPOCHS_MAX`] lead nowhere.
#[must_use]
pub fn leads(from: &[u8; 32], steps: u64, to: &[u8; 32]) -> bool {
    steps <= EPOCHS_MAX && walk(from, steps) == *to
}

/// Whether a value is the preimage of an epoch in the chain with this end. The end itself is no preimage: everybody knows it.
#[must_use]
pub fn verify(end: &[u8; 32], end_epoch: u64, epoch: u64, preimage: &[u8; 32]) -> bool {
    epoch.checked_sub(end_epoch).is_some_and(|steps| steps > 0 && leads(preimage, steps, end))
}
