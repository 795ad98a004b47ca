#!/usr/bin/env node
// Builds the contracts and writes artifacts/<Contract>.json, which the Rust crate embeds: ABI, bytecode, and where in it
// the code lies that stands on chain, with the places of its immutables by their names.
// With --check it writes nothing and fails when a committed artifact differs from its source.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forge, root } from "./forge.mjs";

const CONTRACTS = {
  Rentals: "Rentals.sol",
  Bonds: "Bonds.sol",
  Court: "Court.sol",
  Rewards: "Rewards.sol",
  Scores: "Scores.sol",
  TestToken: "TestToken.sol",
  AccessManager: "AccessManager.sol",
  TimelockController: "TimelockController.sol",
  // A Governor and its votes, which no deployment of ours makes: the handover's tests play both.
  VoteToken: "Vote.sol",
  Dao: "Vote.sol",
};

const SOURCES = ["src", "test/base/Vote.sol"];
const committed = join(root, "artifacts");

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** What forge wrote about a contract. */
function built(out, name, file) {
  return JSON.parse(readFileSync(join(out, file, `${name}.json`), "utf8"));
}

/** Names of all variables by the numbers that the compiler gave them, which differ from build to build. */
function variables(out) {
  const names = new Map();
  const walk = (node) => {
    if (node === null || typeof node !== "object") return;
    if (node.nodeType === "VariableDeclaration") names.set(String(node.id), node.name);
    Object.values(node).forEach(walk);
  };
  for (const folder of readdirSync(out).filter((name) => name.endsWith(".sol"))) {
    for (const file of readdirSync(join(out, folder))) walk(built(out, file.replace(/\.json$/, ""), folder).ast);
  }
  return names;
}

/** Where in the bytecode the code on chain lies, in bytes, and in it each immutable's 32-byte places. */
function runtime(name, bytecode, deployed, names) {
  const at = bytecode.indexOf(deployed.object.slice(2));
  if (at < 0 || at !== bytecode.lastIndexOf(deployed.object.slice(2))) fail(`${name}'s code is not in its bytecode once`);
  const immutables = {};
  for (const [id, places] of Object.entries(deployed.immutableReferences ?? {})) {
    const variable = names.get(id);
    if (!variable || immutables[variable]) fail(`${name} has two immutables of one name, or one without`);
    if (places.some((place) => place.length !== 32)) fail(`${name}.${variable} is no word`);
    immutables[variable] = places.map((place) => place.start).sort((a, b) => a - b);
  }
  const sorted = Object.fromEntries(Object.entries(immutables).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { start: at / 2 - 1, length: deployed.object.length / 2 - 1, immutables: sorted };
}

/** The artifact's bytes: stable key order, one trailing newline. */
function artifact(out, name, file, names) {
  const { abi, bytecode, deployedBytecode } = built(out, name, file);
  if (!/^0x[0-9a-f]+$/.test(bytecode.object)) fail(`${name} has no complete bytecode`);
  const places = runtime(name, bytecode.object, deployedBytecode, names);
  const whole = { contractName: name, abi, bytecode: bytecode.object, runtime: places };
  return `${JSON.stringify(whole, null, 1)}\n`;
}

function build(out) {
  // A fresh output folder, so that a file left over from an older source is never taken for a new one.
  const cache = join(out, "cache");
  const options = ["--root", root, "--out", out, "--cache-path", cache, "--force", "--quiet", "--ast"];
  if (forge(["build", ...SOURCES, ...options]).status !== 0) fail("forge build failed");
}

const unknown = process.argv.slice(2).filter((argument) => argument !== "--check");
if (unknown.length) fail(`unknown argument ${unknown[0]}; usage: artifacts.mjs [--check]`);
const check = process.argv.includes("--check");

const out = mkdtempSync(join(tmpdir(), "gpux-artifacts-"));
let stale = [];
try {
  build(out);
  mkdirSync(committed, { recursive: true });
  const names = variables(out);
  for (const [name, file] of Object.entries(CONTRACTS)) {
    const path = join(committed, `${name}.json`);
    const wanted = artifact(out, name, file, names);
    if (existsSync(path) && readFileSync(path, "utf8") === wanted) continue;
    if (check) stale.push(`artifacts/${name}.json`);
    else writeFileSync(path, wanted);
  }
  const known = Object.keys(CONTRACTS).map((name) => `${name}.json`);
  stale = stale.concat(readdirSync(committed).filter((name) => !known.includes(name)));
} finally {
  rmSync(out, { recursive: true, force: true });
}
if (stale.length) fail(`not what the sources give: ${stale.join(", ")}; run contracts/scripts/artifacts.mjs`);
