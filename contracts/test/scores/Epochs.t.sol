// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Log} from "../base/Test.sol";
import {IScores, Leaf, Publish, Root} from "../../src/interfaces/IScores.sol";
import {Market} from "../base/Market.sol";
import {Tree} from "../base/Tree.sol";

/// Operators publish and rotate, the guardian disables, the administrator sets parameters, and an outsider publishes what
/// must not be: in any order, at any time.
contract Publishers is Market {
    uint256 private constant SIZE = 3;

    uint64[] public epochs;
    bytes32 public rebuilt;
    bool public foreignRoot;
    bool public olderEpoch;
    bool public disabledLate;
    mapping(uint64 epoch => bytes32) public rootAtFirst;
    mapping(uint64 epoch => bool) public disabled;
    mapping(uint64 epoch => uint256) public activeAt;
    bytes32 private current = PARAMETERS;

    function leafOf(uint64 epoch, uint256 index) public view returns (Leaf memory leaf) {
        leaf = honestLeaf(epoch);
        leaf.node = bytes32(index + 1);
    }

    function grown(uint64 epoch) private view returns (bytes32[] memory) {
        bytes32[] memory hashes = new bytes32[](SIZE);
        for (uint256 i; i < SIZE; ++i) {
            hashes[i] = scores.leafHash(leafOf(epoch, i));
        }
        return Tree.build(hashes);
    }

    function doPublish(uint8 gap, uint8 back) external {
        skip(uint256(gap % 5) * EPOCH / 2);
        uint64 epoch = overEpoch() - back % 3;
        Publish memory p = publication(epoch, grown(epoch)[0]);
        p.parameters = current;
        bytes[] memory signed = signatures(p, 2);
        vm.recordLogs();
        scores.publish(p, signed);
        noted(epoch, p.root);
    }

    /// Books what was published by the event alone, as an observer would.
    function noted(uint64 epoch, bytes32 root) private {
        Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(scores) || logs[i].topics[0] != IScores.Published.selector) continue;
            (Publish memory p, uint40 active,,) = abi.decode(logs[i].data, (Publish, uint40, bytes32, address[]));
            rebuilt = keccak256(abi.encode(rebuilt, p));
            activeAt[epoch] = active;
        }
        if (rootAtFirst[epoch] != 0 || (epochs.length != 0 && epoch <= epochs[epochs.length - 1])) olderEpoch = true;
        rootAtFirst[epoch] = root;
        epochs.push(epoch);
    }

    /// Foreign parameters, an epoch that is not over, too few or foreign signers.
    function doPublishBadly(uint8 flaw, uint256 key) external {
        uint64 epoch = overEpoch();
        Publish memory p = publication(epoch, keccak256("bad"));
        p.parameters = current;
        flaw %= 4;
        if (flaw == 0) p.parameters = keccak256(abi.encode(key));
        if (flaw == 1) p.epoch = epoch + 1;
        bytes[] memory signed = signatures(p, flaw == 2 ? 1 : 2);
        key = bound(key, 0x2000, 1e30);
        if (flaw == 3) signed[0] = signature(key, scores.publicationDigest(p));
        scores.publish(p, signed);
        foreignRoot = true;
    }

    function doDisable(uint256 seed) external {
        uint64 epoch = epochs[seed % epochs.length];
        vm.prank(guardian);
        scores.disable(epoch);
        if (block.timestamp >= activeAt[epoch]) disabledLate = true;
        disabled[epoch] = true;
    }

    /// Each set of parameters is new, so that what an earlier one bound is foreign from then on.
    function doSetParameters() external {
        current = keccak256(abi.encode(current));
        vm.prank(admin);
        scores.setParameters(current);
    }

    /// One operator leaves and another joins.
    function doRotate(uint256 seed) external {
        uint256 place = seed % 3;
        address[] memory leaves = new address[](1);
        address[] memory joins = new address[](1);
        leaves[0] = vm.addr(operatorKeys[place]);
        operatorKeys[place] = 0x2000 + epochs.length * 3 + place;
        joins[0] = vm.addr(operatorKeys[place]);
        vm.prank(admin);
        scores.setOperators(joins, leaves, 2);
        for (uint256 i = 1; i < 3; ++i) {
            for (uint256 j = i; j > 0 && vm.addr(operatorKeys[j]) < vm.addr(operatorKeys[j - 1]); --j) {
                (operatorKeys[j], operatorKeys[j - 1]) = (operatorKeys[j - 1], operatorKeys[j]);
            }
        }
    }

    function doWait(uint16 time) external {
        skip(bound(time, 1, 3 * uint256(EPOCH)));
    }

    function count() external view returns (uint256) {
        return epochs.length;
    }

    function history() external view returns (bytes32) {
        return scores.history();
    }

    function latest() external view returns (uint64) {
        return scores.latestEpoch();
    }

    /// The root that Scores knows of an epoch, zero if none.
    function rootNow(uint64 epoch) external view returns (bytes32) {
        try scores.rootOf(epoch) returns (Root memory r) {
            return r.root;
        } catch {
            return 0;
        }
    }

    function verifies(uint64 epoch, uint256 index, bool altered) external view returns (bool) {
        bytes32[] memory tree = grown(epoch);
        Leaf memory leaf = leafOf(epoch, index % SIZE);
        bytes32[] memory proof = Tree.proof(tree, Tree.find(tree, scores.leafHash(leaf)));
        if (altered) leaf.scoreLowBps += 1;
        return scores.verify(leaf, proof);
    }

    function now_() external view returns (uint256) {
        return block.timestamp;
    }
}

/// Statements 17, 18 and 20 in any history of publications.
/// forge-config: default.invariant.runs = 32
/// forge-config: default.invariant.depth = 50
contract EpochsTest is Market {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Publishers private world;

    function setUp() public override {
        world = new Publishers();
        world.setUp();
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(world);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory list) {
        bytes4[] memory s = new bytes4[](6);
        s[0] = Publishers.doPublish.selector;
        s[1] = Publishers.doPublishBadly.selector;
        s[2] = Publishers.doDisable.selector;
        s[3] = Publishers.doSetParameters.selector;
        s[4] = Publishers.doRotate.selector;
        s[5] = Publishers.doWait.selector;
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(world), s);
    }

    /// One root an epoch, rising, and never another in its place.
    function invariant_s17_oneRootAnEpoch() public view {
        assertTrue(!world.olderEpoch(), "epochs rise");
        for (uint256 i; i < world.count(); ++i) {
            uint64 epoch = world.epochs(i);
            bytes32 root = world.rootNow(epoch);
            bool kept = i + 2 >= world.count();
            assertEq(root, kept ? world.rootAtFirst(epoch) : bytes32(0), "root");
        }
        if (world.count() != 0) assertEq(world.latest(), world.epochs(world.count() - 1), "latest");
    }

    function invariant_s17_foreignAndLateOrdersDoNothing() public view {
        assertTrue(!world.foreignRoot(), "a bad publication");
        assertTrue(!world.disabledLate(), "an active root was taken back");
    }

    /// A leaf verifies from its activation until it leaves the ring, unless it was disabled; an altered one never.
    function invariant_s18_verifyHoldsForPublishedLeavesAlone() public view {
        uint256 count = world.count();
        for (uint256 i = count > 4 ? count - 4 : 0; i < count; ++i) {
            uint64 epoch = world.epochs(i);
            bool active = i + 2 >= count && !world.disabled(epoch) && world.now_() >= world.activeAt(epoch);
            assertTrue(world.verifies(epoch, i, false) == active, "its leaf");
            assertTrue(!world.verifies(epoch, i, true), "a better score");
        }
    }

    function invariant_s20_historyFollowsFromEvents() public view {
        assertEq(world.rebuilt(), world.history(), "history");
    }
}
