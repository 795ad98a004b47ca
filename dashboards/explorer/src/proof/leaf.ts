// Checks in the browser what an oracle says of the chain: a leaf's hash and its way to the root, by keccak, as the contract
// Scores does it (contracts/src/Scores.sol). Whoever trusts the root need not trust the oracle for the leaf.
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import type { OnChainJson, ReputationJson } from "../messages/gpux/oracle/v1/reputation_pb";

export interface Leaf {
  epoch: bigint;
  node: `0x${string}`;
  provider: `0x${string}`;
  scoreLowBps: number;
  scoreBps: number;
  verdict: number;
  probes: number;
  certificates: `0x${string}`;
}

const HEX = /^0x([0-9a-f]{2})*$/i;

/** The leaf that the oracle says is on chain; undefined where a part is missing or no number of its size. */
export function leafOf(reputation: ReputationJson): Leaf | undefined {
  const { onChain, node, provider } = reputation;
  if (!onChain || !isHex(node, 32) || !isHex(provider, 20) || !isHex(onChain.certificates, 32)) return undefined;
  if (!/^\d{1,20}$/.test(String(onChain.epoch ?? ""))) return undefined;
  return {
    epoch: BigInt(onChain.epoch ?? 0),
    node,
    provider,
    scoreLowBps: onChain.scoreLowBps ?? 0,
    scoreBps: onChain.scoreBps ?? 0,
    verdict: onChain.verdict ?? 0,
    probes: onChain.probes ?? 0,
    certificates: onChain.certificates,
  };
}

function isHex(text: string | undefined, bytes: number): text is `0x${string}` {
  return text !== undefined && HEX.test(text) && text.length === 2 + 2 * bytes;
}

function word(value: bigint | number | string): Uint8Array {
  return hexToBytes(BigInt(value).toString(16).padStart(64, "0"));
}

/** keccak256(keccak256(abi.encode(leaf))): hashed twice, so that no inner node can pass for a leaf. */
export function leafHash(leaf: Leaf): Uint8Array {
  const { epoch, node, provider, scoreLowBps, scoreBps, verdict, probes, certificates } = leaf;
  const words = [epoch, node, provider, scoreLowBps, scoreBps, verdict, probes, certificates].map(word);
  return keccak_256(keccak_256(concatBytes(...words)));
}

/** The root that a leaf and its proof lead to: pairs are hashed the smaller one first (OpenZeppelin's MerkleProof). */
export function rootOf(leaf: Leaf, proof: readonly string[]): string | undefined {
  // 2^64 leaves are more than there will be; a longer proof is somebody's attempt to keep this page busy.
  if (proof.length > 64 || !proof.every((hash) => isHex(hash, 32))) return undefined;
  let hash = leafHash(leaf);
  for (const text of proof) {
    const sibling = hexToBytes(text.slice(2));
    const ordered = isBefore(hash, sibling) ? [hash, sibling] : [sibling, hash];
    hash = keccak_256(concatBytes(...ordered));
  }
  return `0x${bytesToHex(hash)}`;
}

function isBefore(a: Uint8Array, b: Uint8Array): boolean {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 || (a[at] ?? 0) < (b[at] ?? 0);
}

export type Check = "proven" | "refuted" | "unreadable";

/** Whether the leaf belongs to the root that the oracle names, and says what the page says. */
export function check(reputation: ReputationJson): Check {
  const leaf = leafOf(reputation);
  const { root, proof } = (reputation.onChain ?? {}) as OnChainJson;
  if (!leaf || !isHex(root, 32)) return "unreadable";
  const found = rootOf(leaf, proof ?? []);
  return found === undefined ? "unreadable" : found === root.toLowerCase() ? "proven" : "refuted";
}
