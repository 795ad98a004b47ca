// The reader's own wallet (EIP-1193). It is asked for nothing before a button is pressed, and each refusal becomes a sentence.
import { BaseError, decodeErrorResult, decodeEventLog, encodeEventTopics, type Hex, numberToHex } from "viem";
import type { Market } from "../api/market";
import { chainName } from "../api/market";
import { COURT, RENTALS } from "./abi";
import type { Terms } from "./calls";

export interface Wallet {
  request(args: { method: string; params?: unknown[] }): Promise<unknown>;
}

export function wallet(): Wallet | undefined {
  const found = (window as { ethereum?: Partial<Wallet> }).ethereum;
  return typeof found?.request === "function" ? (found as Wallet) : undefined;
}

/** What went wrong, and what to do. */
export class Refused extends Error {}

interface RpcError {
  code?: number;
  message?: string;
  data?: unknown;
}

/** Asks for an account on the market's own chain. */
export async function connect(of: Wallet, market: Market): Promise<Hex> {
  const accounts = await asked(of, "eth_requestAccounts", []);
  const account = Array.isArray(accounts) ? (accounts[0] as unknown) : undefined;
  if (typeof account !== "string")
    throw new Refused("The wallet gave no account. Unlock it, and let this page see one.");
  const wanted = numberToHex(BigInt(market.chainId));
  if (BigInt(String(await asked(of, "eth_chainId", []))) !== BigInt(market.chainId)) {
    try {
      await of.request({ method: "wallet_switchEthereumChain", params: [{ chainId: wanted }] });
    } catch {
      throw new Refused(
        `The wallet is on another network. This market is on ${chainName(market.chainId)} (${market.chainId}): switch to it in the wallet, then try again.`,
      );
    }
    if (BigInt(String(await asked(of, "eth_chainId", []))) !== BigInt(market.chainId))
      throw new Refused(
        `The wallet stays on another network. Switch it to ${chainName(market.chainId)} (${market.chainId}), then try again.`,
      );
  }
  return account as Hex;
}

async function asked(of: Wallet, method: string, params: unknown[]): Promise<unknown> {
  try {
    return await of.request({ method, params });
  } catch (error) {
    throw refusal(error);
  }
}

/** Tries a call without sending it, so that a refusal costs nothing; then has the wallet send it. */
export async function send(of: Wallet, market: Market, data: Hex): Promise<Hex> {
  const from = await connect(of, market);
  const transaction = { from, to: market.contracts.court, data };
  await asked(of, "eth_call", [transaction, "latest"]);
  const hash = await asked(of, "eth_sendTransaction", [transaction]);
  if (typeof hash !== "string") throw new Refused("The wallet returned no transaction. See there whether it was sent.");
  return hash as Hex;
}

function refusal(error: unknown): Refused {
  const { code, message, data } = (error ?? {}) as RpcError;
  if (code === 4001) return new Refused("Refused in the wallet: nothing was sent.");
  if (code === -32002)
    return new Refused("The wallet waits for an earlier question. Open it and answer that one first.");
  const revert = revertData(data) ?? revertData((data as { data?: unknown } | undefined)?.data);
  const named = revert && explained(revert);
  return new Refused(
    named ?? `The chain or the wallet refused it, and nothing was sent: ${String(message ?? error).slice(0, 300)}`,
  );
}

function revertData(data: unknown): Hex | undefined {
  return typeof data === "string" && /^0x[0-9a-f]{8,}$/i.test(data) ? (data as Hex) : undefined;
}

const SENTENCES: Record<string, string> = {
  UnknownCase: "Court knows no such case. Is the wallet on the market's chain?",
  WrongState: "The case is not in a state that allows this any more. Look at it again.",
  NotEntitled: "This account has no part in this step. An arbiter's or a party's account is wanted.",
  TooLate: "The window is over.",
  TooEarly: "The window has not begun: the provider may still answer, or a party appeal.",
  NothingToTake: "Only an upheld case has an amount or a levy.",
  ZeroAmount: "An upheld case takes something.",
  AboveCap: "The amount or the levy is above its cap.",
  Unreached:
    "The rentals that were found hold less than was ruled. Use gpux-oracle case finalise, which finds all of them.",
};

function explained(data: Hex): string | undefined {
  try {
    const { errorName } = decodeErrorResult({ abi: COURT, data });
    return `Court refuses it (${errorName}), and nothing was sent. ${SENTENCES[errorName] ?? ""}`;
  } catch (error) {
    if (error instanceof BaseError) return undefined;
    throw error;
  }
}

/** Cases take at most so many rentals. */
const RENTALS_MAX = 256;

/** The rentals of a node that were open when the case was filed, in the order that Court wants: by rising id. */
export async function rentalsOf(
  of: Wallet,
  market: Market,
  node: Hex,
  filedBlock: string | undefined,
): Promise<Terms[]> {
  const topics = encodeEventTopics({ abi: RENTALS, eventName: "Opened", args: { node } });
  const filter = {
    address: market.contracts.rentals,
    topics,
    fromBlock: numberToHex(BigInt(market.block ?? 0)),
    toBlock: filedBlock ? numberToHex(BigInt(filedBlock)) : "latest",
  };
  const logs = (await asked(of, "eth_getLogs", [filter])) as { topics: [Hex, ...Hex[]]; data: Hex }[];
  const found = logs.map(
    (log) => decodeEventLog({ abi: RENTALS, eventName: "Opened", topics: log.topics, data: log.data }).args,
  );
  const newest = found.slice(-RENTALS_MAX).sort((a, b) => (BigInt(a.rental) < BigInt(b.rental) ? -1 : 1));
  return newest.map((one) => one.terms);
}
