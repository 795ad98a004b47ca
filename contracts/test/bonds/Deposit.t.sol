// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Bonds} from "../../src/Bonds.sol";
import {IBonds} from "../../src/interfaces/IBonds.sol";
import {Staked} from "./Staked.sol";

contract DepositTest is Staked {
    function testFuzz_anyonePaysForAnyFisher(uint128 amount) public {
        amount = uint128(bound(amount, 1, 1e30));
        token.mint(stranger, amount);
        vm.startPrank(stranger);
        token.approve(address(bonds), amount);
        vm.expectEmit(address(bonds));
        emit IBonds.Deposited(fisher, stranger, amount, 1000 + amount);
        bonds.deposit(fisher, amount);
        vm.stopPrank();
        expectBond(1000 + amount, 0, 0);
        assertEq(token.balanceOf(address(bonds)), 1000 + uint256(amount), "balance");
    }

    function test_nothingAndNobodyAreRefused() public {
        vm.startPrank(fisher);
        vm.expectRevert(IBonds.ZeroAmount.selector);
        bonds.deposit(fisher, 0);
        vm.expectRevert(abi.encodeWithSelector(IBonds.BadRecipient.selector, address(0)));
        bonds.deposit(address(0), 1);
        vm.stopPrank();
    }

    /// As a call, which can be expected to revert.
    function make(IERC20 coin, address court_) external returns (Bonds) {
        return new Bonds(coin, court_, THAW);
    }

    function test_constructorRefusesNoTokenAndNoCourt() public {
        vm.expectRevert(IBonds.BadConfiguration.selector);
        this.make(IERC20(stranger), court);
        vm.expectRevert(IBonds.BadConfiguration.selector);
        this.make(IERC20(address(token)), address(0));
    }

    /// What does not fit is refused as a whole: no bond wraps around.
    function testFuzz_aBondThatDoesNotFitIsRefused(uint128 first, uint128 second) public {
        first = uint128(bound(first, 1, type(uint128).max));
        second = uint128(bound(second, 1, type(uint128).max));
        token.mint(stranger, uint256(first) + second);
        vm.startPrank(stranger);
        token.approve(address(bonds), type(uint256).max);
        bonds.deposit(provider, first);
        bool fits = uint256(first) + second <= type(uint128).max;
        if (!fits) vm.expectRevert(overflow());
        bonds.deposit(provider, second);
        vm.stopPrank();
        assertEq(bonds.bond(provider).amount, fits ? first + second : first, "bond");
        expectBond(1000, 0, 0);
    }
}
