//! Statements as text again: space, line breaks, and how numbers are written.

use super::scope::Scopes;
use super::statement::{Role, Statement};
use super::token::{Kind, Token, in_word};
use crate::release::random::Random;

/// A module's habits; one place in eight deviates.
pub(super) struct Style {
    indent: &'static str,
    gap: &'static str,
    comma: &'static str,
}

const INDENTS: &[&str] = &["\t", "  ", "    ", " "];
const GAPS: &[&str] = &["\t", " ", " \t", "  "];
const COMMAS: &[&str] = &["", " ", "\t", " "];

impl Style {
    pub(super) fn new(random: &mut Random) -> Self {
        Self { indent: random.pick(INDENTS), gap: random.pick(GAPS), comma: random.pick(COMMAS) }
    }
}

fn usually(habit: &'static str, others: &[&'static str], random: &mut Random) -> &'static str {
    if random.below(8) == 0 { random.pick(others) } else { habit }
}

/// Writes a statement, with the line break before it.
pub(super) fn write(statement: &Statement<'_>, scopes: &Scopes<'_>, style: &Style, random: &mut Random) -> String {
    let mut out = String::from(if random.below(8) == 0 { "\n\n" } else { "\n" });
    for _ in 0..statement.depth {
        out.push_str(usually(style.indent, INDENTS, random));
    }
    let mut before = None::<&Token<'_>>;
    // The last word: a class stands before its count.
    let mut class = "";
    for (token, role) in &statement.tokens {
        match before {
            None => {}
            Some(before) if before.is(",") => out.push_str(usually(style.comma, COMMAS, random)),
            Some(_) if token.spaced => out.push_str(usually(style.gap, GAPS, random)),
            Some(_) => {}
        }
        match *role {
            Role::Keep => out.push_str(token.text),
            Role::Name(scope) => match scopes.renamed(scope, token.text) {
                Some((name, number)) => {
                    // `.entry%name` is two tokens; a new name without the mark would make them one.
                    if out.ends_with(in_word) && name.starts_with(in_word) {
                        out.push_str(style.gap);
                    }
                    out.push_str(name);
                    number.into_iter().for_each(|number| out.push_str(&number.to_string()));
                }
                None => out.push_str(token.text),
            },
            Role::Count(scope) => match scopes.count(scope, class) {
                Some(count) => out.push_str(&count.to_string()),
                None => out.push_str(token.text),
            },
            Role::Value => out.push_str(&number(token.text, random)),
        }
        if token.kind == Kind::Word {
            class = token.text;
        }
        before = Some(token);
    }
    out
}

/// Writes a number in one of the ways that mean the same; what is no plain number stays.
pub(super) fn number(text: &str, random: &mut Random) -> String {
    if let Some(bits) = text.strip_prefix("0f").or_else(|| text.strip_prefix("0d")) {
        return float(text, bits, random);
    }
    let Some(value) = value(text) else { return text.into() };
    let zeros = "0".repeat(random.below(4));
    match random.below(8) {
        0 | 1 => value.to_string(),
        2 => format!("0{zeros}{value:o}"),
        3 if value < 1 << 12 => format!("0b{zeros}{value:b}"),
        3 | 4 => format!("0x{zeros}{value:x}"),
        5 => format!("0X{zeros}{value:x}"),
        6 => format!("0x{zeros}{value:X}"),
        _ => format!("0X{zeros}{value:X}"),
    }
}

/// The value of an integer without a suffix.
fn value(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = match lower.as_str() {
        "0" => (10, "0"),
        other => match (other.strip_prefix("0x"), other.strip_prefix("0b"), other.strip_prefix('0')) {
            (Some(digits), ..) => (16, digits),
            (_, Some(digits), _) => (2, digits),
            (.., Some(digits)) => (8, digits),
            _ => (10, other),
        },
    };
    // A sign would be read, and cannot stand in a token.
    u64::from_str_radix(digits, radix).ok()
}

/// The bits of a float stay; each of their letters may be small or not.
fn float(text: &str, bits: &str, random: &mut Random) -> String {
    if !bits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return text.into();
    }
    let letters =
        text.chars().map(|c| if random.below(2) == 0 { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() });
    letters.collect()
}
