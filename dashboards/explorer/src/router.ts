// Where the reader is: the path names the page, the query holds filters and sort, so that a link shows what was seen.
import { useEffect, useState } from "preact/hooks";

export const BASE = "/explorer";

export interface Place {
  path: string[];
  query: URLSearchParams;
}

/** A link to a page of this explorer. */
export function to(path: string, query: Record<string, string | undefined> = {}): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => !!pair[1]);
  const text = new URLSearchParams(given).toString();
  return `${BASE}/${path}${text ? `?${text}` : ""}`;
}

export function parse(url: { pathname: string; search: string }): Place {
  const rest = url.pathname.startsWith(BASE) ? url.pathname.slice(BASE.length) : url.pathname;
  const path = rest.split("/").filter(Boolean).map(decoded);
  return { path, query: new URLSearchParams(url.search) };
}

/** A damaged escape is shown as it stands: the page then says that there is no such id. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const CHANGED = "gpux:place";

/** Goes to a page of this explorer; `replace` changes filters without a step in the history for each key pressed. */
export function go(href: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  window.dispatchEvent(new CustomEvent(CHANGED, { detail: options.replace === true }));
}

export function usePlace(): Place {
  const [place, set] = useState(() => parse(window.location));
  useEffect(() => {
    const read = () => set(parse(window.location));
    const moved = (event: Event) => {
      read();
      if ((event as CustomEvent<boolean>).detail) return;
      window.scrollTo(0, 0);
      // The next page's heading takes the focus, so that keyboards and screen readers begin there and not at the top again.
      requestAnimationFrame(() => document.querySelector<HTMLElement>("main h1")?.focus());
    };
    window.addEventListener("popstate", read);
    window.addEventListener(CHANGED, moved);
    return () => {
      window.removeEventListener("popstate", read);
      window.removeEventListener(CHANGED, moved);
    };
  }, []);
  return place;
}

/** Takes clicks on this explorer's links, and leaves those that ask for a new tab or a download to the browser. */
export function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = (event.target as Element | null)?.closest("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== window.location.origin) return;
  if (!link.pathname.startsWith(BASE) || link.hash) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
