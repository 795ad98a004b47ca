// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Rewards} from "../../src/Rewards.sol";
import {IRewards} from "../../src/interfaces/IRewards.sol";
import {OddToken} from "../base/OddTokens.sol";
import {Bounties} from "../base/Bounties.sol";

contract GrantTest is Bounties {
    function testFuzz_anyoneGives(uint128 amount) public {
        amount = uint128(bound(amount, 1, type(uint128).max));
        token.mint(stranger, amount);
        vm.startPrank(stranger);
        token.approve(address(rewards), amount);
        vm.expectEmit(address(rewards));
        emit IRewards.Granted(stranger, amount);
        rewards.grant(amount);
        vm.stopPrank();
        assertEq(token.balanceOf(address(rewards)), amount, "balance");
    }

    function test_nothingIsNoGrant() public {
        vm.expectRevert(IRewards.ZeroAmount.selector);
        rewards.grant(0);
    }

    function test_s22_aFeeOnTheWayInIsRefused() public {
        OddToken odd = new OddToken();
        deploy(IERC20(address(odd)));
        rewards = new Rewards(rentals);
        odd.mint(stranger, 1000);
        odd.setFee(100, false);
        vm.startPrank(stranger);
        odd.approve(address(rewards), 1000);
        vm.expectRevert(abi.encodeWithSelector(IRewards.BalanceMismatch.selector, 990, 1000));
        rewards.grant(1000);
        vm.stopPrank();
    }

    /// Who gives more than he has or allowed gives nothing.
    function testFuzz_nobodyGivesWhatHeHasNot(uint128 owned, uint128 allowed, uint128 amount) public {
        amount = uint128(bound(amount, 1, type(uint128).max));
        token.mint(stranger, owned);
        vm.startPrank(stranger);
        token.approve(address(rewards), allowed);
        bool can = amount <= owned && amount <= allowed;
        if (!can) vm.expectRevert();
        rewards.grant(amount);
        vm.stopPrank();
        assertEq(token.balanceOf(address(rewards)), can ? amount : 0, "balance");
        assertEq(token.balanceOf(stranger), can ? owned - amount : owned, "giver");
    }
}
