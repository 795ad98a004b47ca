// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBonds} from "../../src/interfaces/IBonds.sol";
import {Staked} from "./Staked.sol";

contract BondWithdrawTest is Staked {
    function test_thawedStakeLeavesWhenReady() public {
        vm.expectEmit(address(bonds));
        emit IBonds.Thawing(fisher, 400, 400, uint40(block.timestamp + THAW));
        thaw(400);
        expectBond(1000, 0, 400);
        skip(THAW);
        vm.expectEmit(address(bonds));
        emit IBonds.Withdrawn(fisher, stranger, 400, 0, 600);
        vm.prank(fisher);
        assertEq(bonds.withdraw(stranger), 400, "paid");
        assertEq(token.balanceOf(stranger), 400, "balance");
        expectBond(600, 0, 0);
    }

    function testFuzz_s14_nothingLeavesBeforeItIsReady(uint32 time) public {
        thaw(400);
        uint40 readyAt = uint40(block.timestamp + THAW);
        skip(bound(time, 0, THAW - 1));
        vm.prank(fisher);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NothingDue.selector, readyAt));
        bonds.withdraw(fisher);
    }

    function test_s14_askingForMoreStartsTheClockAnew() public {
        thaw(400);
        skip(THAW - 1);
        thaw(1);
        skip(1);
        vm.prank(fisher);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NothingDue.selector, uint40(block.timestamp + THAW - 1)));
        bonds.withdraw(fisher);
    }

    function test_stakeThatDoesNotThawDoesNotLeave() public {
        skip(10 * THAW);
        vm.prank(fisher);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NothingDue.selector, 0));
        bonds.withdraw(fisher);
    }

    function test_s14_onlyFreeStakeThaws() public {
        lock(700);
        vm.startPrank(fisher);
        vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, 301, 300));
        bonds.thaw(301);
        bonds.thaw(300);
        vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, 1, 0));
        bonds.thaw(1);
        vm.expectRevert(IBonds.ZeroAmount.selector);
        bonds.thaw(0);
        vm.stopPrank();
    }

    function test_badRecipientsAreRefused() public {
        vm.startPrank(fisher);
        vm.expectRevert(abi.encodeWithSelector(IBonds.BadRecipient.selector, address(0)));
        bonds.withdraw(address(0));
        vm.expectRevert(abi.encodeWithSelector(IBonds.BadRecipient.selector, address(bonds)));
        bonds.withdraw(address(bonds));
        vm.stopPrank();
    }

    /// Stake that is ready and credit leave together, once; stake that is not ready stays.
    function testFuzz_s13_stakeAndCreditLeaveOnce(uint128 thaws, uint128 burns, uint32 time) public {
        thaws = uint128(bound(thaws, 1, 500));
        burns = uint128(bound(burns, 1, 500));
        thaw(thaws);
        lock(500);
        vm.prank(court);
        bonds.burn(fisher, burns, fisher);
        skip(bound(time, 0, 2 * uint256(THAW)));
        uint128 stake = block.timestamp >= bonds.bond(fisher).readyAt ? thaws : 0;
        vm.startPrank(fisher);
        assertEq(bonds.withdraw(stranger), uint256(stake) + burns, "paid");
        vm.expectRevert(abi.encodeWithSelector(IBonds.NothingDue.selector, stake == 0 ? bonds.bond(fisher).readyAt : 0));
        bonds.withdraw(stranger);
        vm.stopPrank();
        assertEq(token.balanceOf(stranger), uint256(stake) + burns, "balance");
        expectBond(1000 - burns - stake, 500 - burns, thaws - stake);
    }

    function testFuzz_nobodyWithdrawsAnothersBond(address by) public {
        vm.assume(by != fisher);
        thaw(1000);
        skip(THAW);
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(IBonds.NothingDue.selector, 0));
        bonds.withdraw(stranger);
        expectBond(1000, 0, 1000);
    }
}
