// Small things that stand in a line: foreign text, ids, times, money, verdicts.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { transactionUrl, useMarket } from "../api/market";
import { NO_DATA, tokens } from "../format/figures";
import { cut, pieces } from "../format/hostile";
import { isGiven, short } from "../format/ids";
import { distance, local, moment, utc } from "../format/time";
import { type Tone, VERDICTS } from "../format/words";
import type { VerdictJson } from "../messages/gpux/oracle/v1/reputation_pb";
import { to } from "../router";

/** Text that somebody outside chose: isolated in its direction, with everything that hides or deceives made visible. */
export function Foreign({ text, most = 120 }: { text: string | undefined; most?: number }): JSX.Element {
  const [all, showAll] = useState(false);
  if (!text) return <NoData />;
  const head = cut(text, all ? Number.POSITIVE_INFINITY : most);
  const parts = pieces(head.text);
  const lookalikes = parts.some((piece) => piece.kind === "lookalike");
  return (
    <bdi class="foreign" dir="ltr">
      {parts.map((piece) =>
        piece.kind === "text" ? (
          piece.text
        ) : (
          <span class={piece.kind} title={piece.name}>
            {piece.text}
            {piece.kind === "hidden" && <span class="unseen"> ({piece.name})</span>}
          </span>
        ),
      )}
      {lookalikes && <span class="chip warn">letters of several scripts</span>}
      {head.isCut && (
        <button type="button" class="inline" onClick={() => showAll(true)}>
          … show all {head.all} characters
        </button>
      )}
    </bdi>
  );
}

export function NoData(): JSX.Element {
  return <span class="nodata">{NO_DATA}</span>;
}

/** An id, whole in its title and for screen readers, with both ends shown; a link when there is a page about it. */
export function Id({ id, href, whole }: { id: string | undefined; href?: string; whole?: boolean }): JSX.Element {
  if (!id) return <NoData />;
  const shown = whole ? id : short(id);
  const name = whole ? "id whole" : "id";
  return href ? (
    <a class={name} href={href} title={id}>
      {shown}
    </a>
  ) : (
    <span class={name} title={id}>
      {shown}
    </span>
  );
}

export function NodeId({ id, whole }: { id: string | undefined; whole?: boolean }): JSX.Element {
  return <Id id={id} href={id && to(`nodes/${id}`)} whole={whole} />;
}

export function Account({ id, as }: { id: string | undefined; as: "providers" | "fishers" }): JSX.Element {
  return isGiven(id) ? <Id id={id} href={to(`${as}/${id}`)} /> : <NoData />;
}

export function Transaction({ id }: { id: string | undefined }): JSX.Element {
  const market = useMarket();
  if (!isGiven(id)) return <NoData />;
  const url = transactionUrl(market?.chainId, id);
  return (
    <>
      {url ? (
        <a class="id" href={url} rel="noreferrer" target="_blank" title={id}>
          {short(id)}
        </a>
      ) : (
        <Id id={id} />
      )}
      <Copy text={id} what="transaction" />
    </>
  );
}

export function Copy({ text, what, label }: { text: string; what: string; label?: string }): JSX.Element {
  const [done, setDone] = useState("");
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(""), 1_500);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = () => {
    const copied = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("no clipboard"));
    copied.then(
      () => setDone("copied"),
      () => setDone("not copied: select it instead"),
    );
  };
  return (
    <span class="copying">
      <button
        type="button"
        class={label ? "small" : "copy"}
        aria-label={label ? undefined : `copy ${what}`}
        onClick={copy}
      >
        {label ?? (
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <rect x="5.5" y="5.5" width="8" height="9" rx="1.5" />
            <path d="M10.5 3V2.5A1 1 0 0 0 9.5 1.5h-6a1 1 0 0 0-1 1v8a1 1 0 0 0 1 1H4" />
          </svg>
        )}
      </button>
      <span class="copied" role="status">
        {done}
      </span>
    </span>
  );
}

/** A moment in the reader's zone; UTC and how far off it is on hover. */
export function When({ at, relative }: { at: string | Date | undefined; relative?: boolean }): JSX.Element {
  const date = typeof at === "string" ? moment(at) : at;
  if (!date) return <NoData />;
  const title = relative ? `${local(date)} here, ${utc(date)}` : `${utc(date)}, ${distance(date)}`;
  return (
    <time dateTime={date.toISOString()} title={title}>
      {relative ? distance(date) : local(date)}
    </time>
  );
}

export function Money({ units }: { units: string | undefined }): JSX.Element {
  const market = useMarket();
  const text = tokens(units, market?.tokenDecimals);
  return text === NO_DATA ? <NoData /> : <span title={`${units} token units`}>{text}</span>;
}

export function Chip({
  tone = "plain",
  children,
  title,
}: {
  tone?: Tone;
  children: ComponentChildren;
  title?: string;
}): JSX.Element {
  return (
    <span class={`chip ${tone}`} title={title}>
      {children}
    </span>
  );
}

export function Verdict({ of }: { of: VerdictJson | undefined }): JSX.Element {
  const { word, meaning, tone } = VERDICTS[of ?? "VERDICT_UNSPECIFIED"] ?? VERDICTS.VERDICT_UNSPECIFIED;
  return (
    <Chip tone={tone} title={meaning}>
      {word}
    </Chip>
  );
}

export function Simulated(): JSX.Element {
  return (
    <Chip
      tone="warn"
      title="No such card was there: a development market's device that computes exact results and answers no earlier than the named card would."
    >
      simulated device
    </Chip>
  );
}
