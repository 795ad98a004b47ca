//! `link`: the link between host and card, and whether the card is in the host.
//!
//! A round sends blocks from the host to the card, passes over them there, and sends them back; then host and card hash a
//! 32-byte state in turn, `trips` times: some 15 us each on a local bus, 100 us and more through a layer that forwards the
//! driver's calls to another machine. Blocks hold Philox words under the fill key and rest in the host. A unit is a block
//! after the pass (its accumulator), the last unit the state at the end. Exact: integers and hashes. Which other unit could
//! do this? The card can make the blocks itself and need no transfer: a *rewritten* worker passes without a link. So `link`
//! finds slow slots, risers and remote cards behind the released worker, which the host cannot tell from a tenant's job;
//! it convicts like any probe, but by itself it proves no locality.

use crate::block;
use crate::key::{Digest, Key};
use crate::merkle;

/// Computes the leaf of a unit of `blocks` + 1.
pub(crate) fn leaf(fill: &Key, key: &Key, unit: u32, (blocks, trips): (u32, u32)) -> Digest {
    let total = blocks + 1;
    if unit < blocks {
        merkle::unit_leaf(unit, total, &block::replayed(fill, unit.into(), &[*key]).to_le_bytes())
    } else {
        merkle::unit_leaf(unit, total, &alternated(key, trips))
    }
}

/// The state after the alternations: each trip hashes it on the card and once more on the host.
pub(crate) fn alternated(key: &Key, trips: u32) -> Digest {
    (0..trips).fold(*key.as_bytes(), |state, _| {
        let card = blake3::hash(&state);
        *blake3::hash(card.as_bytes()).as_bytes()
    })
}
