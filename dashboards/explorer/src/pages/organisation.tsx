// One organisation: how its nodes do, and what it was certified to be.
import type { JSX } from "preact";
import { useLive } from "../api/live";
import { count, share, worstDecile } from "../format/figures";
import { hashProblem } from "../format/ids";
import type { ListReputationsResponseJson } from "../messages/gpux/oracle/v1/reputation_pb";
import { Facts, Section, Skeleton, Title, Trouble } from "../parts/block";
import { Copy, Id, NoData } from "../parts/text";
import { NodesOf } from "./provider";

export function Organisation({ id }: { id: string }): JSX.Element {
  const wrong = hashProblem(id);
  const live = useLive<ListReputationsResponseJson>("/v1/reputations?pageSize=1000", 10_000);
  const own = (live.data?.reputations ?? []).filter((one) => one.organisation === id.toLowerCase());
  const lows = own.flatMap((one) => (one.score ? [one.score.lowBps ?? 0] : []));
  const bad = own.filter((one) => one.verdict === "VERDICT_UNDER_DELIVERING").length;
  return (
    <>
      <Title>Organisation</Title>
      <p>
        <Id id={id} whole /> <Copy text={id} what="organisation's key" />
      </p>
      {wrong && (
        <p class="trouble" role="alert">
          {wrong}
        </p>
      )}
      {!wrong && live.problem && !live.data && <Trouble with={live.problem} what="organisation" />}
      {!wrong && !live.data && !live.problem && <Skeleton lines={8} />}
      {!wrong && live.data && (
        <>
          <Facts
            of={[
              ["Nodes that it signed", own.length > 0 ? count(own.length) : <NoData />],
              ["Of them scored", own.length > 0 ? count(lows.length) : <NoData />],
              ["L of its worst decile", share(worstDecile(lows))],
              ["Under-delivering", own.length > 0 ? count(bad) : <NoData />],
            ]}
          />
          <Section id="certificates" title="Certificates">
            <p>
              <NoData />: this oracle does not serve certificates yet. They stand beside the score, and never move it.
            </p>
          </Section>
          <Section id="nodes" title="Nodes">
            <NodesOf of={own} all={!live.data.nextPageToken} whose="this organisation" />
          </Section>
        </>
      )}
    </>
  );
}
