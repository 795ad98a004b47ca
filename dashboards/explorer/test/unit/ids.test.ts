import { expect, test } from "vitest";
import { accountProblem, hashProblem, idOf, isGiven, read, short } from "../../src/format/ids";
import { parse, to } from "../../src/router";

const HASH = `0x${"aB".repeat(32)}`;
const ACCOUNT = `0x${"12".repeat(20)}`;

test("ids are read with or without their collection, in either case", () => {
  expect(read(HASH)).toEqual({ kind: "hash", id: HASH.toLowerCase() });
  expect(read(` nodes/${HASH} `)).toEqual({ kind: "hash", id: HASH.toLowerCase() });
  expect(read("ab".repeat(32))).toEqual({ kind: "hash", id: HASH.toLowerCase() });
  expect(read(ACCOUNT)).toEqual({ kind: "account", id: ACCOUNT });
  expect(read("rtx 3090")).toEqual({ kind: "words", text: "rtx 3090" });
});

test("each wrong id says what is wrong with it", () => {
  const problem = (text: string) => (read(text) as { problem?: string }).problem ?? "";
  expect(problem("")).toContain("Nothing was entered");
  expect(problem(HASH.slice(0, -3))).toContain("3 are missing");
  expect(problem(`${HASH}ff`)).toContain("2 are too many");
  expect(problem(ACCOUNT.slice(0, -1))).toContain("1 or 25 are missing");
  expect(problem(`0x${"g".repeat(64)}`)).toContain("Digit 1 after 0x is no hexadecimal digit");
  // A Cyrillic a is no digit, however much it looks like one.
  expect(problem(`0x${"a".repeat(63)}а`)).toContain("U+0430");
});

test("an account is no hash, and a hash no account", () => {
  expect(hashProblem(HASH)).toBeUndefined();
  expect(hashProblem(ACCOUNT)).toContain("account");
  expect(accountProblem(ACCOUNT)).toBeUndefined();
  expect(accountProblem(HASH)).toContain("40");
  expect(hashProblem("rtx")).toContain("no id");
});

test("names are cut where their id begins, and zeros name nothing", () => {
  expect(idOf(`reports/${HASH}`)).toBe(HASH);
  expect(short(HASH)).toBe("0xaBaBaBaB…aBaBaB");
  expect([isGiven(undefined), isGiven(""), isGiven(`0x${"0".repeat(64)}`), isGiven(HASH)]).toEqual([
    false,
    false,
    false,
    true,
  ]);
});

test("places are read from any path, damaged escapes included", () => {
  expect(parse({ pathname: "/explorer/nodes/%ff", search: "" }).path).toEqual(["nodes", "%ff"]);
  expect(parse({ pathname: "/explorer/nodes", search: "?q=a%20b" }).query.get("q")).toBe("a b");
  expect(to("nodes", { q: "a&b", verdict: undefined, sort: "" })).toBe("/explorer/nodes?q=a%26b");
});
