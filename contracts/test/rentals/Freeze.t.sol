// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {Leaf} from "../../src/interfaces/IScores.sol";
import {Market} from "../base/Market.sol";

contract FreezeTest is Market {
    uint256 private constant LONG = 200 days;

    function freeze(uint256 until) private {
        vm.prank(court);
        rentals.freeze(NODE, uint40(until));
    }

    function test_onlyCourtFreezes() public {
        (, bytes32 id) = opened(1, LONG);
        vm.startPrank(admin);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotCourt.selector, admin));
        rentals.freeze(NODE, uint40(block.timestamp + 1));
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotCourt.selector, admin));
        rentals.freezeRental(id, uint40(block.timestamp + 1));
        vm.stopPrank();
    }

    /// What was past its hold when the freeze began may leave; what was held stays, however long it lasts.
    function testFuzz_s6_s7_theHorizonStandsStill(uint32 ran, uint32 frozen) public {
        (Terms memory terms, bytes32 id) = opened(1, LONG);
        skip(bound(ran, 0, 60 days));
        uint40 filed = uint40(block.timestamp);
        uint128 free = rentals.collectable(terms, false);
        freeze(filed + MAX_FREEZE);
        assertEq(rentals.collectable(terms, false), free, "the freeze takes nothing that was free");
        skip(bound(frozen, 0, MAX_FREEZE - 1));
        collect(terms);
        assertEq(rentals.credit(provider), free, "nothing more leaves");
        assertEq(rentals.earned(id, filed - HOLD), free, "what was past its hold");
    }

    function test_anAccusedNodeHasNoShortHold() public {
        (Terms memory terms,) = opened(1, LONG);
        skip(10 days);
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        skip(DELAY);
        freeze(block.timestamp + 1 days);
        collectHonest(terms, leaf, proof);
        assertEq(rentals.credit(provider), 0, "credit");
    }

    function testFuzz_s8_afterAFreezeCollectNeedsNoRole(uint32 length) public {
        (Terms memory terms, bytes32 id) = opened(1, LONG);
        skip(30 days);
        freeze(block.timestamp + bound(length, 1, MAX_FREEZE));
        vm.warp(rentals.nodeOf(NODE).frozenUntil);
        vm.prank(stranger);
        collect(terms);
        assertEq(rentals.credit(provider), rentals.earned(id, uint40(block.timestamp) - HOLD), "credit");
    }

    function test_s8_noFreezeIsLongerThanTheCap() public {
        uint256 cap = block.timestamp + MAX_FREEZE;
        vm.startPrank(court);
        vm.expectRevert(abi.encodeWithSelector(IRentals.AboveCap.selector, cap + 1, cap));
        rentals.freeze(NODE, uint40(cap + 1));
        rentals.freeze(NODE, uint40(cap));
        // Prolonging counts from the beginning.
        skip(1 days);
        vm.expectRevert(abi.encodeWithSelector(IRentals.AboveCap.selector, cap + 1, cap));
        rentals.freeze(NODE, uint40(cap + 1));
        vm.stopPrank();
    }

    function test_courtLiftsAFreeze() public {
        (Terms memory terms,) = opened(1, LONG);
        skip(30 days);
        freeze(block.timestamp + 20 days);
        skip(10 days);
        vm.expectEmit(address(rentals));
        emit IRentals.Frozen(NODE, uint40(block.timestamp - 10 days), uint40(block.timestamp));
        freeze(block.timestamp);
        collect(terms);
        assertEq(rentals.credit(provider), (40 days - HOLD) * RATE, "credit");
    }

    /// A bare case holds back its own rental only.
    function test_aFrozenRentalLeavesTheNodesOthersAlone() public {
        (Terms memory accused, bytes32 id) = opened(1, LONG);
        (Terms memory other,) = opened(2, LONG);
        skip(20 days);
        vm.expectEmit(address(rentals));
        emit IRentals.RentalFrozen(id, uint40(block.timestamp), uint40(block.timestamp + 20 days));
        vm.prank(court);
        rentals.freezeRental(id, uint40(block.timestamp + 20 days));
        assertEq(rentals.rentalOf(id).flags, 1, "flags");
        skip(10 days);
        collect(accused);
        assertEq(rentals.credit(provider), (20 days - HOLD) * RATE, "accused");
        collect(other);
        assertEq(rentals.credit(provider), (20 days - HOLD + 30 days - HOLD) * RATE, "other");
        skip(10 days);
        collect(accused);
        assertEq(rentals.credit(provider), (40 days - HOLD + 30 days - HOLD) * RATE, "after the freeze");
    }

    function test_aFreezeDoesNotKeepTheConsumersMoney() public {
        (Terms memory terms,) = opened(1, 100);
        freeze(block.timestamp + 1 days);
        skip(10);
        stop(terms, consumer);
        vm.prank(consumer);
        assertEq(rentals.withdraw(consumer), 90 * RATE, "paid");
    }

    function testFuzz_onlyCourtFreezes(address by, uint40 until) public {
        vm.assume(by != court);
        (, bytes32 id) = opened(1, LONG);
        vm.startPrank(by);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotCourt.selector, by));
        rentals.freeze(NODE, until);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotCourt.selector, by));
        rentals.freezeRental(id, until);
        vm.stopPrank();
        assertEq(rentals.nodeOf(NODE).frozenUntil, 0, "frozen");
    }

    function testFuzz_s8_noFreezeIsLongerThanItsLimit(uint40 length) public {
        length = uint40(bound(length, 1, 2 * MAX_FREEZE));
        uint40 until = uint40(block.timestamp) + length;
        uint40 most = uint40(block.timestamp) + MAX_FREEZE;
        vm.prank(court);
        if (length > MAX_FREEZE) vm.expectRevert(abi.encodeWithSelector(IRentals.AboveCap.selector, until, most));
        rentals.freeze(NODE, until);
        assertEq(rentals.nodeOf(NODE).frozenUntil, length > MAX_FREEZE ? 0 : until, "until");
    }

    /// An active freeze keeps its beginning: it cannot be renewed for ever.
    function testFuzz_s8_aSecondOrderPutsNoEndOff(uint40 first, uint40 waits, uint40 second) public {
        uint40 since = uint40(block.timestamp);
        first = uint40(bound(first, 2, MAX_FREEZE));
        freeze(since + first);
        waits = uint40(bound(waits, 1, first - 1));
        skip(waits);
        second = uint40(bound(second, waits + 1, 2 * MAX_FREEZE));
        vm.prank(court);
        if (second > MAX_FREEZE) {
            vm.expectRevert(abi.encodeWithSelector(IRentals.AboveCap.selector, since + second, since + MAX_FREEZE));
        }
        rentals.freeze(NODE, since + second);
        assertLe(rentals.nodeOf(NODE).frozenUntil, since + MAX_FREEZE, "until");
    }

    function testFuzz_unknownRentalsAreNotFrozen(bytes32 rental) public {
        (, bytes32 id) = opened(1, LONG);
        vm.assume(rental != id);
        vm.prank(court);
        vm.expectRevert(abi.encodeWithSelector(IRentals.UnknownRental.selector, rental));
        rentals.freezeRental(rental, uint40(block.timestamp + 1));
    }

    /// A rental's own freeze holds back what was held when it began, to the second of its end, and no other rental.
    function testFuzz_s7_aFrozenRentalsHorizonStandsStill(uint32 ran, uint32 length, uint32 after_) public {
        (Terms memory terms, bytes32 id) = opened(1, LONG);
        (Terms memory other, bytes32 second) = opened(2, LONG);
        skip(bound(ran, 0, 60 days));
        uint128 free = rentals.collectable(terms, false);
        uint256 until = block.timestamp + bound(length, 1, MAX_FREEZE);
        vm.prank(court);
        rentals.freezeRental(id, uint40(until));
        skip(bound(after_, 0, 2 * MAX_FREEZE));
        uint128 all = rentals.earned(second, uint40(block.timestamp) - HOLD);
        assertEq(rentals.collectable(terms, false), block.timestamp < until ? free : all, "the frozen one");
        assertEq(rentals.collectable(other, false), all, "the other");
    }

    /// The node's and the rental's freeze hold together: what leaves is what both allow.
    function testFuzz_s7_twoFreezesHoldWhatEitherHolds(uint32 apart, uint32 first, uint32 second, uint32 after_)
        public
    {
        (Terms memory terms, bytes32 id) = opened(1, LONG);
        skip(30 days);
        uint256 ofRental = block.timestamp + bound(first, 1, MAX_FREEZE);
        vm.prank(court);
        rentals.freezeRental(id, uint40(ofRental));
        uint128 early = rentals.collectable(terms, false);
        skip(bound(apart, 0, MAX_FREEZE));
        uint40 horizon = uint40(block.timestamp) - HOLD;
        uint256 ofNode = block.timestamp + bound(second, 1, MAX_FREEZE);
        freeze(ofNode);
        skip(bound(after_, 0, 2 * MAX_FREEZE));
        uint256 wanted = rentals.earned(id, uint40(block.timestamp) - HOLD);
        if (block.timestamp < ofNode) wanted = rentals.earned(id, horizon);
        if (block.timestamp < ofRental) wanted = early;
        assertEq(rentals.collectable(terms, false), wanted, "collectable");
    }

    /// A freeze that ended is over: the next begins where the hold stands then, not where the first put it.
    function testFuzz_s7_aLaterFreezeBeginsAnew(uint32 length, uint32 pause) public {
        (Terms memory terms, bytes32 id) = opened(1, LONG);
        skip(30 days);
        freeze(block.timestamp + bound(length, 1, MAX_FREEZE));
        vm.warp(rentals.nodeOf(NODE).frozenUntil + bound(pause, 0, 60 days));
        freeze(block.timestamp + 1 days);
        assertEq(rentals.nodeOf(NODE).frozenSince, block.timestamp, "since");
        assertEq(rentals.collectable(terms, false), rentals.earned(id, uint40(block.timestamp) - HOLD), "free");
    }
}
