// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {Market} from "../base/Market.sol";

contract PauseTest is Market {
    uint256 private constant LONG = 200 days;

    function pauseFiling(uint40 duration) private {
        vm.prank(guardian);
        rentals.pauseFiling(duration);
    }

    function test_onlyTheGuardianPauses() public {
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(refusal);
        rentals.pauseOpening(true);
        vm.expectRevert(refusal);
        rentals.pauseFiling(1);
        vm.expectRevert(refusal);
        rentals.resumeFiling();
        vm.stopPrank();
    }

    function test_noRentalOpensWhileOpeningIsPaused() public {
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.prank(guardian);
        rentals.pauseOpening(true);
        vm.prank(consumer);
        vm.expectRevert(IRentals.OpeningIsPaused.selector);
        rentals.open(one(terms), one(uint128(1)), signed);
        vm.prank(guardian);
        rentals.pauseOpening(false);
        open(terms, 1);
    }

    /// Everything paused, and the target closed in the AccessManager too: money still leaves.
    function test_s16_pausingNeverBlocksAnExit() public {
        (Terms memory terms,) = opened(1, LONG);
        skip(20 days);
        vm.startPrank(guardian);
        rentals.pauseOpening(true);
        rentals.pauseFiling(7 days);
        vm.stopPrank();
        vm.prank(admin);
        manager.setTargetClosed(address(rentals), true);
        collect(terms);
        assertEq(rentals.credit(provider), (20 days - HOLD) * RATE, "collected");
        stop(terms, consumer);
        vm.prank(consumer);
        assertEq(rentals.withdraw(consumer), 180 days * RATE, "refund");
        vm.prank(provider);
        assertEq(rentals.withdraw(provider), (20 days - HOLD) * RATE, "earned");
    }

    /// The reference: an earning of moment s is free when HOLD seconds outside the pause have passed since.
    function testFuzz_s7_holdsDoNotRunWhileFilingIsPaused(uint32 before, uint24 length, uint32 then_) public {
        (Terms memory terms, bytes32 id) = opened(1, LONG);
        uint40 start = uint40(block.timestamp);
        skip(bound(before, 0, 40 days));
        uint40 since = uint40(block.timestamp);
        uint40 duration = uint40(bound(length, 1, 7 days));
        uint128 free = rentals.collectable(terms, false);
        pauseFiling(duration);
        assertEq(rentals.collectable(terms, false), free, "the pause takes nothing");
        skip(bound(then_, 0, 60 days));
        collect(terms);
        uint40 until = since + duration < block.timestamp ? since + duration : uint40(block.timestamp);
        uint40 horizon = start + uint40(rentals.rentalOf(id).taken / RATE);
        if (horizon > start) {
            assertTrue(ran(horizon, since, until) >= HOLD, "its hold has run");
        }
        assertTrue(ran(horizon + 1, since, until) < HOLD, "and of nothing later");
    }

    /// Seconds from `moment` to now outside [since, until).
    function ran(uint40 moment, uint40 since, uint40 until) private view returns (uint256) {
        if (moment > block.timestamp) return 0;
        uint40 from = moment > since ? moment : since;
        return block.timestamp - moment - (until > from ? until - from : 0);
    }

    /// Courts and provers follow pauses by these.
    function test_pausesAndTheirEndsAreTold() public {
        uint40 since = uint40(block.timestamp);
        vm.expectEmit(address(rentals));
        emit IRentals.FilingPaused(since, since + 7 days);
        pauseFiling(7 days);
        skip(1 days);
        vm.expectEmit(address(rentals));
        emit IRentals.FilingPaused(since, since + 1 days);
        vm.startPrank(guardian);
        rentals.resumeFiling();
        vm.expectEmit(address(rentals));
        emit IRentals.OpeningPaused(true);
        rentals.pauseOpening(true);
        vm.stopPrank();
    }

    function test_atMostSevenDaysInThirty() public {
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IRentals.AboveCap.selector, 7 days + 1, 7 days));
        rentals.pauseFiling(7 days + 1);
        vm.expectRevert(IRentals.ZeroAmount.selector);
        rentals.pauseFiling(0);
        uint40 since = uint40(block.timestamp);
        rentals.pauseFiling(1 days);
        skip(30 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IRentals.PausedRecently.selector, since));
        rentals.pauseFiling(1);
        skip(1);
        rentals.pauseFiling(7 days);
        vm.stopPrank();
    }

    function test_aPauseEndsEarlyWhenResumed() public {
        (Terms memory terms,) = opened(1, LONG);
        pauseFiling(7 days);
        skip(1 days);
        vm.prank(guardian);
        rentals.resumeFiling();
        skip(HOLD + 10 days);
        collect(terms);
        assertEq(rentals.credit(provider), 11 days * RATE, "credit");
    }

    /// A second pause inside a long freeze must not make the first one forgotten.
    function test_s7_aLaterPauseDoesNotFreeWhatAFreezeHolds() public {
        (Terms memory terms,) = opened(1, LONG);
        skip(20 days);
        pauseFiling(7 days);
        skip(7 days);
        uint128 free = rentals.collectable(terms, false);
        vm.prank(court);
        rentals.freeze(NODE, uint40(block.timestamp + MAX_FREEZE));
        skip(24 days);
        pauseFiling(7 days);
        assertEq(rentals.collectable(terms, false), free, "frozen");
    }

    function test_s23_rolesMoveNoMoney() public {
        (Terms memory terms, bytes32 id) = opened(1, LONG);
        skip(20 days);
        uint128 refundable = rentals.refundable(id);
        uint128 free = rentals.collectable(terms, false);
        vm.startPrank(admin);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotCourt.selector, admin));
        rentals.slash(NODE, one(terms), slashOrder(1, block.timestamp));
        manager.setTargetClosed(address(rentals), true);
        vm.stopPrank();
        assertEq(rentals.refundable(id), refundable, "refundable");
        assertEq(rentals.collectable(terms, false), free, "collectable");
        assertEq(credits(), 0, "credits");
    }

    function testFuzz_onlyTheGuardianPauses(address by, uint40 duration) public {
        vm.assume(by != guardian);
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, by);
        vm.startPrank(by);
        vm.expectRevert(refusal);
        rentals.pauseOpening(true);
        vm.expectRevert(refusal);
        rentals.pauseFiling(duration);
        vm.expectRevert(refusal);
        rentals.resumeFiling();
        vm.stopPrank();
        assertTrue(!rentals.openingPaused(), "paused");
    }

    /// A pause has a limit, and a second one has to wait.
    function testFuzz_s7_filingIsPausedAWeekInThirtyDaysAtMost(uint40 duration, uint40 waits) public {
        duration = uint40(bound(duration, 1, 14 days));
        waits = uint40(bound(waits, 0, 60 days));
        uint40 since = uint40(block.timestamp);
        vm.prank(guardian);
        if (duration > 7 days) {
            vm.expectRevert(abi.encodeWithSelector(IRentals.AboveCap.selector, duration, 7 days));
            rentals.pauseFiling(duration);
            return;
        }
        rentals.pauseFiling(duration);
        assertEq(rentals.filingPause().until, since + duration, "until");
        skip(waits);
        vm.prank(guardian);
        if (waits < 30 days) vm.expectRevert(abi.encodeWithSelector(IRentals.PausedRecently.selector, since));
        rentals.pauseFiling(1);
    }

    /// A pause that is ended early ends now, and one that is over is not made longer or shorter.
    function testFuzz_resumingEndsAPauseNow(uint24 length, uint32 after_) public {
        uint40 since = uint40(block.timestamp);
        uint40 until = since + uint40(bound(length, 1, 7 days));
        pauseFiling(until - since);
        skip(bound(after_, 0, 20 days));
        vm.prank(guardian);
        rentals.resumeFiling();
        assertEq(rentals.filingPause().since, since, "since");
        assertEq(rentals.filingPause().until, block.timestamp < until ? block.timestamp : until, "until");
    }

    /// Statement 16 for any pause and any moment: stop, collect and withdraw give what they would give.
    function testFuzz_s16_anExitIsOpenInAnyPause(uint24 length, uint32 before, uint32 into) public {
        (Terms memory terms,) = opened(1, LONG);
        skip(bound(before, 0, 60 days));
        uint128 free = rentals.collectable(terms, false);
        vm.startPrank(guardian);
        rentals.pauseOpening(true);
        rentals.pauseFiling(uint40(bound(length, 1, 7 days)));
        vm.stopPrank();
        skip(bound(into, 0, 10 days));
        uint256 refund = rentals.refundable(rentals.rentalId(terms));
        stop(terms, consumer);
        collect(terms);
        assertLe(free, rentals.credit(provider), "what was past its hold");
        vm.prank(consumer);
        assertEq(rentals.withdraw(consumer), refund, "refund");
        vm.prank(provider);
        assertLe(free, rentals.withdraw(provider), "earned");
    }
}
