// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {Leaf} from "../../src/interfaces/IScores.sol";
import {Market} from "../base/Market.sol";

contract CollectTest is Market {
    uint256 private constant DAYS = 60 days;

    function test_anyoneMovesWhatIsPastItsHoldToTheProvider() public {
        (Terms memory terms, bytes32 id) = opened(1, DAYS);
        skip(HOLD + 100);
        vm.expectEmit(address(rentals));
        emit IRentals.Collected(id, NODE, provider, 100 * RATE, 0, 100 * RATE);
        vm.prank(stranger);
        collect(terms);
        assertEq(rentals.credit(provider), 100 * RATE, "credit");
        collect(terms);
        assertEq(rentals.credit(provider), 100 * RATE, "nothing twice");
    }

    function testFuzz_s7_nothingLeavesInsideItsHold(uint32 time, uint32 stopAfter) public {
        (Terms memory terms, bytes32 id) = opened(1, DAYS);
        uint40 start = uint40(block.timestamp);
        skip(bound(stopAfter, 0, DAYS));
        stop(terms, consumer);
        skip(bound(time, 0, DAYS));
        collect(terms);
        uint40 horizon = uint40(block.timestamp) - HOLD;
        uint256 wanted = horizon > start ? rentals.earned(id, horizon) : 0;
        assertEq(rentals.credit(provider), wanted, "exactly what is past the hold");
    }

    function test_anHonestLeafShortensTheHold() public {
        (Terms memory terms,) = opened(1, DAYS);
        skip(HOLD_HONEST + 100);
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotHonest.selector, NODE));
        collectHonest(terms, leaf, proof);
        skip(DELAY);
        assertEq(rentals.collectable(terms, true), (100 + DELAY) * RATE, "view");
        collectHonest(terms, leaf, proof);
        assertEq(rentals.credit(provider), (100 + DELAY) * RATE, "credit");
        collect(terms);
        assertEq(rentals.collectable(terms, false), 0, "the long hold has nothing to give");
    }

    /// A leaf of another node, provider or verdict, an altered one, or none with a proof: no short hold.
    function testFuzz_onlyTheNodesOwnHonestLeafCounts(uint8 field) public {
        (Terms memory terms,) = opened(1, DAYS);
        skip(HOLD_HONEST + 100);
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        skip(DELAY);
        field = uint8(bound(field, 0, 4));
        if (field == 0) leaf.node = keccak256("other");
        if (field == 1) leaf.provider = stranger;
        if (field == 2) leaf.verdict = 2;
        if (field == 3) leaf.scoreBps += 1;
        if (field == 4) proof[0] = bytes32(0);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotHonest.selector, NODE));
        collectHonest(terms, leaf, proof);
    }

    function test_aPublishedLeafOfAnotherVerdictIsNotHonest() public {
        (Terms memory terms,) = opened(1, DAYS);
        skip(HOLD_HONEST + 100);
        Leaf memory leaf = honestLeaf(overEpoch());
        leaf.verdict = 2;
        publish(publication(leaf.epoch, scores.leafHash(leaf)));
        skip(DELAY);
        assertTrue(scores.verify(leaf, new bytes32[](0)), "it is published");
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotHonest.selector, NODE));
        collectHonest(terms, leaf, new bytes32[](0));
    }

    function test_unevenArraysRevert() public {
        (Terms memory terms,) = opened(1, DAYS);
        vm.expectRevert(IRentals.LengthMismatch.selector);
        rentals.collect(one(terms), new Leaf[](2), new bytes32[][](2));
        vm.expectRevert(IRentals.LengthMismatch.selector);
        rentals.collect(one(terms), new Leaf[](1), new bytes32[][](0));
    }

    function testFuzz_s21_aBatchOfCollectsEqualsSingleOnes(uint32 a, uint32 b) public {
        (Terms memory first,) = opened(1, DAYS);
        skip(bound(a, 0, 20 days));
        (Terms memory second,) = opened(2, DAYS);
        skip(bound(b, 0, 40 days));
        uint256 before = vm.snapshotState();
        collect(first);
        collect(second);
        uint256 single = rentals.credit(provider);
        vm.revertToState(before);
        Terms[] memory both = new Terms[](2);
        (both[0], both[1]) = (first, second);
        rentals.collect(both, new Leaf[](0), new bytes32[][](0));
        assertEq(rentals.credit(provider), single, "credit");
    }

    function testFuzz_tamperedTermsCollectNothing(uint8 field) public {
        (Terms memory terms,) = opened(1, DAYS);
        skip(HOLD + 1 days);
        Terms memory other = tampered(terms, field);
        bytes32 id = rentals.rentalId(other);
        vm.expectRevert(abi.encodeWithSelector(IRentals.UnknownRental.selector, id));
        collect(other);
        assertEq(rentals.credit(other.offer.provider), 0, "credit");
    }

    /// Statement 6: whoever calls, the provider is credited, and the caller is not.
    function testFuzz_s6_whoeverCollectsTheProviderIsCredited(address by, uint32 time) public {
        vm.assume(by != provider);
        (Terms memory terms,) = opened(1, DAYS);
        skip(bound(time, HOLD, 90 days));
        uint128 due = rentals.collectable(terms, false);
        vm.prank(by);
        collect(terms);
        assertEq(rentals.credit(provider), due, "provider");
        assertEq(rentals.credit(by), 0, "caller");
    }

    function testFuzz_unevenLeavesAreRefused(uint8 terms, uint8 leaves, uint8 proofs) public {
        terms = uint8(bound(terms, 1, 6));
        (leaves, proofs) = (leaves % 6, proofs % 6);
        vm.assume(leaves != proofs || (leaves != 0 && leaves != terms));
        vm.expectRevert(IRentals.LengthMismatch.selector);
        rentals.collect(new Terms[](terms), new Leaf[](leaves), new bytes32[][](proofs));
    }

    /// Collecting at any three moments gives what one collect at the last gives.
    function testFuzz_collectingInPiecesPaysTheSame(uint32 first, uint32 second, uint32 third) public {
        (Terms memory terms,) = opened(1, DAYS);
        uint256 before = vm.snapshotState();
        uint32[3] memory waits = [first, second, third];
        for (uint256 i; i < 3; ++i) {
            skip(waits[i] % 40 days);
            collect(terms);
        }
        uint256 pieces = rentals.credit(provider);
        vm.revertToState(before);
        skip(uint256(first % 40 days) + second % 40 days + third % 40 days);
        collect(terms);
        assertEq(rentals.credit(provider), pieces, "credit");
    }

    /// The view promises what the call credits, with and without an honest leaf.
    function testFuzz_theViewIsWhatIsCredited(uint32 time, bool honest) public {
        (Terms memory terms,) = opened(1, DAYS);
        skip(bound(time, 1 hours, 90 days));
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        skip(DELAY);
        uint128 due = rentals.collectable(terms, honest);
        if (honest) collectHonest(terms, leaf, proof);
        else collect(terms);
        assertEq(rentals.credit(provider), due, "credit");
        assertEq(rentals.collectable(terms, honest), 0, "nothing is left");
    }

    /// A leaf opens the short hold from its activation on, as long as it lies in the ring.
    function testFuzz_aLeafShortensTheHoldOnlyWhileItIsActive(uint32 after_) public {
        (Terms memory terms,) = opened(1, DAYS);
        skip(HOLD_HONEST + 100);
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        skip(after_ % (2 * DELAY));
        bool active = after_ % (2 * DELAY) >= DELAY;
        if (!active) vm.expectRevert(abi.encodeWithSelector(IRentals.NotHonest.selector, NODE));
        collectHonest(terms, leaf, proof);
        uint256 due = (100 + after_ % (2 * DELAY)) * RATE;
        assertEq(rentals.credit(provider), active ? due : 0, "credit");
    }

    /// In one batch, a rental with an honest leaf has the short hold, and one whose leaf is of epoch zero has none to show.
    function testFuzz_eachRentalOfABatchHasItsOwnHold(bool firstHonest, bool secondHonest) public {
        Terms[] memory terms = new Terms[](2);
        (terms[0],) = opened(1, DAYS);
        (terms[1],) = opened(2, DAYS);
        skip(HOLD + 100);
        Leaf[] memory leaves = new Leaf[](2);
        bytes32[][] memory proofs = new bytes32[][](2);
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        skip(DELAY);
        if (firstHonest) (leaves[0], proofs[0]) = (leaf, proof);
        if (secondHonest) (leaves[1], proofs[1]) = (leaf, proof);
        uint256 due = uint256(rentals.collectable(terms[0], firstHonest)) + rentals.collectable(terms[1], secondHonest);
        rentals.collect(terms, leaves, proofs);
        assertEq(rentals.credit(provider), due, "credit");
    }
}
