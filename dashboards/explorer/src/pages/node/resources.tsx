// The vector that a score is the minimum of: claimed, expected, measured with its spread.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { count, figure, percent, type Spread, spread } from "../../format/figures";
import { resource } from "../../format/words";
import type { ReportSummaryJson } from "../../messages/gpux/oracle/v1/evidence_pb";
import type { NodeJson } from "../../messages/gpux/oracle/v1/registry_pb";
import type { ReputationJson, ResourceReputationJson } from "../../messages/gpux/oracle/v1/reputation_pb";
import { Section, Table } from "../../parts/block";
import { Interval } from "../../parts/score";
import { Chip, Foreign, NoData, When } from "../../parts/text";

interface Props {
  reputation: ReputationJson;
  reports: ReportSummaryJson[];
  node: NodeJson | undefined;
}

export function Resources({ reputation, reports, node }: Props): JSX.Element {
  const resources = reputation.resources ?? [];
  return (
    <Section
      id="resources"
      title="What it claims, and what it delivers"
      note="The score is the least of these. Expected is what honest hardware of the claimed kind reaches; measured is the median of the newest probes, the bar how far single probes spread around it (the dotted line is what is expected)."
    >
      <Table
        caption="Resources of the node"
        quiet
        columns={[
          { key: "resource", head: "Resource" },
          { key: "expected", head: "Expected", class: "num" },
          { key: "measured", head: "Measured", class: "num" },
          { key: "spread", head: "Spread", class: "late" },
          { key: "x", head: "Median x", class: "num" },
          { key: "score", head: "S [L, U]" },
          { key: "probes", head: "Probes", class: "num" },
          { key: "wrong", head: "Wrong", class: "num late" },
          { key: "failed", head: "Failed", class: "num late" },
          { key: "last", head: "Last probe", class: "num late" },
        ]}
      >
        {resources.map((one) => (
          <Line key={one.resource} of={one} reports={reports} />
        ))}
      </Table>
      <Claimed node={node} />
    </Section>
  );
}

function Line({ of, reports }: { of: ResourceReputationJson; reports: ReportSummaryJson[] }): JSX.Element {
  const probes = of.probes ?? 0;
  const measured = reports.filter((one) => one.resource === of.resource && one.outcome === "OUTCOME_PASS");
  const around = spread(measured.map((one) => Number(one.measured ?? 0)));
  return (
    <tr>
      <th scope="row">
        {resource(of.resource)} {of.simulated && <Chip tone="warn">simulated</Chip>}
      </th>
      <td class="num">{figure(of.expected, of.unit)}</td>
      <td class="num">{probes > 0 ? figure(of.measured, of.unit) : <NoData />}</td>
      <td class="late">
        <Around of={around} expected={Number(of.expected ?? 0)} unit={of.unit} />
      </td>
      <td class="num">{probes > 0 && of.medianBps ? percent(of.medianBps) : <NoData />}</td>
      <td>
        <Interval of={of.score} />
      </td>
      <td class="num">
        <a href="#reports">{count(probes)}</a>
      </td>
      <td class="num late">{probes > 0 ? count(of.wrong ?? 0) : <NoData />}</td>
      <td class="num late">{probes > 0 ? count(of.failed ?? 0) : <NoData />}</td>
      <td class="num late">
        <When at={of.lastProbeTime} />
      </td>
    </tr>
  );
}

function Around({
  of,
  expected,
  unit,
}: {
  of: Spread | undefined;
  expected: number;
  unit: string | undefined;
}): JSX.Element {
  if (!of || expected <= 0) return <NoData />;
  const x = (value: number) => 2 + Math.min(1.25, value / expected) * 100;
  const words = `${of.of} probes from ${figure(of.least, unit)} to ${figure(of.most, unit)}, the middle one ${figure(of.middle, unit)}`;
  return (
    <svg class="spread" viewBox="0 0 130 16" role="img" aria-label={words}>
      <title>{words}</title>
      <line class="axis" x1="2" x2="128" y1="8" y2="8" />
      <rect class="range" x={x(of.least)} width={Math.max(2, x(of.most) - x(of.least))} y="3" height="10" />
      <line class="middle" x1={x(of.middle)} x2={x(of.middle)} y1="2" y2="14" />
      <line class="expected" x1="102" x2="102" y1="0" y2="16" />
    </svg>
  );
}

interface Claim {
  gpus: { model: string; count: number }[];
  host: [string, string][];
}

/** The claims as the node signed them; decoding them takes code that only this page needs. */
async function decode(payload: string): Promise<Claim | undefined> {
  const [{ fromBinary }, { base64Decode }, { DescriptorSchema }] = await Promise.all([
    import("@bufbuild/protobuf"),
    import("@bufbuild/protobuf/wire"),
    import("../../messages/gpux/evidence/v1/identity_pb"),
  ]);
  try {
    const { gpus, host } = fromBinary(DescriptorSchema, base64Decode(payload));
    const claims: [string, bigint | number | undefined, string][] = [
      ["CPU threads", host?.threads, ""],
      ["fp64 rate of the CPU", host?.fp64Flops, "flop/s"],
      ["main memory", host?.ramBytes, "byte"],
      ["reads of it", host?.ramReads, "reads/s"],
      ["disk", host?.diskBytes, "byte"],
      ["upstream", host?.upBps, "bit/s"],
      ["downstream", host?.downBps, "bit/s"],
    ];
    const given = claims.filter(([, value]) => value);
    return {
      gpus,
      host: given.map(([name, value, unit]) => [name, unit ? figure(Number(value), unit) : count(Number(value))]),
    };
  } catch {
    return undefined;
  }
}

function Claimed({ node }: { node: NodeJson | undefined }): JSX.Element | null {
  const payload = node?.description?.descriptor?.payload;
  const [claim, setClaim] = useState<Claim>();
  useEffect(() => {
    if (payload) void decode(payload).then(setClaim);
  }, [payload]);
  if (!claim) return null;
  return (
    <p class="note">
      Claimed in its signed <a href={`/v1/nodes/${node?.name?.split("/").pop()}`}>description</a>:{" "}
      {claim.gpus.map((gpu, at) => (
        <span key={gpu.model}>
          {at > 0 && ", "}
          {gpu.count} × <Foreign text={gpu.model} most={64} />
        </span>
      ))}
      {claim.gpus.length > 0 && claim.host.length > 0 && "; "}
      {claim.host.map(([name, value]) => `${name} ${value}`).join(", ")}.
    </p>
  );
}
