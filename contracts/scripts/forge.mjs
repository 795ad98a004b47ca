#!/usr/bin/env node
// Runs forge and ends as it ends. npm's own wrapper ends with 0 whatever forge says, so that a failing test would pass:
// the native program is started instead.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv, exit, platform, arch } from "node:process";
import { fileURLToPath } from "node:url";

const PROCESSORS = { x64: "amd64", arm64: "arm64" };

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Where the native program lies; ends this process if it is not installed. */
export function forgePath() {
  const path = join(root, "node_modules", "@foundry-rs", `forge-${platform}-${PROCESSORS[arch]}`, "bin", "forge");
  if (existsSync(path)) return path;
  console.error(`forge is not installed for ${platform} on ${arch}: run \`npm ci\` in contracts/`);
  exit(1);
}

/** As spawnSync, in the folder of the contracts; an error to start ends this process. */
export function forge(args, options = {}) {
  const run = spawnSync(forgePath(), args, { cwd: root, stdio: "inherit", ...options });
  if (run.error && run.error.code !== "ETIMEDOUT") {
    console.error(`cannot start forge: ${run.error.message}`);
    exit(1);
  }
  return run;
}

if (argv[1] === fileURLToPath(import.meta.url)) exit(forge(argv.slice(2)).status ?? 1);
