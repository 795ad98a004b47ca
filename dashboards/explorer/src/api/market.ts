// What market this is: which chain, which contracts, which parameters. Served by the oracle beside these pages.
import { SELDOM, useLive } from "./live";

/** oracle/src/api/explorer.rs writes it. */
export interface Market {
  version: string;
  development: boolean;
  chainId: string;
  token: string;
  tokenDecimals: number;
  contracts: Record<"rentals" | "bonds" | "scores" | "court" | "rewards" | "accessManager", string>;
  /** The block of the first contract. */
  block: string;
  epochSeconds: number;
  parametersDigest: string;
  parameters: Record<string, number | string | number[]>;
}

export const MARKET_PATH = "/explorer/market.json";

export function useMarket(): Market | undefined {
  return useLive<Market>(MARKET_PATH, SELDOM).data;
}

const CHAINS: Record<string, { name: string; transactions?: string }> = {
  "10": { name: "OP Mainnet", transactions: "https://optimistic.etherscan.io/tx/" },
  "11155420": { name: "OP Sepolia", transactions: "https://sepolia-optimism.etherscan.io/tx/" },
  "31337": { name: "a development chain" },
};

export function chainName(id: string | undefined): string {
  return id === undefined ? "an unknown chain" : (CHAINS[id]?.name ?? `chain ${id}`);
}

/** Where a transaction can be looked up, if the chain has such a place. */
export function transactionUrl(chainId: string | undefined, transaction: string): string | undefined {
  const base = chainId === undefined ? undefined : CHAINS[chainId]?.transactions;
  return base && `${base}${transaction}`;
}
