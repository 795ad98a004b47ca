// One node: is it real, and why does the oracle think so?
import type { JSX } from "preact";
import { path } from "../api/client";
import { useList } from "../api/list";
import { SELDOM, useLive } from "../api/live";
import { useDescriptions } from "../api/offers";
import { count } from "../format/figures";
import { hashProblem, idOf, read } from "../format/ids";
import { rateOf } from "../format/offer";
import { CASE_OUTCOMES, KINDS, STATES, VERDICTS } from "../format/words";
import type { ListCasesResponseJson } from "../messages/gpux/oracle/v1/arbitration_pb";
import type { ReportSummaryJson } from "../messages/gpux/oracle/v1/evidence_pb";
import type {
  ExplainReputationResponseJson,
  GetReputationResponseJson,
  ReputationJson,
} from "../messages/gpux/oracle/v1/reputation_pb";
import { Command, Facts, Section, Skeleton, Table, Title, Trouble } from "../parts/block";
import { Interval } from "../parts/score";
import { Account, Chip, Copy, Foreign, Id, Money, NoData, Simulated, Verdict, When } from "../parts/text";
import { to } from "../router";
import { OnChain } from "./node/chain";
import { Past } from "./node/past";
import { Reports } from "./node/reports";
import { Resources } from "./node/resources";
import { Why } from "./node/why";

export function Node({ id: given }: { id: string }): JSX.Element {
  const wrong = hashProblem(given);
  if (wrong) {
    const found = read(given);
    return (
      <>
        <Title>This is no node's id</Title>
        <div class="trouble" role="alert">
          <p>
            <b>
              <Foreign text={given} most={90} />
            </b>
          </p>
          <p>{wrong}</p>
          {found.kind === "account" && (
            <p>
              As an account: <a href={to(`providers/${found.id}`)}>the provider</a>,{" "}
              <a href={to(`fishers/${found.id}`)}>the fisherman</a>.
            </p>
          )}
        </div>
      </>
    );
  }
  return <Known id={`0x${given.replace(/^0x/i, "").toLowerCase()}`} />;
}

function Known({ id }: { id: string }): JSX.Element {
  const live = useLive<GetReputationResponseJson>(`/v1/nodes/${id}/reputation`);
  const reputation = live.data?.reputation;
  return (
    <>
      <Title
        aside={
          reputation && (
            <>
              <Verdict of={reputation.verdict} />
              {reputation.resources?.some((one) => one.simulated) && <Simulated />}
            </>
          )
        }
      >
        {reputation ? <Foreign text={reputation.claim} most={70} /> : "Node"}
      </Title>
      <p>
        node <Id id={id} whole /> <Copy text={id} what="node's id" />
      </p>
      {!reputation && !live.problem && <Skeleton lines={14} />}
      {!reputation && live.problem && (
        <>
          <Trouble with={live.problem} what="node" />
          {live.problem.status === 404 && (
            <p>
              It may be a <a href={to(`cases/${id}`)}>case</a> or a <a href={to(`reports/${id}`)}>report</a>;{" "}
              <a href={to("search", { q: id })}>search everything</a>.
            </p>
          )}
        </>
      )}
      {reputation && <Standing id={id} reputation={reputation} />}
    </>
  );
}

function Standing({ id, reputation }: { id: string; reputation: ReputationJson }): JSX.Element {
  const reports = useList<ReportSummaryJson>("/v1/reports", "reports", { node: id });
  const node = useDescriptions([id]).get(id);
  // The oracle folds the whole log for an answer, so this is asked seldom, and only where something is folded.
  const explained = useLive<ExplainReputationResponseJson>(
    reputation.score ? `/v1/nodes/${id}/explanation` : undefined,
    SELDOM,
  );
  const rate = rateOf(node);
  const offer = node?.description?.offer?.offer;
  const meaning = VERDICTS[reputation.verdict ?? "VERDICT_UNSPECIFIED"]?.meaning;
  const times = (reputation.resources ?? []).map((one) => one.lastProbeTime ?? "").sort();
  return (
    <>
      <p class="lead">
        <Foreign text={reputation.finding} most={300} />
      </p>
      <Interval of={reputation.score} wide />
      <p class="note">
        S estimates which part of what it advertises it delivers; [L, U] is what the evidence still allows, and L ranks.{" "}
        {meaning}
      </p>
      <Facts
        of={[
          ["Probes folded", reputation.score ? <a href="#reports">{count(reputation.probes ?? 0)}</a> : <NoData />],
          ["Last probe", <When at={times.at(-1) || undefined} />],
          [
            "Epoch of the score",
            reputation.epoch ? <a href={to(`epochs/${reputation.epoch}`)}>{reputation.epoch}</a> : <NoData />,
          ],
          ["Measures like", reputation.nearestModel ? <Foreign text={reputation.nearestModel} /> : <NoData />],
          ["Price an hour", rate ? <Money units={String(BigInt(rate) * 3600n)} /> : <NoData />],
          [
            "Offer holds until",
            offer?.validUntil ? <When at={new Date(Number(offer.validUntil) * 1000)} /> : <NoData />,
          ],
          ["Provider", <Account id={reputation.provider} as="providers" />],
          [
            "Organisation",
            <Id
              id={reputation.organisation || undefined}
              href={reputation.organisation && to(`organisations/${reputation.organisation}`)}
            />,
          ],
          // Never a link: the node chose it, and a browser that follows it tells the node who looks.
          ["End point", <Foreign text={reputation.endpoint} most={64} />],
        ]}
      />
      <Resources reputation={reputation} reports={reports.items ?? []} node={node} />
      <Why reputation={reputation} explained={explained} />
      <Past reputation={reputation} explained={explained} />
      <Reports list={reports} node={id} />
      <Payments of={reputation} />
      <CasesAbout id={id} />
      <OnChain reputation={reputation} />
      <Section
        id="recompute"
        title="Recompute this yourself"
        note="The public log is the complete input of every score. Replay says equal, or where it first differs."
      >
        <Command what="command">{`gpux-oracle replay --log ${window.location.origin}`}</Command>
        <Command what="command">{`gpux-oracle explain ${id} --log ${window.location.origin}`}</Command>
        <p>Or measure it, before you pay for more than a moment:</p>
        <Command what="command">{`gpux-prober check ${/^https?:\/\/[\w.:[\]-]+\/?$/.test(reputation.endpoint ?? "") ? reputation.endpoint : "URL"}`}</Command>
      </Section>
    </>
  );
}

function Payments({ of: { payments } }: { of: ReputationJson }): JSX.Element {
  return (
    <Section
      id="payments"
      title="Payments"
      note="Of its rentals on chain, fishermen's probes among them. They are shown beside the score, and never move it."
    >
      {payments ? (
        <Facts
          of={[
            ["Rentals opened", count(payments.rentals ?? 0)],
            ["Distinct consumers", count(payments.consumers ?? 0)],
            ["Put in", <Money units={payments.deposited ?? "0"} />],
            ["Went back to consumers", <Money units={payments.refunded ?? "0"} />],
            ["Collected by the provider", <Money units={payments.collected ?? "0"} />],
          ]}
        />
      ) : (
        <NoData />
      )}
    </Section>
  );
}

function CasesAbout({ id }: { id: string }): JSX.Element {
  const { data } = useLive<ListCasesResponseJson>(path("/v1/cases", { node: id }), SELDOM);
  const cases = data?.cases ?? [];
  return (
    <Section id="cases" title="Cases">
      {data && cases.length === 0 && <p>None was ever filed about it.</p>}
      {cases.length > 0 && (
        <Table
          caption="Cases about this node, newest first"
          quiet
          columns={[
            { key: "case", head: "Case" },
            { key: "kind", head: "Kind" },
            { key: "state", head: "Stands" },
            { key: "cap", head: "At most slashed", class: "num" },
            { key: "filed", head: "Filed", class: "num" },
          ]}
        >
          {cases.map((one) => (
            <tr key={one.name}>
              <th scope="row">
                <Id id={idOf(one.name)} href={to(`cases/${idOf(one.name)}`)} />
              </th>
              <td>{KINDS[one.kind ?? "CASE_KIND_UNSPECIFIED"]}</td>
              <td>
                {STATES[one.state ?? "CASE_STATE_UNSPECIFIED"]}{" "}
                {one.outcome && <Chip tone={CASE_OUTCOMES[one.outcome].tone}>{CASE_OUTCOMES[one.outcome].word}</Chip>}
              </td>
              <td class="num">
                <Money units={one.cap} />
              </td>
              <td class="num">
                <When at={one.steps?.[0]?.at} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}
