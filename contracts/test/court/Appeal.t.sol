// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, ICourt, Outcome, State} from "../../src/interfaces/ICourt.sol";
import {IBonds} from "../../src/interfaces/IBonds.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";

contract AppealTest is Dispute {
    Terms private terms;
    bytes32 private id;
    uint128 private cap;
    uint128 private bond;

    function setUp() public override {
        super.setUp();
        terms = rented(1);
        skip(10 days);
        id = fileProof(terms);
        cap = capOf(id);
        bond = bondOf(cap);
    }

    function test_aPartyAppealsUnderACounterBond() public {
        ruled(id, Outcome.Upheld, cap, 0);
        vm.expectEmit(court);
        emit ICourt.Appealed(id, provider, bond, uint40(block.timestamp) + APPEAL_RULING);
        appealed(id, provider);
        expectState(id, State.Appealed);
        expectLocked(provider, bond);
        vm.prank(filer);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongState.selector, id, State.Appealed));
        bench.appeal(id);
    }

    function test_strangersDoNotAppeal() public {
        ruled(id, Outcome.Upheld, cap, 0);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotEntitled.selector, id, stranger));
        bench.appeal(id);
    }

    /// Stake that thaws is still stake, and none is no appeal.
    function test_theCounterBondIsLockedOfWhatTheAppellantStaked() public {
        ruled(id, Outcome.Upheld, cap, 0);
        uint256 before = vm.snapshotState();
        vm.prank(provider);
        bonds.thaw(STAKE);
        appealed(id, provider);
        expectLocked(provider, bond);
        vm.revertToState(before);
        vm.prank(court);
        bonds.lock(provider, STAKE);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, bond, 0));
        bench.appeal(id);
    }

    function test_theWindowHasAnEnd() public {
        ruled(id, Outcome.Upheld, cap, 0);
        uint40 until = uint40(block.timestamp) + APPEAL;
        vm.warp(until + 1);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(ICourt.TooLate.selector, id, until));
        bench.appeal(id);
        vm.warp(until);
        appealed(id, provider);
    }

    function test_onlyRulingsAreAppealed() public {
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongState.selector, id, State.Open));
        bench.appeal(id);
    }

    /// Returns whether the appellant lost his counter-bond.
    function outcomeOf(address by, Outcome first, uint128 a, uint16 la, Outcome second, uint128 b, uint16 lb)
        private
        returns (bool lost)
    {
        uint256 before = vm.snapshotState();
        ruled(id, first, a, la);
        appealed(id, by);
        ruledAgain(id, second, b, lb);
        uint256 stakeBefore = bonds.bond(by).amount;
        uint256 own = by == filer ? bond : 0;
        bench.finalise(id, one(terms));
        uint256 burned = stakeBefore - bonds.bond(by).amount;
        // The filer's own bond of the case is lost by Rejected, and pays the fee of Drawn.
        if (by == filer && second == Outcome.Rejected) burned -= own;
        if (by == filer && second == Outcome.Drawn) burned -= FEE;
        assertTrue(burned == 0 || burned == bond, "all or nothing");
        expectLocked(by, 0);
        lost = burned != 0;
        vm.revertToState(before);
    }

    /// What betters the appellant's position, and only that, keeps the counter-bond.
    function test_anAppealThatBettersNothingCostsItsBond() public {
        (Outcome up, Outcome no, Outcome draw) = (Outcome.Upheld, Outcome.Rejected, Outcome.Drawn);
        assertTrue(!outcomeOf(provider, up, cap, 0, no, 0, 0), "acquitted");
        assertTrue(!outcomeOf(provider, up, cap, 0, draw, 0, 0), "drawn");
        assertTrue(!outcomeOf(provider, up, cap, 0, up, cap - 1, 0), "less");
        assertTrue(!outcomeOf(provider, up, cap, 100, up, cap, 99), "less levy");
        assertTrue(outcomeOf(provider, up, cap, 100, up, cap, 100), "the same");
        assertTrue(outcomeOf(provider, up, 1, 0, up, cap, 0), "more");
        assertTrue(outcomeOf(provider, draw, 0, 0, up, 1, 0), "worse");
        assertTrue(!outcomeOf(filer, no, 0, 0, up, 1, 0), "convicted");
        assertTrue(!outcomeOf(filer, no, 0, 0, draw, 0, 0), "drawn after all");
        assertTrue(!outcomeOf(filer, up, 1, 0, up, cap, 0), "more for the filer");
        assertTrue(outcomeOf(filer, no, 0, 0, no, 0, 0), "rejected again");
        assertTrue(outcomeOf(filer, up, cap, 0, up, 1, 0), "less for the filer");
    }

    function test_aLostCounterBondGoesToTheOtherPartyAndTheTreasury() public {
        ruled(id, Outcome.Upheld, cap, 0);
        appealed(id, provider);
        ruledAgain(id, Outcome.Upheld, cap, 0);
        bench.finalise(id, one(terms));
        assertEq(bonds.credit(filer), bond / 2, "filer");
        assertEq(bonds.credit(treasury), bond - bond / 2, "treasury");
        expectStake(provider, STAKE - bond);
        expectStake(filer, STAKE);
    }

    /// The court's silence costs nobody.
    function test_aSilentAppealCourtExpiresTheCase() public {
        ruled(id, Outcome.Upheld, cap, 0);
        appealed(id, provider);
        uint40 end = uint40(block.timestamp) + APPEAL_RULING;
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(ICourt.TooEarly.selector, id, end));
        bench.finalise(id, new Terms[](0));
        skip(1);
        bench.finalise(id, new Terms[](0));
        assertEq(uint256(bench.caseOf(id).outcome), uint256(Outcome.Expired), "outcome");
        expectStake(provider, STAKE);
        expectStake(filer, STAKE);
        expectLocked(provider, 0);
        expectLocked(filer, 0);
        assertEq(rentals.nodeOf(NODE).frozenUntil, block.timestamp, "unfrozen");
    }

    function testFuzz_strangersDoNotAppeal(address by) public {
        vm.assume(by != filer && by != provider);
        ruled(id, Outcome.Upheld, cap, 0);
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotEntitled.selector, id, by));
        bench.appeal(id);
    }

    function testFuzz_theAppealsWindow(uint256 moment, bool byFiler) public {
        ruled(id, Outcome.Upheld, 1, 0);
        uint40 until = uint40(block.timestamp) + APPEAL;
        vm.warp(bound(moment, block.timestamp, until + 30 days));
        vm.prank(byFiler ? filer : provider);
        if (block.timestamp > until) vm.expectRevert(abi.encodeWithSelector(ICourt.TooLate.selector, id, until));
        bench.appeal(id);
        expectState(id, block.timestamp > until ? State.Ruled : State.Appealed);
    }

    /// What betters the provider's position, and only that, gives him his counter-bond back.
    function testFuzz_aProvidersAppealKeepsItsBondOnlyIfItBetters(uint128 first, uint128 second) public {
        first = uint128(bound(first, 1, cap));
        second = uint128(bound(second, 1, cap));
        bool lost = outcomeOf(provider, Outcome.Upheld, first, 0, Outcome.Upheld, second, 0);
        assertTrue(lost == (second >= first), "lost");
    }

    function testFuzz_aFilersAppealKeepsItsBondOnlyIfItBetters(uint128 first, uint128 second) public {
        first = uint128(bound(first, 1, cap));
        second = uint128(bound(second, 1, cap));
        bool lost = outcomeOf(filer, Outcome.Upheld, first, 0, Outcome.Upheld, second, 0);
        assertTrue(lost == (second <= first), "lost");
    }
}
