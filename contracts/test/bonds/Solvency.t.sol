// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bond} from "../../src/interfaces/IBonds.sol";
import {Staked} from "./Staked.sol";

/// Calls everything in any order with any amounts.
contract BondActor is Staked {
    uint256 public withdrawn;
    uint256 public burned;
    uint256 public won;
    uint256 public locked;
    bool public early;

    function doDeposit(uint128 amount) external {
        vm.prank(fisher);
        bonds.deposit(fisher, uint128(bound(amount, 1, 10_000)));
    }

    function doThaw(uint128 amount) external {
        thaw(uint128(bound(amount, 1, 5000)));
    }

    function doWithdraw(bool winner) external {
        address who = winner ? provider : fisher;
        Bond memory before = bonds.bond(who);
        vm.prank(who);
        uint128 paid = bonds.withdraw(address(0xFEED));
        withdrawn += paid;
        if (winner) won += paid;
        if (bonds.bond(who).amount < before.amount && block.timestamp < before.readyAt) early = true;
    }

    function doLock(uint128 amount) external {
        amount = uint128(bound(amount, 1, 5000));
        lock(amount);
        locked += amount;
    }

    function doUnlock(uint128 amount) external {
        amount = uint128(bound(amount, 0, bonds.bond(fisher).locked));
        vm.prank(court);
        bonds.unlock(fisher, amount);
        locked -= amount;
    }

    function doBurn(uint128 amount) external {
        amount = uint128(bound(amount, 0, bonds.bond(fisher).locked));
        vm.prank(court);
        bonds.burn(fisher, amount, provider);
        (burned, locked) = (burned + amount, locked - amount);
    }

    function doWait(uint32 time) external {
        skip(bound(time, 1, 60 days));
    }

    function bond() external view returns (Bond memory) {
        return bonds.bond(fisher);
    }

    function inside() external view returns (uint256) {
        return token.balanceOf(address(bonds));
    }

    function owed() external view returns (uint256) {
        return uint256(bonds.bond(fisher).amount) + bonds.credit(provider);
    }

    function winnersCredit() external view returns (uint256) {
        return bonds.credit(provider);
    }

    function paidOut() external view returns (uint256) {
        return token.balanceOf(address(0xFEED));
    }
}

contract BondSolvencyTest is Staked {
    BondActor private actor;

    function setUp() public override {
        actor = new BondActor();
        actor.setUp();
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(actor);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory list) {
        bytes4[] memory s = new bytes4[](7);
        s[0] = BondActor.doDeposit.selector;
        s[1] = BondActor.doThaw.selector;
        s[2] = BondActor.doWithdraw.selector;
        s[3] = BondActor.doLock.selector;
        s[4] = BondActor.doUnlock.selector;
        s[5] = BondActor.doBurn.selector;
        s[6] = BondActor.doWait.selector;
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(actor), s);
    }

    function invariant_s1_theBalanceIsWhatIsOwed() public view {
        assertEq(actor.inside(), actor.owed(), "balance");
        assertEq(actor.paidOut(), actor.withdrawn(), "paid out");
    }

    function invariant_s14_lockedAndThawingFitIntoTheBond() public view {
        Bond memory b = actor.bond();
        assertLe(uint256(b.locked) + b.thawing, b.amount, "locked + thawing");
        assertTrue(!actor.early(), "nothing left before it was ready");
    }

    /// What was burned is the winner's, credited or paid, and what is locked was neither released nor burned.
    function invariant_s13_eachLockEndsOnce() public view {
        assertEq(actor.won() + actor.winnersCredit(), actor.burned(), "burned");
        assertEq(actor.bond().locked, actor.locked(), "locked");
    }
}
