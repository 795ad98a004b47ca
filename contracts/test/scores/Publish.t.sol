// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IScores, Publish} from "../../src/interfaces/IScores.sol";
import {Log} from "../base/Test.sol";
import {Market} from "../base/Market.sol";

contract PublishTest is Market {
    bytes32 private constant ROOT = keccak256("root");

    function refuse(Publish memory p, bytes[] memory signed, bytes memory reason) private {
        vm.expectRevert(reason);
        scores.publish(p, signed);
    }

    function test_anyoneSendsWhatOperatorsSigned() public {
        Publish memory p = publication(overEpoch(), ROOT);
        bytes[] memory signed = signatures(p, 2);
        address[] memory signers = new address[](2);
        (signers[0], signers[1]) = (vm.addr(operatorKeys[0]), vm.addr(operatorKeys[1]));
        bytes32 chained = keccak256(abi.encode(bytes32(0), p));
        vm.expectEmit(address(scores));
        emit IScores.Published(p.epoch, p, uint40(block.timestamp + DELAY), chained, signers);
        vm.prank(stranger);
        scores.publish(p, signed);
        assertEq(scores.latestEpoch(), p.epoch, "epoch");
        assertEq(scores.rootOf(p.epoch).root, ROOT, "root");
        assertEq(scores.history(), chained, "history");
    }

    function test_fewerForeignRepeatedOrUnsortedSignersAreRefused() public {
        Publish memory p = publication(overEpoch(), ROOT);
        bytes[] memory signed = signatures(p, 2);
        refuse(p, signatures(p, 1), abi.encodeWithSelector(IScores.TooFewSignatures.selector, 1, 2));

        (address low, address high) = (vm.addr(operatorKeys[0]), vm.addr(operatorKeys[1]));
        (signed[0], signed[1]) = (signed[1], signed[0]);
        refuse(p, signed, abi.encodeWithSelector(IScores.SignersOutOfOrder.selector, low, high));
        signed[0] = signed[1];
        refuse(p, signed, abi.encodeWithSelector(IScores.SignersOutOfOrder.selector, low, low));

        uint256 key = 0x9999;
        signed[0] = signature(key, scores.publicationDigest(p));
        signed[1] = signed[0];
        refuse(p, signed, abi.encodeWithSelector(IScores.NotAnOperator.selector, vm.addr(key)));
        signed[0] = hex"00";
        refuse(p, signed, abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureLength.selector, 1));
    }

    /// Operators answer for every field: none can be exchanged under their signatures.
    function testFuzz_noSignedFieldCanBeChanged(uint8 field) public {
        Publish memory p = publication(overEpoch(), ROOT);
        bytes[] memory signed = signatures(p, 2);
        field = uint8(bound(field, 0, 5));
        if (field == 0) p.epoch -= 1;
        if (field == 1) p.root = keccak256("other");
        if (field == 2) p.rewardsRoot = keccak256("other");
        if (field == 3) p.dataHash = keccak256("other");
        if (field == 4) p.logSize += 1;
        if (field == 5) p.logRoot = keccak256("other");
        try scores.publish(p, signed) {
            assertTrue(false, "a changed publication was accepted");
        } catch (bytes memory reason) {
            bytes4 name = bytes4(reason);
            assertTrue(
                name == IScores.NotAnOperator.selector || name == IScores.SignersOutOfOrder.selector, "wrong error"
            );
        }
    }

    function test_s17_oneRootAnEpochAndEpochsRise() public {
        uint64 epoch = overEpoch();
        publish(publication(epoch, ROOT));
        Publish memory p = publication(epoch, keccak256("other"));
        refuse(p, signatures(p, 2), abi.encodeWithSelector(IScores.StaleEpoch.selector, epoch, epoch));
        p.epoch = epoch - 1;
        refuse(p, signatures(p, 2), abi.encodeWithSelector(IScores.StaleEpoch.selector, epoch - 1, epoch));
        assertEq(scores.rootOf(epoch).root, ROOT, "root");
    }

    function test_anEpochIsPublishedWhenItIsOver() public {
        uint64 epoch = overEpoch() + 1;
        Publish memory p = publication(epoch, ROOT);
        uint256 end = (uint256(epoch) + 1) * EPOCH;
        vm.warp(end - 1);
        refuse(p, signatures(p, 2), abi.encodeWithSelector(IScores.EpochNotOver.selector, epoch, end));
        p.epoch = type(uint64).max;
        vm.expectPartialRevert(IScores.EpochNotOver.selector);
        scores.publish(p, new bytes[](2));
        vm.warp(end);
        publish(publication(epoch, ROOT));
    }

    function test_s17_foreignParametersAndEmptyRootsAreRefused() public {
        Publish memory p = publication(overEpoch(), ROOT);
        p.parameters = keccak256("foreign");
        refuse(
            p, signatures(p, 2), abi.encodeWithSelector(IScores.ForeignParameters.selector, p.parameters, PARAMETERS)
        );
        p = publication(overEpoch(), 0);
        refuse(p, signatures(p, 2), abi.encodeWithSelector(IScores.EmptyRoot.selector));
    }

    function test_s20_historyIsRebuiltFromEventsAlone() public {
        vm.recordLogs();
        for (uint64 i; i < 5; ++i) {
            skip(EPOCH * (i + 1));
            publish(publication(overEpoch(), keccak256(abi.encode(i))));
        }
        Log[] memory logs = vm.getRecordedLogs();
        bytes32 rebuilt;
        uint256 found;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IScores.Published.selector) continue;
            (Publish memory p,,,) = abi.decode(logs[i].data, (Publish, uint40, bytes32, address[]));
            rebuilt = keccak256(abi.encode(rebuilt, p));
            ++found;
        }
        assertEq(found, 5, "events");
        assertEq(rebuilt, scores.history(), "history");
    }

    function testFuzz_s17_epochsRiseAndAreOver(uint64 first, uint64 second) public {
        uint64 newest = overEpoch();
        first = uint64(bound(first, 1, newest));
        publish(publication(first, ROOT));
        second = uint64(bound(second, 1, newest + 1000));
        Publish memory p = publication(second, ROOT);
        bytes[] memory signed = signatures(p, 2);
        if (second <= first) {
            refuse(p, signed, abi.encodeWithSelector(IScores.StaleEpoch.selector, second, first));
        } else if (second > newest) {
            vm.expectPartialRevert(IScores.EpochNotOver.selector);
            scores.publish(p, signed);
        } else {
            scores.publish(p, signed);
            assertEq(scores.latestEpoch(), second, "epoch");
        }
    }

    function testFuzz_s17_foreignParametersAreRefused(bytes32 parameters) public {
        vm.assume(parameters != PARAMETERS);
        Publish memory p = publication(overEpoch(), ROOT);
        p.parameters = parameters;
        bytes memory reason = abi.encodeWithSelector(IScores.ForeignParameters.selector, parameters, PARAMETERS);
        refuse(p, signatures(p, 2), reason);
    }

    function testFuzz_aStrangersSignatureCountsForNothing(uint256 key) public {
        key = bound(key, 1, type(uint128).max);
        address signer = vm.addr(key);
        vm.assume(!scores.isOperator(signer));
        Publish memory p = publication(overEpoch(), ROOT);
        bytes[] memory signed = new bytes[](2);
        signed[0] = signature(key, scores.publicationDigest(p));
        signed[1] = signed[0];
        refuse(p, signed, abi.encodeWithSelector(IScores.NotAnOperator.selector, signer));
    }

    function testFuzz_s20_historyIsRebuiltFromWhatWasPublished(uint8 count, bytes32 seed) public {
        count = uint8(bound(count, 1, 8));
        bytes32 rebuilt;
        for (uint256 i; i < count; ++i) {
            skip(EPOCH);
            Publish memory p = publication(overEpoch(), keccak256(abi.encode(seed, i)));
            publish(p);
            rebuilt = keccak256(abi.encode(rebuilt, p));
        }
        assertEq(scores.history(), rebuilt, "history");
    }

    /// Of five operators, three of whom are needed: any row of signatures counts exactly if its signers rise.
    function testFuzz_onlyRisingSignersCount(uint8[4] calldata order, uint8 count) public {
        sortedOperatorKeys(5);
        address[] memory added = new address[](2);
        uint256 joined;
        for (uint256 i; i < 5; ++i) {
            address account = vm.addr(operatorKeys[i]);
            if (!scores.isOperator(account)) added[joined++] = account;
        }
        vm.prank(admin);
        scores.setOperators(added, new address[](0), 3);
        count = count % 5;
        Publish memory p = publication(overEpoch(), ROOT);
        bytes[] memory signed = new bytes[](count);
        bool rising = true;
        for (uint256 i; i < count; ++i) {
            signed[i] = signature(operatorKeys[order[i] % 5], scores.publicationDigest(p));
            if (i > 0 && order[i] % 5 <= order[i - 1] % 5) rising = false;
        }
        if (count < 3) vm.expectRevert(abi.encodeWithSelector(IScores.TooFewSignatures.selector, count, 3));
        else if (!rising) vm.expectPartialRevert(IScores.SignersOutOfOrder.selector);
        scores.publish(p, signed);
        assertEq(scores.latestEpoch(), rising && count >= 3 ? p.epoch : 0, "epoch");
    }

    /// The digest as EIP-712 has it, built here by hand.
    function digestFor(address contract_, uint256 chain, Publish memory p) private pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("GPUX Scores"),
                keccak256("1"),
                chain,
                contract_
            )
        );
        bytes32 typeHash = keccak256(
            "Publish(uint64 epoch,bytes32 root,bytes32 rewardsRoot,bytes32 dataHash,uint64 logSize,bytes32 logRoot,bytes32 parameters)"
        );
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encode(typeHash, p))));
    }

    function testFuzz_theDigestIsEip712s(Publish calldata p, uint64 chain) public {
        vm.chainId(bound(chain, 1, type(uint64).max));
        assertEq(scores.publicationDigest(p), digestFor(address(scores), block.chainid, p), "digest");
    }

    /// What operators signed for another contract, or another chain, publishes nothing here.
    function testFuzz_signaturesForElsewhereAreRefused(address contract_, uint64 chain) public {
        chain = uint64(bound(chain, 1, type(uint64).max));
        vm.assume(contract_ != address(scores) || chain != block.chainid);
        Publish memory p = publication(overEpoch(), ROOT);
        bytes32 digest = digestFor(contract_, chain, p);
        bytes[] memory signed = new bytes[](2);
        (signed[0], signed[1]) = (signature(operatorKeys[0], digest), signature(operatorKeys[1], digest));
        try scores.publish(p, signed) {
            assertTrue(false, "a foreign signature was accepted");
        } catch (bytes memory reason) {
            bytes4 name = bytes4(reason);
            bool refused = name == IScores.NotAnOperator.selector || name == IScores.SignersOutOfOrder.selector;
            assertTrue(refused, "wrong error");
        }
        assertEq(scores.latestEpoch(), 0, "epoch");
    }

    /// To the second: an epoch is not published while it may still see a probe.
    function testFuzz_anEpochIsOverAtItsEnd(uint32 moment) public {
        uint64 epoch = overEpoch() + 1;
        uint256 end = (uint256(epoch) + 1) * EPOCH;
        vm.warp(end - 5 + moment % 10);
        Publish memory p = publication(epoch, ROOT);
        bytes[] memory signed = signatures(p, 2);
        bool early = block.timestamp < end;
        if (early) vm.expectRevert(abi.encodeWithSelector(IScores.EpochNotOver.selector, epoch, end));
        scores.publish(p, signed);
        assertEq(scores.latestEpoch(), early ? 0 : epoch, "epoch");
    }

    function testFuzz_aFlippedBitOfASignatureIsRefused(uint256 bit, bool second) public {
        Publish memory p = publication(overEpoch(), ROOT);
        bytes[] memory signed = signatures(p, 2);
        uint256 place = second ? 1 : 0;
        signed[place] = flipped(signed[place], bit);
        vm.expectRevert();
        scores.publish(p, signed);
        assertEq(scores.latestEpoch(), 0, "epoch");
    }
}
