#!/usr/bin/env node
// Alters the contracts one place at a time and counts how many of these mutants the tests find.
//   mutate.mjs [--sample 200] [--seed 1] [--only Court:123,Holds:73] [--list]
// The sample is drawn by the seed; mutants that do not compile are not counted and replaced by the next. Each is first
// tried against the tests of its own contract, with few fuzz runs, and a survivor against all tests as `npm test` runs
// them. Exits with 1 when the score is below 90 %. It works on a copy; the sources are never touched.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forge, root } from "./forge.mjs";
import { generator, mutants, shuffled } from "./mutations.mjs";

const TESTS = {
  Rentals: "rentals", Holds: "rentals", Bonds: "bonds", Scores: "scores", Rewards: "rewards",
  Court: "court", Filing: "court", Windows: "court",
};
const LEAST = 0.9;
const USAGE = "usage: mutate.mjs [--sample N] [--seed N] [--only File:line,...] [--list]";
// A mutant may loop for ever; the whole suite takes about a minute on two idle cores.
const TIMEOUT_MS = 300_000;

function fail(message) {
  console.error(message);
  process.exit(64);
}

function options(given) {
  const found = { sample: 200, seed: 1, only: null, list: false };
  for (let i = 0; i < given.length; i++) {
    const name = given[i].replace(/^--/, "");
    if (name === "list") found.list = true;
    else if (name === "only" && given[i + 1]) found.only = given[++i].split(",");
    else if (["sample", "seed"].includes(name) && /^\d+$/.test(given[i + 1] ?? "")) found[name] = Number(given[++i]);
    else fail(`unknown or incomplete argument ${given[i]}; ${USAGE}`);
  }
  return found;
}

function copy() {
  const folder = mkdtempSync(join(tmpdir(), "gpux-mutate-"));
  for (const part of ["src", "test", "scripts", "foundry.toml"]) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** "killed", "survived" or "invalid". */
function outcome(folder, args, environment) {
  // Unoptimised code does the same, and linked by name only the altered source is compiled again.
  const env = { ...process.env, FOUNDRY_OPTIMIZER: "false", FOUNDRY_DYNAMIC_TEST_LINKING: "true", ...environment };
  const run = forge(["test", "--root", folder, "--fail-fast", ...args], {
    cwd: folder, env, stdio: "pipe", timeout: TIMEOUT_MS, encoding: "utf8", maxBuffer: 64 << 20,
  });
  if (run.error) return "killed";
  if (/Compiler run failed|Compiler error/.test(run.stdout + run.stderr)) return "invalid";
  if (run.status === 0) return "survived";
  if (!/\[FAIL|failed;/.test(run.stdout)) fail(`forge did not run: ${run.stderr.slice(-2000)}`);
  return "killed";
}

function tried(folder, mutant) {
  const path = join(folder, "src", `${mutant.file}.sol`);
  const original = readFileSync(path);
  writeFileSync(path, mutant.text);
  const few = { FOUNDRY_FUZZ_RUNS: "16" };
  const own = ["--match-path", `test/${TESTS[mutant.file]}/**`, "--no-match-test", "invariant"];
  let result = outcome(folder, own, few);
  if (result === "survived") result = outcome(folder, ["--no-match-path", "test/gas/**"], {});
  writeFileSync(path, original);
  return result;
}

const { sample, seed, only, list } = options(process.argv.slice(2));
const sourceOf = (file) => readFileSync(join(root, "src", `${file}.sol`), "utf8");
let all = Object.keys(TESTS).flatMap((file) => mutants(file, sourceOf(file)));
all = shuffled(all, generator(seed));
if (only) all = all.filter((mutant) => only.includes(`${mutant.file}:${mutant.line}`));
const named = ({ kind, file, line, from, to }) => `${file}:${line} ${kind}: ${from} -> ${to || "nothing"}`;
if (list) {
  all.forEach((mutant) => console.log(named(mutant)));
  console.log(`${all.length} mutants`);
  process.exit(0);
}

const folder = copy();
const counts = {};
let [invalid, done, killed] = [0, 0, 0];
try {
  if (outcome(folder, [], {}) !== "survived") fail("the tests fail without any mutant");
  for (const mutant of all) {
    if (done === sample) break;
    const result = tried(folder, mutant);
    if (result === "invalid") {
      invalid++;
      continue;
    }
    done++;
    counts[mutant.kind] ??= { killed: 0, survived: 0 };
    counts[mutant.kind][result]++;
    if (result === "killed") killed++;
    console.log(`${done} ${result} ${named(mutant)}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const [kind, { killed, survived }] of Object.entries(counts)) {
  console.log(`${kind}: ${killed} of ${killed + survived} killed`);
}
const percent = done === 0 ? 0 : (100 * killed) / done;
console.log(`${killed} of ${done} mutants killed (${percent.toFixed(1)} %), ${invalid} did not compile, seed ${seed}`);
process.exit(percent < 100 * LEAST ? 1 : 0);
