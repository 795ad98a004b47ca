// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Court} from "../../src/Court.sol";
import {Rewards} from "../../src/Rewards.sol";
import {Parts} from "../../src/Windows.sol";
import {Case, Outcome, Rules, State, Windows} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Leaf} from "../../src/interfaces/IScores.sol";
import {Market} from "./Market.sol";

/// Deploys one Court, whose address is known before its parts exist: it is this contract's first child.
contract Maker {
    function make(Parts calldata parts, Windows calldata windows, Rules calldata rules) external returns (Court) {
        return new Court(parts, windows, rules);
    }
}

/// The market with a real Court, with the design's windows, and parties who have bonds.
abstract contract Dispute is Market {
    uint40 internal constant FILING = 24 hours;
    uint40 internal constant ANSWER = 48 hours;
    uint40 internal constant RULING = 21 days;
    uint40 internal constant APPEAL = 72 hours;
    uint40 internal constant APPEAL_RULING = 21 days;
    uint40 internal constant EXECUTION = 72 hours;
    uint128 internal constant MIN_BOND = 50e6;
    uint128 internal constant FEE = 5e6;
    uint128 internal constant STAKE = 1e15;
    bytes32 internal constant SALT = keccak256("salt");
    bytes32 internal constant EVIDENCE = keccak256("evidence");

    address internal filer = address(0xF1);
    address internal arbiter = address(0xA1);
    address internal appealCourt = address(0xAC);
    /// The contract at the address `court`.
    Court internal bench;
    Rewards internal rewards;

    function setUp() public virtual override {
        Maker maker = new Maker();
        court = vm.computeCreateAddress(address(maker), 1);
        super.setUp();
        rewards = new Rewards(rentals);
        bench = maker.make(parts(), windows(), rules());
        stake(filer);
        stake(provider);
    }

    function parts() internal view returns (Parts memory) {
        return Parts(rentals, bonds, rewards, address(manager));
    }

    function windows() internal pure returns (Windows memory) {
        return Windows(FILING, ANSWER, RULING, APPEAL, APPEAL_RULING, EXECUTION);
    }

    function rules() internal view returns (Rules memory) {
        return Rules(arbiter, appealCourt, treasury, MIN_BOND, FEE);
    }

    function stake(address who) internal {
        token.mint(who, STAKE);
        vm.startPrank(who);
        token.approve(address(bonds), STAKE);
        bonds.deposit(who, STAKE);
        vm.stopPrank();
    }

    function noteOf(address who) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, court, who, SALT));
    }

    /// A rental of NODE with room for 200 days, whose note is the filer's.
    function rented(uint64 nonce) internal returns (Terms memory terms) {
        terms = someTerms(nonce);
        terms.note = noteOf(filer);
        open(terms, uint128(RATE * 200 days));
    }

    /// Rentals as calls want them: by rising ids.
    function sorted(Terms[] memory list) internal view returns (Terms[] memory) {
        for (uint256 i = 1; i < list.length; ++i) {
            for (uint256 j = i; j > 0 && rentals.rentalId(list[j]) < rentals.rentalId(list[j - 1]); --j) {
                (list[j], list[j - 1]) = (list[j - 1], list[j]);
            }
        }
        return list;
    }

    function pair(Terms memory a, Terms memory b) internal view returns (Terms[] memory list) {
        list = new Terms[](2);
        (list[0], list[1]) = (a, b);
        return sorted(list);
    }

    function convicts(bytes32 evidence, bytes32 node, bytes32 rental, uint256 count)
        internal
        view
        returns (bytes[] memory list)
    {
        bytes32 digest = bench.convictionDigest(evidence, node, rental);
        list = new bytes[](count);
        for (uint256 i; i < count; ++i) {
            list[i] = signature(operatorKeys[i], digest);
        }
    }

    function proofOf(Terms memory terms) internal view returns (bytes[] memory) {
        return convicts(EVIDENCE, terms.offer.node, rentals.rentalId(terms), 2);
    }

    function fileProof(Terms memory terms) internal returns (bytes32) {
        return fileProof(one(terms), 0);
    }

    function fileProof(Terms[] memory list, uint256 own) internal returns (bytes32) {
        bytes[] memory signed = proofOf(list[own]);
        vm.prank(filer);
        return bench.fileProof(list, own, SALT, EVIDENCE, signed);
    }

    function fileBare(Terms memory terms) internal returns (bytes32) {
        vm.prank(filer);
        return bench.fileBare(terms, SALT, EVIDENCE);
    }

    /// Publishes a leaf of NODE with this verdict and waits until it is active.
    function verdict(uint8 value) internal returns (Leaf memory leaf, bytes32[] memory proof) {
        leaf = honestLeaf(overEpoch());
        leaf.verdict = value;
        (leaf, proof) = publishLeaf(leaf);
        skip(DELAY);
    }

    function fileStatistical(Terms[] memory list) internal returns (bytes32) {
        (Leaf memory leaf, bytes32[] memory proof) = verdict(2);
        return bench.fileStatistical(list, leaf, proof);
    }

    function answered(bytes32 id) internal {
        vm.prank(provider);
        bench.answer(id, "not me");
    }

    function ruled(bytes32 id, Outcome outcome, uint128 amount, uint16 levyBps) internal {
        if (!bench.caseOf(id).answered) answered(id);
        vm.prank(arbiter);
        bench.rule(id, outcome, amount, levyBps);
    }

    function appealed(bytes32 id, address by) internal {
        vm.prank(by);
        bench.appeal(id);
    }

    function ruledAgain(bytes32 id, Outcome outcome, uint128 amount, uint16 levyBps) internal {
        vm.prank(appealCourt);
        bench.rule(id, outcome, amount, levyBps);
    }

    /// Lets the appeal window pass and ends the case.
    function ended(bytes32 id, Terms[] memory list) internal {
        skip(APPEAL + 1);
        bench.finalise(id, list);
    }

    function stateOf(bytes32 id) internal view returns (State) {
        return bench.caseOf(id).state;
    }

    function capOf(bytes32 id) internal view returns (uint128) {
        return bench.caseOf(id).cap;
    }

    function bondOf(uint128 cap) internal pure returns (uint128) {
        return cap / 10 > MIN_BOND ? cap / 10 : MIN_BOND;
    }

    function expectState(bytes32 id, State wanted) internal view {
        assertEq(uint256(stateOf(id)), uint256(wanted), "state");
    }

    function expectLocked(address who, uint256 amount) internal view {
        assertEq(bonds.bond(who).locked, amount, "locked");
    }

    function expectStake(address who, uint256 amount) internal view {
        assertEq(bonds.bond(who).amount, amount, "stake");
    }
}
