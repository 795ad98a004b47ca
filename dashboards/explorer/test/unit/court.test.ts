import { readFileSync } from "node:fs";
import { decodeFunctionData, toFunctionSelector } from "viem";
import { expect, test } from "vitest";
import { COURT, RENTALS, SCORES } from "../../src/court/abi";
import { calldata, rulingProblem, units } from "../../src/court/calls";
import { rulings } from "../../src/court/effects";
import { turn } from "../../src/court/turn";
import type { CaseJson } from "../../src/messages/gpux/oracle/v1/arbitration_pb";
import { world } from "../fixture/server.mjs";

const ID = `0x${"cd".repeat(32)}` as const;

function artifact(name: string): { type: string; name?: string }[] {
  const read = JSON.parse(
    readFileSync(new URL(`../../../../contracts/artifacts/${name}.json`, import.meta.url), "utf8"),
  ) as { abi: [] };
  return read.abi;
}

/** A call's, event's or error's name with the types of all that it takes, tuples spelled out. */
function signature(of: { type: string; name?: string; inputs?: readonly unknown[] }): string {
  const type = (input: unknown): string => {
    const { type: name, components, indexed } = input as { type: string; components?: unknown[]; indexed?: boolean };
    const plain = components ? name.replace("tuple", `(${components.map(type).join()})`) : name;
    return indexed ? `${plain} indexed` : plain;
  };
  return `${of.type} ${of.name}(${(of.inputs ?? []).map(type).join()})`;
}

test("every call, event and error of these pages is the contracts'", () => {
  for (const [name, abi] of [
    ["Court", COURT],
    ["Rentals", RENTALS],
    ["Scores", SCORES],
  ] as const) {
    const known = new Set(artifact(name).map(signature));
    for (const item of abi) expect(known, `${name}: ${signature(item)}`).toContain(signature(item));
  }
});

test("calldata says what was chosen", () => {
  const rule = calldata({ act: "rule", id: ID, outcome: "Upheld", amount: 183_000n, levyBps: 2_000 });
  expect(rule.slice(0, 10)).toBe(toFunctionSelector("rule(bytes32,uint8,uint128,uint16)"));
  expect(decodeFunctionData({ abi: COURT, data: rule })).toMatchObject({
    functionName: "rule",
    args: [ID, 1, 183_000n, 2_000],
  });
  const others = (["Rejected", "Drawn"] as const).map(
    (outcome) =>
      decodeFunctionData({ abi: COURT, data: calldata({ act: "rule", id: ID, outcome, amount: 0n, levyBps: 0 }) })
        .args[1],
  );
  expect(others).toEqual([2, 3]);
  expect(decodeFunctionData({ abi: COURT, data: calldata({ act: "appeal", id: ID }) })).toMatchObject({
    functionName: "appeal",
    args: [ID],
  });
  expect(decodeFunctionData({ abi: COURT, data: calldata({ act: "finalise", id: ID, terms: [] }) })).toMatchObject({
    functionName: "finalise",
    args: [ID, []],
  });
});

test("a ruling that Court would refuse is not offered", () => {
  expect(rulingProblem("Upheld", 10n, 0, 10n)).toBeUndefined();
  expect(rulingProblem("Upheld", 0n, 5_000, 10n)).toBeUndefined();
  expect(rulingProblem("Upheld", 11n, 0, 10n)).toContain("above the cap");
  expect(rulingProblem("Upheld", 1n, 5_001, 10n)).toContain("at most half");
  expect(rulingProblem("Upheld", 0n, 0, 10n)).toContain("takes something");
  expect(rulingProblem("Rejected", 1n, 0, 10n)).toContain("Only an upheld case");
});

test("tokens are read exactly, and nothing else is", () => {
  expect([units("0.183", 6), units("50", 6), units("0.000001", 6), units(" 1.5 ", 18)]).toEqual([
    183_000n,
    50_000_000n,
    1n,
    1_500_000_000_000_000_000n,
  ]);
  for (const text of ["", "-1", "1e3", "0.1234567", "1,5", "0x10", "1.", "½"])
    expect(units(text, 6), text).toBeUndefined();
});

test("whose turn it is follows from state, steps and the clock", () => {
  const { cases, now } = world() as { cases: CaseJson[]; now: number };
  const acts = (state: string, kind: string, later = 0) => {
    const found = cases.find((one) => one.state === `CASE_STATE_${state}` && one.kind === `CASE_KIND_${kind}`);
    return found && turn(found, new Date(now + later)).acts;
  };
  const hour = 3_600_000;
  expect(acts("OPEN", "PROOF")).toEqual(["rule"]);
  expect(acts("OPEN", "STATISTICAL")).toEqual(["answer"]);
  expect(acts("OPEN", "STATISTICAL", 60_000)).toEqual(["rule"]);
  expect(acts("OPEN", "PROOF", hour)).toEqual(["escalate", "finalise"]);
  expect(acts("RULED", "STATISTICAL")).toEqual(["appeal"]);
  expect(acts("RULED", "STATISTICAL", hour)).toEqual(["finalise"]);
  expect(acts("APPEALED", "PROOF")).toEqual(["rule"]);
  expect(acts("APPEALED", "PROOF", hour)).toEqual(["finalise"]);
  expect(acts("FINAL", "PROOF")).toEqual([]);
});

test("a ruling after an appeal or after silence is the last: nobody may appeal it", () => {
  for (const action of ["CASE_ACTION_APPEALED", "CASE_ACTION_ESCALATED"] as const) {
    const ruled: CaseJson = {
      state: "CASE_STATE_RULED",
      deadline: new Date(Date.now() + 60_000).toISOString(),
      steps: [{ action }],
    };
    expect(turn(ruled, new Date()).acts).toEqual(["finalise"]);
  }
});

test("what a ruling does is what the contracts' page says", () => {
  const of = (kind: CaseJson["kind"], bond: string) => rulings({ kind, bond, cap: "121320000" });
  const effects = (kind: CaseJson["kind"], bond: string, outcome: string) =>
    of(kind, bond).find((one) => one.outcome === outcome)?.effects ?? [];
  const proof = effects("CASE_KIND_PROOF", "50000000", "Upheld");
  // The worked example of docs/contracts.md: of 121.32 the fisher of a proof gets 60.66; the levy may take 1,213.20.
  expect(proof.find((one) => one.who === "the filer" && one.what.includes("half of the slash"))?.units).toBe(
    "60660000",
  );
  expect(proof.find((one) => one.what.includes("levy"))?.units).toBe("1213200000");
  expect(effects("CASE_KIND_STATISTICAL", "0", "Upheld").some((one) => one.who === "Rewards")).toBe(true);
  expect(effects("CASE_KIND_BARE", "50000000", "Upheld").some((one) => one.what.includes("levy"))).toBe(false);
  expect(effects("CASE_KIND_PROOF", "50000001", "Rejected").map((one) => one.units)).toEqual([
    "25000000",
    "25000001",
    undefined,
  ]);
  expect(effects("CASE_KIND_STATISTICAL", "0", "Rejected").some((one) => one.what.includes("bond") && one.units)).toBe(
    false,
  );
});
