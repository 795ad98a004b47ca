// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBonds} from "../../src/interfaces/IBonds.sol";
import {Staked} from "./Staked.sol";

contract BondCourtTest is Staked {
    function test_onlyCourtLocksUnlocksAndBurns() public {
        bytes memory refusal = abi.encodeWithSelector(IBonds.NotCourt.selector, fisher);
        vm.startPrank(fisher);
        vm.expectRevert(refusal);
        bonds.lock(fisher, 1);
        vm.expectRevert(refusal);
        bonds.unlock(fisher, 1);
        vm.expectRevert(refusal);
        bonds.burn(fisher, 1, fisher);
        vm.stopPrank();
    }

    /// Free stake is locked first; what thaws is no way out.
    function test_lockReachesWhatThaws() public {
        thaw(400);
        lock(600);
        expectBond(1000, 600, 400);
        vm.expectEmit(address(bonds));
        emit IBonds.Locked(fisher, 300, 900, 100);
        lock(300);
        expectBond(1000, 900, 100);
        vm.prank(court);
        vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, 101, 100));
        bonds.lock(fisher, 101);
        skip(THAW);
        vm.prank(fisher);
        assertEq(bonds.withdraw(fisher), 100, "what was left to thaw");
    }

    function test_unlockFrees() public {
        lock(600);
        vm.startPrank(court);
        vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, 601, 600));
        bonds.unlock(fisher, 601);
        vm.expectEmit(address(bonds));
        emit IBonds.Unlocked(fisher, 600, 0);
        bonds.unlock(fisher, 600);
        vm.stopPrank();
        expectBond(1000, 0, 0);
    }

    /// A burned bond is a credit: a blocked recipient cannot block a case.
    function test_burnCreditsTheWinner() public {
        lock(600);
        vm.startPrank(court);
        vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, 601, 600));
        bonds.burn(fisher, 601, provider);
        vm.expectRevert(abi.encodeWithSelector(IBonds.BadRecipient.selector, address(0)));
        bonds.burn(fisher, 1, address(0));
        vm.expectEmit(address(bonds));
        emit IBonds.Burned(fisher, provider, 250, 350, 750);
        bonds.burn(fisher, 250, provider);
        bonds.burn(fisher, 350, treasury);
        vm.stopPrank();
        expectBond(400, 0, 0);
        vm.prank(provider);
        assertEq(bonds.withdraw(provider), 250, "paid");
        assertEq(bonds.credit(treasury), 350, "credit");
        assertEq(token.balanceOf(address(bonds)), 750, "balance");
    }

    function testFuzz_onlyCourtMovesBonds(address by, uint128 amount) public {
        vm.assume(by != court);
        bytes memory refusal = abi.encodeWithSelector(IBonds.NotCourt.selector, by);
        vm.startPrank(by);
        vm.expectRevert(refusal);
        bonds.lock(fisher, amount);
        vm.expectRevert(refusal);
        bonds.unlock(fisher, amount);
        vm.expectRevert(refusal);
        bonds.burn(fisher, amount, by);
        vm.stopPrank();
        expectBond(1000, 0, 0);
    }

    /// Free stake is locked first, then what thaws, and never more than there is.
    function testFuzz_s14_lockedAndThawingFitIntoTheBond(uint128 thaws, uint128 locks) public {
        thaws = uint128(bound(thaws, 0, 1000));
        locks = uint128(bound(locks, 1, 1500));
        if (thaws != 0) thaw(thaws);
        vm.prank(court);
        if (locks > 1000) {
            vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, locks, 1000));
            bonds.lock(fisher, locks);
        } else {
            bonds.lock(fisher, locks);
            uint128 free = 1000 - thaws;
            expectBond(1000, locks, locks > free ? thaws - (locks - free) : thaws);
        }
    }

    function testFuzz_unlockIsAtMostWhatIsLocked(uint128 locks, uint128 unlocks) public {
        locks = uint128(bound(locks, 1, 1000));
        unlocks = uint128(bound(unlocks, 1, 1500));
        lock(locks);
        vm.prank(court);
        if (unlocks > locks) vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, unlocks, locks));
        bonds.unlock(fisher, unlocks);
        expectBond(1000, unlocks > locks ? locks : locks - unlocks, 0);
    }

    /// A burn moves stake into a credit, to the unit.
    function testFuzz_s13_aBurnMovesWhatWasLockedOnce(uint128 locks, uint128 burns, address to) public {
        vm.assume(to != address(0) && to != address(bonds) && bonds.credit(to) == 0);
        locks = uint128(bound(locks, 1, 1000));
        burns = uint128(bound(burns, 1, 1500));
        lock(locks);
        vm.prank(court);
        if (burns > locks) {
            vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, burns, locks));
            bonds.burn(fisher, burns, to);
        } else {
            bonds.burn(fisher, burns, to);
            expectBond(1000 - burns, locks - burns, 0);
            assertEq(bonds.credit(to), burns, "credit");
        }
    }

    /// Any row of locks, releases and burns: what is locked is what was locked and neither released nor burned.
    function testFuzz_s13_eachLockEndsOnce(uint8[12] calldata steps) public {
        uint256 locked;
        uint256 burned;
        vm.startPrank(court);
        for (uint256 i; i < 12; ++i) {
            uint128 amount = uint128(steps[i] / 3) + 1;
            uint256 left = steps[i] % 3 == 0 ? 1000 - burned - locked : locked;
            bool refused = amount > left;
            if (refused) vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, amount, left));
            if (steps[i] % 3 == 0) {
                bonds.lock(fisher, amount);
                if (!refused) locked += amount;
            } else if (steps[i] % 3 == 1) {
                bonds.unlock(fisher, amount);
                if (!refused) locked -= amount;
            } else {
                bonds.burn(fisher, amount, treasury);
                if (!refused) (locked, burned) = (locked - amount, burned + amount);
            }
        }
        vm.stopPrank();
        expectBond(uint128(1000 - burned), uint128(locked), 0);
        assertEq(bonds.credit(treasury), burned, "credit");
    }
}
