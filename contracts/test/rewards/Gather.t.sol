// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Slash, Terms} from "../../src/interfaces/IRentals.sol";
import {IRewards} from "../../src/interfaces/IRewards.sol";
import {Bounties} from "../base/Bounties.sol";

contract GatherTest is Bounties {
    function test_sharesOfSlashesAreTakenOver() public {
        (Terms memory terms,) = opened(1, 10 days);
        skip(1 days);
        Slash memory order = slashOrder(1000, block.timestamp);
        order.beneficiary = address(rewards);
        slash(terms, order);
        vm.expectEmit(address(rewards));
        emit IRewards.Gathered(500);
        vm.prank(stranger);
        assertEq(rewards.gather(), 500, "gathered");
        assertEq(token.balanceOf(address(rewards)), 500, "balance");
        vm.expectRevert(IRewards.ZeroAmount.selector);
        rewards.gather();
    }

    /// The whole share, once, whoever calls; the caller gains nothing.
    function testFuzz_s1_theShareComesOverOnce(uint128 amount, uint16 share, address by) public {
        vm.assume(by != address(rewards));
        (Terms memory terms,) = opened(1, 10 days);
        skip(1 days);
        Slash memory order = slashOrder(uint128(bound(amount, 4, 1 days * RATE)), block.timestamp);
        order.beneficiary = address(rewards);
        order.shareBps = uint16(bound(share, 2500, 5000));
        uint256 due = uint256(order.amount) * order.shareBps / 10_000;
        slash(terms, order);
        uint256 before = token.balanceOf(by);
        vm.startPrank(by);
        assertEq(rewards.gather(), due, "gathered");
        vm.expectRevert(IRewards.ZeroAmount.selector);
        rewards.gather();
        vm.stopPrank();
        assertEq(token.balanceOf(address(rewards)), due, "balance");
        assertEq(token.balanceOf(by), before, "caller");
    }
}
