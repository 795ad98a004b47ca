// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, ICourt, Outcome, State} from "../../src/interfaces/ICourt.sol";
import {IRentals, Node, Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";

contract FinaliseTest is Dispute {
    Terms private terms;
    Terms[] private none;

    function setUp() public override {
        super.setUp();
        terms = rented(1);
        skip(10 days);
    }

    function expectOutcome(bytes32 id, Outcome wanted) private view {
        assertEq(uint256(bench.caseOf(id).outcome), uint256(wanted), "outcome");
        expectState(id, State.Final);
    }

    function test_anUpheldProofSlashesAndSharesWithItsFiler() public {
        bytes32 id = fileProof(terms);
        uint128 cap = capOf(id);
        ruled(id, Outcome.Upheld, cap, 0);
        skip(APPEAL + 1);
        vm.expectEmit(court);
        emit ICourt.Finalised(id, NODE, Outcome.Upheld, cap);
        vm.prank(stranger);
        bench.finalise(id, one(terms));
        expectOutcome(id, Outcome.Upheld);
        assertEq(rentals.credit(filer), cap / 2, "filer");
        assertEq(rentals.credit(treasury), cap - cap / 2, "treasury");
        assertEq(rentals.credit(address(rewards)), 0, "rewards");
        expectStake(filer, STAKE);
        expectLocked(filer, 0);
        assertEq(bench.openCase(NODE), 0, "open case");
        assertEq(rentals.nodeOf(NODE).frozenUntil, block.timestamp, "unfrozen");
        assertEq(bench.recordOf(NODE).slashed, cap, "record");
    }

    function test_anUpheldStatisticalCaseSharesWithRewards() public {
        bytes32 id = fileStatistical(one(terms));
        uint128 cap = capOf(id);
        ruled(id, Outcome.Upheld, cap, 0);
        ended(id, one(terms));
        assertEq(rentals.credit(address(rewards)), cap / 2, "rewards");
        assertEq(rentals.credit(treasury), cap - cap / 2, "treasury");
    }

    function test_anUpheldBareCaseSharesWithRewardsAndTakesItsRentalOnly() public {
        Terms memory other = rented(2);
        skip(1 days);
        bytes32 id = fileBare(terms);
        uint128 cap = capOf(id);
        ruled(id, Outcome.Upheld, cap, 0);
        skip(APPEAL + 1);
        vm.expectRevert(abi.encodeWithSelector(ICourt.TooMany.selector, 0, 1));
        bench.finalise(id, none);
        (bytes32 foreign, bytes32 own) = (rentals.rentalId(other), rentals.rentalId(terms));
        vm.expectRevert(abi.encodeWithSelector(ICourt.ForeignRental.selector, foreign, own));
        bench.finalise(id, one(other));
        bench.finalise(id, one(terms));
        assertEq(rentals.credit(address(rewards)), cap / 2, "rewards");
        assertEq(rentals.rentalOf(foreign).taken, 0, "the other");
        expectStake(filer, STAKE);
        assertEq(rentals.rentalFreezeOf(own).until, block.timestamp, "unfrozen");
    }

    function test_aRejectedFilerLosesHisBondToProviderAndTreasury() public {
        bytes32 id = fileProof(terms);
        uint128 bond = bench.caseOf(id).bond;
        ruled(id, Outcome.Rejected, 0, 0);
        ended(id, none);
        expectOutcome(id, Outcome.Rejected);
        expectStake(filer, STAKE - bond);
        assertEq(bonds.credit(provider), bond / 2, "provider");
        assertEq(bonds.credit(treasury), bond - bond / 2, "treasury");
        assertEq(rentals.rentalOf(rentals.rentalId(terms)).taken, 0, "nothing slashed");
        assertEq(rentals.nodeOf(NODE).frozenUntil, block.timestamp, "unfrozen");
    }

    function test_aDrawCostsAFlatFee() public {
        bytes32 id = fileProof(terms);
        ruled(id, Outcome.Drawn, 0, 0);
        ended(id, none);
        expectStake(filer, STAKE - FEE);
        expectLocked(filer, 0);
        assertEq(bonds.credit(treasury), FEE, "fee");
    }

    function test_silenceExpiresTheCaseAtNoCost() public {
        bytes32 id = fileProof(terms);
        uint40 end = uint40(block.timestamp) + ANSWER + RULING + APPEAL_RULING;
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(ICourt.TooEarly.selector, id, end));
        bench.finalise(id, none);
        skip(1);
        bench.finalise(id, none);
        expectOutcome(id, Outcome.Expired);
        expectStake(filer, STAKE);
        expectLocked(filer, 0);
    }

    function test_s13_aRulingIsFinalAfterItsWindowAndOnce() public {
        bytes32 id = fileProof(terms);
        ruled(id, Outcome.Upheld, 1000, 0);
        uint40 end = uint40(block.timestamp) + APPEAL;
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(ICourt.TooEarly.selector, id, end));
        bench.finalise(id, one(terms));
        skip(1);
        bench.finalise(id, one(terms));
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongState.selector, id, State.Final));
        bench.finalise(id, one(terms));
        vm.expectRevert(abi.encodeWithSelector(ICourt.UnknownCase.selector, bytes32("none")));
        bench.finalise("none", none);
    }

    /// Statement 11: none of the calls that change a case changes a final one.
    function test_s11_aFinalCaseNeverChanges() public {
        bytes32 id = fileBare(terms);
        ruled(id, Outcome.Drawn, 0, 0);
        ended(id, none);
        bytes32 before = keccak256(abi.encode(bench.caseOf(id)));
        bytes memory reason = abi.encodeWithSelector(ICourt.WrongState.selector, id, State.Final);
        address[4] memory all = [filer, provider, arbiter, appealCourt];
        for (uint256 i; i < 4; ++i) {
            vm.startPrank(all[i]);
            vm.expectRevert(reason);
            bench.answer(id, "late");
            vm.expectRevert(reason);
            bench.rule(id, Outcome.Upheld, 1, 0);
            vm.expectRevert(reason);
            bench.appeal(id);
            vm.expectRevert(reason);
            bench.withdraw(id);
            vm.expectRevert(reason);
            bench.escalate(id);
            vm.expectRevert(reason);
            bench.extend(id, one(terms));
            vm.expectRevert(reason);
            bench.finalise(id, one(terms));
            vm.stopPrank();
        }
        assertEq(keccak256(abi.encode(bench.caseOf(id))), before, "case");
    }

    /// A friend of the node who calls first with a rental of dust, or none, must not end the case for less.
    function test_nobodyEndsACaseForLessThanWasRuled() public {
        Terms memory dust = rented(2);
        skip(60);
        bytes32 id = fileProof(pair(terms, dust), 0);
        uint128 cap = capOf(id);
        ruled(id, Outcome.Upheld, cap, 0);
        skip(APPEAL + 1);
        vm.expectRevert(abi.encodeWithSelector(ICourt.Unreached.selector, 60 * RATE, cap));
        bench.finalise(id, one(dust));
        vm.expectRevert(ICourt.EmptyArray.selector);
        bench.finalise(id, none);
        vm.expectRevert(abi.encodeWithSelector(ICourt.TooMany.selector, 257, 256));
        bench.finalise(id, new Terms[](257));
        bench.finalise(id, pair(terms, dust));
        assertEq(rentals.credit(filer) + rentals.credit(treasury), cap, "all of it");
    }

    function test_repeatedAndForeignRentalsAreRefused() public {
        Terms memory foreign = someTerms(5);
        foreign.offer.node = "other";
        open(foreign, 1e9);
        bytes32 id = fileProof(terms);
        ruled(id, Outcome.Upheld, 1000, 0);
        skip(APPEAL + 1);
        Terms[] memory list = new Terms[](2);
        (list[0], list[1]) = (terms, terms);
        vm.expectPartialRevert(ICourt.RentalsOutOfOrder.selector);
        bench.finalise(id, list);
        list = pair(terms, foreign);
        bytes32 rental = rentals.rentalId(foreign);
        vm.expectRevert(abi.encodeWithSelector(ICourt.ForeignRental.selector, rental, NODE));
        bench.finalise(id, list);
    }

    /// Two cases over one rental: what the other took meanwhile is not asked again, and cannot block the end.
    function testFuzz_s9_casesTogetherTakeNoEarningTwice(uint128 first, uint128 second, bool nodeFirst) public {
        bytes32 bare = fileBare(terms);
        bytes32 whole = fileProof(terms);
        first = uint128(bound(first, 1, capOf(bare)));
        second = uint128(bound(second, 1, capOf(whole)));
        ruled(bare, Outcome.Upheld, first, 0);
        ruled(whole, Outcome.Upheld, second, 0);
        skip(APPEAL + 1);
        bench.finalise(nodeFirst ? whole : bare, one(terms));
        bench.finalise(nodeFirst ? bare : whole, one(terms));
        uint256 held = 10 days * RATE;
        uint256 wanted = uint256(first) + second < held ? uint256(first) + second : held;
        assertEq(bench.recordOf(NODE).slashed, wanted, "slashed");
        assertEq(rentals.rentalOf(rentals.rentalId(terms)).taken, wanted, "taken");
    }

    /// Statements 9 and 10 over all rulings: the slash is what was ruled, and half at most is the filer's.
    function testFuzz_s9_s10_theSlashIsWhatWasRuled(uint128 amount, uint32 later) public {
        bytes32 id = fileProof(terms);
        uint128 cap = capOf(id);
        amount = uint128(bound(amount, 1, cap));
        skip(bound(later, 0, ANSWER));
        ruled(id, Outcome.Upheld, amount, 0);
        ended(id, one(terms));
        uint256 slashed = uint256(rentals.credit(filer)) + rentals.credit(treasury);
        assertEq(slashed, amount, "slashed");
        assertLe(slashed, cap, "cap");
        assertLe(uint256(rentals.credit(filer)) * 2, slashed, "half");
    }

    /// Statement 8: even the last word of the longest case finds what was held, and then the freeze ends by itself.
    function test_s8_theLongestCaseIsCarriedOutBeforeItsFreezeEnds() public {
        bytes32 id = fileProof(terms);
        uint40 filed = uint40(block.timestamp);
        uint128 cap = capOf(id);
        skip(ANSWER + RULING);
        vm.prank(arbiter);
        bench.rule(id, Outcome.Rejected, 0, 0);
        skip(APPEAL);
        appealed(id, filer);
        skip(APPEAL_RULING);
        ruledAgain(id, Outcome.Upheld, cap, 0);
        assertEq(block.timestamp, filed + MAX_FREEZE - EXECUTION, "the last window");
        skip(EXECUTION - 1);
        collect(terms);
        assertEq(rentals.credit(provider), 0, "held");
        bench.finalise(id, one(terms));
        assertEq(rentals.credit(filer), cap / 2, "slashed");
    }

    /// Nobody ended the case while the freeze lasted: what is left is taken, and the case still ends.
    function test_s8_afterTheFreezeACaseTakesWhatIsLeft() public {
        bytes32 id = fileProof(terms);
        uint128 cap = capOf(id);
        ruled(id, Outcome.Upheld, cap, 0);
        skip(MAX_FREEZE);
        vm.prank(stranger);
        collect(terms);
        assertEq(rentals.credit(provider), (10 days + MAX_FREEZE - HOLD) * RATE, "no freeze without end");
        bench.finalise(id, one(terms));
        expectOutcome(id, Outcome.Upheld);
        assertEq(rentals.credit(filer), 0, "nothing left");
        expectLocked(filer, 0);
    }

    function test_aRulingSetsALevyUpToTenCaps() public {
        bytes32 id = fileProof(terms);
        uint128 cap = capOf(id);
        ruled(id, Outcome.Upheld, 0, 2500);
        ended(id, none);
        Node memory n = rentals.nodeOf(NODE);
        assertEq(n.levyBps, 2500, "bps");
        assertEq(n.levyLeft, 10 * uint256(cap), "left");
        assertEq(n.levyUntil, block.timestamp + 90 days, "until");
        assertEq(n.levySince, block.timestamp, "since");
    }

    /// Of two levies the larger rate and the sum of the amounts.
    function testFuzz_leviesAddUp(uint16 first, uint16 second) public {
        first = uint16(bound(first, 1, 5000));
        second = uint16(bound(second, 1, 5000));
        bytes32 id = fileProof(terms);
        uint128 cap = capOf(id);
        ruled(id, Outcome.Upheld, 0, first);
        ended(id, none);
        uint40 since = uint40(block.timestamp);
        skip(1 days);
        bytes[] memory signed = convicts("more", NODE, rentals.rentalId(terms), 2);
        vm.prank(filer);
        id = bench.fileProof(one(terms), 0, SALT, "more", signed);
        uint128 more = capOf(id);
        ruled(id, Outcome.Upheld, 0, second);
        ended(id, none);
        Node memory n = rentals.nodeOf(NODE);
        assertEq(n.levyBps, first > second ? first : second, "the larger");
        assertEq(n.levyLeft, 10 * (uint256(cap) + more), "the sum");
        assertEq(n.levySince, since, "since the first");
    }

    function test_aLevyThatEndedIsNotAddedTo() public {
        bytes32 id = fileProof(terms);
        ruled(id, Outcome.Upheld, 0, 5000);
        ended(id, none);
        skip(90 days);
        bytes[] memory signed = convicts("more", NODE, rentals.rentalId(terms), 2);
        vm.prank(filer);
        id = bench.fileProof(one(terms), 0, SALT, "more", signed);
        uint128 cap = capOf(id);
        ruled(id, Outcome.Upheld, 0, 100);
        ended(id, none);
        Node memory n = rentals.nodeOf(NODE);
        assertEq(n.levyBps, 100, "bps");
        assertEq(n.levyLeft, 10 * uint256(cap), "left");
    }

    /// Paused, and every target closed in the AccessManager: a case still ends, and its money leaves.
    function test_s16_pausingNeverBlocksACase() public {
        bytes32 id = fileProof(terms);
        uint128 cap = capOf(id);
        vm.startPrank(guardian);
        rentals.pauseOpening(true);
        rentals.pauseFiling(7 days);
        vm.stopPrank();
        vm.startPrank(admin);
        manager.setTargetClosed(address(rentals), true);
        manager.setTargetClosed(court, true);
        vm.stopPrank();
        ruled(id, Outcome.Upheld, cap, 0);
        appealed(id, provider);
        ruledAgain(id, Outcome.Upheld, cap, 0);
        bench.finalise(id, one(terms));
        vm.prank(filer);
        assertEq(rentals.withdraw(filer), cap / 2, "paid");
        stop(terms, consumer);
        vm.prank(consumer);
        assertEq(rentals.withdraw(consumer), 190 days * RATE, "refund");
    }
}
