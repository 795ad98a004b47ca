// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A log as forge records it.
struct Log {
    bytes32[] topics;
    bytes data;
    address emitter;
}

/// The cheatcodes that these tests use.
interface Vm {
    function warp(uint256 timestamp) external;
    function chainId(uint256 id) external;
    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function assume(bool condition) external pure;
    function addr(uint256 privateKey) external pure returns (address);
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function expectRevert(bytes calldata reason) external;
    function expectRevert() external;
    function expectRevert(bytes4 selector) external;
    function expectPartialRevert(bytes4 selector) external;
    function expectEmit(address emitter) external;
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function snapshotGasLastCall(string calldata name) external returns (uint256);
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function snapshotState() external returns (uint256);
    function revertToState(uint256 id) external returns (bool);
    function assertTrue(bool condition, string calldata message) external pure;
    function assertEq(uint256 a, uint256 b, string calldata message) external pure;
    function assertEq(address a, address b, string calldata message) external pure;
    function assertEq(bytes32 a, bytes32 b, string calldata message) external pure;
    function assertLe(uint256 a, uint256 b, string calldata message) external pure;
}

/// The base of all tests.
abstract contract Test {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function assertTrue(bool condition, string memory message) internal pure {
        vm.assertTrue(condition, message);
    }

    function assertEq(uint256 a, uint256 b, string memory message) internal pure {
        vm.assertEq(a, b, message);
    }

    function assertEq(address a, address b, string memory message) internal pure {
        vm.assertEq(a, b, message);
    }

    function assertEq(bytes32 a, bytes32 b, string memory message) internal pure {
        vm.assertEq(a, b, message);
    }

    function assertLe(uint256 a, uint256 b, string memory message) internal pure {
        vm.assertLe(a, b, message);
    }

    /// Maps a fuzzed value into [low, high].
    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + value % (high - low + 1);
    }

    /// The data with one bit turned over.
    function flipped(bytes memory data, uint256 bit) internal pure returns (bytes memory copy) {
        copy = bytes.concat(data);
        bit = bit % (8 * data.length);
        copy[bit / 8] = bytes1(uint8(copy[bit / 8]) ^ uint8(1 << (bit % 8)));
    }

    /// How checked arithmetic refuses.
    function overflow() internal pure returns (bytes memory) {
        return abi.encodeWithSignature("Panic(uint256)", 0x11);
    }

    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }
}
