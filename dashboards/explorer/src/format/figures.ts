// Numbers as people read them. What is absent or 0 by the API's "0 with no data" is undefined here, and never shown as 0.

export const NO_DATA = "no data";

const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const PREFIXES = ["", "k", "M", "G", "T", "P", "E"];
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** A whole number with thousands apart. */
export function count(value: number | bigint | string | undefined): string {
  if (value === undefined || value === "") return NO_DATA;
  try {
    return COUNT.format(typeof value === "string" ? BigInt(value) : value);
  } catch {
    return NO_DATA;
  }
}

function scaled(value: number, step: number, prefixes: string[], unit: string): string {
  let size = value;
  let at = 0;
  while (size >= step && at < prefixes.length - 1) {
    size /= step;
    at += 1;
  }
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return `${size.toFixed(digits)} ${prefixes[at]}${unit}`;
}

const UNITS: Record<string, string> = {
  "op/s": "op/s",
  "flop/s": "flop/s",
  byte: "B",
  "byte/s": "B/s",
  "bit/s": "bit/s",
};

/** A measured figure in the API's unit; memory in binary prefixes, as it is sold. */
export function figure(value: string | number | undefined, unit: string | undefined): string {
  const number = Number(value ?? 0);
  if (!Number.isFinite(number) || number <= 0) return NO_DATA;
  const name = UNITS[unit ?? ""] ?? unit ?? "";
  return name === "B" ? scaled(number, 1024, BINARY, name) : scaled(number, 1000, PREFIXES, name);
}

/** A share of basis points in percent. */
export function percent(bps: number | undefined, digits = 0): string {
  return bps === undefined ? NO_DATA : `${(bps / 100).toFixed(digits)} %`;
}

/** A score's number between 0 and 1. */
export function share(bps: number | undefined): string {
  return bps === undefined ? NO_DATA : (bps / 10_000).toFixed(2);
}

/** Token units as tokens: every digit that is not a trailing zero, since money is not rounded. */
export function tokens(units: string | undefined, decimals: number | undefined): string {
  if (!units || !/^\d+$/.test(units)) return NO_DATA;
  if (decimals === undefined) return `${count(units)} token units`;
  const amount = BigInt(units);
  const base = 10n ** BigInt(decimals);
  const fraction = (amount % base).toString().padStart(decimals, "0").replace(/0+$/, "");
  const whole = COUNT.format(amount / base);
  return `${fraction ? `${whole}.${fraction.padEnd(2, "0")}` : whole} ${amount === base ? "token" : "tokens"}`;
}

/** A sum of money for a headline: cut, never rounded up, to two decimals. The whole of it stands where it came from. */
export function money(units: string | undefined, decimals: number | undefined): string {
  return tokens(units, decimals).replace(/(\.\d\d)\d+/, "$1");
}

/** A wealth or an e-value. */
export function evidence(value: number | undefined): string {
  if (value === undefined) return NO_DATA;
  if (value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 0.001)) {
    const [digits, power] = value.toExponential(1).split("e");
    return `${digits} × 10^${Number(power)}`;
  }
  return value >= 100 ? COUNT.format(value) : value.toFixed(value >= 10 ? 1 : 3).replace(/\.?0+$/, "");
}

/** The middle of what was measured, and how far it spreads. */
export interface Spread {
  least: number;
  middle: number;
  most: number;
  of: number;
}

export function spread(values: number[]): Spread | undefined {
  const sorted = values.filter((value) => value > 0).sort((a, b) => a - b);
  const least = sorted[0];
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  const most = sorted[sorted.length - 1];
  if (least === undefined || middle === undefined || most === undefined) return undefined;
  return { least, middle, most, of: sorted.length };
}

/** The lower bound that nine tenths of these nodes reach. */
export function worstDecile(lows: number[]): number | undefined {
  const sorted = [...lows].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 10)];
}
