// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, ICourt, Outcome, Rules, State} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";

contract RuleTest is Dispute {
    Terms private terms;
    bytes32 private id;
    uint128 private cap;

    function setUp() public override {
        super.setUp();
        terms = rented(1);
        skip(5 days);
        id = fileProof(terms);
        cap = capOf(id);
    }

    function refuse(address by, Outcome outcome, uint128 amount, uint16 bps, bytes memory reason) private {
        vm.prank(by);
        vm.expectRevert(reason);
        bench.rule(id, outcome, amount, bps);
    }

    function test_aRulingIsStoredAndMovesNothing() public {
        answered(id);
        uint256 before = token.balanceOf(address(rentals));
        vm.expectEmit(court);
        emit ICourt.Ruled(id, arbiter, Outcome.Upheld, cap, 1000, uint40(block.timestamp) + APPEAL);
        ruled(id, Outcome.Upheld, cap, 1000);
        Case memory c = bench.caseOf(id);
        assertEq(uint256(c.outcome), uint256(Outcome.Upheld), "outcome");
        assertEq(c.amount, cap, "amount");
        assertEq(c.levyBps, 1000, "levy");
        assertEq(c.deadline, block.timestamp + APPEAL, "deadline");
        expectState(id, State.Ruled);
        assertEq(credits() + rentals.credit(filer) + token.balanceOf(address(rentals)), before, "nothing moved");
        expectLocked(filer, MIN_BOND);
    }

    function test_onlyTheArbiterRules() public {
        answered(id);
        address[5] memory others = [stranger, admin, appealCourt, filer, provider];
        for (uint256 i; i < 5; ++i) {
            bytes memory reason = abi.encodeWithSelector(ICourt.NotEntitled.selector, id, others[i]);
            refuse(others[i], Outcome.Drawn, 0, 0, reason);
        }
    }

    function test_s15_theArbiterInForceAtFilingRules() public {
        answered(id);
        Rules memory next = rules();
        (next.arbiter, next.fee, next.minBond) = (stranger, 7e6, 70e6);
        vm.prank(admin);
        bench.setRules(next);
        refuse(stranger, Outcome.Drawn, 0, 0, abi.encodeWithSelector(ICourt.NotEntitled.selector, id, stranger));
        ruled(id, Outcome.Drawn, 0, 0);
        ended(id, new Terms[](0));
        assertEq(bonds.credit(treasury), FEE, "the old fee");
    }

    /// Nobody is judged unheard: not before he answered or had his time.
    function test_theProviderIsHeardFirst() public {
        uint40 from = uint40(block.timestamp) + ANSWER;
        vm.warp(from);
        refuse(arbiter, Outcome.Drawn, 0, 0, abi.encodeWithSelector(ICourt.TooEarly.selector, id, from));
        skip(1);
        vm.prank(arbiter);
        bench.rule(id, Outcome.Drawn, 0, 0);
    }

    function test_theWindowHasAnEnd() public {
        uint40 until = uint40(block.timestamp) + ANSWER + RULING;
        vm.warp(until + 1);
        refuse(arbiter, Outcome.Drawn, 0, 0, abi.encodeWithSelector(ICourt.TooLate.selector, id, until));
        vm.warp(until);
        vm.prank(arbiter);
        bench.rule(id, Outcome.Drawn, 0, 0);
    }

    function test_impossibleRulingsAreRefused() public {
        answered(id);
        bytes4 bad = ICourt.BadOutcome.selector;
        refuse(arbiter, Outcome.None, 0, 0, abi.encodeWithSelector(bad, Outcome.None));
        refuse(arbiter, Outcome.Expired, 0, 0, abi.encodeWithSelector(bad, Outcome.Expired));
        refuse(arbiter, Outcome.Withdrawn, 0, 0, abi.encodeWithSelector(bad, Outcome.Withdrawn));
        refuse(arbiter, Outcome.Upheld, 0, 0, abi.encodeWithSelector(ICourt.ZeroAmount.selector));
        bytes4 above = ICourt.AboveCap.selector;
        refuse(arbiter, Outcome.Upheld, cap + 1, 0, abi.encodeWithSelector(above, cap + 1, cap));
        refuse(arbiter, Outcome.Upheld, cap, 5001, abi.encodeWithSelector(above, 5001, 5000));
        bytes4 nothing = ICourt.NothingToTake.selector;
        refuse(arbiter, Outcome.Rejected, 1, 0, abi.encodeWithSelector(nothing, Outcome.Rejected));
        refuse(arbiter, Outcome.Drawn, 0, 1, abi.encodeWithSelector(nothing, Outcome.Drawn));
    }

    function test_aRuledCaseIsNotRuledAgain() public {
        ruled(id, Outcome.Rejected, 0, 0);
        bytes memory reason = abi.encodeWithSelector(ICourt.WrongState.selector, id, State.Ruled);
        refuse(arbiter, Outcome.Upheld, 1, 0, reason);
        refuse(appealCourt, Outcome.Upheld, 1, 0, reason);
    }

    function test_theAppealCourtRulesLastAndInItsWindow() public {
        ruled(id, Outcome.Rejected, 0, 0);
        appealed(id, filer);
        uint40 until = uint40(block.timestamp) + APPEAL_RULING;
        refuse(arbiter, Outcome.Upheld, 1, 0, abi.encodeWithSelector(ICourt.NotEntitled.selector, id, arbiter));
        vm.warp(until + 1);
        refuse(appealCourt, Outcome.Upheld, 1, 0, abi.encodeWithSelector(ICourt.TooLate.selector, id, until));
        vm.warp(until);
        vm.expectEmit(court);
        emit ICourt.Ruled(id, appealCourt, Outcome.Upheld, 1, 0, until);
        ruledAgain(id, Outcome.Upheld, 1, 0);
        assertTrue(bench.caseOf(id).lastInstance, "last");
    }

    function testFuzz_onlyTheArbiterRules(address by) public {
        vm.assume(by != arbiter);
        answered(id);
        refuse(by, Outcome.Drawn, 0, 0, abi.encodeWithSelector(ICourt.NotEntitled.selector, id, by));
    }

    /// Not before the provider had his time, and not after the arbiter's.
    function testFuzz_theArbitersWindow(uint256 moment) public {
        uint40 filed = uint40(block.timestamp);
        (uint40 from, uint40 until) = (filed + ANSWER, filed + ANSWER + RULING);
        vm.warp(bound(moment, filed, until + 30 days));
        if (block.timestamp > until) {
            refuse(arbiter, Outcome.Drawn, 0, 0, abi.encodeWithSelector(ICourt.TooLate.selector, id, until));
        } else if (block.timestamp <= from) {
            refuse(arbiter, Outcome.Drawn, 0, 0, abi.encodeWithSelector(ICourt.TooEarly.selector, id, from));
        } else {
            vm.prank(arbiter);
            bench.rule(id, Outcome.Drawn, 0, 0);
            assertEq(bench.caseOf(id).deadline, block.timestamp + APPEAL, "deadline");
        }
    }

    function testFuzz_s9_noRulingTakesMoreThanTheCap(uint128 amount, uint16 bps) public {
        answered(id);
        amount = uint128(bound(amount, 0, 2 * uint256(cap)));
        if (amount == 0 && bps == 0) {
            refuse(arbiter, Outcome.Upheld, 0, 0, abi.encodeWithSelector(ICourt.ZeroAmount.selector));
        } else if (amount > cap) {
            bytes memory reason = abi.encodeWithSelector(ICourt.AboveCap.selector, amount, cap);
            refuse(arbiter, Outcome.Upheld, amount, bps, reason);
        } else if (bps > 5000) {
            refuse(arbiter, Outcome.Upheld, amount, bps, abi.encodeWithSelector(ICourt.AboveCap.selector, bps, 5000));
        } else {
            ruled(id, Outcome.Upheld, amount, bps);
            assertEq(bench.caseOf(id).amount, amount, "amount");
            assertEq(bench.caseOf(id).levyBps, bps, "levy");
        }
    }

    function testFuzz_onlyAnUpheldCaseTakes(uint128 amount, uint16 bps, bool drawn) public {
        answered(id);
        Outcome outcome = drawn ? Outcome.Drawn : Outcome.Rejected;
        if (amount == 0 && bps == 0) {
            ruled(id, outcome, 0, 0);
            assertEq(uint256(bench.caseOf(id).outcome), uint256(outcome), "outcome");
        } else {
            refuse(arbiter, outcome, amount, bps, abi.encodeWithSelector(ICourt.NothingToTake.selector, outcome));
        }
    }

    function testFuzz_theAppealCourtsWindow(uint256 moment) public {
        ruled(id, Outcome.Rejected, 0, 0);
        appealed(id, filer);
        uint40 until = uint40(block.timestamp) + APPEAL_RULING;
        vm.warp(bound(moment, block.timestamp, until + 30 days));
        if (block.timestamp > until) {
            refuse(appealCourt, Outcome.Drawn, 0, 0, abi.encodeWithSelector(ICourt.TooLate.selector, id, until));
        } else {
            ruledAgain(id, Outcome.Drawn, 0, 0);
            assertTrue(bench.caseOf(id).lastInstance, "last");
        }
    }

    function testFuzz_noCaseIsMadeUp(bytes32 other) public {
        vm.assume(other != id);
        vm.prank(arbiter);
        vm.expectRevert(abi.encodeWithSelector(ICourt.UnknownCase.selector, other));
        bench.rule(other, Outcome.Drawn, 0, 0);
    }
}
