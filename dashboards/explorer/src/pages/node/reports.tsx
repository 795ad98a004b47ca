// Sessions that fishermen reported: the outcome at once; step, remedy and evidence when the seal is off.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { List } from "../../api/list";
import { count, percent } from "../../format/figures";
import { idOf } from "../../format/ids";
import { OUTCOMES, resource, STEPS } from "../../format/words";
import type { ReportSummaryJson } from "../../messages/gpux/oracle/v1/evidence_pb";
import { Empty, Section, Skeleton, Table, Trouble } from "../../parts/block";
import { Account, Chip, Foreign, Id, NoData, NodeId, When } from "../../parts/text";
import { to } from "../../router";

export function Outcome({ of }: { of: ReportSummaryJson }): JSX.Element {
  const { word, tone } = OUTCOMES[of.outcome ?? "OUTCOME_UNSPECIFIED"] ?? OUTCOMES.OUTCOME_UNSPECIFIED;
  return <Chip tone={tone}>{word}</Chip>;
}

export function ReportsTable({ reports, withNode }: { reports: ReportSummaryJson[]; withNode?: boolean }): JSX.Element {
  const columns = [
    { key: "report", head: "Report" },
    ...(withNode ? [{ key: "node", head: "Node" }] : []),
    { key: "resource", head: "Resource" },
    { key: "outcome", head: "Outcome" },
    { key: "x", head: "x", class: "num" },
    { key: "what", head: "What happened" },
    { key: "fisher", head: "Fisherman", class: "late" },
    { key: "time", head: "Session began", class: "num late" },
    { key: "epoch", head: "Epoch", class: "num last" },
  ];
  return (
    <Table caption="Reports, newest first" columns={columns} quiet>
      {reports.map((one) => (
        <tr key={one.name}>
          <th scope="row">
            <Id id={idOf(one.name)} href={to(`reports/${idOf(one.name)}`)} />
          </th>
          {withNode && (
            <td>
              <NodeId id={one.node} />
            </td>
          )}
          <td>{resource(one.resource)}</td>
          <td>
            <Outcome of={one} />
          </td>
          <td class="num">{one.outcome === "OUTCOME_INCONCLUSIVE" ? <NoData /> : percent(one.xBps ?? 0)}</td>
          <td class="wrap">
            <What of={one} />
          </td>
          <td class="late">{one.sealed ? <Chip>sealed</Chip> : <Account id={one.fisher} as="fishers" />}</td>
          <td class="num late">
            <When at={one.startTime} />
          </td>
          <td class="num last">
            <a href={to(`epochs/${one.epoch}`)}>{one.epoch}</a>
          </td>
        </tr>
      ))}
      {reports.length === 0 && <Empty columns={columns.length}>No report is folded yet: no data.</Empty>}
    </Table>
  );
}

/** What happened, and for whom it failed: at which step, and what helps. */
export function What({ of }: { of: ReportSummaryJson }): JSX.Element {
  if (of.sealed) return <span class="note">sealed: hosts could still learn from it what probes look like</span>;
  const step = STEPS[of.step ?? "STEP_UNSPECIFIED"];
  return (
    <>
      {step?.word && <b>at {step.word}: </b>}
      <Foreign text={of.detail} most={90} />
      {step?.remedy && of.outcome === "OUTCOME_FAIL" && <span class="note"> {step.remedy}</span>}
    </>
  );
}

/** Reports that are drawn at first: what follows on the page must stay within reach. */
const DRAWN = 20;

export function Reports({ list, node }: { list: List<ReportSummaryJson>; node: string }): JSX.Element {
  const [drawn, setDrawn] = useState(DRAWN);
  return (
    <Section id="reports" title="Reports">
      {!list.items && !list.problem && <Skeleton lines={6} />}
      {!list.items && list.problem && <Trouble with={list.problem} what="list of reports" />}
      {list.items && (
        <>
          <ReportsTable reports={list.items.slice(0, drawn)} />
          <p class="more">
            <span>
              {count(list.items.length)} read{list.more ? "; the oracle has more" : ", which is all"}
            </span>
            {drawn < list.items.length && (
              <button type="button" class="small" onClick={() => setDrawn(drawn * 4)}>
                show {count(Math.min(drawn * 3, list.items.length - drawn))} more
              </button>
            )}
            {list.more && drawn >= list.items.length && (
              <button type="button" class="small" onClick={list.readMore} disabled={list.reading}>
                read more
              </button>
            )}
            <a href={`/v1/reports?node=${node}`}>as JSON</a>
          </p>
        </>
      )}
    </Section>
  );
}
