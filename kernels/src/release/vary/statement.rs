//! A function or a variable of a module as statements, each token with what becomes of it.

use super::scope::{MODULE, Scopes};
use super::token::{Kind, Token};
use crate::release::random::Random;

/// What becomes of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It stays: the format knows it.
    Keep,
    /// It is looked up in this scope.
    Name(usize),
    /// It counts the registers of the class before it.
    Count(usize),
    /// It is a number that may be written in another way.
    Value,
}

/// A statement.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub(super) tokens: Vec<(Token<'a>, Role)>,
    /// How many braces are around it.
    pub(super) depth: usize,
    /// Whether it declares registers.
    pub(super) registers: bool,
}

/// State spaces: what begins with one declares names.
const SPACES: [&str; 6] = [".reg", ".param", ".shared", ".local", ".const", ".global"];
/// What may stand before a state space.
const LINKAGE: [&str; 5] = [".visible", ".extern", ".weak", ".common", ".internal"];

/// The deepest braces in a function. A compiler nests two or three; each level is looked through for every name, and
/// indents every line.
const DEPTH_MAX: usize = 32;

/// A kernel's old and new name.
pub(super) type Kernel<'a> = (&'a str, String);

/// Reads the module's items.
pub(super) struct Reader<'a, 'r> {
    pub(super) scopes: Scopes<'a>,
    pub(super) random: &'r mut Random,
    pub(super) kernels: Vec<Kernel<'a>>,
}

impl<'a> Reader<'a, '_> {
    /// Reads an item, declaring all of its names; they may be looked up when all items were read.
    pub(super) fn item(&mut self, tokens: &[Token<'a>]) -> Result<Vec<Statement<'a>>, String> {
        if !is_function(tokens) {
            return Ok(vec![self.declaration(tokens, MODULE, 0)?]);
        }
        let (head, body) = tokens.split_at(head(tokens).len());
        let scope = self.scopes.open(MODULE);
        let mut statements = vec![self.head(head, scope)?];
        self.body(body, scope, &mut statements)?;
        Ok(statements)
    }

    /// The name of a function, its parameters and its directives.
    fn head(&mut self, tokens: &[Token<'a>], scope: usize) -> Result<Statement<'a>, String> {
        let mut depth = 0_usize;
        let mut outside = |token: &Token<'a>| {
            depth = if token.is("(") { depth + 1 } else { depth.saturating_sub(usize::from(token.is(")"))) };
            depth == 0 && token.kind == Kind::Word
        };
        let at = tokens.iter().position(&mut outside).ok_or("a function without a name")?;
        let old = tokens[at].text;
        let random = &mut *self.random;
        if tokens.iter().any(|token| token.text == ".entry") {
            self.scopes.declare(MODULE, old, |namer| namer.kernel(random));
            self.kernels.extend(self.scopes.renamed(MODULE, old).map(|(new, _)| (old, new.to_owned())));
        } else {
            self.scopes.declare(MODULE, old, |namer| namer.part(random));
        }
        let new = self.scopes.renamed(MODULE, old).map(|(new, _)| new.to_owned()).unwrap_or_default();
        let mut roles = Vec::with_capacity(tokens.len());
        for (index, &token) in tokens.iter().enumerate() {
            let role = match token.kind {
                Kind::Word if index == at => Role::Name(MODULE),
                Kind::Word if token.text != "_" => {
                    let what = if index < at { "retval" } else { "param" };
                    self.scopes.declare(scope, token.text, |_| format!("{new}_{what}_{index}"));
                    Role::Name(scope)
                }
                _ => Role::Keep,
            };
            roles.push((token, role));
        }
        Ok(Statement { tokens: roles, depth: 0, registers: false })
    }

    fn body(
        &mut self,
        mut tokens: &[Token<'a>],
        function: usize,
        statements: &mut Vec<Statement<'a>>,
    ) -> Result<(), String> {
        let (mut scope, mut depth) = (function, 0_usize);
        while let Some(&first) = tokens.first() {
            if first.is("{") {
                if depth == DEPTH_MAX {
                    return Err(format!("braces deeper than {DEPTH_MAX}"));
                }
                // The function's own braces hold the scope of its parameters.
                scope = if depth == 0 { function } else { self.scopes.open(scope) };
                statements.push(kept(first, depth));
                depth += 1;
                tokens = &tokens[1..];
            } else if first.is("}") {
                depth = depth.checked_sub(1).ok_or("a brace too many")?;
                scope = if depth == 0 { MODULE } else { self.scopes.parent(scope).unwrap_or(MODULE) };
                statements.push(kept(first, depth));
                tokens = &tokens[1..];
            } else {
                let (statement, rest) = tokens.split_at(length(tokens)?);
                statements.push(self.statement(statement, scope, depth)?);
                tokens = rest;
            }
        }
        Ok(())
    }

    fn statement(&mut self, tokens: &[Token<'a>], scope: usize, depth: usize) -> Result<Statement<'a>, String> {
        let [first, ..] = tokens else { return Err("an empty statement".into()) };
        if tokens.last().is_some_and(|last| last.is(":")) {
            let random = &mut *self.random;
            self.scopes.declare(scope, first.text, |namer| namer.label(random));
        } else if first.kind == Kind::Dotted && SPACES.contains(&first.text) {
            return self.declaration(tokens, scope, depth);
        }
        let directive = first.kind == Kind::Dotted;
        // After a guard, as in "@!%p1", or at once.
        let opcode = match tokens {
            [at, not, ..] if at.is("@") && not.is("!") => 3,
            [at, ..] if at.is("@") => 2,
            [_, colon] if colon.is(":") => usize::MAX,
            _ => 0,
        };
        let mut roles = Vec::with_capacity(tokens.len());
        let mut before = None::<&Token<'_>>;
        for (index, token) in tokens.iter().enumerate() {
            let role = match token.kind {
                Kind::Word if index != opcode => Role::Name(scope),
                // Behind a colon it is part of a modifier, as in "L2::128B".
                Kind::Number if !directive && !before.is_some_and(|before| before.is(":")) => Role::Value,
                _ => Role::Keep,
            };
            roles.push((*token, role));
            before = Some(token);
        }
        Ok(Statement { tokens: roles, depth, registers: false })
    }

    /// A declaration: every word before an initialiser is a new name.
    fn declaration(&mut self, tokens: &[Token<'a>], scope: usize, depth: usize) -> Result<Statement<'a>, String> {
        let space = tokens.iter().find(|token| !LINKAGE.contains(&token.text)).map(|token| token.text);
        if !space.is_some_and(|space| SPACES.contains(&space)) {
            return Err(format!("{} is not known here", space.unwrap_or("nothing")));
        }
        let registers = space == Some(".reg");
        let (mut initial, mut braces) = (false, 0_i32);
        let mut roles: Vec<(Token<'a>, Role)> = Vec::with_capacity(tokens.len());
        for (index, &token) in tokens.iter().enumerate() {
            braces += i32::from(token.is("{")) - i32::from(token.is("}"));
            initial = if token.is("=") { true } else { initial && !(token.is(",") && braces == 0) };
            let role = match (token.kind, &tokens[index + 1..]) {
                (Kind::Word, _) if initial => Role::Name(scope),
                (Kind::Number, _) if initial => Role::Value,
                (Kind::Word, [open, count, close, ..]) if open.is("<") && close.is(">") => {
                    let count = count.text.parse().map_err(|_| format!("{} is no number of registers", count.text))?;
                    self.scopes.declare_class(scope, token.text, count, self.random)?;
                    Role::Name(scope)
                }
                (Kind::Word, _) => {
                    let random = &mut *self.random;
                    let name = |namer: &mut super::name::Namer| {
                        if registers { namer.register(random) } else { namer.part(random) }
                    };
                    self.scopes.declare(scope, token.text, name);
                    Role::Name(scope)
                }
                (Kind::Number, _) if tokens[..index].last().is_some_and(|before| before.is("<")) => Role::Count(scope),
                _ => Role::Keep,
            };
            roles.push((token, role));
        }
        Ok(Statement { tokens: roles, depth, registers })
    }
}

/// An item up to its body or its initialiser.
pub(super) fn head<'a, 't>(item: &'t [Token<'a>]) -> &'t [Token<'a>] {
    let end = item.iter().position(|token| token.is("{") || token.is("="));
    end.and_then(|end| item.get(..end)).unwrap_or(item)
}

/// Whether an item is a kernel or a function; what else there is are variables.
pub(super) fn is_function(item: &[Token<'_>]) -> bool {
    head(item).iter().any(|token| matches!(token.text, ".entry" | ".func"))
}

fn kept(token: Token<'_>, depth: usize) -> Statement<'_> {
    Statement { tokens: vec![(token, Role::Keep)], depth, registers: false }
}

/// How many tokens a statement has: a label's ends with its colon, any other with a semicolon.
fn length(tokens: &[Token<'_>]) -> Result<usize, String> {
    if let [label, colon, rest @ ..] = tokens
        && label.kind == Kind::Word
        && colon.is(":")
        && !rest.first().is_some_and(|second| second.is(":"))
    {
        return Ok(2);
    }
    let end = tokens.iter().position(|token| token.is(";"));
    end.map(|end| end + 1).ok_or_else(|| "a statement without an end".into())
}
