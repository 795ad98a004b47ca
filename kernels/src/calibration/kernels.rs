//! Which kernels were measured: rates of other kernels, or of other sizes, say nothing of these.

use crate::key::Digest;
use crate::plan::{Market, plan};
use crate::probe::ProbeId;
use crate::release::{Error, Modules};

/// What `cpu` and `ram` execute. The text is what counts, comments and all: there is no other digest of it that anybody can
/// recompute.
const HOST_SOURCES: [&str; 9] = [
    include_str!("../chain.rs"),
    include_str!("../fma64.rs"),
    include_str!("../fma64/avx2.rs"),
    include_str!("../fma64/avx512.rs"),
    include_str!("../vram.rs"),
    include_str!("../vram/avx2.rs"),
    include_str!("../philox.rs"),
    include_str!("../philox/avx2.rs"),
    include_str!("../device/engine.rs"),
];

/// Returns the digest of the kernels for a machine itself, or for cards: of the code, and of the sizes in production.
pub fn digest(on_host: bool) -> Result<Digest, Error> {
    let mut hasher = blake3::Hasher::new_derive_key("gpux/calibration/kernels/1");
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    if on_host {
        HOST_SOURCES.iter().for_each(|source| part(source.as_bytes()));
    } else {
        for module in Modules::embedded()?.iter() {
            part(&module.level.to_le_bytes());
            part(module.probe.as_bytes());
            part(module.text.as_bytes());
        }
    }
    for probe in ProbeId::ALL.into_iter().filter(|probe| probe.on_host() == on_host) {
        if let Some(plan) = plan(probe, Market::Production) {
            part(&plan.parameters.to_bytes());
        }
    }
    Ok(*hasher.finalize().as_bytes())
}
