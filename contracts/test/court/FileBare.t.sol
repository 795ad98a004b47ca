// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, ICourt, Kind, Outcome, State} from "../../src/interfaces/ICourt.sol";
import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";

contract FileBareTest is Dispute {
    function test_aBareCaseFreezesItsOwnRentalOnly() public {
        Terms memory terms = rented(1);
        Terms memory other = rented(2);
        skip(5 days);
        bytes32 rental = rentals.rentalId(terms);
        bytes32 id = keccak256(abi.encode(block.chainid, court, Kind.Bare, rental, EVIDENCE));
        uint40 until = uint40(block.timestamp) + MAX_FREEZE;
        uint128 cap = uint128(5 days * RATE);
        vm.expectEmit(court);
        emit ICourt.Filed(id, rental, filer, Kind.Bare, provider, rental, EVIDENCE, 1, cap, MIN_BOND, until);
        assertEq(fileBare(terms), id, "id");
        Case memory c = bench.caseOf(id);
        assertEq(c.subject, rental, "subject");
        assertEq(c.cap, 5 days * RATE, "cap");
        assertEq(rentals.nodeOf(NODE).frozenUntil, 0, "the node is free");
        assertEq(rentals.rentalFreezeOf(rental).until, until, "the rental is not");
        skip(20 days);
        assertEq(rentals.collectable(terms, false), 0, "held");
        assertEq(rentals.collectable(other, false), (25 days - HOLD) * RATE, "free");
        expectLocked(filer, MIN_BOND);
    }

    function testFuzz_theCapIsWhatTheRentalHeld(uint32 ran) public {
        Terms memory terms = rented(1);
        skip(bound(ran, 1, 60 days));
        bytes32 rental = rentals.rentalId(terms);
        uint256 held = rentals.held(rental) - rentals.collectable(terms, false);
        bytes32 id = fileBare(terms);
        assertEq(capOf(id), held, "cap");
        expectLocked(filer, bondOf(uint128(held)));
    }

    function test_s12_onlyTheNotesPreimageFiles() public {
        Terms memory terms = rented(1);
        skip(1 days);
        bytes32 rental = rentals.rentalId(terms);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NoteMismatch.selector, rental, provider));
        bench.fileBare(terms, SALT, EVIDENCE);
    }

    function test_nothingHeldNoStatementAndUnknownRentalsAreRefused() public {
        Terms memory terms = rented(1);
        bytes32 rental = rentals.rentalId(terms);
        vm.startPrank(filer);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NothingHeld.selector, rental));
        bench.fileBare(terms, SALT, EVIDENCE);
        vm.expectRevert(ICourt.ZeroEvidence.selector);
        bench.fileBare(terms, SALT, 0);
        terms.nonce = 9;
        vm.expectPartialRevert(IRentals.UnknownRental.selector);
        bench.fileBare(terms, SALT, EVIDENCE);
        vm.stopPrank();
    }

    function test_whileFilingIsPausedNobodyFiles() public {
        Terms memory terms = rented(1);
        skip(1 days);
        vm.prank(guardian);
        rentals.pauseFiling(1 days);
        vm.prank(filer);
        vm.expectRevert(abi.encodeWithSelector(ICourt.FilingIsPaused.selector, block.timestamp + 1 days));
        bench.fileBare(terms, SALT, EVIDENCE);
        skip(1 days);
        fileBare(terms);
    }

    function test_oneOpenCasePerRentalBesideOneAboutTheNode() public {
        Terms memory terms = rented(1);
        skip(1 days);
        bytes32 id = fileBare(terms);
        vm.prank(filer);
        vm.expectRevert(abi.encodeWithSelector(ICourt.CaseIsOpen.selector, id));
        bench.fileBare(terms, SALT, "another statement");
        fileProof(terms);
        expectLocked(filer, 2 * MIN_BOND);
    }

    function test_theSameStatementIsFiledOnce() public {
        Terms memory terms = rented(1);
        skip(1 days);
        bytes32 id = fileBare(terms);
        vm.prank(filer);
        bench.withdraw(id);
        bench.finalise(id, new Terms[](0));
        expectState(id, State.Final);
        vm.prank(filer);
        vm.expectRevert(abi.encodeWithSelector(ICourt.AlreadyFiled.selector, id));
        bench.fileBare(terms, SALT, EVIDENCE);
    }

    function testFuzz_s12_onlyTheNotesPreimageFiles(address thief, bytes32 salt) public {
        Terms memory terms = rented(1);
        skip(1 days);
        bytes32 rental = rentals.rentalId(terms);
        vm.assume(thief != filer || salt != SALT);
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NoteMismatch.selector, rental, thief));
        bench.fileBare(terms, salt, EVIDENCE);
        assertEq(bench.openCase(rental), 0, "open case");
    }

    /// Altered terms name a rental that nobody has, or a note that is not the filer's.
    function testFuzz_tamperedTermsFileNothing(uint8 field) public {
        Terms memory terms = rented(1);
        skip(1 days);
        Terms memory other = tampered(terms, field);
        bytes32 rental = rentals.rentalId(other);
        bytes memory reason = abi.encodeWithSelector(IRentals.UnknownRental.selector, rental);
        if (field % 9 == 1) reason = abi.encodeWithSelector(ICourt.NoteMismatch.selector, rental, filer);
        vm.prank(filer);
        vm.expectRevert(reason);
        bench.fileBare(other, SALT, EVIDENCE);
    }

    /// Statement 8 for one rental: from the end of its freeze on, to the second, its earnings leave by anyone's call.
    function testFuzz_s8_theRentalsFreezeEndsByItself(uint32 ran, uint32 after_) public {
        Terms memory terms = rented(1);
        skip(bound(ran, 1 days, 40 days));
        uint128 free = rentals.collectable(terms, false);
        fileBare(terms);
        uint256 end = block.timestamp + MAX_FREEZE;
        vm.warp(end - 5 + after_ % 10);
        vm.prank(stranger);
        collect(terms);
        uint128 all = rentals.earned(rentals.rentalId(terms), uint40(block.timestamp) - HOLD);
        assertEq(rentals.credit(provider), block.timestamp < end ? free : all, "credit");
    }
}
