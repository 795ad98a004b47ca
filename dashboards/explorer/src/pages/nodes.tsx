// All nodes: filters and order stand in the URL, so that a link shows what was seen.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useList } from "../api/list";
import { type Market, useMarket } from "../api/market";
import { useDescriptions } from "../api/offers";
import { count, figure } from "../format/figures";
import { resource } from "../format/words";
import type { ReputationJson } from "../messages/gpux/oracle/v1/reputation_pb";
import { type Column, Empty, Skeleton, Table, Title, Trouble } from "../parts/block";
import { Interval } from "../parts/score";
import { Foreign, Id, Money, NoData, NodeId, Simulated, Verdict, When } from "../parts/text";
import { go, to } from "../router";
import { csv, fits, type Row, row, SORTS, type Sort, sorted, type Wish, wish } from "./nodes.rows";

/** Rows that are drawn before somebody asks for more: drawing is what makes a long table slow, not reading it. */
const DRAWN = 100;

const COLUMNS: { key: string; head: string; sort?: Sort; class?: string }[] = [
  { key: "node", head: "Node", sort: "node" },
  { key: "claim", head: "Claims", class: "broad" },
  { key: "like", head: "Measures like", class: "late" },
  { key: "score", head: "S [L, U]", sort: "score" },
  { key: "verdict", head: "Verdict", class: "broad" },
  { key: "probes", head: "Probes", sort: "probes", class: "num late" },
  { key: "probed", head: "Last probe", sort: "probed", class: "num late" },
  { key: "price", head: "Price an hour", sort: "price", class: "num late" },
  { key: "value", head: "For a verified T/s", sort: "value", class: "num last" },
  { key: "organisation", head: "Organisation", class: "last" },
];

function change(query: URLSearchParams, changes: Record<string, string>): void {
  const all = { ...Object.fromEntries(query), ...changes };
  go(to("nodes", all), { replace: true });
}

export function Nodes({ query }: { query: URLSearchParams }): JSX.Element {
  const wanted = wish(query);
  const market = useMarket();
  // The oracle sorts by its own bound or by key, a million nodes as fast as ten; any other order is made of what was read.
  const list = useList<ReputationJson>("/v1/reputations", "reputations", {
    orderBy: wanted.sort === "node" ? "node" : undefined,
  });
  const read = list.items ?? [];
  const [drawn, setDrawn] = useState(DRAWN);
  const described = useDescriptions(read.slice(0, Math.max(drawn, DRAWN)).map((one) => one.node ?? ""));
  const found = sorted(
    read.map((one) => row(one, described)).filter((one) => fits(one, wanted)),
    wanted,
  );
  const [rows, moved, again] = useSteady(found, query.toString(), read.length);
  const shown = rows.slice(0, drawn);
  const isFiltered = rows.length < read.length;
  return (
    <>
      <Title aside={<span class="note">which of them are what they claim to be</span>}>Nodes</Title>
      <Filters query={query} wanted={wanted} />
      {list.problem && !list.items && <Trouble with={list.problem} what="list of nodes" />}
      {!list.items && !list.problem && <Skeleton lines={12} />}
      {list.items && (
        <>
          <div class="more">
            <span role="status">
              {count(rows.length)}
              {isFiltered ? ` of the ${count(read.length)} that were read` : ""} {rows.length === 1 ? "node" : "nodes"}
              {list.more ? "; the oracle has more" : ""}
            </span>
            {list.more && (
              <button type="button" class="small" disabled={list.reading} onClick={list.readMore}>
                {list.reading ? "reading…" : "read more"}
              </button>
            )}
            <button type="button" class="small" onClick={() => save(rows, market)}>
              CSV of these {count(rows.length)}
            </button>
            {moved && (
              <button type="button" class="small" onClick={again}>
                scores have moved: sort again
              </button>
            )}
          </div>
          <Table
            caption="Nodes with what they claim, what they were measured to be, and their score as an interval"
            columns={heads(query, wanted)}
            quiet
          >
            {shown.map((one) => (
              <Line key={one.node} row={one} />
            ))}
            {rows.length === 0 && (
              <Empty columns={COLUMNS.length}>
                {read.length === 0
                  ? "No node has announced itself at this oracle yet."
                  : "No node that was read fits these filters."}
              </Empty>
            )}
          </Table>
          {rows.length > drawn && (
            <p class="more">
              <button type="button" onClick={() => setDrawn(drawn + 2 * DRAWN)}>
                show {count(Math.min(2 * DRAWN, rows.length - drawn))} more rows
              </button>
              <span>{count(rows.length - drawn)} are not drawn yet</span>
            </p>
          )}
        </>
      )}
    </>
  );
}

function Line({ row: { reputation, ...row } }: { row: Row }): JSX.Element {
  const isProbed = reputation.score !== undefined;
  // On a phone the claim stands below the key and the verdict below the score: the table then fits without scrolling.
  const claim = (
    <>
      <Foreign text={reputation.claim} most={56} /> {row.simulated && <Simulated />}
    </>
  );
  return (
    <tr>
      <th scope="row">
        <NodeId id={row.node} />
        <div class="narrow">{claim}</div>
      </th>
      <td class="broad wrap">{claim}</td>
      <td class="late">{isProbed ? like(reputation) : <NoData />}</td>
      <td>
        <Interval of={reputation.score} />
        <div class="narrow">
          <Verdict of={reputation.verdict} />
        </div>
      </td>
      <td class="broad">
        <Verdict of={reputation.verdict} />
      </td>
      <td class="num late">
        {isProbed ? <a href={to(`nodes/${row.node}`)}>{count(reputation.probes ?? 0)}</a> : <NoData />}
      </td>
      <td class="num late">
        <When at={row.probed === undefined ? undefined : new Date(row.probed)} />
      </td>
      <td class="num late">{row.price === undefined ? <NoData /> : <Money units={String(row.price)} />}</td>
      <td class="num last">
        {row.perTera === undefined ? (
          <NoData />
        ) : (
          <span
            title={`${resource(row.compute?.resource)}: ${figure(row.compute?.expected, row.compute?.unit)} expected, counted by the lower bound of its score`}
          >
            <Money units={String(Math.round(Number(row.perTera.toPrecision(3))))} />
          </span>
        )}
      </td>
      <td class="last">
        <Id
          id={reputation.organisation || undefined}
          href={reputation.organisation && to(`organisations/${reputation.organisation}`)}
        />
      </td>
    </tr>
  );
}

function like(reputation: ReputationJson): JSX.Element | string {
  const { nearestModel, claim, verdict } = reputation;
  const isClaimed = !!nearestModel && !!claim?.endsWith(nearestModel);
  if (isClaimed) return verdict === "VERDICT_UNDER_DELIVERING" ? <Foreign text={nearestModel} /> : "as claimed";
  if (!nearestModel) return verdict === "VERDICT_HONEST" ? "as claimed" : <NoData />;
  return (
    <b>
      <Foreign text={nearestModel} />
    </b>
  );
}

function heads(query: URLSearchParams, wanted: Wish): Column[] {
  return COLUMNS.map(({ key, head, sort, class: kind }) => {
    if (!sort) return { key, head, class: kind };
    const isSorted = wanted.sort === sort;
    // Best first where more is better, cheapest first for prices.
    const upFirst = sort === "price" || sort === "value" || sort === "node";
    const up = isSorted ? !wanted.up : upFirst;
    const press = () => change(query, { sort, order: up ? "up" : "down" });
    const mark = isSorted ? (wanted.up ? " ↑" : " ↓") : "";
    return {
      key,
      class: kind,
      sort: isSorted ? (wanted.up ? "ascending" : "descending") : "none",
      head: (
        <button type="button" title={`sort by ${SORTS[sort]}`} onClick={press}>
          {head}
          {mark}
        </button>
      ),
    };
  });
}

function Filters({ query, wanted }: { query: URLSearchParams; wanted: Wish }): JSX.Element {
  const set = (key: string) => (event: Event) => change(query, { [key]: (event.target as HTMLInputElement).value });
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()}>
      <label>
        claim, finding, id
        <input type="search" value={wanted.text} onInput={set("q")} size={24} spellcheck={false} />
      </label>
      <label>
        verdict
        <select value={wanted.verdict} onChange={set("verdict")}>
          <option value="">any</option>
          <option>honest</option>
          <option>under-delivering</option>
          <option>unknown</option>
        </select>
      </label>
      <label>
        organisation
        <input
          type="search"
          value={wanted.organisation}
          onInput={set("organisation")}
          size={16}
          spellcheck={false}
          placeholder="0x…"
        />
      </label>
      <label class="row">
        <input
          type="checkbox"
          checked={wanted.real}
          onChange={(event) => change(query, { real: event.currentTarget.checked ? "yes" : "" })}
        />
        real devices only
      </label>
      {query.toString() && <a href={to("nodes")}>clear</a>}
    </form>
  );
}

/** Keeps rows where they are while their numbers change: what is read must not move. */
function useSteady(found: Row[], wished: string, size: number): [Row[], boolean, () => void] {
  const key = `${wished}#${size}`;
  const held = useRef<{ key: string; order: string[] }>({ key: "", order: [] });
  const [, draw] = useState(0);
  const fresh = found.map((one) => one.node);
  if (held.current.key !== key) held.current = { key, order: fresh };
  const { order } = held.current;
  const byNode = new Map(found.map((one) => [one.node, one]));
  const known = new Set(order);
  const rows = [...order, ...fresh.filter((node) => !known.has(node))].flatMap((node) => byNode.get(node) ?? []);
  const moved = rows.some((one, at) => one.node !== fresh[at]);
  // Prices arrive after the rows: until somebody has had time to read, the order may still settle.
  useEffect(() => {
    const timer = setTimeout(() => {
      held.current = { key: "", order: [] };
      draw((n) => n + 1);
    }, 600);
    return () => clearTimeout(timer);
  }, [key]);
  const again = () => {
    held.current = { key: "", order: [] };
    draw((n) => n + 1);
  };
  return [rows, moved, again];
}

function save(rows: Row[], market: Market | undefined): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv(rows, market?.tokenDecimals)], { type: "text/csv" }));
  link.download = "nodes.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
}
