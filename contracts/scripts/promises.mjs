#!/usr/bin/env node
// Holds the tests to what is promised of them: every statement of docs/contracts.md has a row of tests that exist and carry
// its number, every test named there exists, and every custom error that a contract declares is expected by name in some
// test. Exits with 1 if not.
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "./forge.mjs";

const DOCUMENT = join(root, "..", "docs", "contracts.md");
const NUMBERED = /_s(\d+)(?=_)/g;

/** The text of every Solidity file below a folder, by its path. */
function sources(folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".sol"));
  return names.map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));
}

const complaints = [];
const tests = sources(join(root, "test")).map(({ text }) => text).join("\n");
const document = readFileSync(DOCUMENT, "utf8");

const section = document.split("## The statements")[1]?.split("\n## ")[0] ?? "";
const statements = [...section.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number));
const rows = new Map([...section.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, number, names]) => [Number(number), names]));
const functions = new Set([...tests.matchAll(/function ((?:test|testFuzz|invariant|check)_\w+)/g)].map(([, name]) => name));
const numbersOf = (name) => [...name.matchAll(NUMBERED)].map(([, number]) => Number(number));

if (statements.length === 0) complaints.push("docs/contracts.md has no statements");
for (const number of statements) {
  const named = [...(rows.get(number) ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name);
  if (named.length === 0) complaints.push(`statement ${number} names no test`);
  for (const name of named) {
    if (functions.has(name) && !numbersOf(name).includes(number)) complaints.push(`${name} does not carry statement ${number}'s number`);
  }
}
for (const [, name] of section.matchAll(/`((?:test|testFuzz|invariant|check)_\w+)`/g)) {
  if (!functions.has(name)) complaints.push(`docs/contracts.md names ${name}, which is no test`);
}
for (const name of functions) {
  for (const number of numbersOf(name)) {
    if (!statements.includes(number)) complaints.push(`${name} carries the number of no statement`);
  }
}

for (const { name, text } of sources(join(root, "src"))) {
  const owner = basename(name, ".sol");
  for (const [, error] of text.matchAll(/^ *error (\w+)\(/gm)) {
    if (!new RegExp(`\\b${owner}\\.${error}\\.selector`).test(tests)) {
      complaints.push(`no test expects ${owner}.${error}`);
    }
  }
}

for (const complaint of complaints) console.error(complaint);
process.exit(complaints.length ? 1 : 0);
