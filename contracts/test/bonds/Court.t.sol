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
}
