// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rewards} from "../../src/Rewards.sol";
import {Publish} from "../../src/interfaces/IScores.sol";
import {Market} from "./Market.sol";
import {Tree} from "./Tree.sol";

/// A rewards tree over some fishers, published anew in each epoch.
abstract contract Bounties is Market {
    Rewards internal rewards;
    address[] internal fishers;
    bytes32[] private tree;

    function setUp() public virtual override {
        super.setUp();
        rewards = new Rewards(rentals);
        for (uint160 i; i < 5; ++i) {
            fishers.push(address(0xF100 + i));
        }
    }

    function grant(uint128 amount) internal {
        token.mint(treasury, amount);
        vm.startPrank(treasury);
        token.approve(address(rewards), amount);
        rewards.grant(amount);
        vm.stopPrank();
    }

    /// Publishes what each fisher was ever assigned, and waits until it counts.
    function assign(uint128[5] memory cumulative) internal {
        bytes32[] memory hashes = new bytes32[](5);
        for (uint256 i; i < 5; ++i) {
            hashes[i] = rewards.leafHash(fishers[i], cumulative[i]);
        }
        tree = Tree.build(hashes);
        skip(EPOCH);
        Publish memory p = publication(overEpoch(), "root");
        p.rewardsRoot = tree[0];
        publish(p);
        skip(DELAY);
    }

    function proofOf(uint256 index, uint128 cumulative) internal view returns (bytes32[] memory) {
        return Tree.proof(tree, Tree.find(tree, rewards.leafHash(fishers[index], cumulative)));
    }

    function claim(uint256 index, uint128 cumulative) internal returns (uint128) {
        return rewards.claim(fishers[index], cumulative, proofOf(index, cumulative));
    }
}
