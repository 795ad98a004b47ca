// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRentals, Rental, Terms} from "../../src/interfaces/IRentals.sol";
import {Market} from "../base/Market.sol";

/// What a rental's views say fits together, at any moment and for any rate.
contract ViewsTest is Market {
    Terms private terms;
    bytes32 private id;

    function prepare(uint96 rate, uint128 deposit, uint32 ran) private {
        Terms memory t = someTerms(1);
        t.offer.rate = uint96(bound(rate, 1, 1e12));
        terms = t;
        id = open(t, uint128(bound(deposit, 1, uint256(t.offer.rate) * 100 days)));
        skip(bound(ran, 0, 120 days));
    }

    /// Every unit of the deposit is refundable, held or taken.
    function testFuzz_s2_eachUnitIsInOnePlace(uint96 rate, uint128 deposit, uint32 ran, bool stopped, bool collected)
        public
    {
        prepare(rate, deposit, ran);
        if (stopped) stop(terms, consumer);
        if (collected) collect(terms);
        Rental memory r = rentals.rentalOf(id);
        assertEq(uint256(rentals.refundable(id)) + rentals.held(id) + r.taken, r.deposit, "deposit");
        assertLe(rentals.collectable(terms, false), rentals.held(id), "collectable");
        assertLe(rentals.collectable(terms, false), rentals.collectable(terms, true), "the short hold frees more");
    }

    /// Up to `paidUntil` each second is paid in full, and one second later the deposit is spent.
    function testFuzz_thePaidSecondsArePaidInFull(uint96 rate, uint128 deposit, uint32 ran) public {
        prepare(rate, deposit, 0);
        Rental memory r = rentals.rentalOf(id);
        uint40 end = rentals.paidUntil(id);
        assertEq(rentals.earned(id, end), uint256(r.rate) * (end - r.start), "in full");
        assertEq(rentals.earned(id, end + 1), r.deposit, "spent");
        uint40 time = uint40(r.start + bound(ran, 0, end - r.start));
        assertEq(rentals.earned(id, time), uint256(r.rate) * (time - r.start), "by the second");
    }

    /// What two neighbouring spans held is what both together held.
    function testFuzz_s9_heldOfSpansAddsUp(uint32 ran, uint32 a, uint32 b, uint32 c, bool stopped) public {
        prepare(1000, uint128(1000 * 60 days), ran);
        if (stopped) stop(terms, provider);
        uint40 start = rentals.rentalOf(id).start;
        uint40 low = start + a % 80 days;
        uint40 middle = low + b % 40 days;
        uint40 high = middle + c % 40 days;
        uint256 sum = uint256(rentals.heldBetween(id, low, middle)) + rentals.heldBetween(id, middle, high);
        assertEq(sum, rentals.heldBetween(id, low, high), "sum");
        assertEq(rentals.heldBetween(id, high, low), 0, "an empty span");
    }

    /// What has been taken is held in no span.
    function testFuzz_s9_whatIsTakenIsNotHeldAgain(uint32 ran, uint32 since) public {
        prepare(1000, uint128(1000 * 60 days), ran);
        uint40 now_ = uint40(block.timestamp);
        collect(terms);
        uint40 start = rentals.rentalOf(id).start;
        uint40 from = start + since % 80 days;
        uint128 taken = rentals.rentalOf(id).taken;
        uint128 before = rentals.earned(id, from);
        uint128 gone = before > taken ? before : taken;
        uint128 due = rentals.earned(id, now_);
        assertEq(rentals.heldBetween(id, from, now_), due > gone ? due - gone : 0, "held");
    }

    function testFuzz_unknownRentalsHaveNoViews(bytes32 other, uint40 time) public {
        prepare(1, 1, 0);
        vm.assume(other != id);
        bytes memory reason = abi.encodeWithSelector(IRentals.UnknownRental.selector, other);
        vm.expectRevert(reason);
        rentals.earned(other, time);
        vm.expectRevert(reason);
        rentals.heldBetween(other, 0, time);
        vm.expectRevert(reason);
        rentals.held(other);
        vm.expectRevert(reason);
        rentals.refundable(other);
        vm.expectRevert(reason);
        rentals.paidUntil(other);
    }

    /// The id follows from every field, so terms with another field name another rental.
    function testFuzz_anyOtherFieldIsAnotherRental(uint8 field) public {
        prepare(1000, 5000, 0);
        Terms memory other = tampered(terms, field);
        bytes32 otherId = rentals.rentalId(other);
        assertTrue(otherId != id, "id");
        vm.expectRevert(abi.encodeWithSelector(IRentals.UnknownRental.selector, otherId));
        rentals.collectable(other, false);
    }

    /// The same terms on another chain, or with another escrow, are another rental.
    function testFuzz_anIdBelongsToOneChain(uint64 chain) public {
        vm.assume(chain != block.chainid && chain != 0);
        bytes32 here = rentals.rentalId(someTerms(1));
        vm.chainId(chain);
        assertTrue(rentals.rentalId(someTerms(1)) != here, "id");
    }
}
