// One provider: what he sells, and what is said against him.
import type { JSX } from "preact";
import { path } from "../api/client";
import { SELDOM, useLive } from "../api/live";
import { count } from "../format/figures";
import { accountProblem, idOf } from "../format/ids";
import { KINDS } from "../format/words";
import type { CaseJson } from "../messages/gpux/oracle/v1/arbitration_pb";
import type { ListReputationsResponseJson, ReputationJson } from "../messages/gpux/oracle/v1/reputation_pb";
import { Command, Empty, Section, Skeleton, Table, Title, Trouble } from "../parts/block";
import { Interval } from "../parts/score";
import { Copy, Foreign, Id, Money, NodeId, Verdict, When } from "../parts/text";
import { to } from "../router";
import { CaseStanding } from "./cases";

const LOOKED_THROUGH = 1_000;

/** Nodes of one owner, whoever that is, with what they deliver. */
export function NodesOf({ of, all, whose }: { of: ReputationJson[]; all: boolean; whose: string }): JSX.Element {
  const columns = [
    { key: "node", head: "Node" },
    { key: "claim", head: "Claims" },
    { key: "score", head: "S [L, U]" },
    { key: "verdict", head: "Verdict" },
    { key: "finding", head: "Newest finding", class: "late" },
  ];
  return (
    <>
      <Table caption={`Nodes of ${whose}`} columns={columns} quiet>
        {of.map((one) => (
          <tr key={one.node}>
            <th scope="row">
              <NodeId id={one.node} />
            </th>
            <td class="wrap">
              <Foreign text={one.claim} most={56} />
            </td>
            <td>
              <Interval of={one.score} />
            </td>
            <td>
              <Verdict of={one.verdict} />
            </td>
            <td class="late wrap">
              <Foreign text={one.finding} most={110} />
            </td>
          </tr>
        ))}
        {of.length === 0 && (
          <Empty columns={columns.length}>None of the nodes that were looked through is {whose}'s.</Empty>
        )}
      </Table>
      {!all && (
        <p class="note">Of the {count(LOOKED_THROUGH)} nodes with the best lower bounds; the oracle has more.</p>
      )}
    </>
  );
}

export function CasesTable({ of, caption }: { of: CaseJson[]; caption: string }): JSX.Element {
  const columns = [
    { key: "case", head: "Case" },
    { key: "kind", head: "Kind" },
    { key: "node", head: "Node" },
    { key: "state", head: "Stands" },
    { key: "cap", head: "At most slashed", class: "num" },
    { key: "filed", head: "Filed", class: "num" },
  ];
  return (
    <Table caption={caption} columns={columns} quiet>
      {of.map((one) => (
        <tr key={one.name}>
          <th scope="row">
            <Id id={idOf(one.name)} href={to(`cases/${idOf(one.name)}`)} />
          </th>
          <td>{KINDS[one.kind ?? "CASE_KIND_UNSPECIFIED"]}</td>
          <td>
            <NodeId id={one.node} />
          </td>
          <td>
            <CaseStanding of={one} />
          </td>
          <td class="num">
            <Money units={one.cap} />
          </td>
          <td class="num">
            <When at={one.steps?.[0]?.at} />
          </td>
        </tr>
      ))}
      {of.length === 0 && <Empty columns={columns.length}>None.</Empty>}
    </Table>
  );
}

export function Provider({ id }: { id: string }): JSX.Element {
  const wrong = accountProblem(id);
  const nodes = useLive<ListReputationsResponseJson>(`/v1/reputations?pageSize=${LOOKED_THROUGH}`, 10_000);
  const cases = useLive<{ cases?: CaseJson[] }>(
    wrong ? undefined : path("/v1/cases", { provider: id.toLowerCase() }),
    SELDOM,
  );
  const own = (nodes.data?.reputations ?? []).filter((one) => one.provider === id.toLowerCase());
  return (
    <>
      <Title>Provider</Title>
      <p>
        <Id id={id} whole /> <Copy text={id} what="account" />
      </p>
      {wrong && (
        <p class="trouble" role="alert">
          {wrong}
        </p>
      )}
      {!wrong && (
        <>
          <Section id="nodes" title="Nodes">
            {nodes.problem && !nodes.data && <Trouble with={nodes.problem} what="list of nodes" />}
            {!nodes.data && !nodes.problem && <Skeleton />}
            {nodes.data && <NodesOf of={own} all={!nodes.data.nextPageToken} whose="this provider" />}
          </Section>
          <Section id="cases" title="Cases against him">
            {cases.data ? (
              <CasesTable of={cases.data.cases ?? []} caption="Cases against this provider" />
            ) : (
              <Skeleton />
            )}
            <p class="note">
              The same account may have <a href={to("cases", { filer: id })}>filed cases</a>.
            </p>
          </Section>
          <Section id="earnings" title="Earnings">
            <p>What is inside its hold, what a case could reach, and what can be collected:</p>
            <Command what="command">
              gpux-node earnings show --provider-key-file KEY --rpc URL --deployment FILE
            </Command>
          </Section>
        </>
      )}
    </>
  );
}
