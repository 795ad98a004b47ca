// What this market is, how it is, and what was found last.
import type { JSX } from "preact";
import { SELDOM, useLive } from "../api/live";
import { useMarket } from "../api/market";
import { count, figure, money } from "../format/figures";
import { resource } from "../format/words";
import type { GetEpochResponseJson } from "../messages/gpux/oracle/v1/log_pb";
import type { ListReputationsResponseJson, ReputationJson } from "../messages/gpux/oracle/v1/reputation_pb";
import type {
  DailyUsageJson,
  GetUsageResponseJson,
  ListDailyUsageResponseJson,
  ResourcePowerJson,
  UsageJson,
} from "../messages/gpux/oracle/v1/usage_pb";
import { Section, Skeleton, Table, Title, Trouble } from "../parts/block";
import { Spark } from "../parts/spark";
import { Foreign, NoData, NodeId, Verdict, When } from "../parts/text";
import { to } from "../router";

export function Home(): JSX.Element {
  return (
    <>
      <Title>Is this GPU what it claims to be?</Title>
      <p class="lead">
        Fishermen rent nodes anonymously and run probes whose results are exact on every device. What they find is
        scored here, so that anybody can recompute it, and published on chain.
      </p>
      <Health />
      <Findings />
      <Usage />
    </>
  );
}

function Health(): JSX.Element {
  const usage = useLive<GetUsageResponseJson>("/v1/usage", 10_000);
  const epoch = useLive<GetEpochResponseJson>("/v1/epochs/latest", 10_000);
  const nodes = useLive<ListReputationsResponseJson>("/v1/reputations?pageSize=1000", 10_000);
  const read = nodes.data?.reputations ?? [];
  const more = nodes.data?.nextPageToken ? "+" : "";
  const of = (verdict: string) => read.filter((one) => one.verdict === verdict).length;
  const latest = epoch.data?.epoch;
  const known = (value: string | number) => (nodes.data ? `${value}${more}` : "…");
  return (
    <Section id="health" title="The network now">
      {nodes.problem && !nodes.data && <Trouble with={nodes.problem} what="list of nodes" />}
      <div class="cards">
        <Card
          name="Nodes"
          href={to("nodes")}
          value={known(count(read.length))}
          note="announced, with a signed offer or without"
        />
        <Card
          name="Honest"
          href={to("nodes", { verdict: "honest" })}
          value={known(count(of("VERDICT_HONEST")))}
          note="deliver what they advertise"
        />
        <Card
          name="Under-delivering"
          href={to("nodes", { verdict: "under-delivering" })}
          value={known(count(of("VERDICT_UNDER_DELIVERING")))}
          note="convicted by audited sessions"
        />
        <Card
          name="Unknown"
          href={to("nodes", { verdict: "unknown" })}
          value={known(count(of("VERDICT_UNKNOWN")))}
          note="not enough evidence yet"
        />
        <Card
          name="Newest epoch on chain"
          href={to("epochs/latest")}
          value={latest?.epoch ?? (epoch.problem ? <NoData /> : "…")}
          note={latest ? `${count(latest.leaves)} leaves` : ""}
        />
        <Card name="Public log" href={to("operator")} value={count(latest?.logSize)} note="entries behind that epoch" />
        <Card
          name="Newest final block"
          href="/v1/usage"
          value={usage.data ? <When at={usage.data.updateTime} relative /> : "…"}
          note="what payments and cases rest on"
        />
      </div>
    </Section>
  );
}

function Card({
  name,
  value,
  note,
  href,
  children,
}: {
  name: string;
  value: JSX.Element | string;
  note: string;
  href: string;
  children?: JSX.Element | null;
}): JSX.Element {
  return (
    <div class="card">
      <h3>{name}</h3>
      <div class="figure">
        <a href={href}>{value}</a>
      </div>
      <p class="note">{note}</p>
      {children}
    </div>
  );
}

/** A finding worth reading first: a verdict, then the newest probe. */
const FINDINGS = 8;

function newest(of: ReputationJson): number {
  const times = (of.resources ?? [])
    .map((one) => Date.parse(one.lastProbeTime ?? ""))
    .filter((time) => !Number.isNaN(time));
  return times.length > 0 ? Math.max(...times) : 0;
}

function Findings(): JSX.Element {
  const best = useLive<ListReputationsResponseJson>("/v1/reputations?pageSize=1000", 10_000);
  const reports = useLive<{ reports?: { node?: string }[] }>("/v1/reports?pageSize=200", 10_000);
  const lately = new Set((reports.data?.reports ?? []).map((one) => one.node));
  const probed = (best.data?.reputations ?? []).filter((one) => newest(one) > 0);
  const isBad = (one: ReputationJson) => one.verdict === "VERDICT_UNDER_DELIVERING";
  const order = (one: ReputationJson) => (lately.has(one.node) ? 2 : 0) + (isBad(one) ? 1 : 0);
  const shown = probed
    .sort((a, b) => order(b) - order(a) || (a.node ?? "").localeCompare(b.node ?? ""))
    .slice(0, FINDINGS);
  return (
    <Section id="findings" title="Newest findings" note="Of the nodes in the newest reports, convicted ones first.">
      {!best.data && !best.problem && <Skeleton lines={8} />}
      {best.data && shown.length === 0 && <p>No node was probed yet: no data.</p>}
      {shown.length > 0 && (
        <ul class="findings">
          {shown.map((one) => (
            <li key={one.node}>
              <NodeId id={one.node} />
              <span class="what">
                <Foreign text={one.finding} most={200} />
              </span>
              <Verdict of={one.verdict} />
              <span class="note">
                <When at={new Date(newest(one))} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

/** The proposal's figures; `of` reads a day's or the whole one. */
const FIGURES: { name: string; note: string; of: (usage: UsageJson) => string | undefined; isMoney?: boolean }[] = [
  {
    name: "Transactions for compute",
    note: "that opened, prolonged, stopped or paid rentals",
    of: (usage) => usage.transactions?.toString() ?? "0",
  },
  { name: "Deposits by consumers", note: "put into rentals", of: (usage) => usage.deposited, isMoney: true },
  { name: "Payouts to providers", note: "past their hold, less levies", of: (usage) => usage.collected, isMoney: true },
  {
    name: "Unique accounts",
    note: "fishermen's throw-away payers among them",
    of: (usage) => usage.accounts?.toString() ?? "0",
  },
];

function Usage(): JSX.Element {
  const all = useLive<GetUsageResponseJson>("/v1/usage", 10_000);
  const daily = useLive<ListDailyUsageResponseJson>("/v1/usage/days?pageSize=90", SELDOM);
  const market = useMarket();
  const usage = all.data?.usage;
  const days = [...(daily.data?.days ?? [])].reverse();
  const power = all.data?.power ?? [];
  const shown = (value: string | undefined, isMoney: boolean | undefined) =>
    isMoney ? money(value, market?.tokenDecimals) : count(value);
  return (
    <Section
      id="usage"
      title="How much it is used"
      note="Since the first block, from final blocks alone; the lines are the last 90 days."
    >
      {all.problem && !all.data && <Trouble with={all.problem} what="usage" />}
      <div class="cards">
        {FIGURES.map(({ name, note, of, isMoney }) => (
          <Card key={name} name={name} href="/v1/usage" value={usage ? shown(of(usage), isMoney) : "…"} note={note}>
            <Spark values={days.map((day) => Number(of(day.usage ?? {}) ?? 0))} words={`${name}, day by day`} />
          </Card>
        ))}
        <Power
          of={power.find((one) => one.resource === "imma") ?? power[0]}
          days={days}
          epoch={all.data?.powerEpoch?.toString()}
        />
      </div>
      {power.length > 0 && <PowerTable power={power} />}
      {days.length > 0 && <Days days={[...days].reverse()} shown={shown} />}
    </Section>
  );
}

function Power({
  of,
  days,
  epoch,
}: {
  of: ResourcePowerJson | undefined;
  days: DailyUsageJson[];
  epoch: string | undefined;
}): JSX.Element {
  const values = days.map((day) => Number(day.power?.find((one) => one.resource === of?.resource)?.verified ?? 0));
  return (
    <Card
      name="Compute power, verified"
      href={epoch ? to(`epochs/${epoch}`) : "/v1/usage"}
      value={of ? figure(of.verified, of.unit) : <NoData />}
      note={
        of ? `${resource(of.resource)}; ${figure(of.advertised, of.unit)} are advertised` : "no node was scored yet"
      }
    >
      <Spark values={values} words="verified compute power, day by day" />
    </Card>
  );
}

function PowerTable({ power }: { power: ResourcePowerJson[] }): JSX.Element {
  return (
    <>
      <h3>Compute power by resource</h3>
      <Table
        caption="Advertised is anybody's word; verified counts what was probed by the lower bound of its score"
        columns={[
          { key: "resource", head: "Resource" },
          { key: "nodes", head: "Nodes", class: "num" },
          { key: "advertised", head: "Advertised", class: "num" },
          { key: "probedNodes", head: "Probed nodes", class: "num late" },
          { key: "probed", head: "Of it probed", class: "num late" },
          { key: "verified", head: "Verified", class: "num" },
        ]}
      >
        {power.map((one) => (
          <tr key={one.resource}>
            <th scope="row">{resource(one.resource)}</th>
            <td class="num">{count(one.nodes ?? 0)}</td>
            <td class="num">{figure(one.advertised, one.unit)}</td>
            <td class="num late">{count(one.probedNodes ?? 0)}</td>
            <td class="num late">{figure(one.probed, one.unit)}</td>
            <td class="num">{figure(one.verified, one.unit)}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}

function Days({
  days,
  shown,
}: {
  days: DailyUsageJson[];
  shown: (value: string | undefined, isMoney?: boolean) => string;
}): JSX.Element {
  return (
    <details>
      <summary>Day by day</summary>
      <Table
        caption="Days in UTC, newest first; the first may not be over"
        columns={[
          { key: "day", head: "Day" },
          ...FIGURES.map(({ name }) => ({ key: name, head: name, class: "num" })),
          { key: "new", head: "New accounts", class: "num" },
          { key: "slashed", head: "Slashed", class: "num" },
        ]}
      >
        {days.map((day) => (
          <tr key={day.date}>
            <th scope="row">{day.date}</th>
            {FIGURES.map(({ name, of, isMoney }) => (
              <td class="num" key={name}>
                {shown(of(day.usage ?? {}), isMoney)}
              </td>
            ))}
            <td class="num">{count(day.newAccounts ?? 0)}</td>
            <td class="num">{shown(day.usage?.slashed, true)}</td>
          </tr>
        ))}
      </Table>
    </details>
  );
}
