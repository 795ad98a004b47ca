// Where an id leads: everything that the oracle knows by it.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Problem } from "../api/client";
import { once } from "../api/live";
import { idOf, type Named, read, short } from "../format/ids";
import type { CaseJson } from "../messages/gpux/oracle/v1/arbitration_pb";
import type { ReputationJson } from "../messages/gpux/oracle/v1/reputation_pb";
import { Skeleton, Title, Trouble } from "../parts/block";
import { Foreign } from "../parts/text";
import { go, to } from "../router";

interface Found {
  what: string;
  href: string;
}

export function Search({ query }: { query: URLSearchParams }): JSX.Element {
  const text = query.get("q") ?? "";
  const named = read(text);
  const [found, setFound] = useState<{ text: string; places: Found[] | Problem }>();
  useEffect(() => {
    if (named.kind === "wrong") return;
    let isGone = false;
    look(named).then(
      (places) => {
        if (isGone) return;
        // One place is where the reader wants to be; a search page would stand between.
        const [only] = places;
        if (places.length === 1 && only) go(only.href, { replace: true });
        else setFound({ text, places });
      },
      (error: unknown) =>
        setFound({ text, places: error instanceof Problem ? error : new Problem(0, "NO_ANSWER", String(error), true) }),
    );
    return () => {
      isGone = true;
    };
  }, [text, named.kind]);
  const places = found?.text === text ? found.places : undefined;
  return (
    <>
      <Title>Search</Title>
      <p>
        <Foreign text={text || undefined} most={140} />
      </p>
      {named.kind === "wrong" && (
        <div class="trouble" role="alert">
          <p>
            <b>This is no id.</b>
          </p>
          <p>{named.problem}</p>
        </div>
      )}
      {named.kind !== "wrong" && !places && <Skeleton lines={4} />}
      {places instanceof Problem && <Trouble with={places} what="thing" />}
      {Array.isArray(places) && places.length > 0 && (
        <ul class="findings">
          {places.map((place) => (
            <li key={place.href}>
              <a href={place.href}>{place.what}</a>
            </li>
          ))}
        </ul>
      )}
      {Array.isArray(places) && places.length === 0 && named.kind !== "wrong" && (
        <div class="trouble">
          <p>
            <b>Nothing here has this id.</b>
          </p>
          <p>
            This oracle follows one chain and one set of contracts: an id of another market is unknown here. A node
            appears once it was announced, a case once its block was indexed, a report once it was folded. Rentals and
            blocks are looked up on the chain itself.
          </p>
        </div>
      )}
    </>
  );
}

/** Not found is an answer; any other failure is not. */
async function maybe<T>(path: string): Promise<T | undefined> {
  try {
    return await once<T>(path);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return undefined;
    throw error;
  }
}

// How much of a list is looked through for what the oracle has no index of.
const LOOKED_THROUGH = 1_000;

async function look(named: Named): Promise<Found[]> {
  if (named.kind === "words") return [{ what: `nodes with “${named.text}”`, href: to("nodes", { q: named.text }) }];
  const cases = maybe<{ cases?: CaseJson[] }>(`/v1/cases?pageSize=${LOOKED_THROUGH}`);
  const nodes = maybe<{ reputations?: ReputationJson[] }>(`/v1/reputations?pageSize=${LOOKED_THROUGH}`);
  return named.kind === "hash" ? hash(named.id, await cases, await nodes) : account(named.id, await cases, await nodes);
}

async function hash(
  id: string,
  cases: { cases?: CaseJson[] } | undefined,
  nodes: { reputations?: ReputationJson[] } | undefined,
): Promise<Found[]> {
  const [node, one, report] = await Promise.all([
    maybe(`/v1/nodes/${id}/reputation`),
    maybe(`/v1/cases/${id}`),
    maybe(`/v1/reports/${id}`),
  ]);
  const found: Found[] = [];
  if (node) found.push({ what: "the node", href: to(`nodes/${id}`) });
  if (one) found.push({ what: "the case", href: to(`cases/${id}`) });
  if (report) found.push({ what: "the report", href: to(`reports/${id}`) });
  if (nodes?.reputations?.some((reputation) => reputation.organisation === id))
    found.push({ what: "the organisation", href: to(`organisations/${id}`) });
  const epoch = nodes?.reputations?.find((reputation) => reputation.onChain?.transaction === id)?.onChain?.epoch;
  if (epoch) found.push({ what: `epoch ${epoch}, which this transaction published`, href: to(`epochs/${epoch}`) });
  for (const other of cases?.cases ?? []) {
    const step = other.steps?.some((taken) => taken.transaction === id);
    const means = [other.evidence, other.rental].includes(id);
    if (step || means)
      found.push({
        what: `the case ${short(idOf(other.name))}, ${step ? "of which this transaction is a step" : "which is about it"}`,
        href: to(`cases/${idOf(other.name)}`),
      });
  }
  return found;
}

async function account(
  id: string,
  cases: { cases?: CaseJson[] } | undefined,
  nodes: { reputations?: ReputationJson[] } | undefined,
): Promise<Found[]> {
  const found: Found[] = [];
  const isProvider =
    nodes?.reputations?.some((one) => one.provider === id) || cases?.cases?.some((one) => one.provider === id);
  if (isProvider) found.push({ what: "the provider and his nodes", href: to(`providers/${id}`) });
  const reward = await maybe<{ reward?: { epoch?: string } }>(`/v1/rewards/${id}`);
  const isFisher = (reward?.reward?.epoch ?? "0") !== "0" || cases?.cases?.some((one) => one.filer === id);
  if (isFisher) found.push({ what: "the fisherman and his earnings", href: to(`fishers/${id}`) });
  return found;
}
