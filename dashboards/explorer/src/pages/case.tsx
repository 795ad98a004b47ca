// One dispute, for whoever judges it: what is said, by whom, until when, and what each ruling would do.
import type { JSX } from "preact";
import { OFTEN, SELDOM, useLive } from "../api/live";
import { rulings } from "../court/effects";
import { type Turn, turn } from "../court/turn";
import { percent } from "../format/figures";
import { hashProblem, isGiven } from "../format/ids";
import { moment } from "../format/time";
import { ACTIONS, CASE_OUTCOMES, KINDS } from "../format/words";
import type { CaseJson, CaseStepJson, GetCaseResponseJson } from "../messages/gpux/oracle/v1/arbitration_pb";
import type { GetReputationResponseJson, ReputationJson } from "../messages/gpux/oracle/v1/reputation_pb";
import { Command, Facts, Section, Skeleton, Title, Trouble } from "../parts/block";
import { Account, Copy, Foreign, Id, Money, NodeId, Transaction, When } from "../parts/text";
import { Acting } from "./case/acting";
import { CaseStanding } from "./cases";

export function CasePage({ id }: { id: string }): JSX.Element {
  const wrong = hashProblem(id);
  const live = useLive<GetCaseResponseJson>(wrong ? undefined : `/v1/cases/${id}`, OFTEN);
  const found = live.data?.case;
  const about = useLive<GetReputationResponseJson>(found ? `/v1/nodes/${found.node}/reputation` : undefined, SELDOM);
  return (
    <>
      <Title aside={found && <CaseStanding of={found} />}>
        Case{found ? `: ${KINDS[found.kind ?? "CASE_KIND_UNSPECIFIED"]}` : ""}
      </Title>
      <p>
        <Id id={id} whole /> <Copy text={id} what="case's id" />
      </p>
      {wrong && (
        <div class="trouble" role="alert">
          <p>
            <b>This is no case's id.</b>
          </p>
          <p>{wrong}</p>
        </div>
      )}
      {!found && live.problem && <Trouble with={live.problem} what="case" />}
      {!found && !live.problem && !wrong && <Skeleton lines={10} />}
      {found && <Told of={found} node={about.data?.reputation} id={id} />}
    </>
  );
}

function Told({ of, node, id }: { of: CaseJson; node: ReputationJson | undefined; id: string }): JSX.Element {
  const next = turn(of, new Date());
  return (
    <>
      <p class="lead">
        <Accusation of={of} node={node} />
      </p>
      <Section id="turn" title="Whose turn it is">
        <p>
          <b>{next.words}</b>{" "}
          {next.until && (
            <>
              Until <When at={next.until} /> (<When at={next.until} relative />
              ).
            </>
          )}
        </p>
      </Section>
      <Section id="stake" title="Money at stake">
        <Facts
          of={[
            ["Most that can be slashed (cap)", <Money units={of.cap} />],
            ["The filer's bond", <Money units={of.bond} />],
            ["Ruled, or taken in the end", <Money units={of.amount} />],
            ["Provider, accused", <Account id={of.provider} as="providers" />],
            ["Filer, who accuses", <Account id={of.filer} as="fishers" />],
            ["Node", <NodeId id={of.node} />],
            ["What was held stays frozen until", <When at={of.frozenUntil} />],
          ]}
        />
      </Section>
      <Section id="steps" title="What happened, and every deadline ahead">
        <TimeLine of={of} next={next} />
      </Section>
      <Section id="evidence" title="The evidence">
        <Evidence of={of} node={node} />
      </Section>
      {of.state !== "CASE_STATE_FINAL" && (
        <Section
          id="rulings"
          title="What each ruling would do"
          note="By the contracts' rules. A ruling moves nothing by itself: money moves when somebody finalises, and at least half of every slash leaves both parties."
        >
          <div class="rulings">
            {rulings(of).map((ruling) => (
              <div class="card" key={ruling.outcome}>
                <b>{ruling.outcome}</b> <span class="note">{ruling.means}</span>
                <ul>
                  {ruling.effects.map((effect) => (
                    <li key={effect.who + effect.what}>
                      <b>{effect.who}</b> {effect.what}{" "}
                      {effect.units !== undefined && (
                        <span class="sum">
                          <Money units={effect.units} />
                        </span>
                      )}
                    </li>
                  ))}
                </ul>
              </div>
            ))}
          </div>
          <p class="note">
            An appeal costs a counter-bond as large as the bond. It comes back if the appeal betters anything for who
            made it, or nobody answers it.
          </p>
        </Section>
      )}
      {next.acts.some((act) => act !== "answer") && <Acting of={of} id={id as `0x${string}`} acts={next.acts} />}
      {next.acts.includes("answer") && (
        <Section id="act" title="For the provider">
          <p>Answer once, by the digest of a statement that you keep and show to whoever rules:</p>
          <Command what="command">{`gpux-node case answer ${id} --statement FILE`}</Command>
        </Section>
      )}
    </>
  );
}

function Accusation({ of, node }: { of: CaseJson; node: ReputationJson | undefined }): JSX.Element {
  const claim = node?.claim ? (
    <>
      , which claims <Foreign text={node.claim} most={60} />
    </>
  ) : null;
  const who = (
    <>
      the node <NodeId id={of.node} />
      {claim}
    </>
  );
  if (of.kind === "CASE_KIND_PROOF")
    return (
      <>
        A fisherman rented {who}. He says that it answered with wrong results, and enough operators signed that his
        evidence, recomputed, convicts: at least two drawn units of one session are wrong.
      </>
    );
  if (of.kind === "CASE_KIND_STATISTICAL")
    return (
      <>
        The published scores say that {who}, delivers less than it advertises. The verdict rests on audited sessions
        alone; no single session is accused.
      </>
    );
  if (of.kind === "CASE_KIND_BARE")
    return (
      <>
        A renter says that his own rental of {who}, was not what he paid for. There is his word, and no proof; only his
        rental is at stake.
      </>
    );
  return <>What is said about {who}, is unknown.</>;
}

function Evidence({ of, node }: { of: CaseJson; node: ReputationJson | undefined }): JSX.Element {
  const origin = window.location.origin;
  return (
    <>
      {of.kind === "CASE_KIND_PROOF" && (
        <>
          <p>
            Bundle <Id id={of.evidence} />. Recompute every drawn unit yourself; it exits with 2 when the bundle does
            not convict:
          </p>
          <Command what="command">{`curl -o bundle ${origin}/v1/bundles/${of.evidence} && gpux-oracle verify-evidence bundle`}</Command>
        </>
      )}
      {of.kind === "CASE_KIND_STATISTICAL" && (
        <>
          <p>
            Leaf <Id id={of.evidence} />. Its verdict follows from the public log:
          </p>
          <Command what="command">{`gpux-oracle explain ${of.node} --log ${origin}`}</Command>
        </>
      )}
      {of.kind === "CASE_KIND_BARE" && (
        <p>
          Statement with the digest <Id id={of.evidence} />. The filer shows the file to whoever rules; its keccak-256
          must be this digest.
        </p>
      )}
      {node?.finding && (
        <p>
          The newest probes say: <Foreign text={node.finding} most={240} />
        </p>
      )}
      {isGiven(of.rental) && (
        <p>
          The filer's rental <Id id={of.rental} />.
        </p>
      )}
    </>
  );
}

interface Ahead {
  at: Date;
  words: string;
}

/** Deadlines that have not passed, beside the steps that were taken. */
function ahead(of: CaseJson, next: Turn): Ahead[] {
  if (of.state === "CASE_STATE_FINAL") return [];
  const now = Date.now();
  const all: [string | Date | undefined, string][] = [
    [of.answerUntil, "until then the provider may answer"],
    [
      of.deadline,
      next.acts[0] === "appeal" ? "until then the ruling may be appealed" : "until then the court may rule",
    ],
    [of.frozenUntil, "the freeze ends by itself: a case still ends, and takes what is left"],
  ];
  return all
    .flatMap(([at, words]) => {
      const date = typeof at === "string" ? moment(at) : at;
      return date && date.getTime() > now ? [{ at: date, words }] : [];
    })
    .sort((a, b) => a.at.getTime() - b.at.getTime());
}

function TimeLine({ of, next }: { of: CaseJson; next: Turn }): JSX.Element {
  return (
    <ol class="timeline">
      {(of.steps ?? []).map((step) => (
        <li key={`${step.transaction}${step.action}`}>
          <Step step={step} />
        </li>
      ))}
      {ahead(of, next).map((one) => (
        <li class="ahead" key={one.words}>
          {one.words}
          <div class="at">
            <When at={one.at} />, <When at={one.at} relative />
          </div>
        </li>
      ))}
    </ol>
  );
}

/** What a step's amount is (arbitration.proto). */
const AMOUNTS: Record<string, string> = {
  CASE_ACTION_FILED: "a cap of",
  CASE_ACTION_EXTENDED: "a cap of now",
  CASE_ACTION_RULED: "to slash",
  CASE_ACTION_APPEALED: "under a counter-bond of",
  CASE_ACTION_FINALISED: "slashed",
};

function Step({ step }: { step: CaseStepJson }): JSX.Element {
  const outcome = step.outcome && CASE_OUTCOMES[step.outcome];
  return (
    <>
      <b>
        {ACTIONS[step.action ?? "CASE_ACTION_UNSPECIFIED"]}
        {outcome && `: ${outcome.word}`}
      </b>
      {step.amount && step.amount !== "0" && (
        <>
          , {AMOUNTS[step.action ?? ""] ?? ""} <Money units={step.amount} />
        </>
      )}
      {!!step.levyBps && <>, a levy of {percent(step.levyBps)} on later earnings</>}
      {isGiven(step.statement) && (
        <>
          , statement <Id id={step.statement} />
        </>
      )}
      {isGiven(step.actor) && (
        <>
          {" "}
          by <Id id={step.actor} />
        </>
      )}
      <div class="at">
        <When at={step.at} />, block {step.block}
        {step.final ? "" : " (not final yet: it may still be replaced)"}, transaction{" "}
        <Transaction id={step.transaction} />
      </div>
    </>
  );
}
