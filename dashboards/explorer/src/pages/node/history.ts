// What the explanation's steps say about the past: pure functions, so that they can be tested by hand-made steps.
import type { ExplainedStepJson, ExplanationJson } from "../../messages/gpux/oracle/v1/reputation_pb";

export interface Series {
  epochs: number[];
  lines: { label: string; values: (number | null)[] }[];
}

/** x of each resource by epoch, in percent. */
export function xByEpoch(steps: readonly ExplainedStepJson[]): Series {
  const epochs = [...new Set(steps.map((step) => Number(step.epoch ?? 0)))].sort((a, b) => a - b);
  const at = new Map(epochs.map((epoch, index) => [epoch, index]));
  const names = [...new Set(steps.map((step) => step.resource ?? ""))];
  const lines = names.map((label) => ({ label, values: epochs.map((): number | null => null) }));
  for (const step of steps) {
    const line = lines.find(({ label }) => label === (step.resource ?? ""));
    const index = at.get(Number(step.epoch ?? 0));
    if (line && index !== undefined) line.values[index] = (step.xBps ?? 0) / 100;
  }
  return { epochs, lines };
}

const number = (value: number | "NaN" | "Infinity" | "-Infinity" | undefined): number => {
  const read = Number(value ?? 0);
  return Number.isFinite(read) ? read : 0;
};

/**
 * E of the first stage at the end of each epoch that had reports, from today's wealth backwards: each step is undone by
 * dividing by its factors. What is put in over the year (docs/method/scoring.md) is too small to see and left out.
 */
export function evidenceByEpoch(explanation: ExplanationJson): { epochs: number[]; values: number[] } {
  const wealth = new Map(
    (explanation.resources ?? []).map((one) => [one.resource ?? "", (one.wealth ?? []).map(number)]),
  );
  const claims = Math.max(1, explanation.claims ?? wealth.size);
  const seldom = 0.05 * number(explanation.inconclusiveEvidence);
  const now = () => {
    const sum = [...wealth.values()].flat().reduce((total, one) => total + one, 0);
    return (0.95 * sum) / claims + seldom;
  };
  const epochs: number[] = [];
  const values: number[] = [];
  for (const step of [...(explanation.steps ?? [])].reverse()) {
    const epoch = Number(step.epoch ?? 0);
    if (epochs[0] !== epoch) {
      epochs.unshift(epoch);
      values.unshift(now());
    }
    const bets = wealth.get(step.resource ?? "");
    step.factors?.forEach((factor, bet) => {
      const by = number(factor);
      if (bets?.[bet] !== undefined && by > 0) bets[bet] /= by;
    });
  }
  return { epochs, values };
}

export interface Cell {
  from: number;
  /** The worst mean x of its reports in percent; undefined without any. */
  worst: number | undefined;
  reports: number;
}

/** The last so many spans of time: the worst of each, so that one bad hour does not vanish in a good day. */
export function strip(steps: readonly ExplainedStepJson[], spans: number, epochsEach: number, newest: number): Cell[] {
  const last = Math.floor(newest / epochsEach);
  const cells = Array.from(
    { length: spans },
    (_, at): Cell => ({ from: (last - spans + 1 + at) * epochsEach, worst: undefined, reports: 0 }),
  );
  for (const step of steps) {
    const cell = cells[Math.floor(Number(step.epoch ?? 0) / epochsEach) - (last - spans + 1)];
    if (!cell) continue;
    const x = (step.xBps ?? 0) / 100;
    cell.worst = cell.worst === undefined ? x : Math.min(cell.worst, x);
    cell.reports += step.reports ?? 0;
  }
  return cells;
}
