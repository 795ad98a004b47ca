// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IScores, Leaf} from "../../src/interfaces/IScores.sol";
import {Market} from "../base/Market.sol";
import {Tree} from "../base/Tree.sol";

contract VerifyTest is Market {
    function leafOf(uint64 epoch, uint256 index) private view returns (Leaf memory leaf) {
        leaf = honestLeaf(epoch);
        leaf.node = bytes32(index + 1);
    }

    function grow(uint64 epoch, uint256 size) private view returns (bytes32[] memory) {
        bytes32[] memory hashes = new bytes32[](size);
        for (uint256 i; i < size; ++i) {
            hashes[i] = scores.leafHash(leafOf(epoch, i));
        }
        return Tree.build(hashes);
    }

    /// The format of OpenZeppelin's library: the hash of the hash of the encoded values.
    function test_leafHashIsTheStandardTrees() public view {
        Leaf memory l = honestLeaf(7);
        bytes memory values =
            abi.encode(l.epoch, l.node, l.provider, l.scoreLowBps, l.scoreBps, l.verdict, l.probes, l.certificates);
        assertEq(scores.leafHash(l), keccak256(bytes.concat(keccak256(values))), "hash");
    }

    function test_s18_everyLeafOfEverySizeVerifiesAndNoOther() public {
        for (uint256 size = 1; size <= 65; ++size) {
            skip(EPOCH);
            uint64 epoch = overEpoch();
            bytes32[] memory tree = grow(epoch, size);
            publish(publication(epoch, tree[0]));
            skip(DELAY);
            for (uint256 i; i < size; ++i) {
                Leaf memory leaf = leafOf(epoch, i);
                bytes32[] memory proof = Tree.proof(tree, Tree.find(tree, scores.leafHash(leaf)));
                assertTrue(scores.verify(leaf, proof), "its leaf");
                leaf.scoreLowBps += 1;
                assertTrue(!scores.verify(leaf, proof), "a better score");
            }
            assertTrue(!scores.verify(leafOf(epoch, size), new bytes32[](0)), "a stranger");
        }
    }

    function testFuzz_s18_noFieldOfALeafCanBeChanged(uint8 field) public {
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        skip(DELAY);
        assertTrue(scores.verify(leaf, proof), "the leaf itself");
        field = uint8(bound(field, 0, 7));
        if (field == 0) leaf.epoch += 1;
        if (field == 1) leaf.node = keccak256("other");
        if (field == 2) leaf.provider = stranger;
        if (field == 3) leaf.scoreLowBps += 1;
        if (field == 4) leaf.scoreBps += 1;
        if (field == 5) leaf.verdict = 0;
        if (field == 6) leaf.probes += 1;
        if (field == 7) leaf.certificates = keccak256("other");
        assertTrue(!scores.verify(leaf, proof), "a changed leaf");
    }

    /// A published inner node as leaf, and shortened proofs, lead nowhere.
    function test_s18_innerNodesAreNoLeaves() public {
        uint64 epoch = overEpoch();
        bytes32[] memory tree = grow(epoch, 8);
        publish(publication(epoch, tree[0]));
        skip(DELAY);
        Leaf memory leaf = leafOf(epoch, 3);
        bytes32[] memory proof = Tree.proof(tree, Tree.find(tree, scores.leafHash(leaf)));
        bytes32[] memory shorter = new bytes32[](2);
        (shorter[0], shorter[1]) = (proof[1], proof[2]);
        assertTrue(!scores.verify(leaf, shorter), "a shorter proof");
        assertTrue(!scores.verify(leaf, new bytes32[](0)), "no proof");
    }

    function test_aRootCountsFromItsActivationUntilItLeavesTheRing() public {
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        skip(DELAY - 1);
        assertTrue(!scores.verify(leaf, proof), "before its activation");
        skip(1);
        assertTrue(scores.verify(leaf, proof), "active");
        skip(EPOCH);
        publish(publication(overEpoch(), "next"));
        assertTrue(scores.verify(leaf, proof), "beside the next");
        // Epochs may be skipped: the older one leaves, whatever its parity.
        skip(2 * EPOCH);
        publish(publication(overEpoch(), "third"));
        assertTrue(!scores.verify(leaf, proof), "gone");
    }

    function test_anEmptyRingVerifiesNothing() public view {
        Leaf memory none;
        assertTrue(!scores.verify(none, new bytes32[](0)), "epoch zero");
    }

    function planted(uint8 size, uint8 index) private returns (Leaf memory leaf, bytes32[] memory proof) {
        uint256 count = bound(size, 2, 40);
        uint64 epoch = overEpoch();
        bytes32[] memory tree = grow(epoch, count);
        publish(publication(epoch, tree[0]));
        skip(DELAY);
        leaf = leafOf(epoch, index % count);
        proof = Tree.proof(tree, Tree.find(tree, scores.leafHash(leaf)));
    }

    function testFuzz_s18_aFlippedBitOfAProofIsRefused(uint8 size, uint8 index, uint8 step, uint8 bit) public {
        (Leaf memory leaf, bytes32[] memory proof) = planted(size, index);
        assertTrue(scores.verify(leaf, proof), "as it is");
        proof[step % proof.length] ^= bytes32(uint256(1) << bit);
        assertTrue(!scores.verify(leaf, proof), "flipped");
    }

    /// A proof is as deep as its leaf lies: shorter or longer ones lead elsewhere.
    function testFuzz_s18_noOtherDepthVerifies(uint8 size, uint8 index, uint8 length, bytes32 padding) public {
        (Leaf memory leaf, bytes32[] memory proof) = planted(size, index);
        bytes32[] memory other = new bytes32[](length % 12);
        vm.assume(other.length != proof.length);
        for (uint256 i; i < other.length; ++i) {
            other[i] = i < proof.length ? proof[i] : keccak256(abi.encode(padding, i));
        }
        assertTrue(!scores.verify(leaf, other), "another depth");
    }

    /// Another epoch's proof says nothing, though leaf and tree are of the same shape.
    function testFuzz_s18_proofsOfOtherEpochsAreRefused(uint8 size, uint8 index) public {
        (Leaf memory leaf, bytes32[] memory proof) = planted(size, index);
        skip(EPOCH);
        (Leaf memory later, bytes32[] memory fresh) = planted(size, index);
        assertTrue(scores.verify(leaf, proof) && scores.verify(later, fresh), "each its own");
        assertTrue(!scores.verify(leaf, fresh) && !scores.verify(later, proof), "not the other's");
    }

    /// From the activation on, to the second.
    function testFuzz_s17_aRootCountsFromItsActivation(uint32 after_) public {
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        skip(after_ % (2 * DELAY));
        assertTrue(scores.verify(leaf, proof) == (after_ % (2 * DELAY) >= DELAY), "active");
    }

    /// However epochs are skipped, exactly the two newest are known.
    function testFuzz_s17_theRingKeepsTheTwoNewest(uint8[6] calldata gaps) public {
        uint64[6] memory epochs;
        for (uint256 i; i < 6; ++i) {
            skip(uint256(EPOCH) * (uint256(gaps[i]) + 1));
            epochs[i] = overEpoch();
            publish(publication(epochs[i], keccak256(abi.encode(i))));
            for (uint256 j; j <= i; ++j) {
                bool known = j + 2 > i;
                if (!known) vm.expectRevert(abi.encodeWithSelector(IScores.UnknownEpoch.selector, epochs[j]));
                bytes32 root = scores.rootOf(epochs[j]).root;
                if (known) assertEq(root, keccak256(abi.encode(j)), "root");
            }
        }
    }
}
