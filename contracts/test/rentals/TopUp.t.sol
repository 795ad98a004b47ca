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
}
