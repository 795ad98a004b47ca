import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ReputationJson } from "../../src/messages/gpux/oracle/v1/reputation_pb";
import { check, leafOf, rootOf } from "../../src/proof/leaf";
import { world } from "../fixture/server.mjs";

/** What the oracle's own tests compare their answer with: a leaf that the Rust code hashed. */
const served = JSON.parse(
  readFileSync(new URL("../../../../oracle/src/api/tests/reputation.json", import.meta.url), "utf8"),
) as {
  reputation: ReputationJson;
};

test("the oracle's own example leads to its root", () => {
  expect(check(served.reputation)).toBe("proven");
});

test("every leaf of a market leads to the root, whatever its place in the tree", () => {
  for (const size of [14, 33]) {
    const { reputations } = world({ size }) as { reputations: ReputationJson[] };
    expect(reputations.map(check)).toEqual(reputations.map(() => "proven"));
  }
});

test("a leaf that is altered in any part is refuted", () => {
  const chain = served.reputation.onChain ?? {};
  const altered: ReputationJson[] = [
    { ...served.reputation, node: `0x12${(served.reputation.node ?? "").slice(4)}` },
    { ...served.reputation, provider: `0x12${(served.reputation.provider ?? "").slice(4)}` },
    ...[
      { epoch: "5" },
      { scoreBps: 2101 },
      { scoreLowBps: 2001 },
      { verdict: 1 },
      { probes: 4 },
      { certificates: `0x${"1".repeat(64)}` },
      { proof: [] },
    ].map((part) => ({ ...served.reputation, onChain: { ...chain, ...part } })),
  ];
  expect(altered.map(check)).toEqual(altered.map(() => "refuted"));
});

test("what cannot be a leaf or a proof is unreadable, and never proven", () => {
  const chain = served.reputation.onChain ?? {};
  const broken: ReputationJson[] = [
    { ...served.reputation, onChain: undefined },
    { ...served.reputation, node: "0x12" },
    { ...served.reputation, onChain: { ...chain, root: "0x" } },
    { ...served.reputation, onChain: { ...chain, epoch: "1e5" } },
    { ...served.reputation, onChain: { ...chain, proof: ["0x12"] } },
    { ...served.reputation, onChain: { ...chain, proof: Array(65).fill(chain.root) } },
  ];
  expect(broken.map(check)).toEqual(broken.map(() => "unreadable"));
  const leaf = leafOf(served.reputation);
  expect(leaf && rootOf(leaf, ["nonsense"])).toBeUndefined();
});
