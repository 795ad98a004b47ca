// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Bonds} from "../../src/Bonds.sol";
import {Rentals} from "../../src/Rentals.sol";
import {Scores} from "../../src/Scores.sol";
import {IRentals, Offer, Periods, Slash, Terms} from "../../src/interfaces/IRentals.sol";
import {Leaf, Publish} from "../../src/interfaces/IScores.sol";
import {TestToken} from "../../src/test-token/TestToken.sol";
import {Test} from "./Test.sol";
import {Tree} from "./Tree.sol";

/// All contracts with the design's periods, one provider, one consumer, three operators.
abstract contract Market is Test {
    uint256 internal constant PROVIDER_KEY = 0xA11CE;
    uint256 internal constant CONSUMER_KEY = 0xB0B;
    uint40 internal constant HOLD_HONEST = 72 hours;
    uint40 internal constant HOLD = 14 days;
    uint40 internal constant MAX_FREEZE = 50 days;
    uint40 internal constant EPOCH = 1 hours;
    uint40 internal constant DELAY = 30 minutes;
    uint64 internal constant GUARDIAN_ROLE = 1;
    uint96 internal constant RATE = 1000;
    bytes32 internal constant NODE = keccak256("node");
    bytes32 internal constant PARAMETERS = keccak256("parameters");

    address internal court = address(0xC0);
    address internal admin = address(0xAD);
    address internal guardian = address(0x6A);
    address internal stranger = address(0x57);
    address internal beneficiary = address(0xBE);
    address internal treasury = address(0x7E);
    address internal provider = vm.addr(PROVIDER_KEY);
    address internal consumer = vm.addr(CONSUMER_KEY);
    uint256[] internal operatorKeys;

    TestToken internal token;
    AccessManager internal manager;
    Scores internal scores;
    Rentals internal rentals;
    Bonds internal bonds;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        vm.chainId(31337);
        token = new TestToken();
        deploy(IERC20(address(token)));
        token.mint(consumer, 1e30);
        vm.prank(consumer);
        token.approve(address(rentals), type(uint256).max);
    }

    function deploy(IERC20 coin) internal {
        manager = new AccessManager(admin);
        sortedOperatorKeys(3);
        address[] memory operators = new address[](3);
        for (uint256 i; i < 3; ++i) {
            operators[i] = vm.addr(operatorKeys[i]);
        }
        scores = new Scores(address(manager), EPOCH, DELAY, operators, 2, PARAMETERS);
        rentals = new Rentals(coin, scores, address(manager), court, Periods(HOLD_HONEST, HOLD, MAX_FREEZE, 90 days));
        bonds = new Bonds(coin, court, 90 days);
        setRoles();
    }

    function setRoles() private {
        bytes4[] memory ofRentals = new bytes4[](3);
        ofRentals[0] = IRentals.pauseOpening.selector;
        ofRentals[1] = IRentals.pauseFiling.selector;
        ofRentals[2] = IRentals.resumeFiling.selector;
        bytes4[] memory ofScores = new bytes4[](1);
        ofScores[0] = Scores.disable.selector;
        vm.startPrank(admin);
        manager.setTargetFunctionRole(address(rentals), ofRentals, GUARDIAN_ROLE);
        manager.setTargetFunctionRole(address(scores), ofScores, GUARDIAN_ROLE);
        manager.grantRole(GUARDIAN_ROLE, guardian, 0);
        vm.stopPrank();
    }

    /// Keys whose addresses rise, as publications need them.
    function sortedOperatorKeys(uint256 count) internal {
        delete operatorKeys;
        for (uint256 i; i < count; ++i) {
            operatorKeys.push(0x1000 + i);
            for (uint256 j = i; j > 0 && vm.addr(operatorKeys[j]) < vm.addr(operatorKeys[j - 1]); --j) {
                (operatorKeys[j], operatorKeys[j - 1]) = (operatorKeys[j - 1], operatorKeys[j]);
            }
        }
    }

    function someTerms(uint64 nonce) internal view returns (Terms memory) {
        return Terms({
            consumer: consumer,
            offer: Offer(provider, NODE, keccak256("descriptor"), RATE, 1, uint40(block.timestamp + 365 days)),
            note: keccak256("note"),
            nonce: nonce
        });
    }

    /// The same terms but for one of their nine fields.
    function tampered(Terms memory terms, uint256 field) internal pure returns (Terms memory t) {
        t = abi.decode(abi.encode(terms), (Terms));
        field %= 9;
        if (field == 0) t.consumer = address(uint160(t.consumer) ^ 1);
        if (field == 1) t.note = ~t.note;
        if (field == 2) t.nonce ^= 1 << 63;
        if (field == 3) t.offer.provider = address(uint160(t.offer.provider) ^ 1);
        if (field == 4) t.offer.node = ~t.offer.node;
        if (field == 5) t.offer.descriptor = ~t.offer.descriptor;
        if (field == 6) t.offer.rate ^= 1;
        if (field == 7) t.offer.capacity ^= 1;
        if (field == 8) t.offer.validUntil ^= 1;
    }

    function one(Terms memory terms) internal pure returns (Terms[] memory list) {
        list = new Terms[](1);
        list[0] = terms;
    }

    function one(uint128 amount) internal pure returns (uint128[] memory list) {
        list = new uint128[](1);
        list[0] = amount;
    }

    function one(bytes32 id) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = id;
    }

    function one(bytes memory data) internal pure returns (bytes[] memory list) {
        list = new bytes[](1);
        list[0] = data;
    }

    function offerSignature(Offer memory offer) internal view returns (bytes memory) {
        return signature(PROVIDER_KEY, rentals.offerDigest(offer));
    }

    function open(Terms memory terms, uint128 deposit) internal returns (bytes32) {
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.prank(terms.consumer);
        return rentals.open(one(terms), one(deposit), signed)[0];
    }

    /// A rental with room for `time` seconds, started now.
    function opened(uint64 nonce, uint256 time) internal returns (Terms memory terms, bytes32 id) {
        terms = someTerms(nonce);
        id = open(terms, uint128(RATE * time));
    }

    function stop(Terms memory terms, address by) internal {
        vm.prank(by);
        rentals.stop(one(terms));
    }

    function collect(Terms memory terms) internal {
        rentals.collect(one(terms), new Leaf[](0), new bytes32[][](0));
    }

    function collectHonest(Terms memory terms, Leaf memory leaf, bytes32[] memory proof) internal {
        Leaf[] memory leaves = new Leaf[](1);
        bytes32[][] memory proofs = new bytes32[][](1);
        (leaves[0], proofs[0]) = (leaf, proof);
        rentals.collect(one(terms), leaves, proofs);
    }

    function skip(uint256 time) internal {
        vm.warp(block.timestamp + time);
    }

    function slashOrder(uint128 amount, uint256 filedAt) internal view returns (Slash memory) {
        return Slash(amount, uint40(filedAt), 5000, beneficiary, treasury);
    }

    function slash(Terms memory terms, Slash memory order) internal returns (uint128) {
        vm.prank(court);
        return rentals.slash(terms.offer.node, one(terms), order);
    }

    function credits() internal view returns (uint256) {
        return uint256(rentals.credit(consumer)) + rentals.credit(provider) + rentals.credit(court)
            + rentals.credit(beneficiary) + rentals.credit(treasury);
    }

    /// The newest epoch that is over.
    function overEpoch() internal view returns (uint64) {
        return uint64(block.timestamp / EPOCH - 1);
    }

    function honestLeaf(uint64 epoch) internal view returns (Leaf memory) {
        return Leaf(epoch, NODE, provider, 8000, 9000, 1, 20, 0);
    }

    function publication(uint64 epoch, bytes32 root) internal pure returns (Publish memory) {
        return Publish(epoch, root, 0, keccak256("data"), 100, keccak256("log"), PARAMETERS);
    }

    function signatures(Publish memory p, uint256 count) internal view returns (bytes[] memory list) {
        bytes32 digest = scores.publicationDigest(p);
        list = new bytes[](count);
        for (uint256 i; i < count; ++i) {
            list[i] = signature(operatorKeys[i], digest);
        }
    }

    function publish(Publish memory p) internal {
        scores.publish(p, signatures(p, 2));
    }

    /// Publishes an honest leaf of NODE beside a stranger's, and returns it with its proof.
    function publishHonest() internal returns (Leaf memory leaf, bytes32[] memory proof) {
        return publishLeaf(honestLeaf(overEpoch()));
    }

    function publishLeaf(Leaf memory leaf) internal returns (Leaf memory, bytes32[] memory proof) {
        uint64 epoch = leaf.epoch;
        bytes32[] memory hashes = new bytes32[](2);
        hashes[0] = scores.leafHash(leaf);
        hashes[1] = keccak256("another leaf");
        bytes32[] memory tree = Tree.build(hashes);
        publish(publication(epoch, tree[0]));
        proof = Tree.proof(tree, Tree.find(tree, scores.leafHash(leaf)));
        return (leaf, proof);
    }
}
