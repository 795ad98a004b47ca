// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, ICourt, Kind, Outcome} from "../../src/interfaces/ICourt.sol";
import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {Leaf} from "../../src/interfaces/IScores.sol";
import {Dispute} from "../base/Dispute.sol";

contract FileStatisticalTest is Dispute {
    function refuse(Terms[] memory list, Leaf memory leaf, bytes32[] memory proof, bytes memory reason) private {
        vm.expectRevert(reason);
        bench.fileStatistical(list, leaf, proof);
    }

    /// Anyone files, without note, bond or limit after the stop; the leaf says it.
    function test_anActiveLeafFreezesTheNode() public {
        (Terms memory terms,) = opened(1, 200 days);
        skip(5 days);
        stop(terms, consumer);
        skip(3 days);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(2);
        bytes32 hash = scores.leafHash(leaf);
        bytes32 id = keccak256(abi.encode(block.chainid, court, Kind.Statistical, NODE, hash));
        uint40 until = uint40(block.timestamp) + MAX_FREEZE;
        vm.expectEmit(court);
        emit ICourt.Filed(id, NODE, stranger, Kind.Statistical, provider, 0, hash, 1, uint128(5 days * RATE), 0, until);
        vm.prank(stranger);
        bench.fileStatistical(one(terms), leaf, proof);
        Case memory c = bench.caseOf(id);
        assertEq(c.bond, 0, "bond");
        assertEq(c.subject, NODE, "subject");
        assertEq(rentals.nodeOf(NODE).frozenUntil, until, "frozen");
    }

    function test_aLeafThatSaysElseOrNothingIsRefused() public {
        Terms memory terms = rented(1);
        skip(5 days);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(1);
        bytes memory reason = abi.encodeWithSelector(ICourt.NotConvicting.selector, NODE, leaf.epoch);
        refuse(one(terms), leaf, proof, reason);
        leaf.verdict = 2;
        refuse(one(terms), leaf, proof, reason);
    }

    function test_s17_aDisabledWaitingOrForgottenRootConvictsNobody() public {
        Terms memory terms = rented(1);
        skip(5 days);
        Leaf memory leaf = honestLeaf(overEpoch());
        leaf.verdict = 2;
        bytes32[] memory proof;
        (leaf, proof) = publishLeaf(leaf);
        bytes memory reason = abi.encodeWithSelector(ICourt.NotConvicting.selector, NODE, leaf.epoch);
        refuse(one(terms), leaf, proof, reason);
        vm.prank(guardian);
        scores.disable(leaf.epoch);
        skip(DELAY);
        refuse(one(terms), leaf, proof, reason);
    }

    /// A proof of another epoch's tree, and an epoch that has left the ring.
    function test_proofsOfOtherEpochsAreRefused() public {
        Terms memory terms = rented(1);
        skip(5 days);
        (Leaf memory first, bytes32[] memory proof) = verdict(2);
        skip(EPOCH);
        (Leaf memory second,) = verdict(2);
        bytes memory reason = abi.encodeWithSelector(ICourt.NotConvicting.selector, NODE, second.epoch);
        bytes32[] memory wrong = new bytes32[](1);
        refuse(one(terms), second, wrong, reason);
        skip(EPOCH);
        verdict(2);
        refuse(one(terms), first, proof, abi.encodeWithSelector(ICourt.NotConvicting.selector, NODE, first.epoch));
    }

    function test_emptyArraysAndEmptyRentalsAreRefused() public {
        Terms memory terms = rented(1);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(2);
        refuse(new Terms[](0), leaf, proof, abi.encodeWithSelector(ICourt.EmptyArray.selector));
        stop(terms, consumer);
        skip(HOLD + 1);
        (leaf, proof) = verdict(2);
        refuse(one(terms), leaf, proof, abi.encodeWithSelector(ICourt.NothingHeld.selector, NODE));
    }

    /// Shares to an address that cannot withdraw would be lost, or make a case stick.
    function test_aLeafOfNobodyIsRefused() public {
        Terms memory terms = rented(1);
        skip(1 days);
        address[3] memory nobodies = [address(0), address(bonds), address(rentals)];
        for (uint256 i; i < 3; ++i) {
            skip(EPOCH);
            Leaf memory leaf = honestLeaf(overEpoch());
            (leaf.verdict, leaf.provider) = (2, nobodies[i]);
            bytes32[] memory proof;
            (leaf, proof) = publishLeaf(leaf);
            skip(DELAY);
            refuse(one(terms), leaf, proof, abi.encodeWithSelector(ICourt.BadRecipient.selector, nobodies[i]));
        }
    }

    function test_whileFilingIsPausedNobodyFiles() public {
        Terms memory terms = rented(1);
        skip(5 days);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(2);
        vm.prank(guardian);
        rentals.pauseFiling(1 days);
        bytes memory reason = abi.encodeWithSelector(ICourt.FilingIsPaused.selector, block.timestamp + 1 days);
        refuse(one(terms), leaf, proof, reason);
        vm.prank(guardian);
        rentals.resumeFiling();
        bench.fileStatistical(one(terms), leaf, proof);
    }

    /// Without a bond, a node that was tried has peace from statistics for RULING, and old leaves are judged ones.
    function test_aNodeIsNotAccusedEveryEpoch() public {
        Terms memory terms = rented(1);
        skip(5 days);
        bytes32 id = fileStatistical(one(terms));
        ruled(id, Outcome.Rejected, 0, 0);
        skip(EPOCH);
        (Leaf memory old, bytes32[] memory oldProof) = verdict(2);
        ended(id, new Terms[](0));
        uint40 since = uint40(block.timestamp);
        refuse(one(terms), old, oldProof, abi.encodeWithSelector(ICourt.StaleLeaf.selector, old.epoch, since));

        skip(2 * EPOCH);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(2);
        refuse(one(terms), leaf, proof, abi.encodeWithSelector(ICourt.TriedRecently.selector, since + RULING));
        vm.warp(since + RULING - 1 - DELAY);
        (leaf, proof) = verdict(2);
        refuse(one(terms), leaf, proof, abi.encodeWithSelector(ICourt.TriedRecently.selector, since + RULING));
        skip(1);
        bench.fileStatistical(one(terms), leaf, proof);
    }

    function test_aLeafOfTheEpochAfterTheEndIsLater() public {
        Terms memory terms = rented(1);
        skip(5 days);
        bytes32 id = fileProof(terms);
        ruled(id, Outcome.Rejected, 0, 0);
        // The case ends exactly when an epoch begins.
        vm.warp((block.timestamp + APPEAL) / EPOCH * EPOCH + EPOCH);
        bench.finalise(id, new Terms[](0));
        uint64 epoch = uint64(block.timestamp / EPOCH);
        skip(RULING);
        Leaf memory leaf = honestLeaf(epoch);
        leaf.verdict = 2;
        bytes32[] memory proof;
        (leaf, proof) = publishLeaf(leaf);
        skip(DELAY);
        bench.fileStatistical(one(terms), leaf, proof);
    }

    function test_s11_oneOpenCasePerNode() public {
        Terms memory terms = rented(1);
        skip(5 days);
        bytes32 id = fileProof(terms);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(2);
        refuse(one(terms), leaf, proof, abi.encodeWithSelector(ICourt.CaseIsOpen.selector, id));
    }

    function testFuzz_onlyTheVerdictConvicts(uint8 value) public {
        vm.assume(value != 2);
        Terms memory terms = rented(1);
        skip(5 days);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(value);
        refuse(one(terms), leaf, proof, abi.encodeWithSelector(ICourt.NotConvicting.selector, NODE, leaf.epoch));
    }

    /// Whoever files, he stakes nothing and the node is frozen.
    function testFuzz_anybodyFilesWithoutABond(address by) public {
        Terms memory terms = rented(1);
        skip(5 days);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(2);
        vm.prank(by);
        bytes32 id = bench.fileStatistical(one(terms), leaf, proof);
        assertEq(bench.caseOf(id).filer, by, "filer");
        assertEq(bench.caseOf(id).bond, 0, "bond");
        assertEq(bench.openCase(NODE), id, "open");
    }

    /// What the node earned in the last hold, to the unit.
    function testFuzz_s9_theCapIsWhatTheNodeHeld(uint32 ran) public {
        Terms memory terms = rented(1);
        skip(bound(ran, 1 hours, 60 days));
        bytes32 id = fileStatistical(one(terms));
        uint256 earnedFor = block.timestamp - 1_800_000_000;
        uint256 held = earnedFor > HOLD ? HOLD : earnedFor;
        assertLe(capOf(id), held * RATE, "cap");
        assertEq(
            capOf(id),
            rentals.heldBetween(rentals.rentalId(terms), bench.caseOf(id).horizon, uint40(block.timestamp)),
            "held"
        );
    }

    /// The leaf as it was published convicts, and none with a field changed; nor under a proof with a bit flipped.
    function testFuzz_s18_noFieldOfTheLeafCanBeChanged(uint8 field, uint8 bit) public {
        Terms memory terms = rented(1);
        skip(5 days);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(2);
        field = field % 8;
        if (field == 0) leaf.epoch += 1;
        if (field == 1) leaf.node = keccak256("other");
        if (field == 2) leaf.provider = stranger;
        if (field == 3) leaf.scoreLowBps += 1;
        if (field == 4) leaf.scoreBps += 1;
        if (field == 5) leaf.probes += 1;
        if (field == 6) leaf.certificates = keccak256("other");
        if (field == 7) proof[0] ^= bytes32(uint256(1) << bit);
        refuse(one(terms), leaf, proof, abi.encodeWithSelector(ICourt.NotConvicting.selector, leaf.node, leaf.epoch));
    }

    /// A leaf judges from its activation on, to the second.
    function testFuzz_s17_aLeafConvictsFromItsActivation(uint32 after_) public {
        Terms memory terms = rented(1);
        skip(5 days);
        Leaf memory leaf = honestLeaf(overEpoch());
        leaf.verdict = 2;
        bytes32[] memory proof;
        (leaf, proof) = publishLeaf(leaf);
        skip(after_ % (2 * DELAY));
        bool early = after_ % (2 * DELAY) < DELAY;
        if (early) vm.expectRevert(abi.encodeWithSelector(ICourt.NotConvicting.selector, NODE, leaf.epoch));
        bench.fileStatistical(one(terms), leaf, proof);
        assertTrue((bench.openCase(NODE) != 0) != early, "open case");
    }

    /// Peace for RULING after a trial of any kind, to the second.
    function testFuzz_aTriedNodeHasPeace(uint32 after_, bool proven) public {
        Terms memory terms = rented(1);
        skip(5 days);
        bytes32 id = proven ? fileProof(terms) : fileStatistical(one(terms));
        ruled(id, Outcome.Rejected, 0, 0);
        ended(id, new Terms[](0));
        uint40 until = uint40(block.timestamp) + RULING;
        vm.warp(until - 5 - DELAY + after_ % 10);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(2);
        if (block.timestamp < until) {
            refuse(one(terms), leaf, proof, abi.encodeWithSelector(ICourt.TriedRecently.selector, until));
        } else {
            bench.fileStatistical(one(terms), leaf, proof);
            assertTrue(bench.openCase(NODE) != 0, "open case");
        }
    }

    function testFuzz_tamperedAndForeignRentalsHoldNothing(uint8 field) public {
        Terms memory terms = tampered(rented(1), field);
        skip(5 days);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(2);
        vm.expectPartialRevert(field % 9 == 4 ? ICourt.ForeignRental.selector : IRentals.UnknownRental.selector);
        bench.fileStatistical(one(terms), leaf, proof);
    }
}
