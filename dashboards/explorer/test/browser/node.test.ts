import { expect, test } from "vitest";
import { HOSTILE } from "../fixture/nodes.mjs";
import { market } from "./market";

const here = market();
/** Controls but for white space, and what has no width or turns the direction. */
const HIDDEN = /(?![\n\t\r])[\p{Cc}\p{Cf}]/u;
const key = (label: string) => here.world.named[label]?.key ?? "";

test("a node says what it claims, what it delivers, and why its score is what it is", async () => {
  const { page, errors } = await here.open(`nodes/${key("sold-as-3090")}`);
  await page.getByText("What would raise it").waitFor();
  const text = await page.locator("main").innerText();
  for (const words of [
    "claims GeForce RTX 3090, delivers 36 % of its int8 tensor rate",
    "simulated device",
    "0.45 [0.17, 0.60]",
    "Checked in this browser: the leaf and its proof hash to this root.",
    "audited sessions alone",
    `gpux-oracle explain ${key("sold-as-3090")} --log ${here.server.url}`,
    "0.36 tokens",
  ])
    expect(text).toContain(words);
  expect(await page.locator("#resources tbody tr").count()).toBe(3);
  expect(await page.locator("#cases tbody tr").count()).toBe(2);
  // The charts come when the page is looked at.
  await expect.poll(() => page.locator(".chart canvas").count()).toBe(2);
  expect(errors).toEqual([]);
});

test("a proof that does not lead to its root is called out", async () => {
  const chain = here.world.reputations.find((one) => one.node === key("stalls"))?.onChain as
    | { probes?: number }
    | undefined;
  if (!chain) throw new Error("the fixture lost its leaf");
  chain.probes = 52;
  const { page } = await here.open(`nodes/${key("stalls")}`);
  await page.getByText("do not trust this oracle").waitFor();
  chain.probes = 51;
  await page.getByText("Checked in this browser").waitFor();
});

test("what nobody probed is no data, and never 0", async () => {
  const { page } = await here.open(`nodes/${key("html")}`);
  await page.locator("#resources tbody tr").first().waitFor();
  const cells = await page.locator("#resources tbody tr").first().locator("td").allInnerTexts();
  expect(cells.filter((cell) => cell === "no data").length).toBeGreaterThanOrEqual(6);
  expect(await page.locator("#why").innerText()).toContain("Nothing is folded about this node yet");
});

test("hostile claims and end points are shown harmlessly, and visibly", async () => {
  for (const { label } of HOSTILE) {
    const { page, errors } = await here.open(`nodes/${key(label)}`);
    await page.locator("#resources tbody tr").first().waitFor();
    expect(await page.title()).not.toBe("pwned");
    expect(await page.locator("main img").count()).toBe(0);
    expect(await page.locator('main a[href^="javascript"]').count()).toBe(0);
    // Whatever turns or hides text is gone from the text, and its name stands there instead.
    const raw = await page.locator("main").evaluate((main) => main.textContent ?? "");
    expect(
      [...raw].filter((one) => HIDDEN.test(one)),
      label,
    ).toEqual([]);
    expect(errors, label).toEqual([]);
    if (label === "bidi") expect(raw).toContain("U+202E (right-to-left override)");
    if (label === "control") expect(raw).toContain("NUL");
    if (label === "homoglyph") expect(raw).toContain("letters of several scripts");
    if (label === "long") {
      expect(raw.length).toBeLessThan(12_000);
      await page
        .getByRole("button", { name: /show all 4008 characters/ })
        .first()
        .click();
      expect(await page.locator("h1").innerText()).toContain("9".repeat(4_000));
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth),
      ).toBe(false);
    }
    await page.context().close();
  }
});

test("unknown, truncated and foreign ids say what is wrong and what to do", async () => {
  const cases: [string, string, string][] = [
    [`0x${"ab".repeat(32)}`, "This oracle knows no such node.", "Compare the id"],
    [key("stalls").slice(0, -3), "3 are missing", "Copy it again in full"],
    [`${key("stalls")}00`, "2 are too many", "Copy it again"],
    ["0xzz", "is no hexadecimal digit", "only 0-9 and a-f"],
    [here.world.reputations[0]?.provider ?? "", "This is an account", "the provider"],
    ["%E2%80%AEevil", "U+202E", "This is no id"],
  ];
  for (const [id, wrong, todo] of cases) {
    const { page } = await here.open(`nodes/${id}`);
    await page.locator(".trouble").waitFor();
    const text = await page.locator("main").innerText();
    expect(text, id).toContain(wrong);
    expect(text, id).toContain(todo);
    await page.context().close();
  }
});

test("a report says at which step a session failed and what helps, and how to check its evidence", async () => {
  const report = here.world.reports.find((one) => one.outcome === "OUTCOME_FAIL" && one.step === "STEP_WINDOW");
  const { page } = await here.open(report?.name ?? "");
  await page.getByText("Ended at").waitFor();
  const text = await page.locator("main").innerText();
  expect(text).toContain("at window: window 1: the pong came after 4.1 s");
  expect(text).toContain("thermal throttling");
  expect(text).toContain(`${here.server.url}/v1/bundles/${report?.bundleDigest} && gpux-oracle verify-evidence bundle`);
});
