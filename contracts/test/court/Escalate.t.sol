// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, ICourt, Outcome, State} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";

contract EscalateTest is Dispute {
    Terms private terms;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        terms = rented(1);
        skip(5 days);
        id = fileProof(terms);
    }

    function test_silenceBringsTheCaseBeforeTheAppealCourt() public {
        uint40 until = uint40(block.timestamp) + ANSWER + RULING;
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(ICourt.TooEarly.selector, id, until));
        bench.escalate(id);
        skip(1 days);
        vm.expectEmit(court);
        emit ICourt.Escalated(id, until + APPEAL_RULING);
        vm.prank(stranger);
        bench.escalate(id);
        expectState(id, State.Appealed);
        ruledAgain(id, Outcome.Upheld, 1, 0);
        // Its ruling is the last: no appeal, no window.
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongState.selector, id, State.Ruled));
        bench.appeal(id);
        bench.finalise(id, one(terms));
        assertEq(rentals.credit(treasury), 1, "slashed");
    }

    /// A late call does not prolong the case: the window runs from the end of the arbiter's.
    function test_aLateEscalationGainsNoTime() public {
        uint40 end = uint40(block.timestamp) + ANSWER + RULING + APPEAL_RULING;
        vm.warp(end + 1);
        bench.escalate(id);
        vm.prank(appealCourt);
        vm.expectRevert(abi.encodeWithSelector(ICourt.TooLate.selector, id, end));
        bench.rule(id, Outcome.Upheld, 1, 0);
        bench.finalise(id, new Terms[](0));
        assertEq(uint256(bench.caseOf(id).outcome), uint256(Outcome.Expired), "outcome");
    }

    function test_onlySilentCasesEscalate() public {
        ruled(id, Outcome.Drawn, 0, 0);
        skip(60 days);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongState.selector, id, State.Ruled));
        bench.escalate(id);
        vm.expectRevert(abi.encodeWithSelector(ICourt.UnknownCase.selector, bytes32("none")));
        bench.escalate("none");
    }

    /// However late it is called, the appeal court's window ends when it would have ended.
    function testFuzz_escalationGainsNoTime(uint256 moment, address by) public {
        uint40 until = uint40(block.timestamp) + ANSWER + RULING;
        vm.warp(bound(moment, block.timestamp, until + 100 days));
        vm.prank(by);
        if (block.timestamp <= until) vm.expectRevert(abi.encodeWithSelector(ICourt.TooEarly.selector, id, until));
        bench.escalate(id);
        if (block.timestamp > until) assertEq(bench.caseOf(id).deadline, until + APPEAL_RULING, "deadline");
        expectState(id, block.timestamp > until ? State.Appealed : State.Open);
    }

    /// Both courts are silent: nobody loses anything, whenever somebody ends it.
    function testFuzz_silenceCostsNobody(uint256 late) public {
        skip(ANSWER + RULING + 1);
        bench.escalate(id);
        skip(APPEAL_RULING + bound(late, 0, 100 days));
        bench.finalise(id, new Terms[](0));
        assertEq(uint256(bench.caseOf(id).outcome), uint256(Outcome.Expired), "outcome");
        expectStake(filer, STAKE);
        expectLocked(filer, 0);
        assertEq(rentals.credit(treasury), 0, "nothing is slashed");
    }

    /// Before the appeal court only it rules, until its window ends, and its ruling is the last.
    function testFuzz_theAppealCourtAloneRulesAfterSilence(address by, uint32 after_) public {
        vm.assume(by != appealCourt);
        uint40 silence = uint40(block.timestamp) + ANSWER + RULING;
        vm.warp(silence + 1);
        bench.escalate(id);
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotEntitled.selector, id, by));
        bench.rule(id, Outcome.Drawn, 0, 0);
        uint40 until = silence + APPEAL_RULING;
        vm.warp(until - 5 + after_ % 10);
        bool late = block.timestamp > until;
        vm.prank(appealCourt);
        if (late) vm.expectRevert(abi.encodeWithSelector(ICourt.TooLate.selector, id, until));
        bench.rule(id, Outcome.Drawn, 0, 0);
        assertTrue(bench.caseOf(id).lastInstance != late, "last");
    }
}
