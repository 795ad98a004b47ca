// Times in the reader's zone, with UTC beside it for whoever compares with a block or a log.

const DAY_MS = 86_400_000;
const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const DATE = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const YEAR = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** A time, or undefined where there is none or it cannot be read. */
export function moment(text: string | undefined): Date | undefined {
  if (!text) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** In the reader's zone: the clock for the last day, the date before that, the year where it is another one. */
export function local(date: Date, now = new Date()): string {
  if (Math.abs(now.getTime() - date.getTime()) < DAY_MS && date.getDate() === now.getDate()) return CLOCK.format(date);
  return date.getFullYear() === now.getFullYear() ? DATE.format(date) : YEAR.format(date);
}

export function utc(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A length of time in the two largest units that it has. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}

/** How far off a moment is: "in 3 h 2 min", "41 s ago". */
export function distance(date: Date, now = new Date()): string {
  const ms = date.getTime() - now.getTime();
  return ms >= 0 ? `in ${lasting(ms)}` : `${lasting(-ms)} ago`;
}

/** When an epoch begins: epoch = floor(unix time / length). */
export function epochStart(epoch: string | number | undefined, seconds: number | undefined): Date | undefined {
  const number = Number(epoch ?? 0);
  return number > 0 && seconds ? new Date(number * seconds * 1000) : undefined;
}
