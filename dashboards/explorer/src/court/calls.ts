// The calldata of each step, for a wallet in the browser or a Safe elsewhere.
import { encodeFunctionData } from "viem";
import { COURT } from "./abi";

/** Numbers of Court's Outcome that a court can rule. */
export const OUTCOMES = { Upheld: 1, Rejected: 2, Drawn: 3 } as const;
export type Ruled = keyof typeof OUTCOMES;

export interface Terms {
  consumer: `0x${string}`;
  offer: {
    provider: `0x${string}`;
    node: `0x${string}`;
    descriptor: `0x${string}`;
    rate: bigint;
    capacity: number;
    validUntil: number;
  };
  note: `0x${string}`;
  nonce: bigint;
}

export type Call =
  | { act: "rule"; id: `0x${string}`; outcome: Ruled; amount: bigint; levyBps: number }
  | { act: "appeal" | "escalate"; id: `0x${string}` }
  | { act: "finalise"; id: `0x${string}`; terms: Terms[] };

export function calldata(call: Call): `0x${string}` {
  switch (call.act) {
    case "rule":
      return encodeFunctionData({
        abi: COURT,
        functionName: "rule",
        args: [call.id, OUTCOMES[call.outcome], call.amount, call.levyBps],
      });
    case "finalise":
      return encodeFunctionData({ abi: COURT, functionName: "finalise", args: [call.id, call.terms] });
    default:
      return encodeFunctionData({ abi: COURT, functionName: call.act, args: [call.id] });
  }
}

/** What is wrong with a ruling before it is sent, as Court would refuse it. */
export function rulingProblem(outcome: Ruled, amount: bigint, levyBps: number, cap: bigint): string | undefined {
  if (outcome !== "Upheld")
    return amount === 0n && levyBps === 0 ? undefined : "Only an upheld case has an amount or a levy.";
  if (amount > cap) return "The amount is above the cap: what was held at filing is the most that can be slashed.";
  if (levyBps > 5_000) return "A levy is at most half of later earnings.";
  if (amount === 0n && levyBps === 0) return "An upheld case takes something: an amount, a levy, or both.";
  return undefined;
}

/** Tokens as a person types them, in token units; undefined if it is no such number. */
export function units(text: string, decimals: number): bigint | undefined {
  const found = /^(\d{1,30})(?:\.(\d+))?$/.exec(text.trim());
  if (!found?.[1]) return undefined;
  const fraction = found[2] ?? "";
  if (fraction.length > decimals) return undefined;
  return BigInt(found[1]) * 10n ** BigInt(decimals) + BigInt(fraction.padEnd(decimals, "0") || "0");
}
