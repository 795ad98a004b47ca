// Why a score is what it is and what would raise it, from the numbers that the fold weighed (docs/method/scoring.md).
import { count, evidence, percent, share } from "../../format/figures";
import { resource, STANDINGS } from "../../format/words";
import type {
  ExplainedResourceJson,
  ExplanationJson,
  ReputationJson,
} from "../../messages/gpux/oracle/v1/reputation_pb";

export interface Why {
  /** How S came about. */
  because: string[];
  /** What the provider can do. */
  raise: string[];
}

/** From here on a mean is what an honest host keeps: q of the method. */
const MEAN_BPS = 9_200;
/** L after so many probes that all find what was advertised: the table of docs/method/scoring.md. */
export const GROWTH: [number, number][] = [
  [3, 0.13],
  [8, 0.45],
  [20, 0.72],
  [40, 0.84],
  [100, 0.93],
  [300, 0.97],
];

const number = (value: number | "NaN" | "Infinity" | "-Infinity" | undefined): number => Number(value ?? 0);

export function why(explanation: ExplanationJson, reputation: ReputationJson, priorWeight: number): Why {
  const resources = explanation.resources ?? [];
  const worst = resources.reduce<ExplainedResourceJson | undefined>(
    (least, one) => (!least || (one.score?.scoreBps ?? 0) < (least.score?.scoreBps ?? 0) ? one : least),
    undefined,
  );
  return {
    because: because(explanation, reputation, worst, priorWeight),
    raise: raise(explanation, reputation, worst),
  };
}

function because(
  explanation: ExplanationJson,
  reputation: ReputationJson,
  worst: ExplainedResourceJson | undefined,
  priorWeight: number,
): string[] {
  const told: string[] = [];
  if (worst) {
    const { weight, weighted, priorBps = 0 } = worst;
    const prior = priorBps / 10_000;
    const sum = priorWeight * prior + number(weighted);
    const all = priorWeight + number(weight);
    const least =
      (explanation.resources ?? []).length > 1
        ? `the smallest of its ${(explanation.resources ?? []).length} resources: `
        : "";
    told.push(
      `S is ${least}${resource(worst.resource)}, ${share(worst.score?.scoreBps ?? 0)}. Its probes weigh ${number(weight).toFixed(2)} and sum to ${number(weighted).toFixed(2)}; ${priorWeight} imagined probes of ${prior.toFixed(2)} keep a young score calm: (${priorWeight} × ${prior.toFixed(2)} + ${number(weighted).toFixed(2)}) / (${priorWeight} + ${number(weight).toFixed(2)}) = ${(sum / all).toFixed(2)}.`,
    );
    if (explanation.verdict === "VERDICT_UNDER_DELIVERING")
      told.push("A convicted node shows at most 0.89, whatever its newest probes say.");
  }
  for (const one of reputation.resources ?? []) {
    const name = resource(one.resource);
    if (one.wrong)
      told.push(
        `${name}: in ${count(one.wrong)} of its newest probes (at most 64) drawn units were wrong. Each counts as 0.`,
      );
    if (one.failed)
      told.push(
        `${name}: ${count(one.failed)} of its newest probes (at most 64) failed without wrong bits. Each counts as 0.`,
      );
    const median = one.medianBps ?? 0;
    if (!one.wrong && !one.failed && median > 0 && median < MEAN_BPS)
      told.push(
        `${name}: the median probe finds ${percent(median)} of what honest hardware of the claimed kind reaches.`,
      );
  }
  told.push(
    `Standing: ${STANDINGS[explanation.standing ?? "STANDING_UNSPECIFIED"]}. The evidence against it is E = ${evidence(number(explanation.evidence))}; from ${evidence(number(explanation.suspicion))} on a node is suspect. Up to ${percent(explanation.contaminationBps ?? 0, 1)} of all reports' weight is taken to lie.`,
  );
  const audits = explanation.audits;
  if (audits)
    told.push(
      `${count(audits.audits ?? 0)} audited sessions count; the most incriminating owners of relays (${count(audits.dropped ?? 0)}) are left out. Their evidence is ln E = ${number(audits.logEvidence).toFixed(2)}, and ${number(audits.logAccusation).toFixed(2)} convicts.`,
    );
  return told;
}

function raise(
  explanation: ExplanationJson,
  reputation: ReputationJson,
  worst: ExplainedResourceJson | undefined,
): string[] {
  const told: string[] = [];
  const bad = (reputation.resources ?? []).filter((one) => (one.wrong ?? 0) > 0);
  const failed = (reputation.resources ?? []).filter((one) => (one.failed ?? 0) > 0);
  const names = (of: { resource?: string }[]) => of.map((one) => resource(one.resource)).join(", ");
  if (bad.length > 0)
    told.push(
      `Wrong bits (${names(bad)}) never come from a slow machine. Undo overclocks, test the memory, and answer with what the job computed.`,
    );
  if (failed.length > 0)
    told.push(`Sessions that fail count as 0. The reports below name the step at which they failed, and its remedy.`);
  const short = (reputation.resources ?? []).filter(
    (one) => !one.wrong && (one.medianBps ?? 0) > 0 && (one.medianBps ?? 0) < MEAN_BPS,
  );
  if (short.length > 0)
    told.push(
      `Deliver what is advertised, or advertise what is delivered: ${names(short)}. A new descriptor with a smaller claim is compared with a smaller reference${reputation.nearestModel ? `; the measurements come nearest to ${reputation.nearestModel}` : ""}.`,
    );
  const audits = explanation.audits;
  if (explanation.verdict === "VERDICT_UNDER_DELIVERING") {
    if (audits)
      told.push(
        `The verdict ends by audited sessions alone: the evidence of honesty is ln E = ${number(audits.logHonesty).toFixed(2)} and must reach ${number(audits.logClearance).toFixed(2)} in every resource. Every session is audited meanwhile; nothing has to be asked for.`,
      );
    told.push("A levy ends with a later leaf that says honest: gpux-node case lift-levy.");
  } else if (explanation.verdict !== "VERDICT_HONEST") {
    const wanted = number(explanation.logHonest);
    const missing = (explanation.resources ?? []).filter((one) => number(one.logHonesty) < wanted);
    if (missing.length > 0)
      told.push(
        `For the verdict honest the evidence of every resource must reach ln E = ${wanted.toFixed(2)}: ${missing.map((one) => `${resource(one.resource)} is at ${number(one.logHonesty).toFixed(2)}`).join(", ")}.`,
      );
    if ((explanation.owners ?? 0) < 3)
      told.push(
        `Relays of ${count(explanation.owners ?? 0)} owners have seen it; the verdict honest wants three. That grows by itself.`,
      );
  }
  const low = (worst?.score?.lowBps ?? 0) / 10_000;
  const next = GROWTH.find(([probes, reached]) => probes > (worst?.probes ?? 0) && reached > low + 0.02);
  const isSound = bad.length === 0 && failed.length === 0 && short.length === 0;
  if (isSound && next)
    told.push(
      `Nothing is short; L grows with probes alone. It is ${low.toFixed(2)}, and would be about ${next[1].toFixed(2)} after ${next[0]} probes in all that find what was advertised. Nodes that nobody probed lately are drawn more often.`,
    );
  if (told.length === 0) told.push("Nothing is missing: keep delivering. L rises slowly with every further probe.");
  return told;
}
