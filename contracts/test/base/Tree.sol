// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// The reference tree: OpenZeppelin's StandardMerkleTree, written out without thought of cost.
library Tree {
    /// The tree as an array: the root first, children of i at 2i + 1 and 2i + 2, sorted leaves last in falling order.
    function build(bytes32[] memory leaves) internal pure returns (bytes32[] memory tree) {
        uint256 count = leaves.length;
        for (uint256 i = 1; i < count; ++i) {
            for (uint256 j = i; j > 0 && leaves[j] < leaves[j - 1]; --j) {
                (leaves[j], leaves[j - 1]) = (leaves[j - 1], leaves[j]);
            }
        }
        tree = new bytes32[](2 * count - 1);
        for (uint256 i; i < count; ++i) {
            tree[tree.length - 1 - i] = leaves[i];
        }
        for (uint256 i = count - 1; i > 0; --i) {
            tree[i - 1] = pair(tree[2 * i - 1], tree[2 * i]);
        }
    }

    function pair(bytes32 a, bytes32 b) internal pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    function find(bytes32[] memory tree, bytes32 hash) internal pure returns (uint256 index) {
        while (tree[index] != hash) ++index;
    }

    function proof(bytes32[] memory tree, uint256 index) internal pure returns (bytes32[] memory path) {
        uint256 depth;
        for (uint256 i = index; i > 0; i = (i - 1) / 2) {
            ++depth;
        }
        path = new bytes32[](depth);
        for (uint256 i; i < depth; ++i) {
            path[i] = tree[index % 2 == 1 ? index + 1 : index - 1];
            index = (index - 1) / 2;
        }
    }
}
