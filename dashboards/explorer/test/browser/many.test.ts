import { expect, test } from "vitest";
import { market } from "./market";

const here = market({ size: 2_500 });
const rows = "main tbody tr";

test("a long list is read page by page, and never as a whole", async () => {
  here.server.state.asked.length = 0;
  const { page } = await here.open("nodes");
  await page.waitForSelector(rows);
  expect(await page.locator(rows).count()).toBe(100);
  expect(await page.locator("main [role=status]").first().innerText()).toContain("100 nodes; the oracle has more");
  await page.getByRole("button", { name: "read more" }).click();
  await page.getByText("400 nodes; the oracle has more").waitFor();
  await page.getByRole("button", { name: "read more" }).click();
  await page.getByText("1,000 nodes; the oracle has more").waitFor();
  await page.getByRole("button", { name: "read more" }).click();
  await page.getByText("2,000 nodes; the oracle has more").waitFor();
  // Reading does not draw: that is asked for by itself.
  expect(await page.locator(rows).count()).toBe(100);
  await page.getByRole("button", { name: /show 200 more rows/ }).click();
  await expect.poll(() => page.locator(rows).count()).toBe(300);
  await page.getByRole("button", { name: "read more" }).click();
  await page.getByText("2,500 nodes").waitFor();
  expect(await page.getByRole("button", { name: "read more" }).count()).toBe(0);
});

test("an order by key is the oracle's own", async () => {
  const { page } = await here.open("nodes?sort=node&order=up");
  await page.waitForSelector(rows);
  const keys = await page
    .locator(`${rows} th a`)
    .evaluateAll((links) => links.map((link) => link.getAttribute("title") ?? ""));
  const all = here.world.reputations.map((one) => one.node).sort();
  expect(keys).toEqual(all.slice(0, 100));
});
