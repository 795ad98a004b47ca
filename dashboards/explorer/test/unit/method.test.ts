import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SIMULATED } from "../../src/pages/method.figures";
import { GROWTH } from "../../src/pages/node/why.words";

const scoring = readFileSync(new URL("../../../../docs/method/scoring.md", import.meta.url), "utf8");

test("the error rates that the page shows are those of the document", () => {
  for (const [liars, owners, accused, suspect, found] of SIMULATED) {
    const line = scoring.split("\n").find((one) => one.startsWith(`| ${liars} | ${owners} | `));
    expect(line, `${liars} ${owners}`).toMatch(
      new RegExp(`^\\| ${liars} \\| ${owners} \\| ${accused} \\| ${suspect} \\| `),
    );
    const shares = [...(line ?? "").matchAll(/(\d+) %, \d+ \+ \d+/g)].map(([, share]) => `${share} %`);
    expect(shares).toEqual(Array(4).fill(found));
  }
});

test("what a page says of L by the number of probes is the document's table", () => {
  const cells = (start: string) =>
    (scoring.split("\n").find((one) => one.startsWith(start)) ?? "").split("|").slice(2, -1).map(Number);
  const probes = cells("| probes | 1 | 3 |");
  const low = cells("| L in basis points | 29 |");
  const table = probes.map((of, at) => [of, Math.round((low[at] ?? 0) / 100) / 100]);
  expect(GROWTH).toEqual(table.slice(1));
});
