// What the chain knows of the node, checked here and not believed.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { chainName, type Market, useMarket } from "../../api/market";
import { count, share } from "../../format/figures";
import { epochStart } from "../../format/time";
import type { ReputationJson } from "../../messages/gpux/oracle/v1/reputation_pb";
import { Facts, Section } from "../../parts/block";
import { Id, Transaction, When } from "../../parts/text";
import { check, leafOf } from "../../proof/leaf";
import { to } from "../../router";

const VERDICTS = ["unknown", "honest", "under-delivering"];

const CHECKS = {
  proven: ["good", "Checked in this browser: the leaf and its proof hash to this root."],
  refuted: ["bad", "The leaf and its proof do not lead to this root: do not trust this oracle, and tell its operator."],
  unreadable: ["bad", "The proof cannot be read: a part of it is missing or has the wrong size."],
} as const;

export function OnChain({ reputation }: { reputation: ReputationJson }): JSX.Element {
  const market = useMarket();
  const leaf = reputation.onChain;
  if (!leaf)
    return (
      <Section id="chain" title="On chain">
        <p>No published epoch has this node yet. The next epoch after its first probe does.</p>
      </Section>
    );
  const [tone, words] = CHECKS[check(reputation)];
  return (
    <Section id="chain" title={`On chain: ${chainName(market?.chainId)}`}>
      <p class={`checked ${tone}`} role="status">
        {words}
      </p>
      <Facts
        of={[
          ["Epoch", <a href={to(`epochs/${leaf.epoch}`)}>{leaf.epoch}</a>],
          ["It began", <When at={epochStart(leaf.epoch, market?.epochSeconds)} />],
          ["L and S in the leaf", `${share(leaf.scoreLowBps ?? 0)}, ${share(leaf.scoreBps ?? 0)}`],
          ["Verdict in the leaf", VERDICTS[leaf.verdict ?? 0] ?? `number ${leaf.verdict}`],
          ["Probes in the leaf", count(leaf.probes ?? 0)],
          ["Published by", <Transaction id={leaf.transaction} />],
          ["Root", <Id id={leaf.root} />],
          ["Scores contract", <Id id={leaf.scores} />],
        ]}
      />
      <AskChain reputation={reputation} market={market} />
      <details>
        <summary>Leaf and proof, as Scores.verify takes them</summary>
        <pre>
          {JSON.stringify({ leaf: { ...leafOf(reputation), epoch: leaf.epoch }, proof: leaf.proof ?? [] }, null, 2)}
        </pre>
      </details>
    </Section>
  );
}

/** The oracle may name any root; the reader's own wallet asks the contract whether it stands there. */
function AskChain({ reputation, market }: { reputation: ReputationJson; market: Market | undefined }): JSX.Element {
  const [said, setSaid] = useState("");
  const wallet = "ethereum" in window;
  const leaf = leafOf(reputation);
  const askIt = async () => {
    if (!leaf || !market) return;
    setSaid("asking…");
    const { verifyByWallet } = await import("../../court/verify");
    setSaid(await verifyByWallet(market, leaf, reputation.onChain?.proof ?? []));
  };
  if (!wallet)
    return (
      <p class="note">
        That the root stands on chain is the oracle's word; with a wallet in this browser, the page asks the contract
        through it.
      </p>
    );
  return (
    <p class="more">
      <button type="button" onClick={() => void askIt()} disabled={!leaf || !market}>
        ask the contract through my wallet
      </button>
      <span role="status">{said}</span>
    </p>
  );
}
