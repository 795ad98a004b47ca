//! `gpux_tree`, which every module contains.

use gpux_kernels::Digest;
use gpux_kernels::merkle::{self, Domain};

use crate::Comparison;
use crate::assert_same;
use crate::buffer::Buffer;
use crate::compiler::MODULES;
use crate::library::{Kernel, Library};
use crate::random::Random;

/// Nodes that one block of the kernel reduces to one.
const NODES: u32 = 512;

/// Reduces leaves on the device as a worker does, and seals the top as the host does.
fn root(library: &Library, module: &'static str, leaves: &[Digest], random: &mut Random) -> Result<Digest, String> {
    let mut nodes = Buffer::of(leaves.as_flattened());
    let mut count = leaves.len() as u32;
    // Once also for a single leaf, which stays as it is.
    loop {
        let above = count.div_ceil(NODES);
        let kernel = Kernel { module, name: "gpux_tree", grid: [above, 1], block: NODES / 2 };
        let mut out = Buffer::new(above as usize * 32);
        library.launch(&kernel, &[nodes.address(), count.into(), out.address()], random)?;
        (nodes, count) = (out, above);
        if count == 1 {
            break;
        }
    }
    let mut hasher = blake3::Hasher::new_derive_key("gpux/round-root/1");
    hasher.update(&(leaves.len() as u32).to_le_bytes()).update(&nodes.read()?);
    Ok(hasher.finalize().into())
}

fn compare_root(library: &Library, module: &'static str, count: u32, random: &mut Random) -> Result<(), String> {
    let leaves: Vec<Digest> = (0..count).map(|_| random.seed()).collect();
    if root(library, module, &leaves, random)? == merkle::root(Domain::Round, leaves) {
        return Ok(());
    }
    Err(format!("the root over {count} leaves of module {module} differs"))
}

/// Compares roots over few, over about a block's and over several blocks' leaves.
pub(crate) const FMA32: Comparison = |library, random| {
    for (least, most) in [(1, 9), (NODES - 2, NODES + 2), (2, 3 * NODES)] {
        let count = random.between(least, most);
        compare_root(library, "fma32", count, random)?;
    }
    Ok(())
};

#[test]
fn tree_agrees_with_the_crate() {
    assert_same(FMA32, 12);
}

#[test]
fn tree_is_in_every_module() {
    for module in MODULES {
        assert_same_in(module);
    }
}

fn assert_same_in(module: &'static str) {
    let library = &crate::library::UNCHANGED;
    assert_eq!(compare_root(library, module, NODES + 3, &mut Random::new(7)), Ok(()));
}
