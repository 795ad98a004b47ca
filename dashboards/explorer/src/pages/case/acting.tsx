// The steps that can be taken now, from a wallet in this browser or as calldata for a Safe.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { chainName, type Market, useMarket } from "../../api/market";
import type { Call, Ruled, Terms } from "../../court/calls";
import type { Act } from "../../court/turn";
import { tokens } from "../../format/figures";
import type { CaseJson } from "../../messages/gpux/oracle/v1/arbitration_pb";
import { Command, Facts, Section, Skeleton } from "../../parts/block";
import { Copy, Id } from "../../parts/text";

// Encoding takes most of what this page loads, so that it comes with the first case that can be acted on.
const library = () =>
  Promise.all([import("../../court/calls"), import("../../court/wallet")]).then(([calls, wallet]) => ({
    ...calls,
    ...wallet,
  }));
type Library = Awaited<ReturnType<typeof library>>;

interface Props {
  of: CaseJson;
  id: `0x${string}`;
  acts: Act[];
}

export function Acting({ of, id, acts }: Props): JSX.Element {
  const market = useMarket();
  const [code, setCode] = useState<Library>();
  useEffect(() => {
    void library().then(setCode);
  }, []);
  return (
    <Section
      id="act"
      title="Act"
      note={`A call to Court on ${chainName(market?.chainId)}. The wallet tries it first without sending: a refusal costs nothing.`}
    >
      {!code || !market ? (
        <Skeleton lines={4} />
      ) : (
        <div class="act">
          <Facts
            of={[
              ["To (Court)", <Id id={market.contracts.court} whole />],
              ["Network", `${chainName(market.chainId)} (${market.chainId})`],
              ["Value", "0"],
            ]}
          />
          {acts.includes("rule") && <Rule of={of} id={id} code={code} market={market} />}
          {acts.includes("appeal") && (
            <One
              act="appeal"
              id={id}
              code={code}
              market={market}
              words="Appeal, as filer or provider, under a counter-bond as large as the bond (from your stake in Bonds)."
            />
          )}
          {acts.includes("escalate") && (
            <One
              act="escalate"
              id={id}
              code={code}
              market={market}
              words="Bring it before the appeal court; anybody may."
            />
          )}
          {acts.includes("finalise") && <Finalise of={of} id={id} code={code} market={market} />}
        </div>
      )}
    </Section>
  );
}

interface Parts {
  id: `0x${string}`;
  code: Library;
  market: Market;
}

function Rule({ of, id, code, market }: Parts & { of: CaseJson }): JSX.Element {
  const cap = BigInt(of.cap || 0);
  const decimals = market.tokenDecimals;
  const whole = tokens(String(cap), decimals).replace(/ .*/, "").replaceAll(",", "");
  const [outcome, setOutcome] = useState<Ruled>("Upheld");
  const [amount, setAmount] = useState(whole);
  const [levy, setLevy] = useState("0");
  const upheld = outcome === "Upheld";
  const given = upheld ? code.units(amount, decimals) : 0n;
  const percentage = upheld ? Number(levy) : 0;
  const bps = Math.round(percentage * 100);
  const isLevy = Number.isFinite(percentage) && percentage >= 0 && /^\d+(\.\d{1,2})?$/.test(upheld ? levy.trim() : "0");
  const problem =
    given === undefined
      ? `The amount is no number of tokens with at most ${decimals} decimals.`
      : !isLevy
        ? "The levy is no percentage with at most two decimals."
        : code.rulingProblem(outcome, given, bps, cap);
  const call: Call | undefined =
    problem === undefined && given !== undefined
      ? { act: "rule", id, outcome, amount: given, levyBps: bps }
      : undefined;
  return (
    <fieldset>
      <legend>Rule (the arbiter's or the appeal court's account)</legend>
      <div class="steps">
        <label>
          outcome
          <select value={outcome} onChange={(event) => setOutcome(event.currentTarget.value as Ruled)}>
            <option value="Upheld">upheld: the filer is right</option>
            <option value="Rejected">rejected: the filer is wrong</option>
            <option value="Drawn">drawn: nobody can tell</option>
          </select>
        </label>
        <label>
          amount in tokens, at most {whole}
          <input
            inputMode="decimal"
            value={upheld ? amount : "0"}
            disabled={!upheld}
            onInput={(event) => setAmount(event.currentTarget.value)}
            size={14}
          />
        </label>
        <label>
          levy on later earnings in %, at most 50
          <input
            inputMode="decimal"
            value={upheld ? levy : "0"}
            disabled={!upheld}
            onInput={(event) => setLevy(event.currentTarget.value)}
            size={6}
          />
        </label>
      </div>
      {problem && (
        <p class="checked bad" role="alert">
          {problem}
        </p>
      )}
      {call && <Send call={call} code={code} market={market} label={`rule: ${outcome.toLowerCase()}`} />}
    </fieldset>
  );
}

function One({ act, id, code, market, words }: Parts & { act: "appeal" | "escalate"; words: string }): JSX.Element {
  return (
    <fieldset>
      <legend>{act === "appeal" ? "Appeal" : "Escalate"}</legend>
      <p>{words}</p>
      <Send call={{ act, id }} code={code} market={market} label={act} />
    </fieldset>
  );
}

function Finalise({ of, id, code, market }: Parts & { of: CaseJson }): JSX.Element {
  const upheld = of.outcome === "CASE_OUTCOME_UPHELD" && of.state === "CASE_STATE_RULED";
  const [terms, setTerms] = useState<Terms[] | undefined>(upheld ? undefined : []);
  const [said, setSaid] = useState("");
  const find = async () => {
    const wallet = code.wallet();
    if (!wallet) return;
    setSaid("reading the node's rentals from the chain…");
    try {
      await code.connect(wallet, market);
      const found = await code.rentalsOf(
        wallet,
        market,
        of.node as `0x${string}`,
        of.steps?.[0]?.block === undefined ? undefined : String(of.steps[0].block),
      );
      setTerms(found);
      setSaid(`${found.length} rentals found`);
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <fieldset>
      <legend>Finalise (anybody)</legend>
      {upheld && (
        <>
          <p>
            The slash is taken from the node's rentals, which the call must name. The command finds them, and takes as
            few as reach what was ruled:
          </p>
          <Command what="command">{`gpux-oracle case finalise ${id}`}</Command>
        </>
      )}
      {upheld && !terms && code.wallet() && (
        <button type="button" onClick={() => void find()}>
          find them through my wallet
        </button>
      )}
      <p role="status">{said}</p>
      {terms && <Send call={{ act: "finalise", id, terms }} code={code} market={market} label="finalise" />}
    </fieldset>
  );
}

function Send({
  call,
  code,
  market,
  label,
}: {
  call: Call;
  code: Library;
  market: Market;
  label: string;
}): JSX.Element {
  const [said, setSaid] = useState<{ words: string; hash?: string }>();
  const [busy, setBusy] = useState(false);
  const data = code.calldata(call);
  const wallet = code.wallet();
  const press = async () => {
    if (!wallet || busy) return;
    setBusy(true);
    setSaid({ words: "Look at your wallet." });
    try {
      setSaid({
        words: "Sent. The case shows it once its block is indexed.",
        hash: await code.send(wallet, market, data),
      });
    } catch (error) {
      setSaid({
        words: error instanceof code.Refused ? error.message : `The wallet failed: ${String(error).slice(0, 200)}`,
      });
    }
    setBusy(false);
  };
  return (
    <>
      {wallet ? (
        <p>
          <button type="button" class="main" onClick={() => void press()} disabled={busy}>
            {label} with my wallet
          </button>
        </p>
      ) : (
        <p class="note">
          There is no wallet in this browser. Give this calldata to a Safe, or to whatever holds the account:
        </p>
      )}
      <details open={!wallet}>
        <summary>Calldata for a Safe</summary>
        <div class="command">
          <pre>
            <code>{data}</code>
          </pre>
          <Copy text={data} what="calldata" />
        </div>
      </details>
      <p role="status">
        {said?.words} {said?.hash && <Id id={said.hash} />}
      </p>
    </>
  );
}
