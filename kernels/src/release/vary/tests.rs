use std::collections::{HashMap, HashSet};

use super::statement::Role;
use super::*;
use crate::release::{IDENTITY, Modules};

/// What NVRTC makes of a small source with everything that kernels may use: calls, constants, shared and local memory, numbered
/// registers, labels, blocks of inline assembly with names of their own.
pub(in crate::release) const SAMPLE: &str = include_str!("sample.ptx");

/// What two texts may share in a row once the format's own words are out: the end of a parameter's name and the word that a
/// kernel's name begins with (26 bytes), or a constant of 64 bits in decimal (20 digits), and some chance.
pub(in crate::release) const COMMON_BYTES_MAX: usize = 32;

fn varied(variant: u8) -> Varied {
    vary(SAMPLE, &mut Random::new(&[variant; 32], "sm_80/sample")).unwrap()
}

/// Names that the format gives; every other one is the source's or the compiler's.
const SPECIAL: [&str; 7] = ["%tid", "%ntid", "%ctaid", "%nctaid", "%laneid", "%warpid", "WARP_SZ"];

/// A text's items as statements, each with what its names mean.
fn read(text: &str) -> (Vec<Vec<Statement<'_>>>, Scopes<'_>) {
    let tokens = token::tokens(text);
    let (head, items) = split(&tokens).unwrap();
    assert!(!head.is_empty());
    let mut random = Random::new(&IDENTITY, "read");
    let mut reader = Reader { scopes: Scopes::new(), random: &mut random, kernels: Vec::new() };
    let items = items.iter().map(|item| reader.item(item).unwrap()).collect();
    (items, reader.scopes)
}

/// Identifiers, and identifiers and numbers in a row: all that is not an opcode, directive, special register or punctuation.
pub(in crate::release) fn own(text: &str) -> (HashSet<String>, Vec<u8>) {
    let (mut names, mut row) = (HashSet::new(), Vec::new());
    for (token, role) in read(text).0.iter().flatten().flat_map(|statement| &statement.tokens) {
        let name = matches!(role, Role::Name(_)) && !SPECIAL.contains(&token.text);
        if name {
            names.insert(token.text.to_owned());
        }
        if name || *role == Role::Value {
            row.extend(token.text.bytes());
        }
    }
    (names, row)
}

/// The longest run of bytes that two rows share.
pub(in crate::release) fn longest_common(left: &[u8], right: &[u8]) -> usize {
    let shares = |length: usize| {
        let runs: HashSet<&[u8]> = left.windows(length).collect();
        right.windows(length).any(|run| runs.contains(run))
    };
    // Whoever shares a run shares its parts, so every length below the longest is shared.
    let (mut shared, mut not) = (0, 1);
    while shares(not) {
        (shared, not) = (not, 2 * not);
    }
    while shared + 1 < not {
        let middle = shared.midpoint(not);
        if shares(middle) {
            shared = middle;
        } else {
            not = middle;
        }
    }
    shared
}

#[test]
fn a_variant_always_gives_the_same_text() {
    assert_eq!(varied(1), varied(1));
    assert_ne!(varied(1), varied(2));
}

#[test]
fn two_variants_and_the_original_share_no_identifier_and_no_row() {
    let texts = [SAMPLE.to_owned(), varied(1).0, varied(2).0, varied(3).0];
    let own: Vec<_> = texts.iter().map(|text| own(text)).collect();
    assert!(own.iter().all(|(names, row)| names.len() > 60 && row.len() > 1_000));
    for (index, left) in own.iter().enumerate() {
        for right in &own[index + 1..] {
            let shared: Vec<_> = left.0.intersection(&right.0).collect();
            assert!(shared.is_empty(), "{shared:?}");
            let common = longest_common(&left.1, &right.1);
            assert!(common <= COMMON_BYTES_MAX, "{common} bytes in a row");
        }
    }
}

/// What each item says whatever its names are: the format's words in order, and which names are the same one, numbered as
/// they come. Declarations of registers are out, since their order is free.
fn meaning(text: &str) -> Vec<String> {
    let (items, scopes) = read(text);
    let item = |statements: &Vec<Statement<'_>>| {
        let mut seen: HashMap<(&str, Option<u32>), usize> = HashMap::new();
        let kept = statements.iter().filter(|statement| !statement.registers).flat_map(|statement| &statement.tokens);
        let shown = kept.map(|(token, role)| match role {
            Role::Name(scope) => match scopes.renamed(*scope, token.text) {
                Some(name) => {
                    let next = seen.len();
                    format!("_{}", seen.entry(name).or_insert(next))
                }
                None => token.text.to_owned(),
            },
            Role::Value => "#".to_owned(),
            Role::Keep | Role::Count(_) => token.text.to_owned(),
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    items.iter().map(item).collect()
}

fn assert_same(original: &str, varied: &str) {
    let mut left = meaning(varied);
    for item in meaning(original) {
        let place = left.iter().position(|other| *other == item).unwrap_or_else(|| panic!("{item} is lost"));
        left.remove(place);
    }
    // What is more is what nobody uses.
    assert!(left.iter().all(|item| item.contains("mad") || item.contains(".u32 _0 [ 2 ]")), "{left:?}");
}

#[test]
fn the_instructions_and_what_they_name_are_the_original_ones() {
    for variant in 1..=20 {
        assert_same(SAMPLE, &varied(variant).0);
    }
    for module in Modules::embedded().unwrap().iter() {
        let (text, _) = vary(&module.text, &mut Random::new(&[1; 32], &module.probe)).unwrap();
        assert_same(&module.text, &text);
    }
}

#[test]
fn every_kernel_is_found_by_its_old_name() {
    let (text, names) = varied(1);
    let old: Vec<_> = names.iter().map(|(old, _)| old.as_str()).collect();
    assert_eq!(old, ["gpux_first", "gpux_second"]);
    for (_, new) in &names {
        assert!(text.contains(&format!(".entry {new}(")) || text.contains(new.as_str()), "{new}");
        assert!(text.contains(&format!("{new}_param_")));
    }
    assert!(!text.contains("gpux") && !text.contains("//"));
}

#[test]
fn numerals_keep_their_value() {
    let mut random = Random::new(&[1; 32], "numerals");
    let parse = |text: &str| {
        let lower = text.to_ascii_lowercase();
        let radix = |prefix: &str, radix| lower.strip_prefix(prefix).map(|digits| u64::from_str_radix(digits, radix));
        let octal = || (lower.len() > 1).then(|| radix("0", 8)).flatten();
        radix("0x", 16).or_else(|| radix("0b", 2)).or_else(octal).unwrap_or_else(|| lower.parse()).unwrap()
    };
    for value in [0, 1, 7, 8, 9, 4_095, 4_096, 0xD251_1F53, u64::MAX] {
        for _ in 0..100 {
            assert_eq!(parse(&write::number(&value.to_string(), &mut random)), value);
            assert_eq!(parse(&write::number(&format!("0x{value:X}"), &mut random)), value);
        }
    }
    assert_eq!(write::number("0f3FA00000", &mut random).to_ascii_uppercase(), "0F3FA00000");
    for other in ["128B", "1.5", "7U", "0f3FAZ"] {
        assert_eq!(write::number(other, &mut random), other);
    }
}

/// A search found it: the directive and the new name became one word, and what was written could not be read again.
#[test]
fn a_name_right_behind_a_directive_stays_a_word_of_its_own() {
    let text = ".version 7.0\n.target sm_80\n.visible .entry%first(\n.param .u64 %first_0\n)\n{\nret;\n}\n";
    for variant in 1..20 {
        let (once, _) = vary(text, &mut Random::new(&[variant; 32], "sm_80/sample")).unwrap();
        vary(&once, &mut Random::new(&[7; 32], "sm_80/sample")).unwrap_or_else(|error| panic!("{error:?}: {once}"));
    }
}

#[test]
fn what_is_no_module_is_an_error_in_words() {
    let cases = [
        ("", "the text is no PTX"),
        (".target sm_80", "the text is no PTX"),
        (".version 8.0 .entry f() { ret;", "a function or variable without an end"),
        (".version 8.0 .entry f(; }", "} closes nothing"),
        (".version 8.0 .entry f() { ret; ) }", ") closes nothing"),
        (".version 8.0 .entry () { }", "a function without a name"),
        (".version 8.0 .entry f() { ret }", "a statement without an end"),
        (".version 8.0 .alias f, g;", ".alias is not known here"),
        (".version 8.0 .entry f() { .reg .b32 %r<9999999>; }", "more than 262144 registers, 9999999 in one class"),
    ];
    for (text, reason) in cases {
        let error = vary(text, &mut Random::new(&[1; 32], "broken")).unwrap_err();
        assert!(error.starts_with(reason), "{text}: {error}");
    }
}

#[test]
fn what_would_take_memory_or_time_beyond_its_length_is_refused() {
    let class = ".reg .b32 %r<65536>;";
    let texts = [
        (format!(".version 8.0 .entry f() {{ {} }}", class.repeat(5)), "more than 262144 registers"),
        (format!(".version 8.0 .entry f() {{ {}{} }}", "{".repeat(32), "}".repeat(32)), "braces deeper than 32"),
        (format!(".version 8.0 {}", ".reg .b32 a;".repeat(2_049)), "more than 2048 functions and variables"),
    ];
    for (text, reason) in texts {
        let error = vary(&text, &mut Random::new(&[1; 32], "large")).unwrap_err();
        assert!(error.starts_with(reason), "{error}");
    }
    // The most that is taken, each item naming all before it.
    let names: String = (0..2_048).map(|item| format!(".global .u32 a{item} = a{};", item / 2)).collect();
    assert!(vary(&format!(".version 8.0 {names}"), &mut Random::new(&[1; 32], "large")).is_ok());
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[.a-z%$0-9{}()<>;:,=@! \"/*\n]{0,200}", cut in 0..SAMPLE.len()) {
        let mut random = Random::new(&[1; 32], "fuzz");
        let _ = vary(&format!(".version 8.0 {text}"), &mut random);
        if SAMPLE.is_char_boundary(cut) {
            let _ = vary(&format!("{}{text}{}", &SAMPLE[..cut], &SAMPLE[cut..]), &mut random);
        }
    }
}
