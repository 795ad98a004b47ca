// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRentals, Slash, Terms} from "../../src/interfaces/IRentals.sol";
import {Market} from "../base/Market.sol";

contract SlashTest is Market {
    uint256 private constant LONG = 200 days;

    function freeze(uint256 until) private {
        vm.prank(court);
        rentals.freeze(NODE, uint40(until));
    }

    function test_onlyCourtSlashes() public {
        (Terms memory terms,) = opened(1, LONG);
        Slash memory order = slashOrder(1, block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotCourt.selector, admin));
        vm.prank(admin);
        rentals.slash(NODE, one(terms), order);
    }

    /// At most what was held at filing, whatever Court asks and however late; what was free stays the provider's.
    function testFuzz_s9_aSlashIsAtMostWhatWasHeldAtFiling(uint32 ran, uint32 later, uint128 amount) public {
        (Terms memory terms, bytes32 id) = opened(1, LONG);
        skip(bound(ran, 0, 60 days));
        amount = uint128(bound(amount, 1, type(uint64).max));
        uint40 filed = uint40(block.timestamp);
        uint128 free = rentals.collectable(terms, false);
        uint128 cap = rentals.held(id) - free;
        freeze(filed + MAX_FREEZE);
        skip(bound(later, 0, MAX_FREEZE - 1));
        uint128 slashed = slash(terms, slashOrder(amount, filed));
        assertEq(slashed, amount < cap ? amount : cap, "slashed");
        assertEq(rentals.credit(provider), free, "what was past its hold");
        assertEq(uint256(rentals.credit(beneficiary)) + rentals.credit(treasury), slashed, "shares");
        assertEq(uint256(rentals.held(id)) + rentals.refundable(id) + credits(), LONG * RATE, "nothing is lost");
    }

    function test_s9_noEarningIsSlashedTwice() public {
        (Terms memory terms, bytes32 id) = opened(1, LONG);
        skip(5 days);
        uint256 filed = block.timestamp;
        freeze(filed + 20 days);
        skip(2 days);
        assertEq(slash(terms, slashOrder(type(uint128).max, filed)), 5 days * RATE, "first");
        assertEq(slash(terms, slashOrder(type(uint128).max, filed)), 0, "second");
        assertEq(rentals.held(id), 2 days * RATE, "what came after filing");
    }

    /// A slash spends the earliest earnings, so a second case over later ones finds those.
    function test_s9_aSecondCaseReachesOnlyWhatTheFirstLeft() public {
        (Terms memory terms,) = opened(1, LONG);
        skip(5 days);
        uint128 first = slash(terms, slashOrder(uint128(2 days * RATE), block.timestamp));
        skip(1 days);
        uint128 second = slash(terms, slashOrder(type(uint128).max, block.timestamp));
        assertEq(uint256(first) + second, 6 days * RATE, "together");
    }

    function testFuzz_s10_theFilersShareIsAtMostHalf(uint16 shareBps, uint32 ran) public {
        (Terms memory terms,) = opened(1, LONG);
        skip(bound(ran, 1, HOLD));
        Slash memory order = slashOrder(type(uint128).max, block.timestamp);
        order.shareBps = shareBps;
        if (shareBps > 5000) {
            vm.expectRevert(abi.encodeWithSelector(IRentals.AboveCap.selector, shareBps, 5000));
            slash(terms, order);
        } else {
            uint256 slashed = slash(terms, order);
            assertEq(rentals.credit(beneficiary), slashed * shareBps / 10_000, "share");
            assertLe(rentals.credit(beneficiary), slashed / 2, "half");
        }
    }

    function test_aFilingInTheFutureIsNow() public {
        (Terms memory terms,) = opened(1, LONG);
        skip(1 days);
        assertEq(slash(terms, slashOrder(type(uint128).max, type(uint40).max)), 1 days * RATE, "slashed");
    }

    function test_aSlashOverManyRentalsStopsAtTheAmount() public {
        Terms[] memory terms = new Terms[](3);
        for (uint64 i; i < 3; ++i) {
            (terms[i],) = opened(i, LONG);
        }
        skip(1 days);
        uint128 amount = uint128(3 days * RATE / 2);
        vm.prank(court);
        assertEq(rentals.slash(NODE, terms, slashOrder(amount, block.timestamp)), amount, "slashed");
        assertEq(rentals.held(rentals.rentalId(terms[1])), 1 days * RATE / 2, "second");
        assertEq(rentals.held(rentals.rentalId(terms[2])), 1 days * RATE, "third");
    }

    function test_anotherNodesRentalsAndNobodysAddressesAreRefused() public {
        (Terms memory terms,) = opened(1, LONG);
        Slash memory order = slashOrder(1, block.timestamp);
        vm.startPrank(court);
        vm.expectRevert(abi.encodeWithSelector(IRentals.ForeignNode.selector, NODE, bytes32("other")));
        rentals.slash("other", one(terms), order);
        order.treasury = address(0);
        vm.expectRevert(abi.encodeWithSelector(IRentals.BadRecipient.selector, address(0)));
        rentals.slash(NODE, one(terms), order);
        vm.stopPrank();
    }

    function testFuzz_onlyCourtSlashes(address by) public {
        vm.assume(by != court);
        (Terms memory terms,) = opened(1, LONG);
        skip(5 days);
        Slash memory order = slashOrder(1, block.timestamp);
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotCourt.selector, by));
        rentals.slash(NODE, one(terms), order);
    }

    function testFuzz_s10_noShareIsAboveHalf(uint16 share) public {
        (Terms memory terms,) = opened(1, LONG);
        skip(5 days);
        Slash memory order = slashOrder(1000, block.timestamp);
        order.shareBps = share;
        freeze(block.timestamp + 1 days);
        vm.prank(court);
        if (share > 5000) vm.expectRevert(abi.encodeWithSelector(IRentals.AboveCap.selector, share, 5000));
        rentals.slash(NODE, one(terms), order);
        assertLe(2 * uint256(rentals.credit(beneficiary)), 1000, "half");
    }

    function testFuzz_noOtherNodesRentalIsSlashed(bytes32 node) public {
        vm.assume(node != NODE);
        (Terms memory terms, bytes32 id) = opened(1, LONG);
        skip(5 days);
        uint128 held = rentals.held(id);
        Slash memory order = slashOrder(1, block.timestamp);
        vm.prank(court);
        vm.expectRevert(abi.encodeWithSelector(IRentals.ForeignNode.selector, NODE, node));
        rentals.slash(node, one(terms), order);
        assertEq(rentals.held(id), held, "held");
    }

    function testFuzz_tamperedTermsAreNotSlashed(uint8 field) public {
        (Terms memory terms, bytes32 id) = opened(1, LONG);
        skip(5 days);
        Terms memory other = tampered(terms, field);
        Slash memory order = slashOrder(1, block.timestamp);
        bytes memory reason = abi.encodeWithSelector(IRentals.UnknownRental.selector, rentals.rentalId(other));
        if (field % 9 == 4) reason = abi.encodeWithSelector(IRentals.ForeignNode.selector, other.offer.node, NODE);
        vm.prank(court);
        vm.expectRevert(reason);
        rentals.slash(NODE, one(other), order);
        assertEq(rentals.rentalOf(id).taken, 0, "taken");
    }

    /// Over many rentals it is the smaller of what is asked and what is held, and each gives at most its own.
    function testFuzz_s9_aSlashOverManyIsTheSmaller(uint32[3] calldata starts, uint128 amount, uint16 share) public {
        Terms[] memory terms = new Terms[](3);
        for (uint64 i; i < 3; ++i) {
            (terms[i],) = opened(i, LONG);
            skip(bound(starts[i], 0, 4 days));
        }
        uint256 held;
        for (uint256 i; i < 3; ++i) {
            held += rentals.held(rentals.rentalId(terms[i]));
        }
        amount = uint128(bound(amount, 0, 2 * held));
        Slash memory order = slashOrder(amount, block.timestamp);
        order.shareBps = uint16(bound(share, 0, 5000));
        vm.prank(court);
        uint256 slashed = rentals.slash(NODE, terms, order);
        assertEq(slashed, amount < held ? amount : held, "slashed");
        uint256 left;
        for (uint256 i; i < 3; ++i) {
            left += rentals.held(rentals.rentalId(terms[i]));
        }
        assertEq(left + slashed, held, "what is left");
        assertEq(uint256(rentals.credit(beneficiary)) + rentals.credit(treasury), slashed, "shares");
        assertLe(2 * uint256(rentals.credit(beneficiary)), slashed, "half");
    }

    /// Two orders of any amounts and any dates: together at most what was held at the later date.
    function testFuzz_s9_twoSlashesTakeNoEarningTwice(uint128 first, uint128 second, uint32 apart, bool laterFirst)
        public
    {
        (Terms memory terms,) = opened(1, LONG);
        skip(3 days);
        uint256 early = block.timestamp;
        freeze(early + MAX_FREEZE);
        skip(bound(apart, 0, 20 days));
        uint256 late = block.timestamp;
        first = uint128(bound(first, 1, 30 days * RATE));
        second = uint128(bound(second, 1, 30 days * RATE));
        uint256 sum = slash(terms, slashOrder(first, laterFirst ? late : early));
        sum += slash(terms, slashOrder(second, laterFirst ? early : late));
        assertLe(sum, (late - early + 3 days) * RATE, "held");
        assertEq(uint256(rentals.credit(beneficiary)) + rentals.credit(treasury), sum, "shares");
        assertEq(rentals.credit(provider), 0, "nothing left by itself");
    }

    /// Nothing of a slash comes out of what is refundable, whatever is ordered.
    function testFuzz_s5_aSlashLeavesTheRefund(uint128 amount, uint40 filedAt, uint32 ran) public {
        (Terms memory terms, bytes32 id) = opened(1, 30 days);
        skip(bound(ran, 0, 40 days));
        uint128 before = rentals.refundable(id);
        slash(terms, slashOrder(amount, filedAt));
        assertEq(rentals.refundable(id), before, "refundable");
    }
}
