// A score is never shown without its interval.
import type { JSX } from "preact";
import { share } from "../format/figures";
import type { ScoreJson } from "../messages/gpux/oracle/v1/reputation_pb";
import { NoData } from "./text";

const WIDTH = 120;
const HEIGHT = 14;

/** [L, U] as a bar on the line from 0 to 1, S as a mark on it. */
export function Interval({ of, wide }: { of: ScoreJson | undefined; wide?: boolean }): JSX.Element {
  if (!of) return <NoData />;
  const { lowBps = 0, scoreBps = 0, highBps = 0 } = of;
  const x = (bps: number) => 1 + (Math.min(10_000, bps) / 10_000) * (WIDTH - 2);
  const words = `S ${share(scoreBps)}, interval ${share(lowBps)} to ${share(highBps)}`;
  return (
    <span class={wide ? "score wide" : "score"}>
      <svg class="interval" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words}>
        <line class="axis" x1="1" x2={WIDTH - 1} y1={HEIGHT / 2} y2={HEIGHT / 2} />
        <rect class="range" x={x(lowBps)} width={Math.max(1, x(highBps) - x(lowBps))} y="3.5" height="7" rx="1.5" />
        <line class="estimate" x1={x(scoreBps)} x2={x(scoreBps)} y1="0.5" y2={HEIGHT - 0.5} />
      </svg>
      <span class="numbers" aria-hidden="true">
        <b>{share(scoreBps)}</b>{" "}
        <span class="range">
          [{share(lowBps)}, {share(highBps)}]
        </span>
      </span>
    </span>
  );
}
