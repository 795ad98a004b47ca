// What pages are built of: sections, lists of facts, tables, and what stands where nothing can be shown.
import type { ComponentChildren, JSX } from "preact";
import type { Problem } from "../api/client";
import { Copy, Foreign } from "./text";

export function Title({ children, aside }: { children: ComponentChildren; aside?: ComponentChildren }): JSX.Element {
  return (
    <div class="title">
      <h1 tabIndex={-1}>{children}</h1>
      {aside}
    </div>
  );
}

export function Section({
  id,
  title,
  note,
  children,
}: {
  id: string;
  title: string;
  note?: ComponentChildren;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {note && <p class="note">{note}</p>}
      {children}
    </section>
  );
}

export function Facts({ of }: { of: [string, ComponentChildren][] }): JSX.Element {
  return (
    <dl class="facts">
      {of.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface Column {
  key: string;
  head: ComponentChildren;
  /** "num" aligns digits; "late" is left out on narrow screens, "last" on all but wide ones. */
  class?: string;
  sort?: "ascending" | "descending" | "none";
}

/** A table in a frame that scrolls by itself, so that the page never does sideways. */
export function Table({
  caption,
  columns,
  children,
  quiet,
}: {
  caption: string;
  columns: Column[];
  children: ComponentChildren;
  quiet?: boolean;
}): JSX.Element {
  return (
    // A frame that scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the frame scrolls, and arrow keys need the focus for that
    <section class="frame" aria-label={caption} tabIndex={0}>
      <table>
        <caption class={quiet ? "unseen" : undefined}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col" class={column.class} aria-sort={column.sort}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

export function Empty({ columns, children }: { columns: number; children: ComponentChildren }): JSX.Element {
  return (
    <tr class="empty">
      <td colSpan={columns}>{children}</td>
    </tr>
  );
}

/** Grey lines where text will stand, so that nothing jumps when it comes. */
export function Skeleton({ lines = 3 }: { lines?: number }): JSX.Element {
  return (
    <div class="skeleton" aria-busy="true">
      <span class="unseen">being read from the oracle</span>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} />
      ))}
    </div>
  );
}

/** What is wrong and what to do, by the reason that the oracle gives. */
export function Trouble({ with: problem, what }: { with: Problem; what: string }): JSX.Element {
  const [wrong, todo] = advice(problem, what);
  return (
    <div class="trouble" role="alert">
      <p>
        <b>{wrong}</b>
      </p>
      <p>{todo}</p>
      {problem.reason !== "NO_ANSWER" && (
        <p class="note">
          The oracle says: <Foreign text={problem.message} /> ({problem.reason})
        </p>
      )}
    </div>
  );
}

function advice(problem: Problem, what: string): [string, string] {
  if (problem.status === 0)
    return [
      "The oracle does not answer.",
      "It may be starting or stopped, or the way to it is cut. This page asks again by itself; what was read before stays. Whoever runs it finds the cause in its log.",
    ];
  if (problem.status === 404)
    return [
      `This oracle knows no such ${what}.`,
      "Compare the id with where you have it from. It may be new (a node appears once it was announced, a case once its block is indexed), or belong to another market: each chain has its own oracle.",
    ];
  if (problem.reason === "SEALED")
    return ["It is sealed.", "Hosts could still learn from it what probes look like. It is served once its seal ends."];
  if (problem.reason === "OVERSIZED")
    return [
      "The log is too long to explain in one request.",
      "Run gpux-oracle explain on your own machine; it needs nothing but the log.",
    ];
  if (problem.status === 429) return ["The oracle is busy.", "This page asks again by itself."];
  if (problem.status === 400)
    return [`This is no ${what}'s id.`, "An id has 0x and 64 digits, an account 0x and 40. Copy it again in full."];
  if (problem.reason === "NO_JSON" || problem.reason === "NO_REASON")
    return ["Whoever answered is no oracle.", "A proxy may stand between. Check the address of this page."];
  if (problem.status === 503)
    return [
      "The oracle is without its chain or its store.",
      "Scores stand as of its last epoch. It goes on by itself once they are back.",
    ];
  return ["The oracle failed.", "This page asks again by itself; the operator finds the cause in its log."];
}

export function Command({ children, what }: { children: string; what: string }): JSX.Element {
  return (
    <div class="command">
      <pre>
        <code>{children}</code>
      </pre>
      <Copy text={children} what={what} />
    </div>
  );
}
