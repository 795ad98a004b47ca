// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {Market} from "../base/Market.sol";

contract LevyTest is Market {
    uint256 private constant LONG = 200 days;

    function levy(uint16 bps, uint256 until, uint128 left) private {
        vm.prank(court);
        rentals.setLevy(NODE, bps, uint40(until), left);
    }

    function test_onlyCourtLeviesAndWithinItsCaps() public {
        uint40 now_ = uint40(block.timestamp);
        vm.prank(admin);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotCourt.selector, admin));
        rentals.setLevy(NODE, 1, now_, 1);
        vm.startPrank(court);
        vm.expectRevert(abi.encodeWithSelector(IRentals.AboveCap.selector, 5001, 5000));
        rentals.setLevy(NODE, 5001, now_, 1);
        vm.expectRevert(abi.encodeWithSelector(IRentals.AboveCap.selector, now_ + 90 days + 1, now_ + 90 days));
        rentals.setLevy(NODE, 1, now_ + 90 days + 1, 1);
        vm.stopPrank();
    }

    /// The levy falls on what is earned in its time, whenever it is collected: waiting does not evade it.
    function testFuzz_s9_theLevyFallsOnItsTimeOnly(uint32 wait, uint16 bps) public {
        bps = uint16(bound(bps, 1, 5000));
        (Terms memory terms,) = opened(1, LONG);
        skip(10 days);
        levy(bps, block.timestamp + 20 days, type(uint128).max);
        skip(30 days + HOLD + bound(wait, 0, 100 days));
        collect(terms);
        assertEq(rentals.credit(court), 20 days * RATE * bps / 10_000, "levy");
    }

    function test_collectingOftenPaysTheSame() public {
        (Terms memory terms,) = opened(1, LONG);
        levy(5000, block.timestamp + 20 days, type(uint128).max);
        for (uint256 i; i < 10; ++i) {
            skip(5 days);
            collect(terms);
        }
        assertEq(rentals.credit(court), 20 days * RATE / 2, "levy");
        assertEq(rentals.credit(provider), (36 days - 10 days) * RATE, "provider");
    }

    function testFuzz_s9_neverMoreThanWasSet(uint128 left) public {
        (Terms memory terms,) = opened(1, LONG);
        left = uint128(bound(left, 0, 20 days * RATE));
        levy(5000, block.timestamp + 20 days, left);
        skip(60 days);
        collect(terms);
        assertEq(rentals.credit(court), left < 10 days * RATE ? left : 10 days * RATE, "levy");
        assertEq(rentals.nodeOf(NODE).levyLeft, left - rentals.credit(court), "left");
    }

    function test_aSecondLevyKeepsTheBeginningAndZeroLifts() public {
        (Terms memory terms,) = opened(1, LONG);
        uint40 since = uint40(block.timestamp);
        levy(1000, block.timestamp + 20 days, type(uint128).max);
        skip(1 days);
        levy(5000, block.timestamp + 20 days, type(uint128).max);
        assertEq(rentals.nodeOf(NODE).levySince, since, "since");
        vm.expectEmit(address(rentals));
        emit IRentals.LevySet(NODE, 0, since, 0, 0);
        levy(0, 0, 0);
        skip(60 days);
        collect(terms);
        assertEq(rentals.credit(court), 0, "lifted");
    }

    function testFuzz_onlyCourtLevies(address by, uint16 bps) public {
        vm.assume(by != court);
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotCourt.selector, by));
        rentals.setLevy(NODE, bps, uint40(block.timestamp), 1);
        assertEq(rentals.nodeOf(NODE).levyBps, 0, "levy");
    }

    function testFuzz_s9_aLevyIsWithinItsCaps(uint16 bps, uint40 time) public {
        time = uint40(bound(time, 0, 200 days));
        uint40 now_ = uint40(block.timestamp);
        vm.prank(court);
        if (bps > 5000) {
            vm.expectRevert(abi.encodeWithSelector(IRentals.AboveCap.selector, bps, 5000));
        } else if (time > 90 days) {
            vm.expectRevert(abi.encodeWithSelector(IRentals.AboveCap.selector, now_ + time, now_ + 90 days));
        }
        rentals.setLevy(NODE, bps, now_ + time, 1);
        assertEq(rentals.nodeOf(NODE).levyBps, bps > 5000 || time > 90 days ? 0 : bps, "levy");
    }

    /// Statement 9: each collect rounds down, so pieces never pay more, and less by under one unit each.
    function testFuzz_s9_piecesAreNeverLeviedMore(uint16 bps, uint32 first, uint32 second, uint96 rate) public {
        Terms memory terms = someTerms(1);
        terms.offer.rate = rate = uint96(bound(rate, 1, 1e9));
        open(terms, uint128(rate) * 200 days);
        levy(uint16(bound(bps, 1, 5000)), block.timestamp + 40 days, type(uint128).max);
        uint256 before = vm.snapshotState();
        skip(bound(first, 0, 50 days));
        collect(terms);
        skip(bound(second, 0, 50 days));
        collect(terms);
        skip(100 days);
        collect(terms);
        uint256 pieces = rentals.credit(court);
        vm.revertToState(before);
        skip(bound(first, 0, 50 days) + bound(second, 0, 50 days) + 100 days);
        collect(terms);
        assertLe(pieces, rentals.credit(court), "not more");
        assertLe(rentals.credit(court), pieces + 2, "under one unit a piece");
    }

    function testFuzz_s9_anotherNodeIsNotLevied(bytes32 node, uint16 bps) public {
        vm.assume(node != NODE);
        Terms memory terms = someTerms(1);
        terms.offer.node = node;
        open(terms, uint128(LONG * RATE));
        levy(uint16(bound(bps, 1, 5000)), block.timestamp + 90 days, type(uint128).max);
        skip(60 days);
        collect(terms);
        assertEq(rentals.credit(court), 0, "levy");
        assertEq(rentals.nodeOf(NODE).levyLeft, type(uint128).max, "left");
    }

    /// A second levy begins with the first while that runs, and by itself when it has ended or has nothing left.
    function testFuzz_aLaterLevyBeginsAnew(uint32 waits, bool spent) public {
        uint256 since = block.timestamp;
        levy(1000, since + 20 days, spent ? 0 : 1e18);
        skip(bound(waits, 0, 40 days));
        bool runs = !spent && block.timestamp <= since + 20 days;
        levy(2000, block.timestamp + 20 days, 1e18);
        assertEq(rentals.nodeOf(NODE).levySince, runs ? since : block.timestamp, "since");
    }

    /// Levy and credit are all that was collected: nothing is lost between node and Court.
    function testFuzz_s2_aLevyIsTakenOfWhatIsCollected(uint16 bps, uint128 left, uint32 time) public {
        (Terms memory terms, bytes32 id) = opened(1, LONG);
        left = uint128(bound(left, 1, 1e12));
        levy(uint16(bound(bps, 1, 5000)), block.timestamp + 60 days, left);
        skip(bound(time, HOLD, 150 days));
        collect(terms);
        uint256 sum = uint256(rentals.credit(court)) + rentals.credit(provider);
        assertEq(sum, rentals.rentalOf(id).taken, "taken");
        assertEq(rentals.nodeOf(NODE).levyLeft + rentals.credit(court), left, "left");
        assertLe(2 * uint256(rentals.credit(court)), sum, "half at most");
    }
}
