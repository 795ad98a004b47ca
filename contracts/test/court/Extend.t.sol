// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, ICourt, Kind, Outcome, State} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
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
}
