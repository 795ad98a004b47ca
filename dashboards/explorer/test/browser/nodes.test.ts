import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { market } from "./market";

const here = market();
const rows = "main tbody tr";

test("the list shows each node with its score as an interval, its verdict and its device's kind", async () => {
  const { page, errors } = await here.open("nodes");
  await page.waitForSelector(rows);
  expect(await page.locator(rows).count()).toBe(14);
  const sold = page
    .locator(rows, { hasText: "GeForce RTX 3060 12 GB" })
    .filter({ hasText: "under-delivering" })
    .first();
  expect(await sold.innerText()).toContain("simulated device");
  expect(await sold.getByRole("img").getAttribute("aria-label")).toBe("S 0.45, interval 0.17 to 0.60");
  // The honest machine is real, and not called simulated.
  expect(await page.locator(rows).first().innerText()).not.toContain("simulated");
  expect(errors).toEqual([]);
});

test("filters and sort stand in the URL, and a reload keeps them", async () => {
  const { page } = await here.open("nodes");
  await page.waitForSelector(rows);
  await page.getByLabel("verdict").selectOption("under-delivering");
  await expect.poll(() => page.locator(rows).count()).toBe(4);
  await page.getByLabel("claim, finding, id").fill("stalls");
  await expect.poll(() => page.locator(rows).count()).toBe(1);
  expect(new URL(page.url()).search).toBe("?verdict=under-delivering&q=stalls");
  await page.reload();
  await expect.poll(() => page.locator(rows).count()).toBe(1);
  await page.getByRole("link", { name: "clear" }).click();
  await expect.poll(() => page.locator(rows).count()).toBe(14);
  await page.getByRole("button", { name: "Price an hour" }).click();
  expect(page.url()).toContain("sort=price&order=up");
  await expect.poll(() => page.locator(rows).first().innerText()).toContain("0.072 tokens");
  expect(await page.locator("th[aria-sort=ascending]").innerText()).toContain("Price");
  await page.getByLabel("claim, finding, id").fill("no such card");
  await expect.poll(() => page.locator("main tbody").innerText()).toContain("No node that was read fits");
});

test("the CSV holds exactly what is shown", async () => {
  const { page } = await here.open("nodes?verdict=honest");
  await page.waitForSelector(rows);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: /CSV of these 4/ }).click(),
  ]);
  const lines = readFileSync(await download.path(), "utf8").split("\r\n");
  expect(lines).toHaveLength(5);
  const shown = await page
    .locator(`${rows} th a`)
    .evaluateAll((links) => links.map((link) => link.getAttribute("title")));
  expect(lines.slice(1).map((line) => line.split(",")[0])).toEqual(shown);
});

test("numbers change where they stand: no row moves until the reader asks for it", async () => {
  const { page } = await here.open("nodes");
  await page.waitForSelector(rows);
  await page.waitForTimeout(1_200);
  const order = () =>
    page.locator(`${rows} th a`).evaluateAll((links) => links.map((link) => link.getAttribute("title")));
  const before = await order();
  const last = here.world.reputations.find((one) => one.node === here.world.named["skips-work"]?.key);
  const first = here.world.reputations[0];
  if (!last?.score) throw new Error("the fixture lost its node");
  const was = last.score;
  last.score = { lowBps: 9_000, scoreBps: 9_500, highBps: 10_000 };
  here.world.reputations.splice(here.world.reputations.indexOf(last), 1);
  here.world.reputations.unshift(last);
  await expect.poll(() => page.locator(rows, { hasText: "[0.90, 1.00]" }).count(), { timeout: 10_000 }).toBe(1);
  expect(await order()).toEqual(before);
  await page.getByRole("button", { name: "sort again" }).click();
  await expect.poll(order).not.toEqual(before);
  expect((await order())[0]).toBe(last.node);
  last.score = was;
  here.world.reputations.sort((a, b) => (a === first ? -1 : b === first ? 1 : 0));
});

test("polls carry the tag of what is known, so that an unchanged answer is empty", async () => {
  here.server.state.asked.length = 0;
  const { page } = await here.open("nodes");
  await page.waitForSelector(rows);
  await expect.poll(() => here.server.state.asked, { timeout: 10_000 }).toContain("GET /v1/reputations tagged");
});
