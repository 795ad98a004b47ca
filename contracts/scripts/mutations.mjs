// What the mutation run alters, one place at a time: operators, numbers, modifiers, conditions, statements.
// A pure function from a source to its mutants, so that a run can be repeated and a survivor named again.

// The word before a statement that moves, tells or writes something; what a test must notice the lack of.
const STATEMENT =
  /^ {8,}(?:(?:emit|delete|_\w+\(|[\w.[\]]+ (?:=|\+=|-=) |\([\w., ]+\) = |_[A-Z]+\.\w+\()[^\n]*;)$/gm;
const CONDITION =
  /(?<=\bif \()(?!.*\) else)(.+)(?=\) (?:\{|revert|return|continue|[a-z_.]+(?: =|\())[^\n]*$)/gm;

/** Each kind has a pattern and what a match is replaced by. Comments, imports and declarations are left out. */
const KINDS = [
  { name: "comparison", pattern: /(?<=[\w)\]] )(<=|>=|==|!=|<|>)(?= [\w(])/g, to: flipped },
  { name: "arithmetic", pattern: /(?<=[\w)\]] )(\+|-|\*|\/|\+=|-=)(?= [\w(])/g, to: flipped },
  { name: "logic", pattern: /(?<= )(&&|\|\|)(?= )/g, to: flipped },
  { name: "number", pattern: /(?<== |\* |\/ |, |\? |: )(\d[\d_]*)(?=[;,) ])/g, to: more },
  { name: "unit", pattern: /(?<=\d )(days|hours)(?=;)/g, to: (unit) => (unit === "days" ? "hours" : "days") },
  { name: "modifier", pattern: / (onlyCourt|restricted|nonReentrant)(?=[ \n{])/g, to: () => "" },
  { name: "condition", pattern: CONDITION, to: () => ["true", "false"] },
  { name: "choice", pattern: /(?<== |return |\()([\w.! ()=]+) \? /g, to: (_, condition) => `!(${condition}) ? ` },
  { name: "truth", pattern: /(?<== |, )(true|false)(?=[;,)])/g, to: (word) => (word === "true" ? "false" : "true") },
  { name: "statement", pattern: STATEMENT, to: () => "" },
];

const FLIPS = {
  "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
  "+": "-", "-": "+", "*": "/", "/": "*", "+=": "-=", "-=": "+=", "&&": "||", "||": "&&",
};

function flipped(operator) {
  return FLIPS[operator];
}

function more(number) {
  return `${BigInt(number.replaceAll("_", "")) + 1n}`;
}

/** Whether a place is text that no test can see: comments, imports, strings of types, error and event declarations. */
function isText(line) {
  return /^\s*(\/\/|\*|import|pragma|error |event |using |function |mapping|struct )/.test(line) || line.includes('"');
}

/** All mutants of a source: where, what, and the whole mutated text. */
export function mutants(file, source) {
  const found = [];
  for (const { name, pattern, to } of KINDS) {
    for (const match of source.matchAll(pattern)) {
      const start = source.lastIndexOf("\n", match.index) + 1;
      const end = source.indexOf("\n", match.index + 1);
      if (isText(source.slice(start, end))) continue;
      for (const replacement of [to(...match)].flat()) {
        const text = source.slice(0, match.index) + replacement + source.slice(match.index + match[0].length);
        const line = source.slice(0, match.index).split("\n").length;
        found.push({ kind: name, file, line, from: match[0].trim(), to: replacement.trim(), text });
      }
    }
  }
  return found;
}

/** A seeded generator (mulberry32): the same seed draws the same sample of the same sources. */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled(list, random) {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}
