#!/usr/bin/env node
// Checks of the repository's own files: no open mark without an issue's number, no file above 1 MiB, no relative link
// that leads nowhere. Prints each finding with its place, and exits 1 when there is one.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const BYTES_MAX = 1 << 20;
// Spelled in parts, so that this file does not find itself.
const MARK = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X"].join("|")})\\b(?!\\(#\\d+\\))`);
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;

const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
const files = [...new Set(listed.toString().split("\0"))].filter((file) => file && existsSync(file));
const findings = [];

for (const file of files) {
  const { size } = statSync(file);
  if (size > BYTES_MAX) {
    findings.push(`${file}: ${size} bytes are more than ${BYTES_MAX}`);
    continue;
  }
  const text = readFileSync(file, "utf8");
  if (text.includes("\0")) continue;
  text.split("\n").forEach((line, index) => {
    const place = `${file}:${index + 1}`;
    if (!file.endsWith("package-lock.json") && MARK.test(line)) {
      findings.push(`${place}: an open mark without an issue's number`);
    }
    if (!file.endsWith(".md")) return;
    for (const [, target] of line.matchAll(LINK)) {
      if (/^([a-z]+:|#)/.test(target)) continue;
      const path = normalize(join(dirname(file), decodeURI(target.split("#")[0])));
      if (!existsSync(path)) findings.push(`${place}: the link ${target} leads nowhere`);
    }
  });
}

for (const finding of findings) console.error(finding);
console.log(`${files.length} files checked, ${findings.length} findings`);
process.exit(findings.length ? 1 : 0);
