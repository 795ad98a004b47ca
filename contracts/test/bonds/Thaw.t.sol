// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBonds} from "../../src/interfaces/IBonds.sol";
import {Staked} from "./Staked.sol";

contract ThawTest is Staked {
    /// What thaws is free stake: neither locked nor asked back before.
    function testFuzz_s14_onlyFreeStakeThaws(uint128 locks, uint128 first, uint128 second) public {
        locks = uint128(bound(locks, 0, 999));
        first = uint128(bound(first, 1, 1000 - locks));
        second = uint128(bound(second, 1, 1500));
        lock(locks);
        thaw(first);
        uint128 free = 1000 - locks - first;
        vm.prank(fisher);
        if (second > free) vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, second, free));
        bonds.thaw(second);
        expectBond(1000, locks, second > free ? first : first + second);
    }

    /// Asking for more puts all of it off: nobody keeps a thaw going and joins it at its end.
    function testFuzz_s14_everyThawStartsTheClockAnew(uint32 wait, uint32 after_) public {
        thaw(300);
        skip(bound(wait, 0, THAW - 1));
        thaw(1);
        uint256 ready = block.timestamp + THAW;
        skip(bound(after_, 0, 2 * uint256(THAW)));
        bool early = block.timestamp < ready;
        vm.prank(fisher);
        if (early) vm.expectRevert(abi.encodeWithSelector(IBonds.NothingDue.selector, ready));
        uint128 paid = bonds.withdraw(fisher);
        assertEq(paid, early ? 0 : 301, "paid");
    }

    /// Who has no bond asks nothing back, and nobody thaws another's.
    function testFuzz_nobodyThawsAnothersBond(address by, uint128 amount) public {
        vm.assume(by != fisher && amount != 0);
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, amount, 0));
        bonds.thaw(amount);
        expectBond(1000, 0, 0);
    }
}
