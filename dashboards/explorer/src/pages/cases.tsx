// All disputes, newest first.
import type { JSX } from "preact";
import { useList } from "../api/list";
import { turn } from "../court/turn";
import { count } from "../format/figures";
import { idOf } from "../format/ids";
import { CASE_OUTCOMES, KINDS, STATES } from "../format/words";
import type { CaseJson } from "../messages/gpux/oracle/v1/arbitration_pb";
import { Empty, Skeleton, Table, Title, Trouble } from "../parts/block";
import { Account, Chip, Id, Money, NodeId, When } from "../parts/text";
import { go, to } from "../router";

const COLUMNS = [
  { key: "case", head: "Case" },
  { key: "kind", head: "Kind" },
  { key: "node", head: "Node" },
  { key: "provider", head: "Provider", class: "late" },
  { key: "state", head: "Stands" },
  { key: "turn", head: "Next", class: "late" },
  { key: "until", head: "Until", class: "num" },
  { key: "cap", head: "At most slashed", class: "num" },
  { key: "filed", head: "Filed", class: "num late" },
];

export function CaseStanding({ of }: { of: CaseJson }): JSX.Element {
  const outcome = of.outcome && CASE_OUTCOMES[of.outcome];
  return (
    <>
      <Chip tone={of.state === "CASE_STATE_FINAL" ? "plain" : "warn"}>
        {STATES[of.state ?? "CASE_STATE_UNSPECIFIED"]}
      </Chip>{" "}
      {outcome && <Chip tone={outcome.tone}>{outcome.word}</Chip>}
    </>
  );
}

export function Cases({ query }: { query: URLSearchParams }): JSX.Element {
  const open = query.get("open") === "true";
  const filters = ["node", "provider", "filer"].map((name) => [name, query.get(name) ?? undefined]);
  const list = useList<CaseJson>("/v1/cases", "cases", {
    ...Object.fromEntries(filters),
    open: open ? "true" : undefined,
  });
  const now = new Date();
  return (
    <>
      <Title aside={<span class="note">who is accused of what, whose turn it is, and what is at stake</span>}>
        Cases
      </Title>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label class="row">
          <input
            type="checkbox"
            checked={open}
            onChange={(event) =>
              go(
                to("cases", { ...Object.fromEntries(query), open: event.currentTarget.checked ? "true" : undefined }),
                { replace: true },
              )
            }
          />
          open ones only
        </label>
        {filters.map(([name, value]) => value && <Chip key={name}>{`${name} ${value.slice(0, 12)}…`}</Chip>)}
        {query.toString() && <a href={to("cases")}>all cases</a>}
      </form>
      {!list.items && list.problem && <Trouble with={list.problem} what="list of cases" />}
      {!list.items && !list.problem && <Skeleton lines={8} />}
      {list.items && (
        <>
          <Table caption="Cases, newest first" columns={COLUMNS} quiet>
            {list.items.map((one) => {
              const next = turn(one, now);
              return (
                <tr key={one.name}>
                  <th scope="row">
                    <Id id={idOf(one.name)} href={to(`cases/${idOf(one.name)}`)} />
                  </th>
                  <td>{KINDS[one.kind ?? "CASE_KIND_UNSPECIFIED"]}</td>
                  <td>
                    <NodeId id={one.node} />
                  </td>
                  <td class="late">
                    <Account id={one.provider} as="providers" />
                  </td>
                  <td>
                    <CaseStanding of={one} />
                  </td>
                  <td class="late wrap">{one.state === "CASE_STATE_FINAL" ? "" : next.words.split(/[:;.]/)[0]}</td>
                  <td class="num">{next.until ? <When at={next.until} /> : ""}</td>
                  <td class="num">
                    <Money units={one.cap} />
                  </td>
                  <td class="num late">
                    <When at={one.steps?.[0]?.at} />
                  </td>
                </tr>
              );
            })}
            {list.items.length === 0 && (
              <Empty columns={COLUMNS.length}>{open ? "No case is open." : "No case was filed yet."}</Empty>
            )}
          </Table>
          <p class="more">
            <span role="status">{count(list.items.length)} cases</span>
            {list.more && (
              <button type="button" class="small" onClick={list.readMore}>
                read more
              </button>
            )}
          </p>
        </>
      )}
    </>
  );
}
