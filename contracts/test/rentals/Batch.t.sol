// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRentals, Rental, Terms} from "../../src/interfaces/IRentals.sol";
import {Leaf} from "../../src/interfaces/IScores.sol";
import {Log} from "../base/Test.sol";
import {Market} from "../base/Market.sol";

/// Statement 21: a batch of n is n single calls at one token transfer; and which batches are none.
contract BatchTest is Market {
    uint256 private constant MOST = 5;

    Terms[] private batch;
    uint128[] private deposits;
    uint128[] private extra;
    bytes[] private signed;

    function prepare(uint8 count, uint64[MOST] memory seeds) private {
        count = uint8(bound(count, 1, MOST));
        for (uint64 i; i < count; ++i) {
            Terms memory terms = someTerms(i);
            terms.offer.rate = uint96(bound(seeds[i], 1, 1e12));
            batch.push(terms);
            deposits.push(uint128(bound(uint256(keccak256(abi.encode(seeds[i]))), 1e18, 1e25)));
            extra.push(uint128(bound(uint256(keccak256(abi.encode(seeds[i], "extra"))), 1, 1e25)));
            signed.push(offerSignature(terms.offer));
        }
    }

    /// All that the contracts know of the batch's rentals and parties.
    function books() private view returns (bytes32 digest) {
        for (uint256 i; i < batch.length; ++i) {
            digest = keccak256(abi.encode(digest, rentals.rentalOf(rentals.rentalId(batch[i]))));
        }
        return keccak256(
            abi.encode(
                digest,
                rentals.credit(consumer),
                rentals.credit(provider),
                token.balanceOf(address(rentals)),
                token.balanceOf(consumer)
            )
        );
    }

    function transfers() private returns (uint256 count) {
        Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter == address(token)) ++count;
        }
    }

    function ids() private view returns (bytes32[] memory list) {
        list = new bytes32[](batch.length);
        for (uint256 i; i < batch.length; ++i) {
            list[i] = rentals.rentalId(batch[i]);
        }
    }

    function testFuzz_s21_openTopUpStopAndCollect(uint8 count, uint64[MOST] calldata seeds, uint32 ran, uint32 after_)
        public
    {
        prepare(count, seeds);
        bytes32[] memory all = ids();
        uint256 start = vm.snapshotState();
        for (uint256 i; i < batch.length; ++i) {
            vm.prank(consumer);
            rentals.open(one(batch[i]), one(deposits[i]), one(signed[i]));
        }
        bytes32 opened_ = books();
        for (uint256 i; i < batch.length; ++i) {
            vm.prank(consumer);
            rentals.topUp(one(all[i]), one(extra[i]));
        }
        bytes32 topped = books();
        skip(bound(ran, 0, 1e6));
        for (uint256 i; i < batch.length; ++i) {
            stop(batch[i], consumer);
        }
        bytes32 stopped = books();
        skip(bound(after_, 0, 30 days));
        for (uint256 i; i < batch.length; ++i) {
            collect(batch[i]);
        }
        bytes32 collected = books();
        vm.revertToState(start);

        vm.recordLogs();
        vm.startPrank(consumer);
        rentals.open(batch, deposits, signed);
        assertEq(books(), opened_, "open");
        rentals.topUp(all, extra);
        assertEq(books(), topped, "topUp");
        assertEq(transfers(), 2, "one transfer each");
        skip(bound(ran, 0, 1e6));
        rentals.stop(batch);
        vm.stopPrank();
        assertEq(books(), stopped, "stop");
        skip(bound(after_, 0, 30 days));
        rentals.collect(batch, new Leaf[](0), new bytes32[][](0));
        assertEq(books(), collected, "collect");
    }

    function test_emptyBatchesAreRefused() public {
        vm.startPrank(consumer);
        vm.expectRevert(IRentals.EmptyArray.selector);
        rentals.open(new Terms[](0), new uint128[](0), new bytes[](0));
        vm.expectRevert(IRentals.EmptyArray.selector);
        rentals.topUp(new bytes32[](0), new uint128[](0));
        vm.expectRevert(IRentals.EmptyArray.selector);
        rentals.stop(new Terms[](0));
        vm.expectRevert(IRentals.EmptyArray.selector);
        rentals.collect(new Terms[](0), new Leaf[](0), new bytes32[][](0));
        vm.stopPrank();
    }

    function test_batchesHaveALimit() public {
        bytes memory reason = abi.encodeWithSelector(IRentals.TooMany.selector, 257, 256);
        vm.startPrank(consumer);
        vm.expectRevert(reason);
        rentals.open(new Terms[](257), new uint128[](257), new bytes[](257));
        vm.expectRevert(reason);
        rentals.topUp(new bytes32[](257), new uint128[](257));
        vm.expectRevert(reason);
        rentals.stop(new Terms[](257));
        vm.expectRevert(reason);
        rentals.collect(new Terms[](257), new Leaf[](0), new bytes32[][](0));
        vm.expectPartialRevert(IRentals.NotTheConsumer.selector);
        rentals.open(new Terms[](256), new uint128[](256), new bytes[](256));
        vm.stopPrank();
    }

    function test_aRentalNamedTwiceIsRefused() public {
        (Terms memory first, bytes32 a) = opened(1, 100);
        (Terms memory second, bytes32 b) = opened(2, 100);
        Terms[] memory terms = new Terms[](3);
        (terms[0], terms[1], terms[2]) = (first, second, first);
        bytes32[] memory twice = new bytes32[](3);
        (twice[0], twice[1], twice[2]) = (a, b, b);
        uint128[] memory amounts = new uint128[](3);
        (amounts[0], amounts[1], amounts[2]) = (1, 1, 1);
        vm.startPrank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.Repeated.selector, b));
        rentals.topUp(twice, amounts);
        vm.expectRevert(abi.encodeWithSelector(IRentals.Repeated.selector, a));
        rentals.stop(terms);
        vm.expectRevert(abi.encodeWithSelector(IRentals.Repeated.selector, a));
        rentals.collect(terms, new Leaf[](0), new bytes32[][](0));
        vm.stopPrank();
    }
}
