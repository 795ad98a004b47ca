// The frame of every page: where one can go, whose market this is, and whether the oracle still answers.
import type { ComponentType, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useLive } from "./api/live";
import { chainName, MARKET_PATH, type Market } from "./api/market";
import { lasting, moment } from "./format/time";
import type { GetUsageResponseJson } from "./messages/gpux/oracle/v1/usage_pb";
import { Home } from "./pages/home";
import { Node } from "./pages/node";
import { Nodes } from "./pages/nodes";
import { Skeleton, Title } from "./parts/block";
import { When } from "./parts/text";
import { follow, go, type Place, to, usePlace } from "./router";

type Page = ComponentType<{ id: string; query: URLSearchParams }>;

// What most readers open comes with the first load; the rest is fetched when it is wanted.
const LATER: Record<string, () => Promise<Page>> = {
  cases: () => import("./pages/cases").then((page) => page.Cases),
  case: () => import("./pages/case").then((page) => page.CasePage),
  reports: () => import("./pages/report").then((page) => page.Report),
  fishers: () => import("./pages/fisher").then((page) => page.Fisher),
  providers: () => import("./pages/provider").then((page) => page.Provider),
  organisations: () => import("./pages/organisation").then((page) => page.Organisation),
  operator: () => import("./pages/operator").then((page) => page.Operator),
  epochs: () => import("./pages/operator").then((page) => page.EpochPage),
  method: () => import("./pages/method").then((page) => page.Method),
  search: () => import("./pages/search").then((page) => page.Search),
};

const NAVIGATION: [string, string][] = [
  ["nodes", "Nodes"],
  ["cases", "Cases"],
  ["operator", "Operator"],
  ["method", "Method"],
];

export function App(): JSX.Element {
  const place = usePlace();
  const market = useLive<Market>(MARKET_PATH, 10_000);
  const usage = useLive<GetUsageResponseJson>("/v1/usage", 10_000);
  useEffect(() => {
    document.addEventListener("click", follow);
    return () => document.removeEventListener("click", follow);
  }, []);
  const [section = ""] = place.path;
  return (
    <>
      <a class="skip" href="#main">
        to the content
      </a>
      <header class="bar">
        <a class="brand" href={to("")}>
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <title>GPUX</title>
            <rect width="32" height="32" rx="7" fill="#0b6b57" />
            <path d="M6 16h20" stroke="#fff" stroke-opacity=".45" stroke-width="3" stroke-linecap="round" />
            <path d="M12 16h11" stroke="#fff" stroke-width="5" stroke-linecap="round" />
            <circle cx="18" cy="16" r="4.2" fill="#fff" />
          </svg>
          GPUX explorer
        </a>
        <nav aria-label="pages">
          <ul>
            {NAVIGATION.map(([path, name]) => (
              <li key={path}>
                <a href={to(path)} aria-current={section === path ? "page" : undefined}>
                  {name}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <SearchField />
      </header>
      <Notices market={market.data} silent={market.problem ?? usage.problem} heard={market.heard} usage={usage.data} />
      <main id="main">
        <Shown place={place} />
      </main>
      <footer>
        <span>gpux-oracle {market.data?.version ?? ""}</span>
        <span>
          {chainName(market.data?.chainId)} ({market.data?.chainId ?? "?"})
        </span>
        <span>
          newest final block <When at={usage.data?.updateTime} />
        </span>
        <a href="/v1/reputations">the same as JSON</a>
        <a href={to("method")}>how scores are made</a>
      </footer>
    </>
  );
}

function Shown({ place }: { place: Place }): JSX.Element {
  const [section = "", id = ""] = place.path;
  useEffect(() => {
    document.title = section ? `${section}${id ? ` ${id.slice(0, 10)}` : ""} · GPUX explorer` : "GPUX explorer";
  }, [section, id]);
  if (section === "") return <Home />;
  if (section === "nodes") return id ? <Node key={id} id={id} /> : <Nodes query={place.query} />;
  const name = section === "cases" && id ? "case" : section;
  return LATER[name] ? <Later key={`${name}/${id}`} name={name} id={id} query={place.query} /> : <Nowhere />;
}

function Later({ name, id, query }: { name: string; id: string; query: URLSearchParams }): JSX.Element {
  const [page, setPage] = useState<{ is: Page } | "failed">();
  useEffect(() => {
    LATER[name]?.().then(
      (is) => setPage({ is }),
      () => setPage("failed"),
    );
  }, [name]);
  if (page === "failed")
    return (
      <div class="trouble" role="alert">
        <p>
          <b>This page could not be loaded.</b>
        </p>
        <p>The oracle does not answer, or it was updated since this page was opened. Load it again.</p>
      </div>
    );
  return page ? <page.is id={id} query={query} /> : <Skeleton lines={8} />;
}

function Nowhere(): JSX.Element {
  return (
    <>
      <Title>There is no such page</Title>
      <p>
        Begin with the <a href={to("nodes")}>nodes</a>, or paste an id into the search above.
      </p>
    </>
  );
}

function SearchField(): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== "/" || /^(input|select|textarea)$/i.test(target.tagName)) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", key);
    return () => document.removeEventListener("keydown", key);
  }, []);
  const search = (event: Event) => {
    event.preventDefault();
    go(to("search", { q: field.current?.value.trim() }));
  };
  return (
    <search>
      <form class="search" onSubmit={search}>
        <label class="unseen" for="search">
          search by id or model
        </label>
        <input
          id="search"
          ref={field}
          type="search"
          placeholder="node, case, provider, transaction, model   ( / )"
          autocomplete="off"
          spellcheck={false}
        />
        <button type="submit">Search</button>
      </form>
    </search>
  );
}

/** A chain whose newest final block is older than this many epochs, and than a quarter of an hour, has stopped. */
const EPOCHS_SILENT = 10;
const SILENT_MS = 15 * 60_000;

interface NoticesProps {
  market: Market | undefined;
  silent: { message: string } | undefined;
  heard: Date | undefined;
  usage: GetUsageResponseJson | undefined;
}

function Notices({ market, silent, heard, usage }: NoticesProps): JSX.Element {
  const newest = moment(usage?.updateTime);
  const patience = Math.max(SILENT_MS, (market?.epochSeconds ?? 0) * 1000 * EPOCHS_SILENT);
  const behind = newest ? Date.now() - newest.getTime() : 0;
  return (
    <>
      {market?.development && (
        <aside class="notice" aria-label="kind of market">
          <p>
            <b>Development parameters.</b> Epochs last {market.epochSeconds} s, verdicts rest on less evidence, and
            devices may be simulated: nothing here says anything about real cards.
          </p>
        </aside>
      )}
      <div aria-live="polite">
        {silent && (
          <div class="notice bad">
            <p>
              <b>The oracle does not answer as it should:</b> {silent.message}.{" "}
              {heard ? `What is shown was read ${lasting(Date.now() - heard.getTime())} ago. ` : ""}
              This page asks again by itself.
            </p>
          </div>
        )}
        {!silent && behind > patience && (
          <div class="notice bad">
            <p>
              <b>No final block for {lasting(behind)}.</b> The chain, or the oracle's way to it, is down: scores,
              payments and cases stand as of then. Its operator checks the RPC that the oracle follows.
            </p>
          </div>
        )}
      </div>
    </>
  );
}
