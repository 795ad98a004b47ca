// One read of the oracle. What fails becomes a Problem that says what is wrong and what to do; nothing here retries.

/** Why a read was not answered. */
export class Problem extends Error {
  constructor(
    /** The HTTP status; 0 when nobody answered. */
    readonly status: number,
    /** The oracle's reason code (docs/errors.md), or why there is none. */
    readonly reason: string,
    message: string,
    /** Whether the same read may succeed later. */
    readonly retryable: boolean,
  ) {
    super(message);
  }
}

export interface Answer<T> {
  data: T;
  tag: string | null;
}

interface ErrorBody {
  reason?: unknown;
  message?: unknown;
  retryable?: unknown;
}

/** How long an answer may take: an explanation folds the whole log. */
const PATIENCE_MS = 20_000;

/** Reads a path; undefined when the oracle says that nothing has changed since `known`. */
export async function ask<T>(path: string, known: string | null): Promise<Answer<T> | undefined> {
  let response: Response;
  try {
    // `no-store` keeps the browser's cache out: a 304 then reaches this code, which need not parse and draw again.
    response = await fetch(path, {
      headers: known ? { accept: "application/json", "if-none-match": known } : { accept: "application/json" },
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Problem(0, "NO_ANSWER", "the oracle does not answer", true);
  }
  if (response.status === 304) return undefined;
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw refusal(response.status, body);
  if (typeof body !== "object" || body === null) {
    throw new Problem(response.status, "NO_JSON", "whoever answered is no oracle: the answer is no JSON", false);
  }
  return { data: body as T, tag: response.headers.get("etag") };
}

function refusal(status: number, body: unknown): Problem {
  const { reason, message, retryable } = (typeof body === "object" && body !== null ? body : {}) as ErrorBody;
  return new Problem(
    status,
    typeof reason === "string" ? reason : "NO_REASON",
    typeof message === "string" ? message : `the answer was HTTP ${status} without a reason`,
    retryable === true || status >= 500,
  );
}

/** A path with a query; what is empty is left out. */
export function path(base: string, query: Record<string, string | number | boolean | undefined>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "" && value !== false);
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return text ? `${base}?${text}` : base;
}
