// What a node asks for, from its signed description.
import type { NodeJson } from "../messages/gpux/oracle/v1/registry_pb";

/** Token units a second, if the node has an offer that both keys signed. */
export function rateOf(node: NodeJson | undefined): string | undefined {
  const rate = node?.description?.offer?.offer?.rate;
  return rate && rate !== "0" ? rate : undefined;
}
