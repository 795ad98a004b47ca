// Reads that stay current: one poll a path, whoever looks at it, with the tag of what is known. Data that was read once is
// kept when the oracle falls silent, so that a page does not empty itself; how old it is can be seen.
import { useEffect, useState } from "preact/hooks";
import { ask, Problem } from "./client";

export interface Live<T> {
  data: T | undefined;
  problem: Problem | undefined;
  /** When the oracle last answered this path. */
  heard: Date | undefined;
}

interface Entry {
  live: Live<unknown>;
  tag: string | null;
  every: number;
  failures: number;
  watchers: Set<() => void>;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const SECOND = 1_000;
/** Between two reads of what changes with each epoch. */
export const OFTEN = 3 * SECOND;
/** Of what changes seldom, or costs the oracle much. */
export const SELDOM = 30 * SECOND;
const SILENCE_MAX = 30 * SECOND;
/** Paths that nobody watches any more are kept up to here, so that going back shows at once what was there. */
const KEPT_MAX = 64;

const entries = new Map<string, Entry>();

function entry(path: string): Entry {
  const known = entries.get(path);
  if (known) return known;
  for (const [old, { watchers }] of entries) {
    if (entries.size < KEPT_MAX) break;
    if (watchers.size === 0) entries.delete(old);
  }
  const made: Entry = {
    live: { data: undefined, problem: undefined, heard: undefined },
    tag: null,
    every: SELDOM,
    failures: 0,
    watchers: new Set(),
    timer: undefined,
  };
  entries.set(path, made);
  return made;
}

async function read(path: string, at: Entry): Promise<void> {
  at.timer = undefined;
  try {
    const answer = await ask<unknown>(path, at.tag);
    const wasBroken = at.live.problem !== undefined;
    at.failures = 0;
    if (answer) at.tag = answer.tag;
    at.live = { data: answer ? answer.data : at.live.data, problem: undefined, heard: new Date() };
    heard(at.live.heard);
    if (answer || wasBroken) tell(at);
  } catch (error) {
    at.failures += 1;
    const problem = error instanceof Problem ? error : new Problem(0, "NO_ANSWER", String(error), true);
    // What is no longer there must not be shown as if it were.
    const gone = problem.status === 404 || problem.status === 400;
    at.live = { data: gone ? undefined : at.live.data, problem, heard: at.live.heard };
    tell(at);
  }
  next(path, at);
}

function next(path: string, at: Entry): void {
  if (at.watchers.size === 0 || at.timer !== undefined) return;
  const wait = Math.min(at.every * 2 ** Math.min(at.failures, 5), Math.max(SILENCE_MAX, at.every));
  at.timer = setTimeout(() => {
    at.timer = undefined;
    // A hidden page asks for nothing; it looks again when it is shown.
    if (document.hidden) return;
    void read(path, at);
  }, wait);
}

function tell(at: Entry): void {
  for (const watcher of at.watchers) watcher();
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const [path, at] of entries) if (at.watchers.size > 0 && at.timer === undefined) void read(path, at);
});

const EMPTY: Live<never> = { data: undefined, problem: undefined, heard: undefined };

/** Watches a path; without one nothing is read. */
export function useLive<T>(path: string | undefined, every: number = OFTEN): Live<T> {
  const [, draw] = useState(0);
  useEffect(() => {
    if (!path) return;
    const at = entry(path);
    const watcher = () => draw((n) => n + 1);
    at.watchers.add(watcher);
    at.every = Math.min(every, at.watchers.size > 1 ? at.every : every);
    if (at.timer === undefined) void read(path, at);
    return () => {
      at.watchers.delete(watcher);
      if (at.watchers.size > 0 || at.timer === undefined) return;
      clearTimeout(at.timer);
      at.timer = undefined;
    };
  }, [path, every]);
  return path ? (entry(path).live as Live<T>) : EMPTY;
}

/** Reads a path once, from what is known if it was read before. */
export async function once<T>(path: string): Promise<T> {
  const at = entry(path);
  const answer = await ask<T>(path, at.live.data === undefined ? null : at.tag);
  if (answer) {
    at.tag = answer.tag;
    at.live = { data: answer.data, problem: undefined, heard: new Date() };
  }
  return at.live.data as T;
}

let lastHeard: Date | undefined;
function heard(at: Date | undefined): void {
  lastHeard = at;
}

/** When any path was last answered. */
export function heardLast(): Date | undefined {
  return lastHeard;
}
