#!/usr/bin/env node
// Builds the contracts and writes artifacts/<Contract>.json (ABI and bytecode only), which the Rust crate embeds.
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
};

const committed = join(root, "artifacts");

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** The artifact's bytes: stable key order, one trailing newline. */
function artifact(out, name, file) {
  const { abi, bytecode } = JSON.parse(readFileSync(join(out, file, `${name}.json`), "utf8"));
  if (!/^0x[0-9a-f]+$/.test(bytecode.object)) fail(`${name} has no complete bytecode`);
  return `${JSON.stringify({ contractName: name, abi, bytecode: bytecode.object }, null, 1)}\n`;
}

function build(out) {
  // A fresh output folder, so that a file left over from an older source is never taken for a new one.
  const cache = join(out, "cache");
  const args = ["build", "src", "--root", root, "--out", out, "--cache-path", cache, "--force", "--quiet"];
  if (forge(args).status !== 0) fail("forge build failed");
}

const unknown = process.argv.slice(2).filter((argument) => argument !== "--check");
if (unknown.length) fail(`unknown argument ${unknown[0]}; usage: artifacts.mjs [--check]`);
const check = process.argv.includes("--check");

const out = mkdtempSync(join(tmpdir(), "gpux-artifacts-"));
let stale = [];
try {
  build(out);
  mkdirSync(committed, { recursive: true });
  for (const [name, file] of Object.entries(CONTRACTS)) {
    const path = join(committed, `${name}.json`);
    const wanted = artifact(out, name, file);
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
