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
}
