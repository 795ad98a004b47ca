#!/usr/bin/env node
// Measures what a transaction of each call costs (test/gas) and writes gas.json.
// With --check it writes nothing, and fails when a call costs over 2 % more than committed, is new, or has gone.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forge, root } from "./forge.mjs";

const TOLERANCE = 0.02;
const committed = join(root, "gas.json");

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Gas by call, in the order of names. */
function measured() {
  const folder = mkdtempSync(join(tmpdir(), "gpux-gas-"));
  try {
    const env = { ...process.env, FOUNDRY_SNAPSHOTS: folder, FOUNDRY_GAS_SNAPSHOT_EMIT: "true" };
    const run = forge(["test", "--match-path", "test/gas/*", "--isolate"], { env, stdio: "pipe", encoding: "utf8" });
    if (run.status !== 0) fail(`forge cannot measure:\n${run.stdout}${run.stderr}`);
    const found = {};
    for (const name of readdirSync(folder)) Object.assign(found, JSON.parse(readFileSync(join(folder, name), "utf8")));
    return Object.fromEntries(Object.keys(found).sort().map((name) => [name, Number(found[name])]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const unknown = process.argv.slice(2).filter((argument) => argument !== "--check");
if (unknown.length) fail(`unknown argument ${unknown[0]}; usage: gas.mjs [--check]`);
const now = measured();
if (!process.argv.includes("--check")) {
  writeFileSync(committed, `${JSON.stringify(now, null, 1)}\n`);
  process.exit(0);
}
if (!existsSync(committed)) fail("gas.json is missing; run `npm run gas`");
const before = JSON.parse(readFileSync(committed, "utf8"));
const complaints = [];
for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
  if (!(name in now)) complaints.push(`${name} is not measured any more`);
  else if (!(name in before)) complaints.push(`${name} is new (${now[name]} gas)`);
  else if (now[name] > before[name] * (1 + TOLERANCE)) {
    const rise = ((now[name] / before[name] - 1) * 100).toFixed(1);
    complaints.push(`${name} costs ${now[name]} gas, ${rise} % more than the ${before[name]} committed`);
  }
}
if (complaints.length) fail(`${complaints.join("\n")}\nif that is meant, run \`npm run gas\` and commit gas.json`);
