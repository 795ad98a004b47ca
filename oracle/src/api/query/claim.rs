//! What a node claims and what a probe measures, in words.
//!
//! Owns names and units as people read them. Never judges.

use gpux_kernels::probe::ProbeId;
use gpux_proto::evidence::Descriptor;

/// The claim of a descriptor: "1 x GeForce RTX 3090, 8 CPU threads at 12.5 Gflop/s".
pub(super) fn words(descriptor: &Descriptor) -> String {
    let mut parts: Vec<_> = descriptor
        .gpus
        .iter()
        .filter(|gpu| gpu.count > 0)
        .map(|gpu| format!("{} x {}", gpu.count, gpu.model))
        .collect();
    if let Some(host) = &descriptor.host {
        match (host.threads, host.fp64_flops) {
            (0, 0) => {}
            (0, flops) => parts.push(format!("CPU at {}", rate(flops, "flop/s"))),
            (threads, 0) => parts.push(format!("{threads} CPU threads")),
            (threads, flops) => parts.push(format!("{threads} CPU threads at {}", rate(flops, "flop/s"))),
        }
        if host.ram_bytes > 0 {
            parts.push(format!("{} main memory", size(host.ram_bytes)));
        }
    }
    if parts.is_empty() { "nothing that is probed".into() } else { parts.join(", ") }
}

/// The GPU model that a descriptor claims, if it is one, and how many of it.
pub(super) fn model(descriptor: &Descriptor) -> Option<(&str, u32)> {
    match descriptor.gpus.as_slice() {
        [gpu] if gpu.count > 0 => Some((&gpu.model, gpu.count)),
        _ => None,
    }
}

/// The unit of what a probe measures.
pub(super) fn unit(probe: ProbeId) -> &'static str {
    match probe {
        ProbeId::Imma | ProbeId::Dp4a => "op/s",
        ProbeId::Hmma | ProbeId::Fma32 | ProbeId::Fma64 | ProbeId::Cpu => "flop/s",
        ProbeId::Vram | ProbeId::Ram => "byte",
        ProbeId::Stream | ProbeId::Link | ProbeId::Disk => "byte/s",
        ProbeId::Net => "bit/s",
    }
}

fn rate(value: u64, unit: &str) -> String {
    let (scale, prefix) = match value {
        1_000_000_000_000.. => (1e12, "T"),
        1_000_000_000.. => (1e9, "G"),
        1_000_000.. => (1e6, "M"),
        _ => (1.0, ""),
    };
    format!("{:.1} {prefix}{unit}", value as f64 / scale)
}

fn size(bytes: u64) -> String {
    if bytes >= 1 << 30 {
        format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
    } else {
        format!("{} MiB", bytes >> 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpux_proto::evidence::{Gpu, Host};

    #[test]
    fn claims_read_like_an_advertisement() {
        let gpu = |count| Gpu { model: "GeForce RTX 3090".into(), count };
        let host = Host { threads: 2, fp64_flops: 12_540_000_000, ram_bytes: 128 << 20, ..Host::default() };
        let of = |gpus, host| words(&Descriptor { gpus, host, ..Descriptor::default() });
        assert_eq!(of(vec![gpu(2)], None), "2 x GeForce RTX 3090");
        assert_eq!(of(vec![gpu(0)], Some(host)), "2 CPU threads at 12.5 Gflop/s, 128 MiB main memory");
        assert_eq!(of(vec![], None), "nothing that is probed");
    }
}
