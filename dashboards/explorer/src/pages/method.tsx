// How scores are made, with the parameters that are in force at this oracle.
import type { ComponentChildren, JSX } from "preact";
import { useMarket } from "../api/market";
import { count, percent, tokens } from "../format/figures";
import { Command, Facts, Section, Skeleton, Table, Title } from "../parts/block";
import { Id } from "../parts/text";
import { SIMULATED } from "./method.figures";

type Value = number | string | number[] | undefined;
type Kind = "count" | "bps" | "ppm" | "milli" | "tokens" | "epochs" | "seconds" | "ms" | "bets";

/** oracle/src/score/parameters.rs: each constant that a reader can hold the scores to, by its name there. */
const MEANINGS: [string, Kind, string][] = [
  ["priorWeightMilli", "milli", "n0: how many full probes the prior weighs"],
  ["priorMeanBps", "bps", "m0: the score of a node of which nothing is known"],
  ["halfLifeProbes", "count", "after so many full probes of a resource an old one counts half"],
  ["halfLifeSecs", "seconds", "after so long a probe counts half"],
  ["intervalLevelBps", "bps", "how often [L, U] covers the mean of a host that does not change, for its whole life"],
  ["betsPermille", "bets", "what the confidence sequence stakes"],
  ["fullWeightBond", "tokens", "B: the bond from which a fisherman counts in full"],
  ["minBond", "tokens", "the smallest bond that takes part"],
  ["windowsMin", "count", "x is the median of at least so many timed windows"],
  ["windowMsMin", "ms", "the shortest timed window"],
  ["meanBps", "bps", "q: what an honest host delivers on average at least"],
  ["slowBps", "bps", "a session below this is slow"],
  ["rateBps", "bps", "e0: the share of slow sessions that an honest host stays below"],
  ["inconclusiveBps", "bps", "the share of sessions that say nothing that honest hosts stay below"],
  ["disagreementBps", "bps", "f0: the share of an honest fisherman's reports that may differ from the stamps"],
  ["suspicionErrorPpm", "ppm", "a1: how often an honest node may become suspect in a year"],
  ["accusationErrorPpm", "ppm", "a2: how often an honest node may be accused in its life"],
  ["corruptOwnersBps", "bps", "c: the share of relays' owners that may be corrupt"],
  ["contaminationLevelBps", "bps", "how sure the bound on lying fishermen is"],
  ["clearedMeanBps", "bps", "a suspect is cleared by evidence against a mean of at most this"],
  ["clearedRateBps", "bps", "and by evidence against at least this share of slow sessions"],
  ["honestEvidence", "count", "how large both e-values for honesty must be"],
  ["honestOwnersMin", "count", "how many owners of relays see a node before it can be called honest"],
  ["auditsMin", "count", "a fisherman counts after so many audits that agreed with him"],
  ["auditShareBps", "bps", "the share of sessions that are audited; of suspects all are"],
  ["levyMaxBps", "bps", "the largest levy on a convicted node's earnings"],
  ["sealedEpochs", "epochs", "how long a report's details stay sealed"],
  ["reportFee", "tokens", "what a fisherman is paid for each accepted report beside the rental's cost"],
  ["assignmentSlots", "count", "sessions that an epoch assigns to each fisherman"],
];

function shown(value: Value, kind: Kind, decimals: number): string {
  if (value === undefined) return "no data";
  if (Array.isArray(value)) return value.map((bet) => (bet / 1000).toString()).join(", ");
  switch (kind) {
    case "bps":
      return percent(Number(value), Number(value) % 100 === 0 ? 0 : 1);
    case "ppm":
      return `${(Number(value) / 1e4).toString()} %`;
    case "milli":
      return (Number(value) / 1000).toString();
    case "tokens":
      return tokens(String(value), decimals);
    case "seconds":
      return Number(value) >= 86_400 ? `${Number(value) / 86_400} days` : `${value} s`;
    case "ms":
      return `${count(value)} ms`;
    case "epochs":
      return value === 0 ? "not at all" : `${count(value)} epochs`;
    default:
      return count(value);
  }
}

function Doc({ file, children }: { file: string; children: ComponentChildren }): JSX.Element {
  return (
    <>
      {children} (<code>docs/{file}</code>)
    </>
  );
}

export function Method(): JSX.Element {
  const market = useMarket();
  return (
    <>
      <Title aside={<span class="note">and what it promises</span>}>How a score is made</Title>
      <ol class="why">
        <li>
          A block's hash and a fisherman's own hash chain assign him a node, a resource and a moment that nobody knew
          before. He rents the node from a throw-away account; his session travels sealed through a relay of another
          owner, so that the node does not see who probes. <Doc file="method/assignments.md">Assignments</Doc>
        </li>
        <li>
          A program on the node computes what can be computed only by really doing the work. The fisherman's clock times
          it, and the relay stamps when each frame passed. <Doc file="method/probes.md">Probes</Doc>
        </li>
        <li>
          The node signs the root of all results; then both sides' randomness draws which of them are opened and
          recomputed.
        </li>
        <li>
          x is what was measured over what honest hardware of the claimed kind reaches, at most 1. Wrong bits or a
          failed session are 0.
        </li>
        <li>
          S is the decayed mean of x; [L, U] is a confidence sequence around it, which holds however often one looks. A
          node scores as its worst resource, and L ranks: a new identity begins at the bottom.{" "}
          <Doc file="method/scoring.md">Scores and verdicts, worked by hand</Doc>
        </li>
        <li>
          Verdicts rest on audited sessions alone. The fifth of the relays' owners who say most is left out, whoever
          they are. <Doc file="method/audits.md">Audits</Doc>
        </li>
      </ol>
      <Section id="doubt" title="Doubt it">
        <p>
          Payments, certificates and rulings never move a score. Whoever holds the public log gets the same bytes.{" "}
          <Doc file="threats.md">Who can cheat whom, and what stops it</Doc>.
        </p>
        <Command what="command">{`gpux-oracle replay --log ${window.location.origin}`}</Command>
      </Section>
      <Section
        id="parameters"
        title={`Parameters in force${market ? (market.development ? ": development" : ": production") : ""}`}
        note="They are one named set, never set one by one. Their digest enters each epoch's publication, and Scores refuses another one."
      >
        {!market && <Skeleton lines={10} />}
        {market && (
          <>
            <Facts
              of={[
                ["Digest", <Id id={market.parametersDigest} whole />],
                ["An epoch lasts", `${market.epochSeconds} s`],
                ["Oracle", `gpux-oracle ${market.version}`],
              ]}
            />
            <Table
              caption="Constants of the method"
              quiet
              columns={[
                { key: "name", head: "Constant" },
                { key: "value", head: "Value", class: "num" },
                { key: "meaning", head: "What it is" },
              ]}
            >
              {MEANINGS.map(([name, kind, meaning]) => (
                <tr key={name}>
                  <th scope="row">
                    <code>{name}</code>
                  </th>
                  <td class="num">{shown(market.parameters[name], kind, market.tokenDecimals)}</td>
                  <td class="wrap">{meaning}</td>
                </tr>
              ))}
            </Table>
          </>
        )}
      </Section>
      <Section
        id="errors"
        title="Measured error rates"
        note="Of make simulate --seed 1 with production parameters: 500 nodes probed 10,000 times, 60 fishermen, 40 owners of relays."
      >
        <Table
          caption="What the fold did in simulated markets of liars"
          columns={[
            { key: "liars", head: "Lying fishermen", class: "num" },
            { key: "owners", head: "Corrupt owners", class: "num" },
            { key: "accused", head: "Falsely accused", class: "num" },
            { key: "suspect", head: "Falsely suspect", class: "num" },
            { key: "found", head: "Cheats found", class: "num" },
          ]}
        >
          {SIMULATED.map(([liars, owners, accused, suspect, found]) => (
            <tr key={`${liars}${owners}`}>
              <th scope="row" class="num">
                {liars}
              </th>
              <td class="num">{owners}</td>
              <td class="num">{accused}</td>
              <td class="num">{suspect}</td>
              <td class="num">{found}</td>
            </tr>
          ))}
        </Table>
        <p class="note">
          At most a fifth of the owners is what is promised; with 30 % nothing is. The whole table, and what is assumed:{" "}
          <code>docs/method/scoring.md</code>.
        </p>
      </Section>
    </>
  );
}
