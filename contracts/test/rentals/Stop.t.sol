// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {Market} from "../base/Market.sol";

contract StopTest is Market {
    function test_theRestIsTheConsumersAtOnce() public {
        (Terms memory terms, bytes32 id) = opened(1, 100);
        skip(40);
        vm.expectEmit(address(rentals));
        emit IRentals.Stopped(id, NODE, consumer, uint40(block.timestamp), 60_000, 40_000);
        stop(terms, consumer);
        assertEq(rentals.credit(consumer), 60_000, "refund");
        assertEq(rentals.held(id), 40_000, "held");
        assertEq(rentals.refundable(id), 0, "refundable");
        assertEq(rentals.paidUntil(id), block.timestamp, "paid until");
    }

    function test_theProviderMayStopAndAStrangerMayNot() public {
        (Terms memory terms, bytes32 id) = opened(1, 100);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotAParty.selector, stranger, id));
        rentals.stop(one(terms));
        stop(terms, provider);
        assertEq(rentals.credit(consumer), 100_000, "refund");
    }

    function test_aStoppedRentalIsPassedOver() public {
        (Terms memory first,) = opened(1, 100);
        (Terms memory second, bytes32 id) = opened(2, 100);
        stop(first, provider);
        Terms[] memory both = new Terms[](2);
        (both[0], both[1]) = (first, second);
        vm.prank(consumer);
        rentals.stop(both);
        assertEq(rentals.credit(consumer), 200_000, "refund, each once");
        assertEq(rentals.rentalOf(id).stop, block.timestamp, "stop");
    }

    function test_unknownTermsRevert() public {
        Terms memory terms = someTerms(1);
        bytes32 id = rentals.rentalId(terms);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.UnknownRental.selector, id));
        rentals.stop(one(terms));
    }

    /// A rental that lapsed is over since then, not since somebody noticed.
    function test_aLateStopDatesBackToTheLapse() public {
        Terms memory terms = someTerms(1);
        bytes32 id = open(terms, 100_500);
        uint256 start = block.timestamp;
        skip(1000);
        stop(terms, consumer);
        assertEq(rentals.rentalOf(id).stop, start + 101, "stop");
        assertEq(rentals.held(id), 100_500, "held");
        assertEq(rentals.credit(consumer), 0, "refund");
    }

    function testFuzz_s3_earnedRisesIsBoundedAndStays(uint96 rate, uint128 deposit, uint32 a, uint32 b, uint32 stopAt)
        public
    {
        Terms memory terms = someTerms(1);
        terms.offer.rate = uint96(bound(rate, 1, type(uint96).max));
        deposit = uint128(bound(deposit, 1, 1e30));
        bytes32 id = open(terms, deposit);
        uint40 start = uint40(block.timestamp);
        (uint40 low, uint40 high) = a < b ? (start + a, start + b) : (start + b, start + a);
        assertLe(rentals.earned(id, low), rentals.earned(id, high), "does not fall");
        assertLe(rentals.earned(id, high), deposit, "at most the deposit");
        skip(stopAt);
        uint128 before = rentals.earned(id, uint40(block.timestamp));
        stop(terms, provider);
        assertEq(rentals.earned(id, uint40(block.timestamp)), before, "the stop changes nothing");
        assertEq(rentals.earned(id, type(uint40).max), before, "stays after the stop");
        assertLe(rentals.earned(id, low), rentals.earned(id, high), "does not fall after the stop");
        assertEq(uint256(rentals.credit(consumer)) + before, deposit, "nothing is lost");
    }

    function test_s5_strangersAndCourtCannotLowerARefund() public {
        (Terms memory terms, bytes32 id) = opened(1, 100);
        skip(10);
        uint128 before = rentals.refundable(id);
        vm.startPrank(court);
        rentals.freeze(NODE, uint40(block.timestamp + 1 days));
        rentals.setLevy(NODE, 5000, uint40(block.timestamp + 1 days), type(uint128).max);
        rentals.slash(NODE, one(terms), slashOrder(type(uint128).max, block.timestamp));
        vm.stopPrank();
        collect(terms);
        assertEq(rentals.refundable(id), before, "refundable");
        stop(terms, consumer);
        assertEq(rentals.credit(consumer), before, "refund");
    }

    function testFuzz_s21_aBatchOfStopsEqualsSingleStops(uint16 a, uint16 b) public {
        (Terms memory first,) = opened(1, 1000);
        skip(a % 500);
        (Terms memory second,) = opened(2, 1000);
        skip(b % 1500);
        uint256 before = vm.snapshotState();
        stop(first, consumer);
        stop(second, consumer);
        uint256 single = rentals.credit(consumer);
        vm.revertToState(before);
        Terms[] memory both = new Terms[](2);
        (both[0], both[1]) = (first, second);
        vm.prank(consumer);
        rentals.stop(both);
        assertEq(rentals.credit(consumer), single, "credit");
    }

    function testFuzz_strangersDoNotStop(address by) public {
        vm.assume(by != consumer && by != provider);
        (Terms memory terms, bytes32 id) = opened(1, 100);
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotAParty.selector, by, id));
        rentals.stop(one(terms));
        assertEq(rentals.rentalOf(id).stop, 0, "stop");
    }

    /// Terms with any field changed are another rental's, so nobody is paid by them.
    function testFuzz_tamperedTermsStopNothing(uint8 field) public {
        (Terms memory terms,) = opened(1, 100);
        Terms memory other = tampered(terms, field);
        bytes32 id = rentals.rentalId(other);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.UnknownRental.selector, id));
        rentals.stop(one(other));
        assertEq(rentals.credit(consumer), 0, "credit");
    }

    function testFuzz_stoppingAgainChangesNothing(uint32 ran, uint32 later, bool byProvider) public {
        (Terms memory terms, bytes32 id) = opened(1, 1000);
        skip(ran % 1500);
        stop(terms, consumer);
        bytes32 before = keccak256(abi.encode(rentals.rentalOf(id), rentals.credit(consumer)));
        skip(later);
        stop(terms, byProvider ? provider : consumer);
        assertEq(keccak256(abi.encode(rentals.rentalOf(id), rentals.credit(consumer))), before, "books");
    }

    /// Whenever somebody notices, a lapsed rental is over since its money was, to the second, and owes no refund.
    function testFuzz_aLateStopDatesBackToTheLapse(uint96 rate, uint128 deposit, uint32 late) public {
        Terms memory terms = someTerms(1);
        terms.offer.rate = rate = uint96(bound(rate, 1, 1e12));
        deposit = uint128(bound(deposit, 1, uint256(rate) * 300 days));
        bytes32 id = open(terms, deposit);
        uint256 lapse = block.timestamp + deposit / rate + (deposit % rate == 0 ? 0 : 1);
        vm.warp(lapse + late);
        stop(terms, provider);
        assertEq(rentals.rentalOf(id).stop, lapse, "stop");
        assertEq(rentals.held(id), deposit, "held");
        assertEq(rentals.credit(consumer), 0, "refund");
    }

    /// The one who pays for the second in which it stops is the consumer, by the rate and no more.
    function testFuzz_theRefundIsWhatDidNotRun(uint96 rate, uint32 paid, uint32 ran) public {
        Terms memory terms = someTerms(1);
        terms.offer.rate = rate = uint96(bound(rate, 1, 1e18));
        paid = uint32(bound(paid, 1, 300 days));
        open(terms, uint128(rate) * paid);
        ran = uint32(bound(ran, 0, paid));
        skip(ran);
        stop(terms, consumer);
        assertEq(rentals.credit(consumer), uint256(rate) * (paid - ran), "refund");
    }
}
