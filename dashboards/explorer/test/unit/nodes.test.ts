import { expect, test } from "vitest";
import { worstDecile } from "../../src/format/figures";
import type { NodeJson } from "../../src/messages/gpux/oracle/v1/registry_pb";
import type { ExplanationJson, ReputationJson } from "../../src/messages/gpux/oracle/v1/reputation_pb";
import { evidenceByEpoch, strip, xByEpoch } from "../../src/pages/node/history";
import { why } from "../../src/pages/node/why.words";
import { csv, fits, row, sorted, wish } from "../../src/pages/nodes.rows";
import { explanation } from "../fixture/evidence.mjs";
import { world } from "../fixture/server.mjs";

interface World {
  reputations: ReputationJson[];
  described: Record<string, NodeJson>;
  named: Record<string, { key: string }>;
  epoch: number;
}

const market = world() as unknown as World;
const rows = market.reputations.map((one) => row(one, new Map(Object.entries(market.described))));
const labels = (found: typeof rows) =>
  found.map((one) => Object.entries(market.named).find(([, { key }]) => key === one.node)?.[0]);
const asked = (text: string) => wish(new URLSearchParams(text));

test("filters find by claim, finding, verdict, organisation and kind of device", () => {
  const found = (text: string) => labels(rows.filter((one) => fits(one, asked(text))));
  expect(found("q=stalls")).toEqual(["stalls"]);
  expect(found("verdict=under-delivering")).toHaveLength(4);
  expect(found("real=yes&verdict=honest")).toEqual(["this-machine"]);
  expect(found(`organisation=${market.reputations.find((one) => one.organisation)?.organisation}`)).toHaveLength(3);
  expect(found("q=no such card")).toEqual([]);
});

test("unknown stands last in either order", () => {
  for (const order of ["up", "down"]) {
    const last = sorted(rows, asked(`sort=value&order=${order}`)).slice(-8);
    expect(last.every((one) => one.perTera === undefined)).toBe(true);
  }
  const cheapest = sorted(rows, asked("sort=value&order=up")).map((one) => one.perTera ?? Number.POSITIVE_INFINITY);
  expect(cheapest).toEqual([...cheapest].sort((a, b) => a - b));
});

test("a price is compared by what is verified: L times what is expected", () => {
  const honest = rows.find((one) => one.node === market.named["honest-3090"]?.key);
  expect(honest?.price).toBe(360_000n);
  // 360,000 units an hour over 0.52 of 213.5 Top/s.
  expect(honest?.perTera).toBeCloseTo(360_000 / (0.52 * 213.5), 6);
});

test("a sort that nobody knows is the oracle's own", () => {
  expect(asked("sort=drop table").sort).toBe("score");
});

test("CSV holds what is shown, and nothing that a spreadsheet computes", () => {
  const evil = row({ node: "0x1", claim: '=HYPERLINK("http://x")', finding: 'a "b", c\nd' }, new Map());
  const [head, line] = csv([evil], 6).split("\r\n");
  expect(head?.split(",")).toHaveLength(17);
  expect(line).toContain(`"'=HYPERLINK(""http://x"")"`);
  expect(line).toContain('"a ""b"", c\nd"');
  expect(csv(rows, 6).split("\r\n")[1]).toContain(",0.55,0.89,1.00,51,");
});

test("the past is read from the steps: x by epoch, and E backwards from today", () => {
  const steps = [
    { epoch: "10", resource: "imma", reports: 2, xBps: 5_000, factors: [2, 1] },
    { epoch: "12", resource: "imma", reports: 1, xBps: 10_000, factors: [4, 0.5] },
    { epoch: "12", resource: "vram", reports: 1, factors: [1, 3] },
  ];
  expect(xByEpoch(steps)).toEqual({
    epochs: [10, 12],
    lines: [
      { label: "imma", values: [50, 100] },
      { label: "vram", values: [null, 0] },
    ],
  });
  const told: ExplanationJson = {
    claims: 2,
    inconclusiveEvidence: 1,
    steps,
    resources: [
      { resource: "imma", wealth: [8, 1] },
      { resource: "vram", wealth: [1, 3] },
    ],
  };
  const past = evidenceByEpoch(told);
  expect(past.epochs).toEqual([10, 12]);
  // Before epoch 12 imma's bets held 8 / 4 and 1 / 0.5, and vram's 1 and 3 / 3.
  expect(past.values[0]).toBeCloseTo((0.95 * (2 + 2 + 1 + 1)) / 2 + 0.05, 9);
  expect(past.values[1]).toBeCloseTo((0.95 * (8 + 1 + 1 + 3)) / 2 + 0.05, 9);
});

test("the strip shows the worst of each span, and what nobody probed as no data", () => {
  const cells = strip(
    [
      { epoch: "99", xBps: 9_900, reports: 3 },
      { epoch: "98", xBps: 4_000, reports: 1 },
      { epoch: "3", xBps: 0 },
    ],
    3,
    10,
    100,
  );
  expect(cells.map((cell) => cell.worst)).toEqual([undefined, 40, undefined]);
  expect(cells[1]?.reports).toBe(4);
});

test("why a score is low follows from its numbers, and so does what would raise it", () => {
  const tell = (label: string) => {
    const reputation = market.reputations.find((one) => one.node === market.named[label]?.key) as ReputationJson;
    const told = why(
      explanation({ node: market.named[label], reputation, epoch: market.epoch }) as ExplanationJson,
      reputation,
      5,
    );
    return { because: told.because.join("\n"), raise: told.raise.join("\n") };
  };
  const sold = tell("sold-as-3090");
  expect(sold.because).toContain("int8 tensor rate, 0.45");
  expect(sold.raise).toContain("come nearest to GeForce RTX 3060 12 GB");
  expect(sold.raise).toContain("audited sessions alone");
  expect(tell("skips-work").raise).toContain("Wrong bits");
  expect(tell("stalls").raise).toContain("name the step");
  expect(tell("honest-3060").raise).toMatch(/It is 0.40, and would be about 0.84 after 40 probes in all/);
});

test("the worst decile is what nine tenths reach", () => {
  expect(worstDecile([])).toBeUndefined();
  expect(worstDecile([5])).toBe(5);
  expect(worstDecile(Array.from({ length: 21 }, (_, at) => at))).toBe(2);
});
