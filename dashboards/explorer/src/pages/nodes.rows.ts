// Which nodes are shown, in which order: pure functions over what was read and what stands in the URL.
import { figure, NO_DATA, share, tokens } from "../format/figures";
import { rateOf } from "../format/offer";
import { resource, VERDICTS } from "../format/words";
import type { NodeJson } from "../messages/gpux/oracle/v1/registry_pb";
import type { ReputationJson, ResourceReputationJson } from "../messages/gpux/oracle/v1/reputation_pb";

export interface Row {
  node: string;
  reputation: ReputationJson;
  /** The newest probe of any resource, in ms since 1970. */
  probed: number | undefined;
  /** Token units an hour. */
  price: bigint | undefined;
  /** The resource that a price is compared by. */
  compute: ResourceReputationJson | undefined;
  /** Token units an hour for 10^12 operations a second that are verified. */
  perTera: number | undefined;
  simulated: boolean;
}

// What people rent a card for first; a host without one is compared by its cores.
const COMPUTE = ["imma", "hmma", "fma32", "fma64", "cpu"];
const TERA = 1e12;

export function row(reputation: ReputationJson, described: Map<string, NodeJson | undefined>): Row {
  const node = reputation.node ?? "";
  const resources = reputation.resources ?? [];
  const times = resources.map((one) => Date.parse(one.lastProbeTime ?? "")).filter((time) => !Number.isNaN(time));
  const rate = rateOf(described.get(node));
  const price = rate && /^\d+$/.test(rate) ? BigInt(rate) * 3600n : undefined;
  const compute = COMPUTE.map((name) => resources.find((one) => one.resource === name)).find(
    (one) => one !== undefined,
  );
  // As usage counts compute power: what the figure is worth by the lower bound of its score.
  const verified = (Number(compute?.expected ?? 0) * (compute?.score?.lowBps ?? 0)) / 10_000;
  return {
    node,
    reputation,
    probed: times.length > 0 ? Math.max(...times) : undefined,
    price,
    compute,
    perTera: price !== undefined && verified > 0 ? Number(price) / (verified / TERA) : undefined,
    simulated: resources.some((one) => one.simulated),
  };
}

export const SORTS = {
  score: "lower bound L",
  node: "node's key",
  estimate: "estimate S",
  probes: "evidence",
  probed: "last probe",
  price: "price",
  value: "price per verified Top/s",
} as const;
export type Sort = keyof typeof SORTS;

export interface Wish {
  text: string;
  verdict: string;
  organisation: string;
  real: boolean;
  sort: Sort;
  up: boolean;
}

export function wish(query: URLSearchParams): Wish {
  const sort = query.get("sort") ?? "";
  return {
    text: query.get("q") ?? "",
    verdict: query.get("verdict") ?? "",
    organisation: query.get("organisation") ?? "",
    real: query.get("real") === "yes",
    sort: sort in SORTS ? (sort as Sort) : "score",
    up: query.get("order") === "up",
  };
}

export function fits(row: Row, { text, verdict, organisation, real }: Wish): boolean {
  const { reputation } = row;
  if (real && row.simulated) return false;
  if (verdict && VERDICTS[reputation.verdict ?? "VERDICT_UNSPECIFIED"]?.word !== verdict) return false;
  if (organisation && reputation.organisation !== organisation.toLowerCase()) return false;
  if (!text) return true;
  const where = [
    reputation.claim,
    reputation.nearestModel,
    reputation.finding,
    row.node,
    reputation.provider,
    reputation.organisation,
  ];
  return where.some((one) => one?.toLowerCase().includes(text.toLowerCase()));
}

/** Unknown stands last in either direction: it is no small number. */
export function sorted(rows: Row[], { sort, up }: Wish): Row[] {
  const key = (row: Row): number | string | undefined => {
    switch (sort) {
      case "score":
        return row.reputation.score && (row.reputation.score.lowBps ?? 0);
      case "node":
        return row.node;
      case "estimate":
        return row.reputation.score && (row.reputation.score.scoreBps ?? 0);
      case "probes":
        return row.reputation.probes ?? 0;
      case "probed":
        return row.probed;
      case "price":
        return row.price === undefined ? undefined : Number(row.price);
      case "value":
        return row.perTera;
    }
  };
  return rows
    .map((row) => ({ row, at: key(row) }))
    .sort((a, b) => {
      if (a.at === undefined || b.at === undefined) return (a.at === undefined ? 1 : 0) - (b.at === undefined ? 1 : 0);
      const order = a.at < b.at ? -1 : a.at > b.at ? 1 : 0;
      return up ? order : -order;
    })
    .map(({ row }) => row);
}

const HEAD = [
  "node",
  "claim",
  "measures like",
  "verdict",
  "low",
  "score",
  "high",
  "probes",
  "last probe",
  "tokens an hour",
  "tokens an hour for a verified Top/s",
  "compared by",
  "expected",
  "organisation",
  "provider",
  "simulated",
  "finding",
];

/** What is shown, as CSV (RFC 4180). */
export function csv(rows: Row[], decimals: number | undefined): string {
  const lines = rows.map(({ reputation, ...row }) => [
    row.node,
    reputation.claim,
    reputation.nearestModel,
    VERDICTS[reputation.verdict ?? "VERDICT_UNSPECIFIED"].word,
    ...(reputation.score
      ? [
          share(reputation.score.lowBps ?? 0),
          share(reputation.score.scoreBps ?? 0),
          share(reputation.score.highBps ?? 0),
        ]
      : ["", "", ""]),
    reputation.score ? (reputation.probes ?? 0) : "",
    row.probed ? new Date(row.probed).toISOString() : "",
    row.price === undefined || decimals === undefined
      ? ""
      : tokens(String(row.price), decimals)
          .replace(/ tokens?$/, "")
          .replaceAll(",", ""),
    row.perTera === undefined || decimals === undefined ? "" : (row.perTera / 10 ** decimals).toPrecision(4),
    row.compute ? resource(row.compute.resource) : "",
    row.compute ? figure(row.compute.expected, row.compute.unit).replace(NO_DATA, "") : "",
    reputation.organisation,
    reputation.provider,
    row.simulated ? "yes" : "no",
    reputation.finding,
  ]);
  return [HEAD, ...lines].map((line) => line.map(cell).join(",")).join("\r\n");
}

/** A claim that begins with = would be computed by a spreadsheet that opens the file. */
function cell(value: string | number | undefined): string {
  const text = String(value ?? "");
  const harmless = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
