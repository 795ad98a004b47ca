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
}
