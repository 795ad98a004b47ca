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

    function testFuzz_noFieldOfTheLeafCanBeChanged(uint8 field, uint8 bit) public {
        skip(10 days);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(1);
        field = field % 8;
        if (field == 0) leaf.epoch += 1;
        if (field == 1) leaf.node = keccak256("other");
        if (field == 2) leaf.provider = stranger;
        if (field == 3) leaf.scoreLowBps += 1;
        if (field == 4) leaf.scoreBps += 1;
        if (field == 5) leaf.probes += 1;
        if (field == 6) leaf.certificates = keccak256("other");
        if (field == 7) proof[0] ^= bytes32(uint256(1) << bit);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotHonest.selector, leaf.node, leaf.epoch));
        bench.liftLevy(leaf, proof);
    }

    /// Whatever moment the case ended at: an epoch lifts the levy exactly if it began then or later.
    function testFuzz_onlyAnEpochBegunSinceLifts(uint32 into, uint8 epochs) public {
        skip(1 days + into % EPOCH);
        bytes[] memory signed = convicts("more", NODE, rentals.rentalId(terms), 2);
        vm.prank(filer);
        bytes32 id = bench.fileProof(one(terms), 0, SALT, "more", signed);
        ruled(id, Outcome.Upheld, 0, 5000);
        ended(id, new Terms[](0));
        uint256 judged = block.timestamp;
        uint64 epoch = uint64(judged / EPOCH - 1 + epochs % 3);
        skip(5 * EPOCH);
        (Leaf memory leaf, bytes32[] memory proof) = publishLeaf(honestLeaf(epoch));
        skip(DELAY);
        bool stale = uint256(epoch) * EPOCH < judged;
        if (stale) vm.expectRevert(abi.encodeWithSelector(ICourt.StaleLeaf.selector, epoch, judged));
        bench.liftLevy(leaf, proof);
        assertTrue((rentals.nodeOf(NODE).levyUntil > block.timestamp) == stale, "levy");
    }
}
