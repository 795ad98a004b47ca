// One fisherman: what he earned, what he lost, and what he reported lately.
import type { JSX } from "preact";
import { path } from "../api/client";
import { SELDOM, useLive } from "../api/live";
import { useMarket } from "../api/market";
import { count, tokens } from "../format/figures";
import { accountProblem, isGiven } from "../format/ids";
import type { CaseJson } from "../messages/gpux/oracle/v1/arbitration_pb";
import type { ReportSummaryJson } from "../messages/gpux/oracle/v1/evidence_pb";
import type { GetRewardResponseJson } from "../messages/gpux/oracle/v1/rewards_pb";
import { Command, Facts, Section, Skeleton, Title, Trouble } from "../parts/block";
import { Copy, Id, Money, NoData } from "../parts/text";
import { to } from "../router";
import { ReportsTable } from "./node/reports";
import { CasesTable } from "./provider";

export function Fisher({ id }: { id: string }): JSX.Element {
  const wrong = accountProblem(id);
  const known = wrong ? undefined : id.toLowerCase();
  const live = useLive<GetRewardResponseJson>(known && `/v1/rewards/${known}`, 10_000);
  const reports = useLive<{ reports?: ReportSummaryJson[] }>(known && "/v1/reports?pageSize=1000", 10_000);
  const cases = useLive<{ cases?: CaseJson[] }>(known && path("/v1/cases", { filer: known }), SELDOM);
  const market = useMarket();
  const reward = live.data?.reward;
  const own = (reports.data?.reports ?? []).filter((one) => one.fisher === known);
  const full = market?.parameters.fullWeightBond;
  return (
    <>
      <Title>Fisherman</Title>
      <p>
        <Id id={id} whole /> <Copy text={id} what="account" />
      </p>
      {wrong && (
        <p class="trouble" role="alert">
          {wrong}
        </p>
      )}
      {!wrong && !reward && live.problem && <Trouble with={live.problem} what="fisherman" />}
      {!wrong && !reward && !live.problem && <Skeleton lines={8} />}
      {reward && (
        <>
          <Section id="earnings" title="Earnings">
            <Facts
              of={[
                ["Earned in all", <Money units={reward.earned} />],
                ["Pending: paid once enough audits agreed", <Money units={reward.pending} />],
                ["Forfeited by a lie, a silent commit, a bond taken back", <Money units={reward.forfeited} />],
                [
                  "Claimable by the newest rewards root",
                  isGiven(reward.root) ? <Money units={reward.cumulative} /> : <NoData />,
                ],
                [
                  "Newest epoch that changed these",
                  reward.epoch && reward.epoch !== "0" ? (
                    <a href={to(`epochs/${reward.epoch}`)}>{reward.epoch}</a>
                  ) : (
                    <NoData />
                  ),
                ],
                ["Rewards root", <Id id={reward.root || undefined} />],
              ]}
            />
            <Command what="command">gpux-prober rewards claim --key-file KEY --rpc URL --deployment FILE</Command>
          </Section>
          <Section id="weight" title="Weight, bond and agreement">
            <p>
              No data: this oracle does not serve a fisherman's weight, bond or audits by account. Each report counts by
              min(1, bond / {typeof full === "string" ? tokens(full, market?.tokenDecimals) : "the full bond"}), and by
              nothing before enough audits agreed with him; the log has every audit:
            </p>
            <Command what="command">{`gpux-oracle replay --log ${window.location.origin}`}</Command>
          </Section>
          <Section
            id="reports"
            title="Newest reports"
            note={`Of the newest ${count(reports.data?.reports?.length ?? 0)} reports of all fishermen; sealed ones name nobody.`}
          >
            <ReportsTable reports={own.slice(0, 100)} withNode />
          </Section>
          <Section id="cases" title="Cases that he filed">
            {cases.data ? <CasesTable of={cases.data.cases ?? []} caption="Cases of this filer" /> : <Skeleton />}
          </Section>
        </>
      )}
    </>
  );
}
