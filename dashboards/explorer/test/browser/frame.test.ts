import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { market, overflows } from "./market";

const here = market();
const DIST = fileURLToPath(new URL("../../dist", import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FIRST_LOAD_MAX = 150 * 1024;

function pages(): Record<string, string> {
  const { named, cases, reports, epoch } = here.world;
  return {
    home: "",
    nodes: "nodes",
    node: `nodes/${named["sold-as-3090"]?.key}`,
    "hostile node": `nodes/${named.long?.key}`,
    "unknown node": `nodes/0x${"ab".repeat(32)}`,
    cases: "cases",
    case: cases[0]?.name ?? "",
    "ended case": cases[7]?.name ?? "",
    report: reports[3]?.name ?? "",
    fisherman: `fishers/${reports[3]?.fisher}`,
    provider: `providers/${named.stalls?.provider}`,
    organisation: `organisations/${named["honest-3090"]?.organisation}`,
    operator: "operator",
    epoch: `epochs/${epoch}`,
    method: "method",
    search: "search?q=0x12",
    nowhere: "nothing/here",
  };
}

interface Found {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

test("axe finds nothing serious on any page, light or dark", async () => {
  for (const [name, path] of Object.entries(pages())) {
    for (const colorScheme of ["light", "dark"] as const) {
      const { page, errors } = await here.open(path, { colorScheme });
      await page.locator("h1").waitFor();
      await page.waitForLoadState("networkidle").catch(() => undefined);
      // By the debugger's own channel: the page's policy would refuse an injected script, as it should.
      await page.evaluate(AXE);
      const found = await page.evaluate(async () => {
        const { axe } = window as unknown as { axe: { run(of: Document): Promise<{ violations: Found[] }> } };
        return (await axe.run(document)).violations;
      });
      const serious = found
        .filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => `${one.id}: ${one.nodes[0]?.html} ${one.nodes[0]?.failureSummary}`);
      expect(serious, `${name}, ${colorScheme}`).toEqual([]);
      expect(
        errors.filter((one) => !one.includes("404") && !one.includes("400")),
        name,
      ).toEqual([]);
      await page.context().close();
    }
  }
}, 240_000);

test("no page can be scrolled sideways on a phone", async () => {
  for (const [name, path] of Object.entries(pages())) {
    const { page } = await here.open(path, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    await page.locator("h1").waitFor();
    await page.waitForLoadState("networkidle").catch(() => undefined);
    expect(await overflows(page), name).toBe(false);
    await page.context().close();
  }
}, 120_000);

test("the keyboard alone reaches a node, its page and a filter", async () => {
  const { page } = await here.open("");
  await page.locator("h1").waitFor();
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe("to the content");
  await page.keyboard.press("/");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("search");
  await page.keyboard.type(here.world.named.stalls?.key ?? "");
  await page.keyboard.press("Enter");
  await page.getByText("host stalls").first().waitFor();
  expect(page.url()).toContain(`nodes/${here.world.named.stalls?.key}`);
  await page.keyboard.press("/");
  await page.keyboard.type("4070");
  await page.keyboard.press("Enter");
  await expect.poll(() => page.url()).toContain("/explorer/nodes?q=4070");
  await page.locator("main tbody tr").waitFor();
  await page.locator("h1").focus();
  // Text, verdict, organisation, device, clear, CSV, the frame, then the table's own controls.
  for (let presses = 0; presses < 30; presses += 1) {
    await page.keyboard.press("Tab");
    const on = await page.evaluate(() => ({
      link: document.activeElement?.closest("tbody th") !== null,
      outline: getComputedStyle(document.activeElement ?? document.body).outlineStyle,
    }));
    expect(on.outline).not.toBe("none");
    if (on.link) break;
  }
  await page.keyboard.press("Enter");
  await expect.poll(() => page.url()).toContain(here.world.named["honest-4070"]?.key ?? "?");
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
});

test("a search finds by id of any kind, and says what is wrong with others", async () => {
  const { cases, reports, named } = here.world;
  const searches: [string, string][] = [
    [named.stalls?.key ?? "", "/nodes/"],
    [cases[0]?.name ?? "", "/cases/"],
    [reports[0]?.name ?? "", "/reports/"],
    [cases[0]?.steps[0]?.transaction ?? "", "/cases/"],
    [named.stalls?.provider ?? "", "/providers/"],
    [named["honest-3090"]?.organisation ?? "", "/organisations/"],
  ];
  for (const [text, place] of searches) {
    const { page } = await here.open(`search?q=${encodeURIComponent(text)}`);
    await expect
      .poll(async () => page.url().includes(place) || (await page.locator(`main a[href*="${place}"]`).count()) > 0, {
        message: text,
      })
      .toBe(true);
    await page.context().close();
  }
  const { page } = await here.open(`search?q=0x${"cd".repeat(32)}`);
  await page.getByText("Nothing here has this id.").waitFor();
});

test("every page says that parameters are development ones", async () => {
  const { page } = await here.open("cases");
  await page.getByText("Development parameters.").waitFor();
});

test("a dead oracle is named, what was read stays, and the page goes on when it is back", async () => {
  const { page } = await here.open("nodes");
  await page.waitForSelector("main tbody tr");
  here.server.state.down = true;
  await page.getByText("The oracle does not answer as it should").waitFor({ timeout: 25_000 });
  expect(await page.locator("main tbody tr").count()).toBe(14);
  here.server.state.down = false;
  await page.getByText("The oracle does not answer as it should").waitFor({ state: "detached", timeout: 40_000 });
  here.server.state.down = true;
  const { page: fresh } = await here.open("");
  await fresh.getByText("It may be starting or stopped").first().waitFor();
}, 120_000);

test("a dead chain is named, with since when", async () => {
  const { all } = here.world.usage;
  const was = all.updateTime;
  all.updateTime = new Date(Date.now() - 2 * 3_600_000).toISOString();
  const { page } = await here.open("");
  await page.getByText("No final block for 2 h").waitFor();
  all.updateTime = was;
});

test("an oracle without its store says so, and is asked again", async () => {
  here.server.state.failing = { code: 503, reason: "UNAVAILABLE", message: "the store is not available" };
  const { page } = await here.open("nodes");
  await page.getByText("The oracle is without its chain or its store.").waitFor();
  here.server.state.failing = undefined;
  await page.waitForSelector("main tbody tr", { timeout: 20_000 });
}, 60_000);

test("the first load is small, and comes from this origin alone", async () => {
  const requested: string[] = [];
  const { page } = await here.open("", {}, async (page) => {
    page.on("request", (request) => requested.push(request.url()));
  });
  await page.locator(".cards").first().waitFor();
  await page.waitForLoadState("networkidle").catch(() => undefined);
  expect(requested.filter((url) => !url.startsWith(here.server.url))).toEqual([]);
  const files = requested
    .map((url) => new URL(url).pathname)
    .filter((path) => path.startsWith("/explorer/assets/") || path === "/explorer/");
  const bytes = files.map(
    (path) =>
      gzipSync(readFileSync(`${DIST}${path === "/explorer/" ? "/index.html" : path.slice("/explorer".length)}`)).length,
  );
  const sum = bytes.reduce((total, one) => total + one, 0);
  console.log(
    `first load: ${(sum / 1024).toFixed(1)} KiB compressed in ${files.length} files; all of it: ${(allBytes() / 1024).toFixed(1)} KiB`,
  );
  expect(files.length).toBeGreaterThanOrEqual(3);
  expect(sum).toBeLessThanOrEqual(FIRST_LOAD_MAX);
  const times = await page.evaluate(() => {
    const [load] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    return { interactive: load?.domInteractive ?? 0, complete: load?.loadEventEnd ?? 0, paint: paint?.startTime ?? 0 };
  });
  console.log(
    `interactive after ${times.interactive.toFixed(0)} ms, painted after ${times.paint.toFixed(0)} ms, loaded after ${times.complete.toFixed(0)} ms`,
  );
});

function allBytes(): number {
  return readdirSync(`${DIST}/assets`).reduce(
    (total, file) => total + gzipSync(readFileSync(`${DIST}/assets/${file}`)).length,
    0,
  );
}
