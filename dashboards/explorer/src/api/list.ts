// A long list, read as far as somebody looks: a page of the newest or best that stays current, and what was asked for beyond it.
import { useRef, useState } from "preact/hooks";
import { Problem, path } from "./client";
import { once, useLive } from "./live";

/** The largest page that the oracle serves; what lies beyond it is read once, and not polled. */
const PAGE_MAX = 1_000;

type Listed<T> = Record<string, unknown> & { nextPageToken?: string } & { items?: T[] };

export interface List<T> {
  /** Undefined before the first answer. */
  items: T[] | undefined;
  /** Whether the oracle has more than was read. */
  more: boolean;
  reading: boolean;
  problem: Problem | undefined;
  readMore: () => void;
}

/** Reads `field` of a list's answers. `query` names order and filters; a change of it begins anew. */
export function useList<T>(
  base: string,
  field: string,
  query: Record<string, string | undefined>,
  first = 100,
): List<T> {
  const name = path(base, query);
  const [wish, setWish] = useState({ name, size: first });
  const size = wish.name === name ? wish.size : first;
  const live = useLive<Listed<T>>(path(base, { ...query, pageSize: size }));
  const shown = useRef<{ name: string; answer: Listed<T> } | undefined>(undefined);
  if (live.data) shown.current = { name, answer: live.data };
  // While a larger page is on its way the smaller one stays.
  const answer = live.data ?? (shown.current?.name === name && !live.problem ? shown.current.answer : undefined);
  const [beyond, setBeyond] = useState<{ name: string; items: T[]; token: string | undefined }>();
  const [reading, setReading] = useState(false);
  const [failed, setFailed] = useState<Problem>();
  const extra = beyond?.name === name ? beyond : undefined;
  const items = answer && [...((answer[field] as T[] | undefined) ?? []), ...(extra?.items ?? [])];
  const token = extra ? extra.token : answer?.nextPageToken;

  const readMore = () => {
    if (!token || reading) return;
    if (!extra && size < PAGE_MAX) {
      setWish({ name, size: Math.min(PAGE_MAX, size * 4) });
      return;
    }
    setReading(true);
    once<Listed<T>>(path(base, { ...query, pageSize: PAGE_MAX, pageToken: token }))
      .then((next) => {
        setFailed(undefined);
        setBeyond({
          name,
          items: [...(extra?.items ?? []), ...((next[field] as T[] | undefined) ?? [])],
          token: next.nextPageToken,
        });
      })
      .catch((error: unknown) => setFailed(error instanceof Problem ? error : undefined))
      .finally(() => setReading(false));
  };
  return {
    items,
    more: !!token,
    reading: reading || (!live.data && !!answer),
    problem: live.problem ?? failed,
    readMore,
  };
}
