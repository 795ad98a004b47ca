//! Which signatures an epoch is published with.
//!
//! Owns the choice among those that are held. Its invariant: as many as Scores wants, each of an operator of now, in the order of
//! their addresses as Scores reads them; and once chosen the same for as long as they are good, so that a transaction which
//! replaces another says nothing else.

use alloy::primitives::Address;

use super::chain::{self, ScoresChain};
use crate::store::Countersignature;

/// The length of a signature.
const BYTES: usize = 65;

/// What is held of an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// Enough, one after the other.
    Enough(Vec<u8>),
    /// So many are missing.
    Missing(usize),
}

/// Chooses among signatures that are held in the order of their operators; `before` was chosen last.
pub(super) async fn choose(
    chain: &ScoresChain,
    held: &[Countersignature],
    before: &[u8],
    threshold: u8,
) -> Result<Choice, chain::Error> {
    let threshold = usize::from(threshold);
    let was_chosen = |held: &&Countersignature| before.chunks(BYTES).any(|chosen| chosen == held.signature);
    let chosen: Vec<_> = held.iter().filter(was_chosen).collect();
    if chosen.len() >= threshold && chosen.len() * BYTES == before.len() {
        let signatures = of_operators(chain, chosen.into_iter(), usize::MAX).await?;
        if signatures == before {
            return Ok(Choice::Enough(signatures));
        }
    }
    let signatures = of_operators(chain, held.iter(), threshold).await?;
    let count = signatures.len() / BYTES;
    Ok(if count == threshold { Choice::Enough(signatures) } else { Choice::Missing(threshold - count) })
}

/// The first signatures of operators, as the chain has them now.
async fn of_operators(
    chain: &ScoresChain,
    held: impl Iterator<Item = &Countersignature>,
    limit: usize,
) -> Result<Vec<u8>, chain::Error> {
    let mut signatures = Vec::new();
    for held in held {
        if signatures.len() / BYTES == limit {
            break;
        }
        if chain.is_operator(Address::from(held.operator)).await? {
            signatures.extend(held.signature);
        }
    }
    Ok(signatures)
}
