// A line chart. The library comes when the first chart is looked at; what it shows stands in words beside it.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { local } from "../format/time";

export interface Line {
  label: string;
  /** One value a time; null where there is none. */
  values: (number | null)[];
  kind?: "line" | "dots" | "bound" | "threshold";
}

interface Props {
  title: string;
  /** Seconds since 1970, rising. */
  times: number[];
  lines: Line[];
  logarithmic?: boolean;
  range?: [number, number];
  format: (value: number) => string;
  /** What the chart shows, for whoever does not see it. */
  words: string;
}

const HEIGHT = 190;
/** Hues that stay apart in both schemes and to colour-blind eyes (Okabe and Ito), after the accent. */
const HUES = ["", "#d08a00", "#5a8fd6", "#c0709e", "#8a8f3c", "#b4532a", "#6d6d6d"];

function colours(): { ink: string; line: string; accent: string; bad: string } {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return { ink: of("--soft"), line: of("--line"), accent: of("--accent"), bad: of("--bad") };
}

function options(of: Props, width: number): uPlot.Options {
  const { ink, line, accent, bad } = colours();
  const axis = {
    stroke: ink,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
    font: "11px system-ui",
  };
  return {
    width,
    height: HEIGHT,
    legend: { live: false },
    cursor: { drag: { x: false, y: false } },
    scales: { y: of.logarithmic ? { distr: 3 } : of.range ? { range: of.range } : {} },
    axes: [
      { ...axis, space: 80, values: (_, ticks) => ticks.map((tick) => local(new Date(tick * 1000))) },
      { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : of.format(tick))) },
    ],
    series: [
      {},
      ...of.lines.map((one, at): uPlot.Series => {
        const stroke = one.kind === "threshold" ? bad : HUES[at % HUES.length] || accent;
        const isFlat = one.kind === "threshold" || one.kind === "bound";
        return {
          label: one.label,
          stroke,
          width: isFlat ? 1.2 : 1.8,
          ...(isFlat ? { dash: [5, 4] } : {}),
          points: { show: !isFlat, size: 4, fill: stroke },
          spanGaps: true,
          value: (_, value) => (value === null || value === undefined ? "" : of.format(value)),
          ...(one.kind === "dots" ? { paths: () => null } : {}),
        };
      }),
    ],
  };
}

export function Chart(props: Props): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const drawn = useRef<{ plot: uPlot; labels: string } | undefined>(undefined);
  const labels = props.lines.map((line) => line.label).join();
  const newest = useRef(props);
  newest.current = props;

  const data = (): uPlot.AlignedData => [newest.current.times, ...newest.current.lines.map((line) => line.values)];

  useEffect(() => {
    let isGone = false;
    const scheme = window.matchMedia("(prefers-color-scheme: dark)");
    const width = () => Math.max(240, frame.current?.clientWidth ?? 0);
    const draw = async () => {
      const [library] = await Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]);
      if (isGone || !frame.current) return;
      drawn.current?.plot.destroy();
      drawn.current = { plot: new library.default(options(newest.current, width()), data(), frame.current), labels };
    };
    void draw();
    const resize = new ResizeObserver(() => drawn.current?.plot.setSize({ width: width(), height: HEIGHT }));
    if (frame.current) resize.observe(frame.current);
    scheme.addEventListener("change", draw);
    return () => {
      isGone = true;
      resize.disconnect();
      scheme.removeEventListener("change", draw);
      drawn.current?.plot.destroy();
      drawn.current = undefined;
    };
  }, [labels, props.logarithmic]);
  useEffect(() => {
    if (drawn.current?.labels === labels) drawn.current.plot.setData(data());
  });
  return (
    <figure class="chart" aria-label={props.title}>
      <h3>{props.title}</h3>
      <div ref={frame} aria-hidden="true" />
      <figcaption class="unseen">{props.words}</figcaption>
    </figure>
  );
}
