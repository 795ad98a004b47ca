#!/usr/bin/env node
// Has halmos search every `check_` of test/symbolic for a counterexample. It comes from PyPI (0.3.3 was used) and must be
// on the path, or where HALMOS says: python3 -m venv .venv && .venv/bin/pip install halmos==0.3.3
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { forgePath, root } from "./forge.mjs";

// A solver that has found nothing by then will not.
const TIMEOUT_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), "gpux-prove-"));
const out = join(folder, "out");
const env = {
  ...process.env,
  // halmos starts forge by its name.
  PATH: [dirname(forgePath()), process.env.PATH].join(delimiter),
  FOUNDRY_OUT: out,
  FOUNDRY_CACHE_PATH: join(folder, "cache"),
};
const limits = ["--solver-timeout-assertion", `${TIMEOUT_MS}`];
const args = ["--forge-build-out", out, "--contract", "ArithmeticChecks", ...limits];
const run = spawnSync(process.env.HALMOS ?? "halmos", args, { cwd: root, stdio: "inherit", env });
rmSync(folder, { recursive: true, force: true });
if (run.error) {
  console.error(`cannot start halmos: ${run.error.message}; install it from PyPI, or say where it is in HALMOS`);
  process.exit(1);
}
process.exit(run.status ?? 1);
