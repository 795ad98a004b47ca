// "Why is my score low, and what would raise it?"
import type { JSX } from "preact";
import type { Live } from "../../api/live";
import { useMarket } from "../../api/market";
import type { ExplainReputationResponseJson, ReputationJson } from "../../messages/gpux/oracle/v1/reputation_pb";
import { Section, Skeleton, Trouble } from "../../parts/block";
import { to } from "../../router";
import { why } from "./why.words";

/** n0 of the method where the oracle does not say. */
const PRIOR_WEIGHT = 5;

export function Why({
  reputation,
  explained,
}: {
  reputation: ReputationJson;
  explained: Live<ExplainReputationResponseJson>;
}): JSX.Element {
  const market = useMarket();
  const explanation = explained.data?.explanation;
  const milli = market?.parameters.priorWeightMilli;
  const told = explanation && why(explanation, reputation, typeof milli === "number" ? milli / 1000 : PRIOR_WEIGHT);
  return (
    <Section id="why" title="Why is the score what it is, and what would raise it?">
      {!reputation.score && (
        <p>
          Nothing is folded about this node yet: it scores nothing until its first probe counts, and nothing has to be
          asked for.
        </p>
      )}
      {reputation.score && !told && !explained.problem && <Skeleton lines={5} />}
      {reputation.score && !told && explained.problem && <Trouble with={explained.problem} what="explanation" />}
      {told && (
        <>
          <ul class="why">
            {told.because.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
          <h3>What would raise it</h3>
          <ul class="why">
            {told.raise.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
          <p class="note">
            As of epoch {explanation.epoch}. <a href={to("method")}>How scores are made</a>; the whole trace, factor by
            factor: <a href={`/v1/nodes/${reputation.node}/explanation`}>as JSON</a>, or{" "}
            <code>gpux-oracle explain</code>.
          </p>
        </>
      )}
    </Section>
  );
}
