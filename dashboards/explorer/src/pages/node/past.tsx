// How the node's sessions went over time, as far as the oracle's trace reaches.
import type { JSX } from "preact";
import type { Live } from "../../api/live";
import { useMarket } from "../../api/market";
import { count, evidence, percent } from "../../format/figures";
import { epochStart, lasting, local } from "../../format/time";
import { resource } from "../../format/words";
import type { ExplainReputationResponseJson, ReputationJson } from "../../messages/gpux/oracle/v1/reputation_pb";
import { Section, Skeleton } from "../../parts/block";
import { Chart } from "../../parts/chart";
import { type Cell, evidenceByEpoch, strip, xByEpoch } from "./history";

const SPANS = 90;
const DAY_SECONDS = 86_400;
/** Below this an honest host's mean does not fall (q); below that a session is slow. */
const MEAN = 92;
const SLOW = 80;

export function Past({
  reputation,
  explained,
}: {
  reputation: ReputationJson;
  explained: Live<ExplainReputationResponseJson>;
}): JSX.Element | null {
  const market = useMarket();
  const explanation = explained.data?.explanation;
  if (!reputation.score || (!explanation && explained.problem)) return null;
  if (!explanation || !market) return <Skeleton lines={6} />;
  const seconds = market.epochSeconds;
  const steps = explanation.steps ?? [];
  const x = xByEpoch(steps);
  const e = evidenceByEpoch(explanation);
  const times = (epochs: number[]) => epochs.map((epoch) => epoch * seconds);
  const bound = (bps: number | undefined) => x.epochs.map(() => (bps ?? 0) / 100);
  const suspicion = Number(explanation.suspicion ?? 0);
  // An epoch of seconds makes no history of days: the strip then shows the last ninety spans of twelve epochs.
  const each = seconds >= 60 ? Math.round(DAY_SECONDS / seconds) : 12;
  const cells = strip(steps, SPANS, each, Number(explanation.epoch ?? 0));
  return (
    <Section
      id="past"
      title="Over time"
      note={`From the newest ${count(steps.length)} steps of the fold that are about this node. The score of each earlier epoch is not served; the dashed lines are today's S, L and U.`}
    >
      <h3>
        {SPANS} spans of {lasting(each * seconds * 1000)}
      </h3>
      <Strip cells={cells} seconds={seconds} />
      <div class="charts">
        <Chart
          title="x by epoch: measured over expected"
          times={times(x.epochs)}
          range={[0, 105]}
          format={(value) => `${Math.round(value)} %`}
          lines={[
            ...x.lines.map(({ label, values }) => ({ label: resource(label), values })),
            { label: "S", values: bound(reputation.score.scoreBps), kind: "bound" as const },
            { label: "L", values: bound(reputation.score.lowBps), kind: "bound" as const },
            { label: "U", values: bound(reputation.score.highBps), kind: "bound" as const },
          ]}
          words={`x of ${x.lines.length} resources in ${x.epochs.length} epochs; S is ${percent(reputation.score.scoreBps ?? 0)} today`}
        />
        <Chart
          title="E, the evidence against it, and where suspicion begins"
          times={times(e.epochs)}
          logarithmic
          format={evidence}
          lines={[
            { label: "E", values: e.values.map((value) => Math.max(value, 1e-6)) },
            {
              label: "suspect from here on",
              values: e.epochs.map(() => suspicion || null),
              kind: "threshold" as const,
            },
          ]}
          words={`E is ${evidence(Number(explanation.evidence ?? 0))} today, a node is suspect from ${evidence(suspicion)} on`}
        />
      </div>
    </Section>
  );
}

function Strip({ cells, seconds }: { cells: Cell[]; seconds: number }): JSX.Element {
  const probed = cells.filter((cell) => cell.worst !== undefined);
  const slow = probed.filter((cell) => (cell.worst ?? 0) < SLOW);
  const words = `${probed.length} of ${cells.length} spans have probes, ${slow.length} of them slow ones; the others have no data`;
  return (
    <>
      <svg
        class="strip"
        viewBox={`0 0 ${cells.length * 10} 26`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words}
      >
        {cells.map((cell, at) => (
          <rect key={cell.from} class={tone(cell)} x={at * 10} y="0" width="8" height="26" rx="1">
            <title>{title(cell, seconds)}</title>
          </rect>
        ))}
      </svg>
      <p class="note">{words}.</p>
    </>
  );
}

function tone({ worst }: Cell): string {
  if (worst === undefined) return "none";
  return worst >= MEAN ? "good" : worst >= SLOW ? "some" : "bad";
}

function title(cell: Cell, seconds: number): string {
  const from = epochStart(cell.from, seconds);
  const when = from ? `from ${local(from)}` : "";
  return cell.worst === undefined
    ? `${when}: no data`
    : `${when}: the worst mean of an epoch was ${Math.round(cell.worst)} %, ${count(cell.reports)} reports`;
}
