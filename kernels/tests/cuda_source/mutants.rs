//! Sources that were broken in one place: the comparison has to notice each.
//!
//! A change is text. If the source no longer has that text, the test fails and the change has to be brought up to date.

use crate::Comparison;
use crate::compiler::Sources;
use crate::library::Library;
use crate::random::Random;
use crate::{chains, passes, product, tree, walk};

/// Cases that a broken source may survive.
const CASES: u64 = 12;

/// In which file what is replaced by what.
type Change<'a> = (&'a str, &'a str, &'a str);

/// Changes the sources of a module and says what the comparison notices.
pub(crate) fn difference(module: &str, comparison: Comparison, changes: &[Change<'_>]) -> String {
    let changed = changes.iter().fold(Sources::read(), |sources, (file, from, to)| sources.changed(file, from, to));
    let library = Library::load(&changed.library(&[module]));
    let difference = (0..CASES).find_map(|case| comparison(&library, &mut Random::new(case)).err());
    difference.unwrap_or_else(|| panic!("{CASES} cases agree in spite of {changes:?}"))
}

/// Makes a test of every line: name, module, comparison, and in which file what is replaced by what.
macro_rules! caught {
    ($($name:ident: $module:literal, $comparison:expr, $file:literal: $from:literal => $to:literal;)*) => {
        $(
            #[test]
            fn $name() {
                difference($module, $comparison, &[($file, $from, $to)]);
            }
        )*
    };
}

caught! {
    fma32_that_rounds_twice:
        "fma32", chains::FMA32, "chain.cuh": "return __fmaf_rn(a, b, c);" => "return a * b + c;";
    fma64_that_rounds_twice:
        "fma64", chains::FMA64, "chain.cuh": "return __fma_rn(a, b, c);" => "return a * b + c;";
    steps_after_the_last_whole_body_lost:
        "fma32", chains::FMA32, "chain.cuh": "rest = steps % UNROLL" => "rest = 0";
    last_lane_lost:
        "fma64", chains::FMA64, "fma64.cu": "if (lane >= lanes) return" => "if (lane + 1 >= lanes) return";
    lane_too_many:
        "dp4a", chains::DP4A, "dp4a.cu": "if (lane >= lanes) return" => "if (lane > lanes) return";
    dot_products_out_of_order:
        "dp4a", chains::DP4A, "dp4a.cu": "add_dots(a, c, d);\n    add_dots(b, d, a);"
            => "add_dots(b, d, a);\n    add_dots(a, c, d);";
}

caught! {
    tree_read_before_it_is_loaded:
        "fma32", tree::FMA32, "gpux.cuh": "    __syncthreads();\n#pragma unroll 1\n    while"
            => "#pragma unroll 1\n    while";
    tree_written_before_it_is_read:
        "fma32", tree::FMA32, "gpux.cuh": "        __syncthreads();\n        if (threadIdx.x < above)"
            => "        if (threadIdx.x < above)";
    tree_read_before_it_is_written:
        "fma32", tree::FMA32, "gpux.cuh": "        __syncthreads();\n        left_over = above;"
            => "        left_over = above;";
    node_without_sibling_lost:
        "fma32", tree::FMA32, "gpux.cuh": "above = left_over - pairs" => "above = pairs";
    node_key_wrong_in_one_bit:
        "fma32", tree::FMA32, "gpux.cuh": "0x82B1B6DF" => "0x82B1B6DE";
}

caught! {
    cell_of_one_call_too_few:
        "vram", walk::VRAM, "vram.cu": "call = CELL_QUADS;" => "call = CELL_QUADS + 1;";
    walk_of_one_step_too_few:
        "vram", walk::VRAM, "vram.cu": "u32 step = 0; step < steps" => "u32 step = 1; step < steps";
    half_a_cell_unread:
        "vram", walk::VRAM, "vram.cu": "folded = fold(folded, quads[quad].z, quads[quad].w);" => "";
    chunk_of_memory_missed:
        "vram", walk::VRAM, "memory.cuh": "chunks[index >> shift]" => "chunks[0]";
    pass_stores_what_others_still_load:
        "stream", passes::STREAM, "block.cuh": "    __syncthreads();\n    u64 sum = 0;" => "    u64 sum = 0;";
    sums_added_before_they_are_there:
        "stream", passes::STREAM, "block.cuh": "        __syncthreads();\n        if (threadIdx.x < half)"
            => "        if (threadIdx.x < half)";
    pass_that_does_not_turn:
        "stream", passes::STREAM, "block.cuh": "threadIdx.x + key.x)" => "threadIdx.x)";
    words_weighed_alike:
        "link", passes::LINK, "block.cuh": "* (2 * j + 1)" => "* 3";
    blocks_counted_without_the_trips:
        "link", passes::LINK, "link.cu": "write_block_leaf(leaves, block, total, sum)"
            => "write_block_leaf(leaves, block, blocks, sum)";
    trip_that_hashes_half_the_state:
        "link", passes::LINK, "link.cu": "words[i] = state[i];" => "words[i] = state[i % 4];";
}

caught! {
    operand_of_another_stream:
        "imma", product::IMMA, "operand.cuh": "block, stream, k0, k1)" => "block, stream ^ 3, k0, k1)";
    operand_with_a_value_too_many:
        "imma", product::IMMA, "operand.cuh": "const u32 bytes = row_bytes" => "const u32 bytes = 1 + row_bytes";
    half_that_is_one_too_large:
        "hmma", product::HMMA, "hmma.cu": ">> 16) - 255" => ">> 16) - 254";
    rows_of_the_left_fragment_swapped:
        "imma", product::IMMA, "gemm.cuh": "warp_row + lane % 16, lane / 16" => "warp_row + (lane ^ 8) % 16, lane / 16";
    halves_of_the_left_fragment_swapped:
        "hmma", product::HMMA, "gemm.cuh": "warp_row + lane % 16, lane / 16" => "warp_row + lane % 16, 1 - lane / 16";
    matrices_of_the_right_fragment_swapped:
        "imma", product::IMMA, "gemm.cuh": "lane / 16 * 8 + lane % 8, lane / 8 % 2"
            => "lane / 8 % 2 * 8 + lane % 8, lane / 16";
    result_transposed_in_the_fragment:
        "imma", product::IMMA, "gemm.cuh": "16 * i + e / 2 * 8, 8 * j + e % 2" => "16 * i + e % 2 * 8, 8 * j + e / 2";
    result_of_the_wrong_lane:
        "hmma", product::HMMA, "gemm.cuh": "lane / 4, column = warp_column + lane % 4 * 2"
            => "lane % 8, column = warp_column + lane / 8 * 2";
    warps_that_compute_the_same:
        "hmma", product::HMMA, "gemm.cuh": "warp / 2 * WARP_COLUMNS" => "warp / 4 * WARP_COLUMNS";
    last_step_of_k_lost:
        "imma", product::IMMA, "gemm.cuh": "int(pitch / STEP_QUADS)" => "int(pitch / STEP_QUADS) - 1";
    copy_not_waited_for:
        "imma", product::IMMA, "gemm.cuh": "cp_async_wait<SLOTS - 2>();" => "";
    copy_waited_for_one_group_too_late:
        "hmma", product::HMMA, "gemm.cuh": "cp_async_wait<SLOTS - 2>();" => "cp_async_wait<SLOTS - 1>();";
    group_left_open_without_a_step:
        "imma", product::IMMA, "gemm.cuh": "        cp_async_commit();"
            => "        if (unfetched > 0) cp_async_commit();";
    slot_used_while_others_copy_into_it:
        "imma", product::IMMA, "gemm.cuh": "cp_async_wait<SLOTS - 2>();\n        __syncthreads();"
            => "cp_async_wait<SLOTS - 2>();";
    tile_hashed_before_it_is_stored:
        "imma", product::IMMA, "gemm.cuh": "tile.pad();\n    __syncthreads();" => "tile.pad();";
    last_block_of_the_hash_unpadded:
        "imma", product::IMMA, "gemm.cuh": "    tile.pad();" => "";
    tile_with_a_column_too_many:
        "hmma", product::HMMA, "tile.cuh": "column < columns)" => "column <= columns)";
    chunk_that_ends_late:
        "imma", product::IMMA, "tile.cuh": "next >= end ||" => "next > end ||";
    tiles_out_of_order:
        "imma", product::IMMA_OF_MANY_TILES, "gemm.cuh": "make_uint2(within / BAND, band + within % BAND)"
            => "make_uint2(within % edge, band + within / BAND)";
}

#[test]
fn slot_used_while_others_store_into_it() {
    let without_copies = product::WITHOUT_ASYNCHRONOUS_COPIES;
    let without_barrier = ("gemm.cuh", "land() { __syncthreads(); }", "land() {}");
    difference("imma", product::IMMA, &[without_copies, without_barrier]);
}
