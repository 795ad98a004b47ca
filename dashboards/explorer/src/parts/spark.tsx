// A small line without axes: how a figure went from day to day. Its numbers stand in the table below it.
import type { JSX } from "preact";

const WIDTH = 200;
const HEIGHT = 44;

export function Spark({ values, words }: { values: number[]; words: string }): JSX.Element | null {
  if (values.length < 2) return null;
  const most = Math.max(...values, Number.MIN_VALUE);
  const x = (at: number) => (at / (values.length - 1)) * WIDTH;
  const y = (value: number) => HEIGHT - 2 - (value / most) * (HEIGHT - 6);
  const line = values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words}>
      <polygon class="spark-fill" points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
      <polyline class="spark" points={line} />
    </svg>
  );
}
