// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, ICourt, Kind, Outcome, State} from "../../src/interfaces/ICourt.sol";
import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";

contract ExtendTest is Dispute {
    /// A friend of the node names a rental of dust, to keep others' cases out: anyone names the rest.
    function test_nobodyShieldsANodeByNamingLittle() public {
        Terms memory rich = rented(1);
        skip(5 days);
        Terms memory dust = rented(2);
        skip(60);
        bytes32 id = fileProof(dust);
        assertEq(capOf(id), 60 * RATE, "dust");
        skip(1 days);
        uint128 cap = uint128((5 days + 120) * RATE);
        Terms[] memory both = pair(rich, dust);
        vm.expectEmit(court);
        emit ICourt.Extended(id, stranger, cap);
        vm.prank(stranger);
        bench.extend(id, both);
        assertEq(capOf(id), cap, "cap");
        assertEq(bench.caseOf(id).backed, 60 * RATE, "backed");
        ruled(id, Outcome.Upheld, cap, 0);
        ended(id, both);
        uint256 share = uint256(cap) * (5000 * 60 * RATE / cap) / 10_000;
        assertLe(rentals.credit(filer), share, "he shares in what he bonded");
        assertEq(rentals.credit(filer) + rentals.credit(treasury), cap, "slashed");
    }

    /// What counts is what was held at filing, whenever it is shown.
    function testFuzz_theCapDoesNotDependOnWhenItIsShown(uint32 ran, uint32 later) public {
        Terms memory a = rented(1);
        skip(bound(ran, 0, 40 days));
        Terms memory b = rented(2);
        skip(1 days);
        uint256 held = uint256(rentals.held(rentals.rentalId(a))) - rentals.collectable(a, false) + 1 days * RATE;
        bytes32 id = fileProof(b);
        skip(bound(later, 0, ANSWER));
        collect(a);
        bench.extend(id, pair(a, b));
        assertEq(capOf(id), held, "cap");
    }

    function test_lessOrTheSameIsRefused() public {
        Terms memory a = rented(1);
        Terms memory b = rented(2);
        skip(1 days);
        Terms[] memory both = pair(a, b);
        bytes32 id = fileProof(both, 0);
        uint128 day = uint128(1 days * RATE);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NothingNew.selector, day, 2 * day));
        bench.extend(id, one(a));
        vm.expectRevert(abi.encodeWithSelector(ICourt.NothingNew.selector, 2 * day, 2 * day));
        bench.extend(id, both);
    }

    function test_rentalsOpenedAfterFilingHeldNothing() public {
        Terms memory a = rented(1);
        skip(1 days);
        bytes32 id = fileProof(a);
        Terms memory late = rented(2);
        skip(1 days);
        uint128 day = uint128(1 days * RATE);
        Terms[] memory both = pair(a, late);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NothingNew.selector, day, day));
        bench.extend(id, both);
    }

    function test_badArraysAreRefused() public {
        Terms memory a = rented(1);
        skip(1 days);
        bytes32 id = fileProof(a);
        vm.expectRevert(ICourt.EmptyArray.selector);
        bench.extend(id, new Terms[](0));
        vm.expectRevert(abi.encodeWithSelector(ICourt.TooMany.selector, 257, 256));
        bench.extend(id, new Terms[](257));
        Terms[] memory twice = new Terms[](2);
        (twice[0], twice[1]) = (a, a);
        vm.expectPartialRevert(ICourt.RentalsOutOfOrder.selector);
        bench.extend(id, twice);
        a.offer.node = "other";
        vm.expectPartialRevert(ICourt.ForeignRental.selector);
        bench.extend(id, one(a));
    }

    function test_onlyOpenCasesAboutANodeAreExtended() public {
        Terms memory a = rented(1);
        skip(1 days);
        bytes32 bare = fileBare(a);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongKind.selector, bare, Kind.Bare));
        bench.extend(bare, one(a));
        bytes32 id = fileProof(a);
        ruled(id, Outcome.Drawn, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongState.selector, id, State.Ruled));
        bench.extend(id, one(a));
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongState.selector, bytes32("none"), State.None));
        bench.extend("none", one(a));
    }

    /// Named in any order and any number, rentals extend only when their ids rise.
    function testFuzz_onlyRisingRentalsExtend(uint8[4] calldata order, uint8 count, address by) public {
        Terms[] memory list = new Terms[](4);
        for (uint64 i; i < 4; ++i) {
            list[i] = rented(i);
        }
        list = sorted(list);
        skip(1 days);
        bytes32 id = fileProof(one(list[0]), 0);
        Terms[] memory given = new Terms[](bound(count, 2, 4));
        bool rising = true;
        for (uint256 i; i < given.length; ++i) {
            given[i] = list[order[i] % 4];
            if (i > 0 && order[i] % 4 <= order[i - 1] % 4) rising = false;
        }
        vm.prank(by);
        if (!rising) vm.expectPartialRevert(ICourt.RentalsOutOfOrder.selector);
        bench.extend(id, given);
        assertEq(capOf(id), rising ? given.length * 1 days * RATE : 1 days * RATE, "cap");
    }

    /// Rentals of another node, or terms that were altered, add nothing to what a case may take.
    function testFuzz_foreignAndTamperedRentalsExtendNothing(uint8 field) public {
        Terms memory mine = rented(1);
        Terms memory other = rented(2);
        skip(1 days);
        bytes32 id = fileProof(mine);
        other = tampered(other, field);
        bool foreign = field % 9 == 4;
        Terms[] memory both = pair(mine, other);
        vm.expectPartialRevert(foreign ? ICourt.ForeignRental.selector : IRentals.UnknownRental.selector);
        bench.extend(id, both);
        assertEq(capOf(id), 1 days * RATE, "cap");
    }

    /// Until it is ruled, whenever; never lower; and the bond and the filer's part stay what they were.
    function testFuzz_s9_extendingTouchesTheCapAlone(uint32 ran, uint32 later, bool again) public {
        Terms memory a = rented(1);
        Terms memory b = rented(2);
        skip(bound(ran, 1, 30 days));
        bytes32 id = fileProof(a);
        Case memory before = bench.caseOf(id);
        skip(bound(later, 0, ANSWER + RULING));
        Terms[] memory both = pair(a, b);
        bench.extend(id, both);
        Case memory after_ = bench.caseOf(id);
        assertEq(after_.cap, 2 * before.cap, "cap");
        after_.cap = before.cap;
        assertEq(keccak256(abi.encode(after_)), keccak256(abi.encode(before)), "all else");
        if (again) {
            vm.expectRevert(abi.encodeWithSelector(ICourt.NothingNew.selector, 2 * before.cap, 2 * before.cap));
            bench.extend(id, both);
        }
    }
}
