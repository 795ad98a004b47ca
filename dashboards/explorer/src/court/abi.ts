// The calls that these pages make. test/unit/abi.test.ts compares them with the committed artifacts of the contracts.
import { parseAbi } from "viem";

const OFFER =
  "struct Offer { address provider; bytes32 node; bytes32 descriptor; uint96 rate; uint32 capacity; uint40 validUntil; }";
const TERMS = "struct Terms { address consumer; Offer offer; bytes32 note; uint64 nonce; }";
const LEAF =
  "struct Leaf { uint64 epoch; bytes32 node; address provider; uint16 scoreLowBps; uint16 scoreBps; uint8 verdict; uint32 probes; bytes32 certificates; }";

export const COURT = parseAbi([
  OFFER,
  TERMS,
  "function rule(bytes32 id, uint8 outcome, uint128 amount, uint16 levyBps)",
  "function appeal(bytes32 id)",
  "function escalate(bytes32 id)",
  "function finalise(bytes32 id, Terms[] terms)",
  "error UnknownCase(bytes32 id)",
  "error WrongState(bytes32 id, uint8 state)",
  "error NotEntitled(bytes32 id, address caller)",
  "error TooLate(bytes32 id, uint40 deadline)",
  "error TooEarly(bytes32 id, uint40 from)",
  "error NothingToTake(uint8 outcome)",
  "error ZeroAmount()",
  "error AboveCap(uint256 given, uint256 cap)",
  "error Unreached(uint128 slashed, uint128 wanted)",
]);

export const RENTALS = parseAbi([
  OFFER,
  TERMS,
  "event Opened(bytes32 indexed rental, bytes32 indexed node, address indexed provider, Terms terms, uint128 deposit, uint40 start)",
]);

export const SCORES = parseAbi([LEAF, "function verify(Leaf leaf, bytes32[] proof) view returns (bool)"]);
