//! PTX as tokens. Never fails: what is no token of PTX is a mark of one character, which is written as it was read.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier, an opcode or a special register.
    Word,
    /// A directive, or a suffix of an opcode: `.reg`, `.u32`.
    Dotted,
    /// Starts with a digit.
    Number,
    /// In quotes.
    Text,
    /// Punctuation.
    Mark,
}

/// A token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Whether space or a comment stands before it.
    pub(super) spaced: bool,
}

impl Token<'_> {
    /// Whether it is this punctuation.
    pub(super) fn is(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && self.text == mark
    }
}

/// Whether a character goes on with the word or number before it.
pub(super) fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$')
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// How long a comment is that starts here.
fn comment(text: &str) -> Option<usize> {
    match text.get(..2)? {
        "//" => Some(run(text, |c| c != '\n')),
        "/*" => Some(text.find("*/").map_or(text.len(), |end| end + 2)),
        _ => None,
    }
}

/// Splits a text, leaving out space and comments.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut rest, mut spaced) = (Vec::new(), text, true);
    while let Some(first) = rest.chars().next() {
        let skipped = if first.is_whitespace() { Some(run(rest, char::is_whitespace)) } else { comment(rest) };
        if let Some(length) = skipped {
            rest = &rest[length..];
            spaced = true;
            continue;
        }
        let (kind, length) = token(first, rest);
        let (text, after) = rest.split_at(length);
        tokens.push(Token { kind, text, spaced });
        (rest, spaced) = (after, false);
    }
    tokens
}

fn token(first: char, rest: &str) -> (Kind, usize) {
    let size = first.len_utf8();
    let behind = &rest[size..];
    match first {
        'a'..='z' | 'A'..='Z' | '_' | '$' | '%' => (Kind::Word, size + run(behind, in_word)),
        '.' if behind.starts_with(in_word) => (Kind::Dotted, size + run(behind, in_word)),
        // A point belongs to a number: in PTX no suffix follows one.
        '0'..='9' => (Kind::Number, size + run(behind, |c| in_word(c) || c == '.')),
        '"' => (Kind::Text, behind.find('"').map_or(rest.len(), |end| size + end + 1)),
        _ => (Kind::Mark, size),
    }
}
