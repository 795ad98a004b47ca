// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {Market} from "../base/Market.sol";

contract WithdrawTest is Market {
    function test_theWholeCreditGoesWhereItsOwnerSays() public {
        (Terms memory terms,) = opened(1, 100);
        skip(10);
        stop(terms, consumer);
        vm.expectEmit(address(rentals));
        emit IRentals.Withdrawn(consumer, stranger, 90 * RATE);
        vm.prank(consumer);
        assertEq(rentals.withdraw(stranger), 90 * RATE, "paid");
        assertEq(token.balanceOf(stranger), 90 * RATE, "balance");
        assertEq(rentals.credit(consumer), 0, "credit");
    }

    function test_noCreditIsNoTransferAndNoError() public {
        opened(1, 100);
        vm.prank(stranger);
        assertEq(rentals.withdraw(stranger), 0, "paid");
        assertEq(token.balanceOf(stranger), 0, "balance");
    }

    function test_moneyDoesNotGoWhereNobodyCanReachIt() public {
        vm.startPrank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.BadRecipient.selector, address(0)));
        rentals.withdraw(address(0));
        vm.expectRevert(abi.encodeWithSelector(IRentals.BadRecipient.selector, address(rentals)));
        rentals.withdraw(address(rentals));
        vm.stopPrank();
    }

    /// Wherever it goes, it is the whole credit, once.
    function testFuzz_theWholeCreditLeavesOnce(address to, uint32 time) public {
        vm.assume(to != address(0) && to != address(rentals) && token.balanceOf(to) == 0);
        (Terms memory terms,) = opened(1, 100);
        skip(bound(time, 0, 99));
        stop(terms, consumer);
        uint128 credit = rentals.credit(consumer);
        vm.startPrank(consumer);
        assertEq(rentals.withdraw(to), credit, "paid");
        assertEq(rentals.withdraw(to), 0, "again");
        vm.stopPrank();
        assertEq(token.balanceOf(to), credit, "balance");
    }

    function testFuzz_nobodyTakesAnothersCredit(address by) public {
        vm.assume(by != consumer);
        (Terms memory terms,) = opened(1, 100);
        stop(terms, consumer);
        uint128 credit = rentals.credit(consumer);
        vm.prank(by);
        assertEq(rentals.withdraw(stranger), 0, "paid");
        assertEq(rentals.credit(consumer), credit, "credit");
    }

    /// Credits of several rentals leave together, and the rest of the escrow stays.
    function testFuzz_allCreditsLeaveTogether(uint32 first, uint32 second) public {
        (Terms memory a,) = opened(1, 1000);
        (Terms memory b,) = opened(2, 1000);
        opened(3, 1000);
        skip(first % 1000);
        stop(a, consumer);
        skip(second % 1000);
        stop(b, provider);
        uint256 balance = token.balanceOf(address(rentals));
        uint256 due = rentals.credit(consumer);
        vm.prank(consumer);
        assertEq(rentals.withdraw(stranger), due, "paid");
        assertEq(token.balanceOf(address(rentals)), balance - due, "the rest stays");
    }
}
