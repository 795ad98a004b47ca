// What nodes ask for a second of themselves, from their signed descriptions. Asked for the rows that are looked at.
import { useEffect, useState } from "preact/hooks";
import { idOf } from "../format/ids";
import type { ListNodesResponseJson, NodeJson } from "../messages/gpux/oracle/v1/registry_pb";
import { once } from "./live";

const AT_ONCE = 4;
const known = new Map<string, NodeJson | undefined>();
const asked = new Set<string>();
let first: Promise<void> | undefined;

function keep(node: NodeJson | undefined): void {
  if (node?.name) known.set(idOf(node.name), node);
}

/** Most markets fit into one page; of a larger one only what is looked at is asked for by name. */
function readFirst(): Promise<void> {
  first ??= once<ListNodesResponseJson>("/v1/nodes?pageSize=500")
    .then((page) => page.nodes?.forEach(keep))
    .catch(() => {
      first = undefined;
    });
  return first;
}

async function read(ids: string[]): Promise<void> {
  await readFirst();
  const missing = ids.filter((id) => !known.has(id) && !asked.has(id));
  for (const id of missing) asked.add(id);
  const work = missing.values();
  const worker = async () => {
    for (const id of work) {
      const node = await once<{ node?: NodeJson }>(`/v1/nodes/${id}`).catch(() => undefined);
      known.set(id, node?.node);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** The descriptions of these nodes, as far as they are read. */
export function useDescriptions(ids: string[]): Map<string, NodeJson | undefined> {
  const [, draw] = useState(0);
  const key = ids.join();
  useEffect(() => {
    if (ids.length === 0) return;
    let isGone = false;
    void read(ids).then(() => {
      if (!isGone) draw((n) => n + 1);
    });
    return () => {
      isGone = true;
    };
  }, [key]);
  return known;
}
