// A fixture market and a browser that looks at it, for one file of tests.
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { start } from "../fixture/server.mjs";
import { launch } from "./chromium.mjs";

export type Server = Awaited<ReturnType<typeof start>>;

export interface Opened {
  page: Page;
  /** Errors of the console and of scripts, blocked content among them; a page that is well has none. */
  errors: string[];
}

/** Starts both around a file's tests. `open` gives a page of its own to each test. */
export function market(options: { size?: number } = {}) {
  let server: Server;
  let browser: Browser;
  const opened: Page[] = [];
  beforeAll(async () => {
    server = await start(options);
    browser = await launch();
  });
  afterEach(async () => {
    for (const page of opened.splice(0)) await page.context().close();
    server.state.down = false;
    server.state.failing = undefined;
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const open = async (
    path: string,
    context: BrowserContextOptions = {},
    before?: (page: Page) => Promise<void>,
  ): Promise<Opened> => {
    const made = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      locale: "en-GB",
      timezoneId: "Europe/Zurich",
      ...context,
    });
    const page = await made.newPage();
    opened.push(page);
    page.setDefaultTimeout(15_000);
    const errors: string[] = [];
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    await before?.(page);
    await page.goto(`${server.url}/explorer/${path}`, { waitUntil: "load" });
    return { page, errors };
  };
  return {
    open,
    get server() {
      return server;
    },
    get world() {
      return server.state.world;
    },
  };
}

/** Whether the page can be scrolled sideways: on a phone it must not be. */
export function overflows(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}
