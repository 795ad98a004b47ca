import type { Page } from "playwright-core";
import { decodeFunctionData, encodeErrorResult } from "viem";
import { expect, test } from "vitest";
import { COURT } from "../../src/court/abi";
import { MARKET } from "../fixture/usage.mjs";
import { market } from "./market";

const here = market();
const ARBITER = `0x${"a1".repeat(20)}`;
const HASH = `0x${"7e".repeat(32)}`;

interface Asked {
  method: string;
  params?: unknown[];
}

interface Behaviour {
  chainId?: string;
  /** Whether it goes to the market's chain when it is asked to. */
  switches?: boolean;
  /** By method: the error that it answers with. */
  errors?: Record<string, { code: number; message: string; data?: string }>;
}

/** A wallet that records what it is asked (EIP-1193). */
function wallet(asked: Asked[], behaviour: Behaviour = {}) {
  return async (page: Page) => {
    let chain = behaviour.chainId ?? "0x7a69";
    await page.exposeFunction("askedOfWallet", (of: Asked) => {
      asked.push(of);
      const error = behaviour.errors?.[of.method];
      if (error) return { error };
      if (of.method === "wallet_switchEthereumChain" && behaviour.switches)
        chain = String((of.params?.[0] as { chainId?: string } | undefined)?.chainId);
      else if (of.method === "wallet_switchEthereumChain") return { error: { code: 4902, message: "unknown chain" } };
      const answers: Record<string, unknown> = {
        eth_requestAccounts: [ARBITER],
        eth_chainId: chain,
        eth_call: "0x",
        eth_sendTransaction: HASH,
        wallet_switchEthereumChain: null,
      };
      return { result: answers[of.method] };
    });
    await page.addInitScript(() => {
      const of = window as unknown as {
        askedOfWallet(of: unknown): Promise<{ result?: unknown; error?: unknown }>;
        ethereum: unknown;
      };
      of.ethereum = {
        request: async (args: unknown) => {
          const { result, error } = await of.askedOfWallet(args);
          if (error) throw error;
          return result;
        },
      };
    });
  };
}

const find = (state: string, kind: string) =>
  here.world.cases.find((one) => one.state === `CASE_STATE_${state}` && one.kind === `CASE_KIND_${kind}`)?.name ?? "";
const sent = (asked: Asked[]) =>
  asked
    .filter((one) => one.method === "eth_sendTransaction")
    .map((one) => one.params?.[0] as { from: string; to: string; data: `0x${string}` });

test("cases are listed with whose turn it is, and open ones alone on demand", async () => {
  const { page, errors } = await here.open("cases");
  await page.waitForSelector("main tbody tr");
  expect(await page.locator("main tbody tr").count()).toBe(8);
  expect(await page.locator("main tbody tr").first().innerText()).toContain("The arbiter rules");
  await page.getByLabel("open ones only").check();
  await expect.poll(() => page.locator("main tbody tr").count()).toBe(5);
  expect(page.url()).toContain("?open=true");
  expect(errors).toEqual([]);
});

test("a case says what is accused, every deadline, what is at stake, and what each ruling would do", async () => {
  const { page, errors } = await here.open(find("OPEN", "PROOF"));
  await page.getByText("Calldata for a Safe").waitFor();
  const text = await page.locator("main").innerText();
  for (const words of [
    "answered with wrong results",
    "The arbiter rules.",
    "0.183 tokens",
    "answered by the provider",
    "not final yet",
    "until then the court may rule",
    "the freeze ends by itself",
    "gets half of the filer's bond",
    "25 tokens",
    "verify-evidence",
  ])
    expect(text).toContain(words);
  expect(errors).toEqual([]);
});

test("without a wallet the calldata is there to copy, and follows what is chosen", async () => {
  const name = find("OPEN", "PROOF");
  const { page } = await here.open(name);
  const calldata = page.locator("#act code").first();
  await calldata.waitFor();
  const decoded = async () => decodeFunctionData({ abi: COURT, data: (await calldata.innerText()) as `0x${string}` });
  expect(await decoded()).toMatchObject({ functionName: "rule", args: [name.split("/")[1], 1, 183_000n, 0] });
  await page.getByLabel("outcome").selectOption("Rejected");
  expect(await decoded()).toMatchObject({ args: [name.split("/")[1], 2, 0n, 0] });
  await page.getByLabel("outcome").selectOption("Upheld");
  await page.getByLabel(/amount in tokens/).fill("0.184");
  await page.getByText("The amount is above the cap").waitFor();
  expect(await calldata.count()).toBe(0);
  expect(await page.locator("#act").innerText()).toContain(MARKET.contracts.court);
});

test("an arbiter rules with his wallet: tried first, then sent to Court on the market's chain", async () => {
  const asked: Asked[] = [];
  const name = find("OPEN", "PROOF");
  const { page } = await here.open(name, {}, wallet(asked));
  await page.getByLabel(/amount in tokens/).fill("0.1");
  await page.getByLabel(/levy on later earnings/).fill("20");
  expect(asked).toEqual([]);
  await page.getByRole("button", { name: "rule: upheld with my wallet" }).click();
  await page.getByText("Sent. The case shows it").waitFor();
  expect(asked.map((one) => one.method)).toEqual([
    "eth_requestAccounts",
    "eth_chainId",
    "eth_call",
    "eth_sendTransaction",
  ]);
  const [transaction] = sent(asked);
  expect(transaction).toMatchObject({ from: ARBITER, to: MARKET.contracts.court });
  expect(decodeFunctionData({ abi: COURT, data: transaction?.data ?? "0x" })).toMatchObject({
    functionName: "rule",
    args: [name.split("/")[1], 1, 100_000n, 2_000],
  });
});

test("a wallet on the wrong network is asked to switch, and told what to do if it does not", async () => {
  const stays: Asked[] = [];
  const { page } = await here.open(find("RULED", "STATISTICAL"), {}, wallet(stays, { chainId: "0x1" }));
  await page.getByRole("button", { name: "appeal with my wallet" }).click();
  await page.getByText("The wallet is on another network. This market is on a development chain (31337)").waitFor();
  expect(sent(stays)).toEqual([]);
  const goes: Asked[] = [];
  const { page: other } = await here.open(
    find("RULED", "STATISTICAL"),
    {},
    wallet(goes, { chainId: "0x1", switches: true }),
  );
  await other.getByRole("button", { name: "appeal with my wallet" }).click();
  await other.getByText("Sent. The case shows it").waitFor();
  expect(decodeFunctionData({ abi: COURT, data: sent(goes)[0]?.data ?? "0x" }).functionName).toBe("appeal");
});

test("a refusal by Court or by the reader is said in words, and nothing is sent", async () => {
  const asked: Asked[] = [];
  // NotEntitled(bytes32,address) as Court reverts with it.
  const id = find("OPEN", "PROOF").split("/")[1] as `0x${string}`;
  const data = encodeErrorResult({ abi: COURT, errorName: "NotEntitled", args: [id, ARBITER as `0x${string}`] });
  const { page } = await here.open(
    find("OPEN", "PROOF"),
    {},
    wallet(asked, { errors: { eth_call: { code: 3, message: "execution reverted", data } } }),
  );
  await page.getByRole("button", { name: /rule: upheld/ }).click();
  await page.getByText("Court refuses it (NotEntitled), and nothing was sent.").waitFor();
  expect(sent(asked)).toEqual([]);
  const { page: other } = await here.open(
    find("OPEN", "PROOF"),
    {},
    wallet([], { errors: { eth_sendTransaction: { code: 4001, message: "User rejected" } } }),
  );
  await other.getByRole("button", { name: /rule: upheld/ }).click();
  await other.getByText("Refused in the wallet: nothing was sent.").waitFor();
});

test("anybody finalises a ruling that is over", async () => {
  const asked: Asked[] = [];
  const { page } = await here.open(find("RULED", "PROOF"), {}, wallet(asked));
  await page.getByRole("button", { name: "finalise with my wallet" }).click();
  await page.getByText("Sent. The case shows it").waitFor();
  expect(decodeFunctionData({ abi: COURT, data: sent(asked)[0]?.data ?? "0x" })).toMatchObject({
    functionName: "finalise",
    args: [expect.anything(), []],
  });
});

test("an unknown case says so", async () => {
  const { page } = await here.open(`cases/0x${"ab".repeat(32)}`);
  await page.getByText("This oracle knows no such case.").waitFor();
});
