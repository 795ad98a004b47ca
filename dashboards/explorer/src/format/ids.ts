// What a person pastes: nodes, cases, reports and transactions are 32 bytes, accounts are 20. Says what is wrong with the rest.

export type Named = { kind: "hash"; id: string } | { kind: "account"; id: string } | { kind: "words"; text: string };
export type Read = Named | { kind: "wrong"; problem: string };

const COLLECTION = /^(nodes|cases|reports|fishers|relays|bundles|providers|organisations)\//;

/** Reads what was typed into the search. */
export function read(input: string): Read {
  const text = input.trim().replace(COLLECTION, "");
  if (!text)
    return { kind: "wrong", problem: "Nothing was entered. Paste an id that begins with 0x, or type a model's name." };
  const digits = /^0x/i.test(text) ? text.slice(2) : /^[0-9a-f]{40,}$/i.test(text) ? text : undefined;
  if (digits === undefined) return { kind: "words", text };
  const problem = digitsProblem(digits);
  if (problem) return { kind: "wrong", problem };
  return { kind: digits.length === 64 ? "hash" : "account", id: `0x${digits.toLowerCase()}` };
}

function digitsProblem(digits: string): string | undefined {
  const stranger = Array.from(digits).findIndex((digit) => !/[0-9a-f]/i.test(digit));
  if (stranger >= 0) {
    const shown = Array.from(digits)[stranger] ?? "";
    const code = `U+${(shown.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
    return `Digit ${stranger + 1} after 0x is no hexadecimal digit (${code}). An id has only 0-9 and a-f.`;
  }
  const length = digits.length;
  if (length === 64 || length === 40) return undefined;
  const missing =
    length < 40
      ? `${40 - length} or ${64 - length} are missing`
      : length < 64
        ? `${64 - length} are missing`
        : `${length - 64} are too many`;
  return `The id has ${length} digits after 0x: nodes, cases, reports and transactions have 64, accounts have 40; ${missing}. Copy it again in full.`;
}

/** The problem with an id that must have 64 digits, or none. */
export function hashProblem(id: string): string | undefined {
  const found = read(id);
  if (found.kind === "wrong") return found.problem;
  if (found.kind === "hash") return undefined;
  if (found.kind === "account") return "This is an account (40 digits), and an id of 64 digits is wanted here.";
  return "This is no id: one begins with 0x and has 64 hexadecimal digits.";
}

/** The problem with an account, or none. */
export function accountProblem(id: string): string | undefined {
  const found = read(id);
  if (found.kind === "wrong") return found.problem;
  if (found.kind === "account") return undefined;
  return "This is no account: one begins with 0x and has 40 hexadecimal digits.";
}

/** The id in a resource's name. */
export function idOf(name: string | undefined): string {
  return (name ?? "").split("/").pop() ?? "";
}

/** Ids of equal length are told apart by both ends: whoever grinds a key can match one of them cheaply, hardly both. */
export function short(id: string): string {
  return id.length > 20 ? `${id.slice(0, 10)}…${id.slice(-6)}` : id;
}

/** Whether an id is there and not all zeros. */
export function isGiven(id: string | undefined): id is string {
  return !!id && !/^0x0*$/.test(id);
}
