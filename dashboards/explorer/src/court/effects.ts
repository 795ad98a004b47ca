// What each ruling would do to whom, by docs/contracts.md. Amounts are token units; a page formats them.
import type { CaseJson } from "../messages/gpux/oracle/v1/arbitration_pb";

export interface Effect {
  who: string;
  what: string;
  /** Token units, where the case alone says how much. */
  units?: string;
}

export interface Ruling {
  outcome: "Upheld" | "Rejected" | "Drawn" | "Expired";
  means: string;
  effects: Effect[];
}

const half = (units: bigint): string => String(units / 2n);

export function rulings(of: CaseJson): Ruling[] {
  const bond = BigInt(of.bond || 0);
  const cap = BigInt(of.cap || 0);
  const isStatistical = of.kind === "CASE_KIND_STATISTICAL";
  const isBare = of.kind === "CASE_KIND_BARE";
  const back: Effect =
    bond > 0n
      ? { who: "the filer", what: "gets the bond back", units: String(bond) }
      : { who: "the filer", what: "had no bond at stake" };
  const thing = isBare ? "the rental" : "the node";
  return [
    {
      outcome: "Upheld",
      means: "The filer is right.",
      effects: [
        { who: "the provider", what: "loses up to what is ruled, at most what was held at filing", units: String(cap) },
        isStatistical
          ? {
              who: "Rewards",
              what: "gets half of the slash, for the fishermen whose evidence carried the verdict: at most",
              units: half(cap),
            }
          : {
              who: "the filer",
              what: "gets half of the slash, of what he named and bonded himself: at most",
              units: half(cap),
            },
        { who: "the treasury", what: "gets the rest of the slash" },
        ...(isBare
          ? []
          : [
              {
                who: "the provider",
                what: "may pay a levy of at most half of later earnings, for 90 days and ten times the cap at most",
                units: String(cap * 10n),
              },
            ]),
        back,
      ],
    },
    {
      outcome: "Rejected",
      means: "The filer is wrong.",
      effects: [
        ...(bond > 0n
          ? [
              { who: "the provider", what: "gets half of the filer's bond", units: half(bond) },
              { who: "the treasury", what: "gets the other half", units: String(bond - bond / 2n) },
            ]
          : [{ who: "the filer", what: "loses nothing: a statistical case needs no bond" }]),
        { who: thing, what: "is free again, and nothing is slashed" },
      ],
    },
    {
      outcome: "Drawn",
      means: "Nobody can tell.",
      effects: [
        bond > 0n
          ? {
              who: "the filer",
              what: "gets the bond back, less a flat fee of the rules in force at filing",
              units: String(bond),
            }
          : back,
        { who: thing, what: "is free again, and nothing is slashed" },
      ],
    },
    {
      outcome: "Expired",
      means: "No ruling: both courts were silent.",
      effects: [back, { who: thing, what: "is free again, and nothing is slashed" }],
    },
  ];
}
