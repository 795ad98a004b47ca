// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IScores, Leaf, Publish} from "../../src/interfaces/IScores.sol";
import {Market} from "../base/Market.sol";

contract DisableTest is Market {
    function test_s17_aDisabledRootVerifiesNothing() public {
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        skip(DELAY - 1);
        vm.expectEmit(address(scores));
        emit IScores.Disabled(leaf.epoch);
        vm.prank(guardian);
        scores.disable(leaf.epoch);
        skip(1);
        assertTrue(!scores.verify(leaf, proof), "disabled");
        (uint64 epoch,) = scores.activeRewardsRoot();
        assertEq(epoch, 0, "no rewards of a disabled epoch");
    }

    /// The slot of a disabled epoch is used again, and is then enabled.
    function test_aLaterEpochIsNotDisabled() public {
        (Leaf memory first,) = publishHonest();
        vm.prank(guardian);
        scores.disable(first.epoch);
        for (uint256 i; i < 2; ++i) {
            skip(EPOCH);
            (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
            skip(DELAY);
            assertTrue(scores.verify(leaf, proof), "active");
        }
    }

    function test_whatIsActiveIsNotTakenBack() public {
        (Leaf memory leaf,) = publishHonest();
        uint40 activeAt = uint40(block.timestamp + DELAY);
        skip(DELAY);
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IScores.AlreadyActive.selector, leaf.epoch, activeAt));
        scores.disable(leaf.epoch);
        vm.expectRevert(abi.encodeWithSelector(IScores.UnknownEpoch.selector, leaf.epoch - 1));
        scores.disable(leaf.epoch - 1);
        vm.expectRevert(abi.encodeWithSelector(IScores.UnknownEpoch.selector, 0));
        scores.disable(0);
        vm.stopPrank();
    }

    function test_onlyTheGuardianDisables() public {
        (Leaf memory leaf,) = publishHonest();
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        scores.disable(leaf.epoch);
    }

    function test_theNewestActiveRewardsRootIsFound() public {
        Publish memory p = publication(overEpoch(), "first");
        p.rewardsRoot = "first rewards";
        publish(p);
        skip(EPOCH);
        Publish memory next = publication(overEpoch(), "second");
        next.rewardsRoot = "second rewards";
        publish(next);
        (uint64 epoch, bytes32 root) = scores.activeRewardsRoot();
        assertEq(epoch, p.epoch, "the older one while the newer waits");
        assertEq(root, "first rewards", "root");
        skip(DELAY);
        (epoch, root) = scores.activeRewardsRoot();
        assertEq(epoch, next.epoch, "then the newer one");
        assertEq(root, "second rewards", "root");
    }

    function test_rootOfKnowsTheRingOnly() public {
        uint64 epoch = overEpoch();
        publish(publication(epoch, "root"));
        assertEq(scores.rootOf(epoch).activeAt, block.timestamp + DELAY, "active at");
        vm.expectRevert(abi.encodeWithSelector(IScores.UnknownEpoch.selector, epoch + 1));
        scores.rootOf(epoch + 1);
    }

    function testFuzz_onlyTheGuardianDisables(address by) public {
        vm.assume(by != guardian);
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, by));
        scores.disable(leaf.epoch);
        skip(DELAY);
        assertTrue(scores.verify(leaf, proof), "active");
    }

    /// Before it is active, and not from then on.
    function testFuzz_s17_aRootIsTakenBackOnlyBeforeItIsActive(uint40 after_) public {
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        uint40 activeAt = uint40(block.timestamp) + DELAY;
        skip(bound(after_, 0, EPOCH));
        bool late = block.timestamp >= activeAt;
        vm.prank(guardian);
        if (late) vm.expectRevert(abi.encodeWithSelector(IScores.AlreadyActive.selector, leaf.epoch, activeAt));
        scores.disable(leaf.epoch);
        vm.warp(activeAt > block.timestamp ? activeAt : block.timestamp);
        assertTrue(scores.verify(leaf, proof) == late, "verifies");
    }

    function testFuzz_noOtherEpochIsDisabled(uint64 epoch) public {
        (Leaf memory leaf,) = publishHonest();
        vm.assume(epoch != leaf.epoch);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IScores.UnknownEpoch.selector, epoch));
        scores.disable(epoch);
    }

    /// Rewards are paid by the newest root that is active and not disabled; of none, by none.
    function testFuzz_s17_theNewestActiveRewardsRootCounts(uint32 after_, bool firstOut, bool secondOut) public {
        uint64[2] memory epochs;
        for (uint256 i; i < 2; ++i) {
            if (i == 1) skip(EPOCH);
            Publish memory p = publication(overEpoch(), "root");
            (epochs[i], p.rewardsRoot) = (p.epoch, bytes32(i + 1));
            publish(p);
            if (i == 0 ? !firstOut : !secondOut) continue;
            vm.prank(guardian);
            scores.disable(p.epoch);
        }
        skip(after_ % EPOCH);
        uint256 wanted = firstOut ? 0 : 1;
        if (!secondOut && after_ % EPOCH >= DELAY) wanted = 2;
        (uint64 epoch, bytes32 root) = scores.activeRewardsRoot();
        assertEq(root, bytes32(wanted), "root");
        assertEq(epoch, wanted == 0 ? 0 : epochs[wanted - 1], "epoch");
    }
}
