import { expect, test } from "vitest";
import { count, evidence, figure, money, percent, share, spread, tokens } from "../../src/format/figures";

test("what is unknown is no data, and never 0", () => {
  expect([count(undefined), count(""), count("x")]).toEqual(["no data", "no data", "no data"]);
  expect([figure(undefined, "op/s"), figure("0", "op/s"), figure("-3", "op/s"), figure("many", "op/s")]).toEqual(
    Array(4).fill("no data"),
  );
  expect([
    percent(undefined),
    share(undefined),
    tokens(undefined, 6),
    tokens("", 6),
    tokens("1e3", 6),
    evidence(undefined),
  ]).toEqual(Array(6).fill("no data"));
  expect(spread([])).toBeUndefined();
  expect(spread([0, 0])).toBeUndefined();
});

test("a zero that is known is a zero", () => {
  expect([count(0), count("0"), percent(0), share(0), tokens("0", 6)]).toEqual(["0", "0", "0 %", "0.00", "0 tokens"]);
});

test("figures have three digits, their prefix and their unit; memory in binary prefixes", () => {
  expect(figure("213500000000000", "op/s")).toBe("214 Top/s");
  expect(figure("70800000000", "flop/s")).toBe("70.8 Gflop/s");
  expect(figure("25232932864", "byte")).toBe("23.5 GiB");
  expect(figure("1000000000", "bit/s")).toBe("1.00 Gbit/s");
});

test("money is exact at any size, in tokens of the market's decimals", () => {
  expect(tokens("183000", 6)).toBe("0.183 tokens");
  expect(tokens("1000000", 6)).toBe("1 token");
  expect(tokens("100000", 6)).toBe("0.10 tokens");
  expect(tokens("1", 18)).toBe("0.000000000000000001 tokens");
  expect(tokens("340282366920938463463374607431768211455", 6)).toBe(
    "340,282,366,920,938,463,463,374,607,431,768.211455 tokens",
  );
  expect(tokens("183000", undefined)).toBe("183,000 token units");
  // A headline cuts, and never rounds up.
  expect(money("1999999", 6)).toBe("1.99 tokens");
});

test("evidence of any size can be read", () => {
  expect([0, 0.05, 1, 53.99, 1126, 2.4e9, 1e-7].map(evidence)).toEqual([
    "0",
    "0.05",
    "1",
    "54",
    "1,126",
    "2.4 × 10^9",
    "1.0 × 10^-7",
  ]);
});

test("a spread has its least, middle and largest value", () => {
  expect(spread([5, 0, 1, 3])).toEqual({ least: 1, middle: 3, most: 5, of: 3 });
});
