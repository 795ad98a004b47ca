// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {Market} from "../base/Market.sol";

contract TopUpTest is Market {
    function test_anyoneMayProlong() public {
        (, bytes32 id) = opened(1, 100);
        uint40 end = rentals.paidUntil(id);
        token.mint(stranger, 50_000);
        vm.startPrank(stranger);
        token.approve(address(rentals), 50_000);
        vm.expectEmit(address(rentals));
        emit IRentals.ToppedUp(id, stranger, 50_000, 150_000);
        rentals.topUp(one(id), one(50_000));
        vm.stopPrank();
        assertEq(rentals.paidUntil(id), end + 50, "paid until");
    }

    /// Whatever the rate, the deposit and the moment: a top-up is no payment for the past.
    function testFuzz_s4_topUpAndStopReturnExactly(uint96 rate, uint128 deposit, uint128 extra, uint32 time) public {
        Terms memory terms = someTerms(1);
        terms.offer.rate = rate = uint96(bound(rate, 1, 1e12));
        deposit = uint128(bound(deposit, 1, 1e20));
        extra = uint128(bound(extra, 1, 1e20));
        bytes32 id = open(terms, deposit);
        skip(bound(time, 0, rentals.paidUntil(id) - block.timestamp));
        uint128 before = rentals.refundable(id);
        vm.prank(consumer);
        rentals.topUp(one(id), one(extra));
        stop(terms, consumer);
        assertEq(rentals.credit(consumer), uint256(before) + extra, "refund");
    }

    function test_aLapsedOrStoppedRentalTakesNoMoney() public {
        (Terms memory terms, bytes32 id) = opened(1, 100);
        skip(101);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.Ended.selector, id));
        rentals.topUp(one(id), one(1));
        stop(terms, consumer);
        (Terms memory second, bytes32 other) = opened(2, 100);
        stop(second, consumer);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.Ended.selector, other));
        rentals.topUp(one(other), one(1));
    }

    function test_unknownZeroAndUnevenRevert() public {
        (, bytes32 id) = opened(1, 100);
        vm.startPrank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.UnknownRental.selector, bytes32("x")));
        rentals.topUp(one(bytes32("x")), one(1));
        vm.expectRevert(IRentals.ZeroAmount.selector);
        rentals.topUp(one(id), one(uint128(0)));
        vm.expectRevert(IRentals.LengthMismatch.selector);
        rentals.topUp(one(id), new uint128[](0));
        vm.stopPrank();
    }

    function testFuzz_unknownRentalsTakeNoMoney(bytes32 id, uint128 amount) public {
        opened(1, 100);
        vm.assume(id != rentals.rentalId(someTerms(1)) && amount != 0);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.UnknownRental.selector, id));
        rentals.topUp(one(id), one(amount));
    }

    function testFuzz_unevenArraysAreRefused(uint8 ids, uint8 amounts) public {
        ids = uint8(bound(ids, 0, 20));
        amounts = uint8(bound(amounts, 0, 20));
        vm.assume(ids != amounts);
        vm.expectRevert(IRentals.LengthMismatch.selector);
        rentals.topUp(new bytes32[](ids), new uint128[](amounts));
    }

    /// Whoever pays, the time and the refund are the consumer's.
    function testFuzz_aStrangersTopUpIsTheConsumers(uint128 extra, uint32 time) public {
        (Terms memory terms, bytes32 id) = opened(1, 100);
        extra = uint128(bound(extra, 1, 1e20));
        skip(bound(time, 0, 99));
        uint128 before = rentals.refundable(id);
        token.mint(stranger, extra);
        vm.startPrank(stranger);
        token.approve(address(rentals), extra);
        rentals.topUp(one(id), one(extra));
        vm.stopPrank();
        assertEq(rentals.refundable(id), uint256(before) + extra, "refundable");
        stop(terms, consumer);
        assertEq(rentals.credit(stranger), 0, "the payer");
    }

    /// At the last second that is paid in full it may go on, and from the next on it may not.
    function testFuzz_aLapsedRentalIsNotProlonged(uint96 rate, uint128 deposit, uint32 after_) public {
        Terms memory terms = someTerms(1);
        terms.offer.rate = rate = uint96(bound(rate, 1, 1e12));
        deposit = uint128(bound(deposit, rate, uint256(rate) * 300 days));
        bytes32 id = open(terms, deposit);
        uint40 until = rentals.paidUntil(id);
        vm.warp(until - deposit / rate % 3 + after_ % 4);
        bool late = block.timestamp > until;
        vm.prank(consumer);
        if (late) vm.expectRevert(abi.encodeWithSelector(IRentals.Ended.selector, id));
        rentals.topUp(one(id), one(1));
        assertEq(rentals.rentalOf(id).deposit, late ? deposit : deposit + 1, "deposit");
    }

    /// It buys time by the rate, and earns nothing of itself.
    function testFuzz_s3_aTopUpBuysTimeAndEarnsNothing(uint96 rate, uint128 extra, uint32 time) public {
        Terms memory terms = someTerms(1);
        terms.offer.rate = rate = uint96(bound(rate, 1, 1e12));
        bytes32 id = open(terms, uint128(rate) * 100);
        extra = uint128(bound(extra, 1, 1e20));
        skip(time % 101);
        uint128 earned = rentals.earned(id, uint40(block.timestamp));
        vm.prank(consumer);
        rentals.topUp(one(id), one(extra));
        assertEq(rentals.earned(id, uint40(block.timestamp)), earned, "earned");
        uint256 end = rentals.rentalOf(id).start + (uint256(rate) * 100 + extra) / rate;
        assertEq(rentals.paidUntil(id), end < type(uint40).max ? end : type(uint40).max, "paid until");
    }

    /// What does not fit is refused as a whole: no deposit wraps around.
    function testFuzz_aDepositThatDoesNotFitIsRefused(uint128 deposit, uint128 extra) public {
        Terms memory terms = someTerms(1);
        deposit = uint128(bound(deposit, RATE, type(uint128).max));
        extra = uint128(bound(extra, 1, type(uint128).max));
        token.mint(consumer, uint256(deposit) + extra);
        bytes32 id = open(terms, deposit);
        bool fits = uint256(deposit) + extra <= type(uint128).max;
        vm.prank(consumer);
        if (!fits) vm.expectRevert(overflow());
        rentals.topUp(one(id), one(extra));
        assertEq(rentals.rentalOf(id).deposit, fits ? deposit + extra : deposit, "deposit");
        assertEq(token.balanceOf(address(rentals)), rentals.rentalOf(id).deposit, "balance");
    }

    /// Zero anywhere in a batch undoes all of it.
    function testFuzz_aBatchWithAZeroMovesNothing(uint8 place) public {
        bytes32[] memory ids = new bytes32[](4);
        uint128[] memory amounts = new uint128[](4);
        for (uint64 i; i < 4; ++i) {
            (, ids[i]) = opened(i, 100);
            amounts[i] = i == place % 4 ? 0 : 7;
        }
        uint256 balance = token.balanceOf(address(rentals));
        vm.prank(consumer);
        vm.expectRevert(IRentals.ZeroAmount.selector);
        rentals.topUp(ids, amounts);
        assertEq(token.balanceOf(address(rentals)), balance, "balance");
    }
}
