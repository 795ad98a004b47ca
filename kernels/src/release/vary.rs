//! Writes a GPU module in another way: names, register numbers, order, numerals, space, and things that nobody uses.
//!
//! What the format forces stays: opcodes, directives, punctuation, special registers, and the order of instructions, so
//! that the machine code is the same but for names. Deterministic in its random stream; never runs a compiler.

mod name;
mod scope;
mod statement;
#[cfg(test)]
pub(super) mod tests;
mod token;
mod write;

use std::collections::{BTreeSet, HashMap};

use self::scope::Scopes;
use self::statement::{Reader, Statement};
use self::token::{Kind, Token};
use self::write::Style;
use super::random::Random;

/// The most functions and variables of a module, about forty times what ours have: another order of them costs their square.
const ITEMS_MAX: usize = 1 << 11;

/// A varied module: its text, and each kernel's old and new name.
pub(super) type Varied = (String, Vec<(String, String)>);

/// Varies a module's text; an error says what was not understood.
pub(super) fn vary(text: &str, random: &mut Random) -> Result<Varied, String> {
    let tokens = token::tokens(text);
    let (head, items) = split(&tokens)?;
    let mut reader = Reader { scopes: Scopes::new(), random, kernels: Vec::new() };
    let read = items.iter().map(|item| reader.item(item)).collect::<Result<Vec<_>, _>>()?;
    let Reader { mut scopes, random, kernels } = reader;
    let style = Style::new(random);
    // One more variable would move those that there are, and their addresses stand in the machine code.
    let variables = !items.iter().any(|item| !statement::is_function(item));
    let mut out = String::with_capacity(text.len() * 3 / 2);
    for token in head {
        // One directive a line: the version must be the first thing.
        out.push_str(if token.kind != Kind::Dotted {
            " "
        } else if out.is_empty() {
            ""
        } else {
            "\n"
        });
        out.push_str(token.text);
    }
    for place in order(&items, random) {
        if random.below(3) == 0 {
            out.push_str(&unused(variables, &mut scopes, random));
        }
        out.push('\n');
        out.push_str(&item(read.get(place).map_or(&[], Vec::as_slice), &mut scopes, &style, random));
    }
    out.push('\n');
    Ok((out, kernels.into_iter().map(|(old, new)| (old.to_owned(), new)).collect()))
}

type Items<'a, 't> = Vec<&'t [Token<'a>]>;

/// The directives that open a module, and its functions and variables.
fn split<'a, 't>(tokens: &'t [Token<'a>]) -> Result<(&'t [Token<'a>], Items<'a, 't>), String> {
    let opens = |token: &Token<'_>| matches!(token.text, ".version" | ".target" | ".address_size");
    let head = tokens.iter().position(|token| token.kind == Kind::Dotted && !opens(token)).unwrap_or(tokens.len());
    let (head, mut rest) = tokens.split_at(head);
    if head.first().is_none_or(|first| first.text != ".version") {
        return Err("the text is no PTX".into());
    }
    let mut items = Vec::new();
    while !rest.is_empty() {
        if items.len() == ITEMS_MAX {
            return Err(format!("more than {ITEMS_MAX} functions and variables"));
        }
        let (item, after) = rest.split_at(end(rest)?);
        items.push(item);
        rest = after;
    }
    Ok((head, items))
}

/// Where an item ends: a function with its last brace, anything else with a semicolon.
fn end(tokens: &[Token<'_>]) -> Result<usize, String> {
    let (mut open, mut initial) = (Vec::new(), false);
    for (index, token) in tokens.iter().enumerate() {
        if token.kind != Kind::Mark {
            continue;
        }
        match token.text {
            "(" => open.push(")"),
            "{" => open.push("}"),
            "[" => open.push("]"),
            // What one reader takes for a body's end is none to the next: nobody could say what such a text means.
            ")" | "}" | "]" if open.pop() != Some(token.text) => return Err(format!("{} closes nothing", token.text)),
            _ => {}
        }
        initial |= token.is("=") && open.is_empty();
        if open.is_empty() && (token.is(";") || (token.is("}") && !initial)) {
            return Ok(index + 1);
        }
    }
    Err("a function or variable without an end".into())
}

/// Another order of the items, in which each still comes after those that it names. Variables keep their order among
/// themselves: it decides their addresses in the constant bank, which stand in the machine code.
fn order(items: &Items<'_, '_>, random: &mut Random) -> Vec<usize> {
    // By name the last item that declared it: that one comes after all others that did, since it names it as well.
    let mut declared: HashMap<&str, usize> = HashMap::new();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); items.len()];
    let mut missing: Vec<usize> = Vec::with_capacity(items.len());
    let mut variable = None;
    for (index, item) in items.iter().enumerate() {
        let words = item.iter().filter(|token| token.kind == Kind::Word);
        let mut needed: BTreeSet<usize> = words.filter_map(|word| declared.get(word.text)).copied().collect();
        if !statement::is_function(item) {
            needed.extend(variable.replace(index));
        }
        missing.push(needed.len());
        for need in needed {
            if let Some(by) = needed_by.get_mut(need) {
                by.push(index);
            }
        }
        // Names of parameters and registers are among them, which only keeps more of the order than need be.
        for word in statement::head(item).iter().filter(|token| token.kind == Kind::Word) {
            declared.insert(word.text, index);
        }
    }
    let mut ready: BTreeSet<usize> = (0..items.len()).filter(|index| missing.get(*index) == Some(&0)).collect();
    let mut ordered = Vec::with_capacity(items.len());
    // An item needs earlier ones only, so the first that is left is always ready.
    for _ in 0..items.len() {
        let Some(index) = ready.iter().nth(random.below(ready.len())).copied() else { break };
        ready.remove(&index);
        ordered.push(index);
        for later in needed_by.get(index).into_iter().flatten() {
            if let Some(missing) = missing.get_mut(*later) {
                *missing -= 1;
                if *missing == 0 {
                    ready.insert(*later);
                }
            }
        }
    }
    ordered
}

/// Writes an item; declarations of registers that follow each other change places, and one that nobody uses joins them.
fn item(statements: &[Statement<'_>], scopes: &mut Scopes<'_>, style: &Style, random: &mut Random) -> String {
    let mut out = String::new();
    let mut registers = Vec::new();
    for statement in statements {
        if statement.registers {
            registers.push(write::write(statement, scopes, style, random));
            continue;
        }
        flush(&mut registers, &mut out, scopes, random);
        out.push_str(&write::write(statement, scopes, style, random));
    }
    flush(&mut registers, &mut out, scopes, random);
    out
}

fn flush(registers: &mut Vec<String>, out: &mut String, scopes: &mut Scopes<'_>, random: &mut Random) {
    if registers.len() > 1 {
        let class = random.pick(&[".b16", ".b32", ".b64", ".f32", ".f64", ".pred"]);
        let count = 1 + random.below(9);
        registers.push(format!("\n\t.reg {class} {}<{count}>;", scopes.namer.register(random)));
    }
    random.shuffle(registers);
    registers.drain(..).for_each(|line| out.push_str(&line));
}

/// A variable or a tiny function that nobody uses: ptxas leaves no trace of it in a kernel.
fn unused(variables: bool, scopes: &mut Scopes<'_>, random: &mut Random) -> String {
    let name = scopes.namer.part(random);
    let mut value = || write::number(&random.below(1 << 31).to_string(), random);
    let (first, second) = (value(), value());
    if variables && random.below(2) == 0 {
        return format!("\n.global .align 4 .u32 {name}[2] = {{{first}, {second}}};");
    }
    let (register, result) = (scopes.namer.register(random), scopes.namer.part(random));
    format!(
        "\n.func (.param .b32 {result}) {name}(.param .b32 {name}_param_0)\n{{\n\t.reg .b32 {register}<2>;\n\
         \tld.param.u32 {register}1, [{name}_param_0];\n\tmad.lo.s32 {register}0, {register}1, {first}, {second};\n\
         \tst.param.b32 [{result}+0], {register}0;\n\tret;\n}}"
    )
}
