// One report, with what anybody can check of it.
import type { JSX } from "preact";
import { SELDOM, useLive } from "../api/live";
import { useMarket } from "../api/market";
import { count, figure, percent } from "../format/figures";
import { hashProblem } from "../format/ids";
import { resource, STEPS } from "../format/words";
import type { GetReportResponseJson } from "../messages/gpux/oracle/v1/evidence_pb";
import type { GetReputationResponseJson } from "../messages/gpux/oracle/v1/reputation_pb";
import { Command, Facts, Section, Skeleton, Title, Trouble } from "../parts/block";
import { Account, Chip, Foreign, Id, NoData, NodeId, Simulated, When } from "../parts/text";
import { to } from "../router";
import { Outcome, What } from "./node/reports";

export function Report({ id }: { id: string }): JSX.Element {
  const wrong = hashProblem(id);
  const live = useLive<GetReportResponseJson>(wrong ? undefined : `/v1/reports/${id}`, SELDOM);
  const market = useMarket();
  const summary = live.data?.summary;
  const about = useLive<GetReputationResponseJson>(
    summary ? `/v1/nodes/${summary.node}/reputation` : undefined,
    SELDOM,
  );
  const unit = about.data?.reputation?.resources?.find((one) => one.resource === summary?.resource)?.unit;
  const origin = window.location.origin;
  return (
    <>
      <Title
        aside={
          summary && (
            <>
              <Outcome of={summary} />
              {summary.simulated && <Simulated />}
              {summary.sealed && <Chip>sealed</Chip>}
            </>
          )
        }
      >
        Report{summary ? ` about ${resource(summary.resource)}` : ""}
      </Title>
      <p>
        <Id id={id} whole />
      </p>
      {wrong && <p class="trouble">{wrong}</p>}
      {!summary && live.problem && <Trouble with={live.problem} what="report" />}
      {!summary && !live.problem && !wrong && <Skeleton lines={8} />}
      {summary && (
        <>
          <p class="lead">
            <What of={summary} />
          </p>
          <Facts
            of={[
              ["Node", <NodeId id={summary.node} />],
              ["x", summary.outcome === "OUTCOME_INCONCLUSIVE" ? <NoData /> : percent(summary.xBps ?? 0, 1)],
              ["Measured", figure(summary.measured, unit)],
              ["Expected", figure(summary.expected, unit)],
              [
                "Wrong of drawn units",
                summary.drawn ? `${count(summary.wrong ?? 0)} of ${count(summary.drawn)}` : <NoData />,
              ],
              [
                "Ended at",
                STEPS[summary.step ?? "STEP_UNSPECIFIED"]?.word ||
                  (summary.outcome === "OUTCOME_PASS" ? "the end" : <NoData />),
              ],
              ["Session began", <When at={summary.startTime} />],
              ["Counts in epoch", <a href={to(`epochs/${summary.epoch}`)}>{summary.epoch}</a>],
              ["Fisherman", <Account id={summary.fisher} as="fishers" />],
              ["Relay", <Id id={summary.relay || undefined} />],
            ]}
          />
          <Section id="evidence" title="The evidence">
            {summary.bundleDigest ? (
              <>
                <p>
                  Bundle <Id id={summary.bundleDigest} />: descriptor, offer, terms and every signed frame of the
                  session.{" "}
                  {summary.sealed ? "It is sealed." : <a href={`/v1/bundles/${summary.bundleDigest}`}>Download it</a>}
                </p>
                <Command what="command">{`curl -o bundle ${origin}/v1/bundles/${summary.bundleDigest} && gpux-oracle verify-evidence bundle`}</Command>
                <p class="note">
                  It recomputes every drawn unit and says whether the bundle convicts: two wrong drawn units in a sound
                  bundle do, and nothing less.
                </p>
              </>
            ) : (
              <p>
                {summary.sealed
                  ? `Its digest is shown once the seal ends${market ? `, ${market.parameters.sealedEpochs} epochs after it was folded` : ""}.`
                  : "The session never opened, so there is no bundle."}
              </p>
            )}
            <p class="note">
              <a href={`/v1/reports/${id}`}>The report as it was signed</a>, as JSON. <Foreign text={summary.name} />
            </p>
          </Section>
        </>
      )}
    </>
  );
}
