// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bond} from "../../src/interfaces/IBonds.sol";
import {Market} from "../base/Market.sol";

/// A fisher with 1,000 units of stake.
abstract contract Staked is Market {
    uint40 internal constant THAW = 90 days;
    address internal fisher = address(0xF1);

    function setUp() public virtual override {
        super.setUp();
        token.mint(fisher, 1e30);
        vm.startPrank(fisher);
        token.approve(address(bonds), type(uint256).max);
        bonds.deposit(fisher, 1000);
        vm.stopPrank();
    }

    function thaw(uint128 amount) internal {
        vm.prank(fisher);
        bonds.thaw(amount);
    }

    function lock(uint128 amount) internal {
        vm.prank(court);
        bonds.lock(fisher, amount);
    }

    function expectBond(uint128 amount, uint128 locked, uint128 thawing) internal view {
        Bond memory b = bonds.bond(fisher);
        assertEq(b.amount, amount, "amount");
        assertEq(b.locked, locked, "locked");
        assertEq(b.thawing, thawing, "thawing");
    }
}
