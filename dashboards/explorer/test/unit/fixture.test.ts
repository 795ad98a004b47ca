// The fixture must answer as the protocol buffers say, or the pages are tested against a market that does not exist.
import { type DescMessage, fromBinary, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DescriptorSchema } from "../../src/messages/gpux/evidence/v1/identity_pb";
import * as arbitration from "../../src/messages/gpux/oracle/v1/arbitration_pb";
import * as evidence from "../../src/messages/gpux/oracle/v1/evidence_pb";
import * as log from "../../src/messages/gpux/oracle/v1/log_pb";
import * as registry from "../../src/messages/gpux/oracle/v1/registry_pb";
import * as reputation from "../../src/messages/gpux/oracle/v1/reputation_pb";
import * as rewards from "../../src/messages/gpux/oracle/v1/rewards_pb";
import * as usage from "../../src/messages/gpux/oracle/v1/usage_pb";
import { start } from "../fixture/server.mjs";

let server: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  server = await start();
});
afterAll(() => server.close());

const read = async (path: string) => (await fetch(server.url + path)).json() as Promise<JsonValue>;

test("every path answers with its message, and with no field that the message lacks", async () => {
  const { named, cases, reports } = server.state.world;
  const node = named["skips-work"]?.key;
  const paths: [string, DescMessage][] = [
    ["/v1/reputations", reputation.ListReputationsResponseSchema],
    [`/v1/nodes/${node}/reputation`, reputation.GetReputationResponseSchema],
    [`/v1/nodes/${node}/explanation`, reputation.ExplainReputationResponseSchema],
    ["/v1/nodes", registry.ListNodesResponseSchema],
    [`/v1/nodes/${node}`, registry.GetNodeResponseSchema],
    ["/v1/reports?pageSize=1000", evidence.ListReportsResponseSchema],
    [`/v1/${reports[0]?.name}`, evidence.GetReportResponseSchema],
    ["/v1/cases", arbitration.ListCasesResponseSchema],
    [`/v1/${cases[0]?.name}`, arbitration.GetCaseResponseSchema],
    ["/v1/epochs/latest", log.GetEpochResponseSchema],
    [`/v1/rewards/${reports[0]?.fisher}`, rewards.GetRewardResponseSchema],
    ["/v1/usage", usage.GetUsageResponseSchema],
    ["/v1/usage/days", usage.ListDailyUsageResponseSchema],
  ];
  for (const [path, schema] of paths) {
    const answer = await read(path);
    expect(() => fromJson(schema, answer), path).not.toThrow();
  }
});

test("descriptors decode to what their node claims", () => {
  const { named, described } = server.state.world;
  const decode = (label: string) =>
    fromBinary(
      DescriptorSchema,
      base64Decode(described[named[label]?.key ?? ""]?.description.descriptor.payload ?? ""),
    );
  expect(decode("sold-as-3090").gpus).toMatchObject([{ model: "GeForce RTX 3090", count: 1 }]);
  expect(decode("this-machine").host).toMatchObject({ threads: 2, ramBytes: 134_217_728n });
});

test("wrong, unknown and unchanged are answered as the oracle answers them", async () => {
  const status = async (path: string, headers = {}) => (await fetch(server.url + path, { headers })).status;
  expect(await status("/v1/nodes/0x12/reputation")).toBe(400);
  expect(await status(`/v1/nodes/0x${"ab".repeat(32)}/reputation`)).toBe(404);
  expect(await status("/v1/nothing")).toBe(404);
  expect(await status("/v1/reputations?orderBy=price")).toBe(400);
  const first = await fetch(`${server.url}/v1/usage`);
  expect(await status("/v1/usage", { "if-none-match": first.headers.get("etag") ?? "" })).toBe(304);
});
