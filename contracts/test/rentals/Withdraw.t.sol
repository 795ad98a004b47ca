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
}
