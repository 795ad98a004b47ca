// Asks the contract Scores about a leaf through the reader's own wallet, so that the oracle need not be believed.
import { decodeFunctionResult, encodeFunctionData, type Hex } from "viem";
import type { Market } from "../api/market";
import type { Leaf } from "../proof/leaf";
import { SCORES } from "./abi";
import { connect, Refused, wallet } from "./wallet";

export async function verifyByWallet(market: Market, leaf: Leaf, proof: readonly string[]): Promise<string> {
  const of = wallet();
  if (!of) return "There is no wallet in this browser.";
  try {
    const from = await connect(of, market);
    const data = encodeFunctionData({ abi: SCORES, functionName: "verify", args: [leaf, proof as Hex[]] });
    const result = await of.request({
      method: "eth_call",
      params: [{ from, to: market.contracts.scores, data }, "latest"],
    });
    const holds = decodeFunctionResult({ abi: SCORES, functionName: "verify", data: result as Hex });
    return holds
      ? "Scores.verify accepts the leaf: an active epoch holds it."
      : "Scores.verify does not accept the leaf. Its epoch may not be active yet (a published root waits until the guardian could have disabled it), or has left the ring; otherwise the oracle lies.";
  } catch (error) {
    return error instanceof Refused
      ? error.message
      : "The chain did not answer. Is the wallet's network this market's?";
  }
}
