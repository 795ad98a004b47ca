// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ICourt, Outcome} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Leaf} from "../../src/interfaces/IScores.sol";
import {Dispute} from "../base/Dispute.sol";

contract LiftLevyTest is Dispute {
    Terms private terms;

    function setUp() public override {
        super.setUp();
        terms = rented(1);
        skip(5 days);
        bytes32 id = fileProof(terms);
        ruled(id, Outcome.Upheld, 0, 5000);
        ended(id, new Terms[](0));
    }

    /// From the leaf on the node earns in full; what it earned before still pays, however late it is collected.
    function test_aLaterHonestLeafEndsTheLevyAndForgetsNothing() public {
        uint256 since = block.timestamp;
        skip(10 days);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(1);
        uint256 lifted = block.timestamp;
        vm.expectEmit(court);
        emit ICourt.LevyLifted(NODE, leaf.epoch);
        vm.prank(stranger);
        bench.liftLevy(leaf, proof);
        skip(40 days);
        collect(terms);
        assertEq(rentals.credit(court), (lifted - since) * RATE / 2, "levy");
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotHonest.selector, NODE, leaf.epoch + 1));
        leaf.epoch += 1;
        bench.liftLevy(leaf, proof);
    }

    function test_aLeafOfAnEpochBegunBeforeTheRulingLiftsNothing() public {
        uint40 judged = uint40(block.timestamp);
        skip(EPOCH);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(1);
        // The epoch that was over began before the case ended.
        vm.expectRevert(abi.encodeWithSelector(ICourt.StaleLeaf.selector, leaf.epoch, judged));
        bench.liftLevy(leaf, proof);
        skip(EPOCH);
        (leaf, proof) = verdict(1);
        bench.liftLevy(leaf, proof);
    }

    function test_aLeafThatSaysElseLiftsNothing() public {
        skip(2 * EPOCH);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(0);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotHonest.selector, NODE, leaf.epoch));
        bench.liftLevy(leaf, proof);
        leaf.verdict = 1;
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotHonest.selector, NODE, leaf.epoch));
        bench.liftLevy(leaf, proof);
    }

    function test_aLevyIsLiftedOnceAndOnlyWhileItRuns() public {
        skip(2 * EPOCH);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(1);
        uint256 before = vm.snapshotState();
        bench.liftLevy(leaf, proof);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NoLevy.selector, NODE));
        bench.liftLevy(leaf, proof);
        vm.revertToState(before);
        skip(90 days);
        (leaf, proof) = verdict(1);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NoLevy.selector, NODE));
        bench.liftLevy(leaf, proof);
    }

    function testFuzz_onlyAnHonestLeafLifts(uint8 value) public {
        vm.assume(value != 1);
        skip(10 days);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(value);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotHonest.selector, NODE, leaf.epoch));
        bench.liftLevy(leaf, proof);
    }

    /// Whoever shows it, and however long after: what is earned from then on is free of it.
    function testFuzz_theLevyEndsWhenItIsLifted(address by, uint32 waits) public {
        uint256 since = block.timestamp;
        skip(bound(waits, 2 * EPOCH, 60 days));
        (Leaf memory leaf, bytes32[] memory proof) = verdict(1);
        uint256 lifted = block.timestamp;
        vm.prank(by);
        bench.liftLevy(leaf, proof);
        skip(40 days);
        collect(terms);
        assertEq(rentals.credit(court), (lifted - since) * RATE / 2, "levy");
    }
}
