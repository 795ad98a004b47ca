// Who answers for the published scores: the newest epochs, who signed them, and how to check them.
import type { JSX } from "preact";
import { useLive } from "../api/live";
import { chainName, useMarket } from "../api/market";
import { count } from "../format/figures";
import { isGiven } from "../format/ids";
import { epochStart } from "../format/time";
import type { EpochJson, EpochStateJson, GetEpochResponseJson } from "../messages/gpux/oracle/v1/log_pb";
import { Command, Facts, Section, Skeleton, Table, Title, Trouble } from "../parts/block";
import { Chip, Id, NoData, Transaction, When } from "../parts/text";
import { to } from "../router";

const STATES: Record<EpochStateJson, string> = {
  EPOCH_STATE_UNSPECIFIED: "unknown",
  EPOCH_STATE_BUILT: "recorded: operators compare and sign it",
  EPOCH_STATE_SIGNED: "signed by enough operators",
  EPOCH_STATE_SENT: "a transaction is under way",
  EPOCH_STATE_CONFIRMED: "final on chain, or superseded by a later one",
};

/** How many epochs the page lists. */
const LISTED = 12;

export function Operator(): JSX.Element {
  const market = useMarket();
  const latest = useLive<GetEpochResponseJson>("/v1/epochs/latest", 10_000);
  const newest = latest.data?.epoch;
  const number = Number(newest?.epoch ?? 0);
  const operators = [...new Set((newest?.signatures ?? []).map((one) => one.operator ?? ""))].filter(Boolean);
  return (
    <>
      <Title aside={<span class="note">who answers for the scores</span>}>Operator</Title>
      {!newest && latest.problem && latest.problem.status !== 404 && <Trouble with={latest.problem} what="epoch" />}
      {!newest && latest.problem?.status === 404 && <p>No epoch is published yet.</p>}
      {!newest && !latest.problem && <Skeleton lines={8} />}
      {newest && (
        <>
          <Facts
            of={[
              ["Newest epoch on chain", <a href={to(`epochs/${newest.epoch}`)}>{newest.epoch}</a>],
              ["An epoch lasts", market ? `${market.epochSeconds} s` : <NoData />],
              ["Log behind it", `${count(newest.logSize)} entries`],
              ["Parameters in force", <Id id={newest.parameters} />],
              ["Chain", `${chainName(market?.chainId)} (${market?.chainId ?? "?"})`],
              ["Scores contract", <Id id={market?.contracts.scores} />],
            ]}
          />
          <Section
            id="signers"
            title="Operators who signed it"
            note="As many as Scores wants must sign; each recomputes the epoch first, and signs only what it reproduced."
          >
            {operators.length === 0 && (
              <p>
                <NoData />
              </p>
            )}
            <ul class="why">
              {operators.map((one) => (
                <li key={one}>
                  <Id id={one} whole />
                </li>
              ))}
            </ul>
          </Section>
          <Section id="epochs" title="Newest epochs">
            <Table
              caption="Epochs, newest first"
              quiet
              columns={[
                { key: "epoch", head: "Epoch" },
                { key: "began", head: "Began", class: "num" },
                { key: "log", head: "Log entries", class: "num" },
                { key: "leaves", head: "Leaves", class: "num late" },
                { key: "root", head: "Root", class: "late" },
                { key: "signed", head: "Signatures", class: "num" },
                { key: "transaction", head: "Transaction" },
              ]}
            >
              {Array.from({ length: LISTED }, (_, ago) => number - ago)
                .filter((one) => one > 0)
                .map((one) => (
                  <EpochLine key={one} number={one} />
                ))}
            </Table>
          </Section>
          <Replay />
        </>
      )}
    </>
  );
}

function Replay(): JSX.Element {
  return (
    <Section
      id="replay"
      title="Check the operator"
      note="Replay recomputes every epoch from the public log, and says equal, or where it first differs."
    >
      <Command what="command">{`gpux-oracle replay --log ${window.location.origin}`}</Command>
    </Section>
  );
}

function EpochLine({ number }: { number: number }): JSX.Element {
  const market = useMarket();
  // What is final does not change any more: these are read once in ten minutes.
  const epoch = useLive<GetEpochResponseJson>(`/v1/epochs/${number}`, 600_000).data?.epoch;
  return (
    <tr>
      <th scope="row">
        <a href={to(`epochs/${number}`)}>{number}</a>
      </th>
      <td class="num">
        <When at={epochStart(number, market?.epochSeconds)} />
      </td>
      <td class="num">{count(epoch?.logSize)}</td>
      <td class="num late">{count(epoch?.leaves)}</td>
      <td class="late">
        <Id id={epoch?.root} />
      </td>
      <td class="num">{epoch?.signatures ? count(epoch.signatures.length) : <NoData />}</td>
      <td>
        {epoch &&
          (isGiven(epoch.transaction) ? (
            <Transaction id={epoch.transaction} />
          ) : (
            <span class="note">superseded, or none yet</span>
          ))}
      </td>
    </tr>
  );
}

export function EpochPage({ id }: { id: string }): JSX.Element {
  const wrong = /^(latest|\d{1,15})$/.test(id) ? undefined : "An epoch is a number, or latest.";
  const live = useLive<GetEpochResponseJson>(wrong ? undefined : `/v1/epochs/${id}`, 10_000);
  const epoch = live.data?.epoch;
  return (
    <>
      <Title aside={epoch && <Chip>{STATES[epoch.state ?? "EPOCH_STATE_UNSPECIFIED"]}</Chip>}>
        Epoch {epoch?.epoch ?? ""}
      </Title>
      {wrong && (
        <p class="trouble" role="alert">
          {wrong}
        </p>
      )}
      {!wrong && !epoch && live.problem && <Trouble with={live.problem} what="epoch" />}
      {!wrong && !epoch && !live.problem && <Skeleton lines={8} />}
      {epoch && <Published epoch={epoch} />}
    </>
  );
}

function Published({ epoch }: { epoch: EpochJson }): JSX.Element {
  const market = useMarket();
  return (
    <>
      <Facts
        of={[
          ["Began", <When at={epochStart(epoch.epoch, market?.epochSeconds)} />],
          ["Log entries that it is computed from", count(epoch.logSize)],
          ["Leaves: nodes in it", count(epoch.leaves)],
          [
            "Published by",
            isGiven(epoch.transaction) ? (
              <Transaction id={epoch.transaction} />
            ) : (
              <span class="note">superseded, or none yet</span>
            ),
          ],
          ["Root of the leaves", <Id id={epoch.root} whole />],
          ["Root of the log", <Id id={epoch.logRoot} whole />],
          ["SHA-256 of the leaf file", <Id id={epoch.dataHash} whole />],
          [
            "Root of the rewards",
            isGiven(epoch.rewardsRoot) ? <Id id={epoch.rewardsRoot} whole /> : "nobody may claim anything",
          ],
          ["Digest of the parameters", <Id id={epoch.parameters} whole />],
        ]}
      />
      {market && epoch.parameters !== market.parametersDigest && (
        <p class="note">
          These are other parameters than the ones that are in force today ({market.parametersDigest}).
        </p>
      )}
      <Section id="signatures" title="Signatures">
        <ul class="why">
          {(epoch.signatures ?? []).map((one) => (
            <li key={one.operator}>
              <Id id={one.operator} whole />
            </li>
          ))}
          {(epoch.signatures ?? []).length === 0 && <NoData />}
        </ul>
      </Section>
      <Section id="replay" title="Check it">
        <Command what="command">{`gpux-oracle replay --epoch ${epoch.epoch} --log ${window.location.origin}`}</Command>
      </Section>
    </>
  );
}
