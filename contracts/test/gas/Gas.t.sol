// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Outcome} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Leaf, Publish} from "../../src/interfaces/IScores.sol";
import {Dispute} from "../base/Dispute.sol";
import {Tree} from "../base/Tree.sol";

/// What a transaction of each call costs; scripts/gas.mjs runs this with one transaction for each call.
contract GasTest is Dispute {
    uint128 private constant DEPOSIT = uint128(RATE * 100 days);

    /// Rentals in rising order of ids, signed, of a filer's note.
    function many(uint64 count)
        private
        view
        returns (Terms[] memory list, uint128[] memory sums, bytes[] memory signed)
    {
        list = new Terms[](count);
        sums = new uint128[](count);
        signed = new bytes[](count);
        for (uint64 i; i < count; ++i) {
            list[i] = someTerms(i);
            list[i].note = noteOf(filer);
        }
        list = sorted(list);
        for (uint256 i; i < count; ++i) {
            sums[i] = DEPOSIT;
            signed[i] = offerSignature(list[i].offer);
        }
    }

    function openMany(uint64 count) private returns (Terms[] memory list) {
        uint128[] memory sums;
        bytes[] memory signed;
        (list, sums, signed) = many(count);
        vm.prank(consumer);
        rentals.open(list, sums, signed);
    }

    function idsOf(Terms[] memory list) private view returns (bytes32[] memory ids, uint128[] memory sums) {
        ids = new bytes32[](list.length);
        sums = new uint128[](list.length);
        for (uint256 i; i < list.length; ++i) {
            (ids[i], sums[i]) = (rentals.rentalId(list[i]), DEPOSIT);
        }
    }

    function lifeOf(uint64 count, string memory suffix) private {
        Terms[] memory list = openMany(count);
        vm.snapshotGasLastCall(string.concat("Rentals.open of ", suffix));
        (bytes32[] memory ids, uint128[] memory sums) = idsOf(list);
        vm.prank(consumer);
        rentals.topUp(ids, sums);
        vm.snapshotGasLastCall(string.concat("Rentals.topUp of ", suffix));
        skip(20 days);
        rentals.collect(list, new Leaf[](0), new bytes32[][](0));
        vm.snapshotGasLastCall(string.concat("Rentals.collect of ", suffix));
        vm.prank(consumer);
        rentals.stop(list);
        vm.snapshotGasLastCall(string.concat("Rentals.stop of ", suffix));
        vm.prank(consumer);
        rentals.withdraw(consumer);
        vm.snapshotGasLastCall("Rentals.withdraw");
    }

    function test_oneRental() public {
        lifeOf(1, "1");
    }

    function test_threeRentals() public {
        lifeOf(3, "3");
    }

    function test_aProofCaseOfOneRental() public {
        Terms[] memory list = openMany(1);
        skip(5 days);
        bytes32 id = fileProof(list, 0);
        vm.snapshotGasLastCall("Court.fileProof of 1");
        answered(id);
        vm.snapshotGasLastCall("Court.answer");
        vm.prank(arbiter);
        bench.rule(id, Outcome.Upheld, 1000, 1000);
        vm.snapshotGasLastCall("Court.rule");
        appealed(id, provider);
        vm.snapshotGasLastCall("Court.appeal");
        ruledAgain(id, Outcome.Upheld, 1000, 1000);
        vm.snapshotGasLastCall("Court.rule in appeal");
        bench.finalise(id, list);
        vm.snapshotGasLastCall("Court.finalise, upheld, of 1");
        skip(HOLD + 5 days);
        collect(list[0]);
        vm.snapshotGasLastCall("Rentals.collect under a levy");
        bench.distribute();
        vm.snapshotGasLastCall("Court.distribute");
        (Leaf memory leaf, bytes32[] memory proof) = verdict(1);
        bench.liftLevy(leaf, proof);
        vm.snapshotGasLastCall("Court.liftLevy");
    }

    function test_aProofCaseOfManyRentals() public {
        Terms[] memory list = openMany(100);
        skip(5 days);
        bytes32 id = fileProof(one(list[0]), 0);
        bench.extend(id, list);
        vm.snapshotGasLastCall("Court.extend to 100");
        uint128 cap = capOf(id);
        ruled(id, Outcome.Upheld, cap, 0);
        skip(APPEAL + 1);
        bench.finalise(id, list);
        vm.snapshotGasLastCall("Court.finalise, upheld, of 100");
    }

    function test_theOtherCases() public {
        Terms[] memory list = openMany(1);
        skip(5 days);
        bytes32 bare = fileBare(list[0]);
        vm.snapshotGasLastCall("Court.fileBare");
        vm.prank(filer);
        bench.withdraw(bare);
        vm.snapshotGasLastCall("Court.withdraw");
        bench.finalise(bare, new Terms[](0));
        vm.snapshotGasLastCall("Court.finalise, withdrawn");
        bytes32 id = fileStatistical(list);
        vm.snapshotGasLastCall("Court.fileStatistical of 1");
        skip(ANSWER + RULING + 1);
        bench.escalate(id);
        vm.snapshotGasLastCall("Court.escalate");
    }

    function test_bonds() public {
        vm.prank(filer);
        bonds.thaw(STAKE / 2);
        vm.snapshotGasLastCall("Bonds.thaw");
        skip(90 days);
        vm.prank(filer);
        bonds.withdraw(filer);
        vm.snapshotGasLastCall("Bonds.withdraw");
        vm.startPrank(filer);
        token.approve(address(bonds), 1000);
        bonds.deposit(filer, 1000);
        vm.snapshotGasLastCall("Bonds.deposit");
        vm.stopPrank();
    }

    /// A leaf at the bottom of a tree of a million, in a ring that is full.
    function test_scoresAndRewards() public {
        uint64 epoch = overEpoch();
        for (uint256 i; i < 2; ++i) {
            publish(publication(epoch, "filler"));
            skip(EPOCH);
            epoch = overEpoch();
        }
        Leaf memory leaf = honestLeaf(epoch);
        (bytes32 root, bytes32[] memory proof) = deep(scores.leafHash(leaf));
        Publish memory p = publication(epoch, root);
        bytes32[] memory ofReward;
        (p.rewardsRoot, ofReward) = deep(rewards.leafHash(filer, 1000));
        publish(p);
        vm.snapshotGasLastCall("Scores.publish with 2 signatures");
        skip(DELAY);
        assertTrue(scores.verify(leaf, proof), "verifies");
        vm.snapshotGasLastCall("Scores.verify of depth 20");
        token.mint(address(rewards), 5000);
        rewards.claim(filer, 1000, ofReward);
        vm.snapshotGasLastCall("Rewards.claim of depth 20");
        laterPublications();
    }

    /// Both places of the ring have a rewards root: what each publication costs from then on.
    function laterPublications() private {
        for (uint256 count = 1; count <= 3; ++count) {
            skip(EPOCH);
            Publish memory p = publication(overEpoch(), "later");
            p.rewardsRoot = keccak256(abi.encode(count));
            scores.publish(p, signatures(p, count == 1 ? 2 : count));
            if (count == 2) vm.snapshotGasLastCall("Scores.publish with 2 signatures, later");
            if (count == 3) vm.snapshotGasLastCall("Scores.publish with 3 signatures, later");
        }
    }

    function deep(bytes32 leaf) private pure returns (bytes32 root, bytes32[] memory proof) {
        proof = new bytes32[](20);
        root = leaf;
        for (uint256 i; i < 20; ++i) {
            proof[i] = keccak256(abi.encode(i));
            root = Tree.pair(root, proof[i]);
        }
    }
}
