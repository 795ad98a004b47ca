// Pictures of the pages over the fixture: `npm run screenshots` writes those of the documentation; with a folder as its
// argument it writes every page there, light, dark and as wide as a phone.
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "./browser/chromium.mjs";
import { start } from "./fixture/server.mjs";

const BYTES_MAX = 200 * 1024;
const folder = process.argv[2] ?? fileURLToPath(new URL("../../../docs/images", import.meta.url));
const isAll = process.argv[2] !== undefined;
const only = process.argv[3];
// A fixed moment, so that two runs make the same pictures.
const NOW = Date.UTC(2026, 10, 27, 12, 0, 0);

const { url, state, close } = await start({ now: NOW });
const { named, cases, reports, epoch } = state.world;
const ruling = cases.find((one) => one.state === "CASE_STATE_OPEN" && one.kind === "CASE_KIND_PROOF");
const PAGES = {
  home: "",
  nodes: "nodes",
  node: `nodes/${named["sold-as-3090"].key}`,
  case: ruling.name,
  honest: `nodes/${named["honest-3090"].key}`,
  hostile: `nodes/${named.bidi.key}`,
  cases: "cases",
  report: reports[4].name,
  fisher: `fishers/${reports[4].fisher}`,
  provider: `providers/${named["sold-as-3090"].provider}`,
  organisation: `organisations/${named["honest-3090"].organisation}`,
  operator: "operator",
  epoch: `epochs/${epoch}`,
  method: "method",
  search: "search?q=0x12",
  unknown: `nodes/0x${"ab".repeat(32)}`,
};
const DOCUMENTED = ["home", "nodes", "node", "case"];
const VIEWS = isAll
  ? [
      { name: "light", width: 1280, height: 900, colorScheme: "light" },
      { name: "dark", width: 1280, height: 900, colorScheme: "dark" },
      { name: "phone", width: 375, height: 812, colorScheme: "light" },
    ]
  : [{ name: "", width: 1280, height: 860, colorScheme: "light" }];

mkdirSync(folder, { recursive: true });
const browser = await launch();
for (const view of VIEWS) {
  const context = await browser.newContext({
    viewport: view,
    colorScheme: view.colorScheme,
    locale: "en-GB",
    timezoneId: "UTC",
  });
  const page = await context.newPage();
  await page.clock.install({ time: NOW });
  page.on("console", (message) => message.type() === "error" && console.error(`${view.name}: ${message.text()}`));
  for (const [name, path] of Object.entries(PAGES)) {
    if ((!isAll && !DOCUMENTED.includes(name)) || (only && only !== name)) continue;
    await page.goto(`${url}/explorer/${path}`, { waitUntil: "load" });
    await page.clock.runFor(2_000);
    await page.waitForTimeout(600);
    await page.clock.runFor(1_000);
    const file = join(folder, `${name}${view.name && `-${view.name}`}.png`);
    await page.screenshot({ path: file, fullPage: isAll });
    const { size } = statSync(file);
    if (!isAll && size > BYTES_MAX) throw new Error(`${file} has ${size} bytes, more than ${BYTES_MAX}`);
    console.log(`${file} ${size}`);
  }
  await context.close();
}
await browser.close();
await close();
