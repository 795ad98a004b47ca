//! Constants of `gpux.cuh` that stand for a context.

use blake3::hazmat::hash_derive_key_context;

use crate::compiler::Sources;

/// Reads the eight words that stand behind the first mention of `name`.
fn words_behind(text: &str, name: &str) -> [u32; 8] {
    let (_, behind) = text.split_once(name).expect("the header names it");
    let (_, behind) = behind.split_once("{0x").expect("words follow");
    let (words, _) = behind.split_once('}').expect("the list ends");
    let words: Vec<u32> = words
        .split(',')
        .map(|word| u32::from_str_radix(word.trim().trim_start_matches("0x"), 16).expect("a word in hexadecimal"))
        .collect();
    words.try_into().expect("eight words")
}

#[test]
fn context_keys_are_the_hashes_of_their_contexts() {
    let sources = Sources::read();
    for context in ["gpux/round-leaf/1", "gpux/round-node/1"] {
        let words = words_behind(sources.text("gpux.cuh"), &format!("{context:?}"));
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(bytes, hash_derive_key_context(context), "{context}");
    }
}
