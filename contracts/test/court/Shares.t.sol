// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, ICourt, Outcome, State} from "../../src/interfaces/ICourt.sol";
import {IRentals, Node, Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";

/// Who gets what of a slash and which levy runs, whichever rentals are named and in whatever order cases end.
contract SharesTest is Dispute {
    Terms private terms;

    function setUp() public override {
        super.setUp();
        terms = rented(1);
        skip(3 days);
    }

    /// The filer shares in what he named and bonded, and in nothing that others showed after him.
    function testFuzz_s10_theFilerSharesInWhatHeNamed(uint32 apart, uint128 amount) public {
        Terms memory other = rented(2);
        skip(bound(apart, 1, 5 days));
        bytes32 id = fileProof(other);
        uint256 backed = capOf(id);
        Terms[] memory both = pair(terms, other);
        bench.extend(id, both);
        uint256 cap = capOf(id);
        amount = uint128(bound(amount, 1, cap));
        ruled(id, Outcome.Upheld, amount, 0);
        ended(id, both);
        uint256 share = rentals.credit(filer);
        // Each of the two rentals' shares is rounded down by itself.
        uint256 exact = uint256(amount) * (5000 * backed / cap) / 10_000;
        assertLe(share, exact, "not more");
        assertLe(exact, share + 1, "under one unit each");
        assertLe(share * 2 * cap, uint256(amount) * backed, "half of his part at most");
        assertEq(share + rentals.credit(treasury), amount, "all of it");
    }

    /// Bare and statistical cases have no filer to reward: the other half is Rewards'.
    function testFuzz_s10_withoutProofTheShareIsPublic(uint128 amount, bool bare) public {
        bytes32 id = bare ? fileBare(terms) : fileStatistical(one(terms));
        amount = uint128(bound(amount, 1, capOf(id)));
        ruled(id, Outcome.Upheld, amount, 0);
        ended(id, one(terms));
        assertEq(rentals.credit(address(rewards)), amount / 2, "rewards");
        assertEq(rentals.credit(treasury), amount - amount / 2, "treasury");
        assertEq(rentals.credit(filer) + rentals.credit(address(this)), 0, "filer");
    }

    /// Of two cases that levy one node, either may end first: the larger rate and the sum of amounts run in the end.
    function testFuzz_s9_twoLeviesCommute(uint16 first, uint16 second, bool nodeFirst) public {
        first = uint16(bound(first, 1, 5000));
        second = uint16(bound(second, 1, 5000));
        bytes32 bare = fileBare(terms);
        bytes32 whole = fileProof(terms);
        uint256 caps = uint256(capOf(bare)) + capOf(whole);
        ruled(bare, Outcome.Upheld, 0, first);
        ruled(whole, Outcome.Upheld, 0, second);
        skip(APPEAL + 1);
        bench.finalise(nodeFirst ? whole : bare, one(terms));
        bench.finalise(nodeFirst ? bare : whole, one(terms));
        Node memory n = rentals.nodeOf(NODE);
        assertEq(n.levyBps, first > second ? first : second, "the larger");
        assertEq(n.levyLeft, 10 * caps, "the sum");
        assertEq(n.levySince, block.timestamp, "since");
        assertEq(n.levyUntil, block.timestamp + 90 days, "until");
    }

    /// Named in any order and number, rentals end a case only when their ids rise and yield what was ruled.
    function testFuzz_onlyRisingRentalsEndACase(uint8[3] calldata order, uint8 count) public {
        Terms[] memory list = new Terms[](3);
        (list[0], list[1], list[2]) = (terms, rented(2), rented(3));
        list = sorted(list);
        skip(1 days);
        bytes32 id = fileProof(list, 0);
        uint128 cap = capOf(id);
        ruled(id, Outcome.Upheld, cap, 0);
        skip(APPEAL + 1);
        Terms[] memory given = new Terms[](bound(count, 1, 3));
        bool rising = true;
        for (uint256 i; i < given.length; ++i) {
            given[i] = list[order[i] % 3];
            if (i > 0 && order[i] % 3 <= order[i - 1] % 3) rising = false;
        }
        if (!rising) vm.expectPartialRevert(ICourt.RentalsOutOfOrder.selector);
        else if (given.length < 3) vm.expectPartialRevert(ICourt.Unreached.selector);
        bench.finalise(id, given);
        bool ends = rising && given.length == 3;
        expectState(id, ends ? State.Final : State.Ruled);
        assertEq(uint256(rentals.credit(filer)) + rentals.credit(treasury), ends ? cap : 0, "slashed");
    }

    /// Rentals of other nodes, or terms that were altered, pay for nothing.
    function testFuzz_tamperedAndForeignRentalsEndNothing(uint8 field) public {
        bytes32 id = fileProof(terms);
        ruled(id, Outcome.Upheld, 1, 0);
        skip(APPEAL + 1);
        Terms memory other = tampered(terms, field);
        vm.expectPartialRevert(field % 9 == 4 ? ICourt.ForeignRental.selector : IRentals.UnknownRental.selector);
        bench.finalise(id, one(other));
        expectState(id, State.Ruled);
    }

    /// The end of a ruling's window, to the second, whichever court ruled and whoever calls.
    function testFuzz_aRulingIsFinalAfterItsWindow(uint32 moment, address by, uint8 how) public {
        bytes32 id = fileProof(terms);
        Outcome outcome = [Outcome.Upheld, Outcome.Rejected, Outcome.Drawn][how % 3];
        ruled(id, outcome, outcome == Outcome.Upheld ? 1 : 0, 0);
        uint40 end = uint40(block.timestamp) + APPEAL;
        vm.warp(end - 5 + moment % 10);
        bool early = block.timestamp <= end;
        vm.prank(by);
        if (early) vm.expectRevert(abi.encodeWithSelector(ICourt.TooEarly.selector, id, end));
        bench.finalise(id, one(terms));
        expectState(id, early ? State.Ruled : State.Final);
    }

    /// While the freeze lasts, less than was ruled ends nothing; from its end on, what is left is all there is.
    function testFuzz_s8_incompleteEndsWaitForTheFreezesEnd(uint32 moment) public {
        Terms memory other = rented(2);
        skip(1 days);
        Terms[] memory both = pair(terms, other);
        uint256 filed = block.timestamp;
        bytes32 id = fileProof(both, 0);
        uint128 cap = capOf(id);
        ruled(id, Outcome.Upheld, cap, 0);
        vm.warp(filed + MAX_FREEZE - 5 + moment % 10);
        bool frozen = block.timestamp < filed + MAX_FREEZE;
        if (frozen) vm.expectRevert(abi.encodeWithSelector(ICourt.Unreached.selector, uint128(1 days * RATE), cap));
        bench.finalise(id, one(other));
        expectState(id, frozen ? State.Ruled : State.Final);
    }
}
