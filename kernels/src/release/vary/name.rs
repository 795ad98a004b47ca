//! New names. Kernels are called as those of ordinary libraries, whose names carry shapes, types and layouts; everything
//! else gets letters. Each name has at least 31 bits of its own, so that two variants share none.

use std::collections::HashSet;

use crate::release::random::Random;

const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

const TYPES: &[&str] = &["f16", "bf16", "fp16", "s8", "i8", "f32", "tf32", "e4m3", "half", "h884", "s16816", "i16832"];
/// At most 16 letters: what two variants may share in a row must stay short.
const WORK: &[&str] = &[
    "gemm",
    "batched_gemm",
    "splitk_gemm",
    "grouped_gemm",
    "gemv",
    "flash_fwd",
    "flash_fwd_split",
    "paged_attention",
    "rms_norm",
    "add_rms_norm",
    "layer_norm",
    "rotary_embedding",
    "silu_and_mul",
    "gelu_tanh",
    "softmax_forward",
    "topk_softmax",
    "cache_append",
    "moe_align_block",
    "dequantize_q8",
    "quantize_token",
    "elementwise_mul",
    "reduce_sum",
    "cross_entropy",
    "adamw_step",
    "index_select",
    "embedding_lookup",
];
const TILES: &[&str] =
    &["64x64", "64x128", "128x64", "128x128", "128x256", "256x128", "32x32", "256x64", "nn", "tn", "hdim64"];
const PARTS: &[&str] =
    &["tile", "acc", "frag", "scale", "bias", "head", "block", "row", "mask", "warp", "cache", "lane"];

/// Gives names, each once a module.
pub(super) struct Namer {
    used: HashSet<String>,
}

impl Namer {
    pub(super) fn new() -> Self {
        Self { used: HashSet::new() }
    }

    fn fresh(&mut self, mut make: impl FnMut() -> String) -> String {
        loop {
            let name = make();
            if self.used.insert(name.clone()) {
                return name;
            }
        }
    }

    /// Of a kernel.
    pub(super) fn kernel(&mut self, random: &mut Random) -> String {
        self.fresh(|| {
            // As a compiler that caches its kernels would call them: by what they do, and a hash.
            let (work, of, tile) = (random.pick(WORK), random.pick(TYPES), random.pick(TILES));
            let (first, second) = (random.letters(DIGITS, 4), random.letters(DIGITS, 3));
            format!("{work}_{first}_{of}_{tile}_{second}")
        })
    }

    /// Of a function or a variable.
    pub(super) fn part(&mut self, random: &mut Random) -> String {
        self.fresh(|| format!("{}_{}_{}", random.pick(PARTS), random.pick(PARTS), random.letters(DIGITS, 6)))
    }

    /// Of a register, or of a class of numbered ones. A capital first: special registers have none.
    pub(super) fn register(&mut self, random: &mut Random) -> String {
        self.fresh(|| format!("%{}{}", random.letters(UPPER, 1), random.letters(MIXED, 5)))
    }

    /// Of a label.
    pub(super) fn label(&mut self, random: &mut Random) -> String {
        self.fresh(|| format!("$L_{}", random.letters(MIXED, 6)))
    }
}
