// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ICourt, Outcome, State} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";

contract AnswerTest is Dispute {
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        Terms memory terms = rented(1);
        skip(1 days);
        id = fileProof(terms);
    }

    function test_theProviderAnswersOnce() public {
        vm.expectEmit(court);
        emit ICourt.Answered(id, provider, "statement");
        vm.startPrank(provider);
        bench.answer(id, "statement");
        assertTrue(bench.caseOf(id).answered, "answered");
        vm.expectRevert(abi.encodeWithSelector(ICourt.AlreadyAnswered.selector, id));
        bench.answer(id, "statement");
        vm.stopPrank();
    }

    function test_nobodyElseAnswersAndNothingIsNoAnswer() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotEntitled.selector, id, stranger));
        bench.answer(id, "statement");
        vm.prank(provider);
        vm.expectRevert(ICourt.ZeroEvidence.selector);
        bench.answer(id, 0);
    }

    function test_theWindowHasAnEnd() public {
        uint40 until = uint40(block.timestamp) + ANSWER;
        vm.warp(until + 1);
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(ICourt.TooLate.selector, id, until));
        bench.answer(id, "statement");
        vm.warp(until);
        bench.answer(id, "statement");
        vm.stopPrank();
    }

    function test_onlyOpenCasesAreAnswered() public {
        ruled(id, Outcome.Drawn, 0, 0);
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongState.selector, id, State.Ruled));
        bench.answer(id, "statement");
        vm.expectRevert(abi.encodeWithSelector(ICourt.UnknownCase.selector, bytes32("none")));
        bench.answer("none", "statement");
        vm.stopPrank();
    }

    function testFuzz_nobodyElseAnswers(address by) public {
        vm.assume(by != provider);
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotEntitled.selector, id, by));
        bench.answer(id, "statement");
    }

    function testFuzz_anyStatementIsAnAnswer(bytes32 statement) public {
        vm.assume(statement != 0);
        vm.expectEmit(court);
        emit ICourt.Answered(id, provider, statement);
        vm.prank(provider);
        bench.answer(id, statement);
        assertTrue(bench.caseOf(id).answered, "answered");
    }

    function testFuzz_theAnswersWindow(uint256 moment) public {
        uint40 until = uint40(block.timestamp) + ANSWER;
        vm.warp(bound(moment, block.timestamp, until + 30 days));
        vm.prank(provider);
        if (block.timestamp > until) vm.expectRevert(abi.encodeWithSelector(ICourt.TooLate.selector, id, until));
        bench.answer(id, "statement");
        assertTrue(bench.caseOf(id).answered == (block.timestamp <= until), "answered");
    }

    function testFuzz_noCaseIsMadeUp(bytes32 other) public {
        vm.assume(other != id);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(ICourt.UnknownCase.selector, other));
        bench.answer(other, "statement");
    }
}
