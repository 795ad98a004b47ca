// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, ICourt, Kind, Outcome, State} from "../../src/interfaces/ICourt.sol";
import {IBonds} from "../../src/interfaces/IBonds.sol";
import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {IScores} from "../../src/interfaces/IScores.sol";
import {Dispute} from "../base/Dispute.sol";

contract FileProofTest is Dispute {
    function refuse(Terms[] memory list, bytes32 evidence, bytes[] memory signed, bytes memory reason) private {
        vm.prank(filer);
        vm.expectRevert(reason);
        bench.fileProof(list, 0, SALT, evidence, signed);
    }

    function test_aProofFreezesTheNodeAndLocksABond() public {
        Terms memory terms = rented(1);
        skip(5 days);
        bytes32 rental = rentals.rentalId(terms);
        uint128 cap = uint128(5 days * RATE);
        uint40 until = uint40(block.timestamp) + MAX_FREEZE;
        bytes32 id = keccak256(abi.encode(block.chainid, court, Kind.Proof, NODE, EVIDENCE));
        vm.expectEmit(court);
        emit ICourt.Filed(id, NODE, filer, Kind.Proof, provider, rental, EVIDENCE, 1, cap, MIN_BOND, until);
        assertEq(fileProof(terms), id, "id");
        Case memory c = bench.caseOf(id);
        assertEq(c.filer, filer, "filer");
        assertEq(c.provider, provider, "provider");
        assertEq(c.cap, cap, "cap");
        assertEq(c.backed, cap, "backed");
        assertEq(c.filedAt, block.timestamp, "filed at");
        assertEq(c.deadline, block.timestamp + ANSWER + RULING, "deadline");
        assertEq(uint256(c.state), uint256(State.Open), "state");
        assertEq(bench.openCase(NODE), id, "open case");
        assertEq(rentals.nodeOf(NODE).frozenUntil, until, "frozen");
        expectLocked(filer, MIN_BOND);
    }

    /// The larger of the least bond and a tenth of what is frozen.
    function testFuzz_theBondIsATenthOfWhatIsHeld(uint32 ran) public {
        Terms memory terms = rented(1);
        skip(bound(ran, 1, 100 days));
        bytes32 id = fileProof(terms);
        expectLocked(filer, bondOf(capOf(id)));
        assertEq(bench.caseOf(id).bond, bondOf(capOf(id)), "bond");
    }

    function testFuzz_s9_theCapIsWhatTheNodeHeldAtFiling(uint32 first, uint32 second, bool collected) public {
        Terms memory a = rented(1);
        skip(bound(first, 1, 40 days));
        Terms memory b = rented(2);
        skip(bound(second, 1, 40 days));
        if (collected) collect(a);
        uint256 held = uint256(rentals.held(rentals.rentalId(a))) + rentals.held(rentals.rentalId(b))
            - rentals.collectable(a, false) - rentals.collectable(b, false);
        assertEq(capOf(fileProof(pair(a, b), 0)), held, "cap");
    }

    /// Who copies evidence out of the pool has not the note, and who has another salt neither.
    function testFuzz_s12_onlyTheNotesPreimageFiles(address thief, bytes32 salt) public {
        vm.assume(thief != filer);
        Terms memory terms = rented(1);
        skip(1 days);
        bytes32 rental = rentals.rentalId(terms);
        bytes[] memory signed = proofOf(terms);
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NoteMismatch.selector, rental, thief));
        bench.fileProof(one(terms), 0, SALT, EVIDENCE, signed);
        vm.assume(salt != SALT);
        vm.prank(filer);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NoteMismatch.selector, rental, filer));
        bench.fileProof(one(terms), 0, salt, EVIDENCE, signed);
    }

    function test_tooFewForeignRepeatedOrUnsortedSignersAreRefused() public {
        Terms memory terms = rented(1);
        skip(1 days);
        bytes32 rental = rentals.rentalId(terms);
        bytes[] memory signed = convicts(EVIDENCE, NODE, rental, 1);
        refuse(one(terms), EVIDENCE, signed, abi.encodeWithSelector(IScores.TooFewSignatures.selector, 1, 2));
        signed = proofOf(terms);
        (address low, address high) = (vm.addr(operatorKeys[0]), vm.addr(operatorKeys[1]));
        (signed[0], signed[1]) = (signed[1], signed[0]);
        refuse(one(terms), EVIDENCE, signed, abi.encodeWithSelector(IScores.SignersOutOfOrder.selector, low, high));
        signed[0] = signed[1];
        refuse(one(terms), EVIDENCE, signed, abi.encodeWithSelector(IScores.SignersOutOfOrder.selector, low, low));
        signed[0] = signature(0x9999, bench.convictionDigest(EVIDENCE, NODE, rental));
        bytes memory foreign = abi.encodeWithSelector(IScores.NotAnOperator.selector, vm.addr(0x9999));
        refuse(one(terms), EVIDENCE, signed, foreign);
    }

    /// Operators answer for this evidence, this node, this rental, on this chain and for this Court.
    function testFuzz_signaturesForAnythingElseAreRefused(uint8 field) public {
        Terms memory terms = rented(1);
        skip(1 days);
        bytes32 rental = rentals.rentalId(terms);
        field = uint8(bound(field, 0, 3));
        bytes[] memory signed = proofOf(terms);
        if (field == 0) signed = convicts("other", NODE, rental, 2);
        if (field == 1) signed = convicts(EVIDENCE, "other", rental, 2);
        if (field == 2) signed = convicts(EVIDENCE, NODE, "other", 2);
        if (field == 3) {
            // What Scores' domain gives over the same bytes.
            signed = signatures(publication(overEpoch(), EVIDENCE), 2);
        }
        vm.prank(filer);
        try bench.fileProof(one(terms), 0, SALT, EVIDENCE, signed) {
            assertTrue(false, "a foreign signature was accepted");
        } catch (bytes memory reason) {
            bytes4 name = bytes4(reason);
            bool refused = name == IScores.NotAnOperator.selector || name == IScores.SignersOutOfOrder.selector;
            assertTrue(refused, "wrong error");
        }
    }

    function test_signaturesOfAnotherChainAreRefused() public {
        bytes32 here = bench.convictionDigest(EVIDENCE, NODE, "rental");
        vm.chainId(10);
        assertTrue(bench.convictionDigest(EVIDENCE, NODE, "rental") != here, "the chain is signed");
    }

    function test_theDigestIsEip712s() public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("GPUX Court"),
                keccak256("1"),
                block.chainid,
                court
            )
        );
        bytes32 typeHash = keccak256("Conviction(bytes32 evidence,bytes32 node,bytes32 rental)");
        bytes32 values = keccak256(abi.encode(typeHash, EVIDENCE, NODE, bytes32("rental")));
        bytes32 wanted = keccak256(abi.encodePacked(hex"1901", domain, values));
        assertEq(bench.convictionDigest(EVIDENCE, NODE, "rental"), wanted, "digest");
    }

    function test_emptyForeignRepeatedUnknownAndTooManyRentalsAreRefused() public {
        Terms memory terms = rented(1);
        Terms memory other = rented(2);
        skip(1 days);
        bytes32 rental = rentals.rentalId(terms);
        bytes[] memory signed = proofOf(terms);
        refuse(new Terms[](0), EVIDENCE, signed, abi.encodeWithSelector(ICourt.BadIndex.selector, 0, 0));

        Terms[] memory list = new Terms[](2);
        (list[0], list[1]) = (terms, terms);
        refuse(list, EVIDENCE, signed, abi.encodeWithSelector(ICourt.RentalsOutOfOrder.selector, rental, rental));

        list = pair(terms, other);
        (list[0], list[1]) = (list[1], list[0]);
        signed = proofOf(list[0]);
        bytes memory reason = abi.encodeWithSelector(
            ICourt.RentalsOutOfOrder.selector, rentals.rentalId(list[1]), rentals.rentalId(list[0])
        );
        refuse(list, EVIDENCE, signed, reason);

        list = new Terms[](257);
        list[0] = terms;
        refuse(list, EVIDENCE, proofOf(terms), abi.encodeWithSelector(ICourt.TooMany.selector, 257, 256));

        Terms memory unknown = someTerms(77);
        unknown.note = noteOf(filer);
        rental = rentals.rentalId(unknown);
        refuse(
            one(unknown), EVIDENCE, proofOf(unknown), abi.encodeWithSelector(IRentals.UnknownRental.selector, rental)
        );
    }

    function test_aRentalOfAnotherNodeIsRefused() public {
        Terms memory terms = rented(1);
        Terms memory foreign = someTerms(2);
        foreign.offer.node = "other";
        open(foreign, 1000);
        skip(1 days);
        Terms[] memory list = pair(terms, foreign);
        uint256 own = list[0].nonce == 1 ? 0 : 1;
        bytes[] memory signed = proofOf(terms);
        bytes32 other = rentals.rentalId(foreign);
        vm.prank(filer);
        vm.expectRevert(abi.encodeWithSelector(ICourt.ForeignRental.selector, other, NODE));
        bench.fileProof(list, own, SALT, EVIDENCE, signed);
    }

    function test_noEvidenceAndNothingHeldAreRefused() public {
        Terms memory terms = rented(1);
        bytes32 rental = rentals.rentalId(terms);
        refuse(one(terms), 0, convicts(0, NODE, rental, 2), abi.encodeWithSelector(ICourt.ZeroEvidence.selector));
        refuse(one(terms), EVIDENCE, proofOf(terms), abi.encodeWithSelector(ICourt.NothingHeld.selector, NODE));
    }

    function test_withoutABondNothingIsFiled() public {
        Terms memory terms = someTerms(1);
        terms.note = noteOf(stranger);
        open(terms, 1e9);
        skip(1 days);
        bytes[] memory signed = proofOf(terms);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IBonds.Insufficient.selector, MIN_BOND, 0));
        bench.fileProof(one(terms), 0, SALT, EVIDENCE, signed);
    }

    function test_aProofIsFiledUntilADayAfterTheRentalStopped() public {
        Terms memory terms = rented(1);
        skip(1 days);
        stop(terms, consumer);
        uint40 until = uint40(block.timestamp) + FILING;
        vm.warp(until + 1);
        refuse(one(terms), EVIDENCE, proofOf(terms), abi.encodeWithSelector(ICourt.FilingClosed.selector, until));
        vm.warp(until);
        fileProof(terms);
    }

    function test_aLapsedRentalHasStoppedWhenItsDepositEnded() public {
        Terms memory terms = someTerms(1);
        terms.note = noteOf(filer);
        open(terms, uint128(RATE * 1 days));
        uint40 until = uint40(block.timestamp) + 1 days + FILING;
        vm.warp(until + 1);
        refuse(one(terms), EVIDENCE, proofOf(terms), abi.encodeWithSelector(ICourt.FilingClosed.selector, until));
        vm.warp(until);
        fileProof(terms);
    }

    /// The guardian's pause must not let evidence lapse: the window goes on behind it.
    function testFuzz_aPauseOfFilingProlongsTheWindow(uint24 wait, uint24 length) public {
        Terms memory terms = rented(1);
        skip(1 days);
        stop(terms, consumer);
        uint40 until = uint40(block.timestamp) + FILING;
        skip(bound(wait, 0, FILING));
        uint40 pause = uint40(bound(length, 1, 7 days));
        vm.prank(guardian);
        rentals.pauseFiling(pause);
        bytes memory paused = abi.encodeWithSelector(ICourt.FilingIsPaused.selector, block.timestamp + pause);
        refuse(one(terms), EVIDENCE, proofOf(terms), paused);
        vm.warp(until + pause + 1);
        bytes memory closed = abi.encodeWithSelector(ICourt.FilingClosed.selector, until + pause);
        refuse(one(terms), EVIDENCE, proofOf(terms), closed);
        vm.warp(until + pause);
        fileProof(terms);
    }

    function test_s11_oneOpenCasePerNode() public {
        Terms memory terms = rented(1);
        skip(1 days);
        bytes32 id = fileProof(terms);
        bytes[] memory signed = convicts("more", NODE, rentals.rentalId(terms), 2);
        refuse(one(terms), "more", signed, abi.encodeWithSelector(ICourt.CaseIsOpen.selector, id));
    }

    /// Evidence convicts once, however its case ended, and under whichever of its rentals.
    function test_evidenceIsFiledOnce() public {
        Terms memory terms = rented(1);
        Terms memory second = rented(2);
        skip(1 days);
        bytes32 id = fileProof(terms);
        ruled(id, Outcome.Rejected, 0, 0);
        ended(id, new Terms[](0));
        bytes memory reason = abi.encodeWithSelector(ICourt.AlreadyFiled.selector, id);
        refuse(one(terms), EVIDENCE, proofOf(terms), reason);
        refuse(one(second), EVIDENCE, proofOf(second), reason);
    }
}
