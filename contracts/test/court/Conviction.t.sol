// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {IScores} from "../../src/interfaces/IScores.sol";
import {Dispute} from "../base/Dispute.sol";

/// Which signatures convict, and which rentals a proof may name: what a filer gives to `fileProof`, forged in every way.
contract ConvictionTest is Dispute {
    Terms private terms;
    bytes32 private rental;

    function setUp() public override {
        super.setUp();
        Terms memory mine = rented(1);
        terms = mine;
        rental = rentals.rentalId(mine);
        skip(1 days);
    }

    /// The digest as EIP-712 has it, built here by hand.
    function digestFor(address bench_, uint256 chain, bytes32 evidence, bytes32 node, bytes32 id)
        private
        pure
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("GPUX Court"),
                keccak256("1"),
                chain,
                bench_
            )
        );
        bytes32 typeHash = keccak256("Conviction(bytes32 evidence,bytes32 node,bytes32 rental)");
        bytes32 values = keccak256(abi.encode(typeHash, evidence, node, id));
        return keccak256(abi.encodePacked(hex"1901", domain, values));
    }

    function testFuzz_theDigestIsEip712s(bytes32 evidence, bytes32 node, bytes32 id, uint64 chain) public {
        vm.chainId(bound(chain, 1, type(uint64).max));
        bytes32 wanted = digestFor(court, block.chainid, evidence, node, id);
        assertEq(bench.convictionDigest(evidence, node, id), wanted, "digest");
    }

    /// Any signature but the operators' over this very digest is refused, whatever it recovers to.
    function refused(bytes[] memory signed) private {
        vm.prank(filer);
        try bench.fileProof(one(terms), 0, SALT, EVIDENCE, signed) {
            assertTrue(false, "a foreign signature was accepted");
        } catch (bytes memory reason) {
            bytes4 name = bytes4(reason);
            bool ofCourt = name == IScores.NotAnOperator.selector || name == IScores.SignersOutOfOrder.selector;
            bool malformed =
                name == ECDSA.ECDSAInvalidSignature.selector || name == ECDSA.ECDSAInvalidSignatureS.selector;
            assertTrue(ofCourt || malformed, "wrong error");
        }
        assertEq(bench.openCase(NODE), 0, "open case");
    }

    function testFuzz_s23_convictionsForElsewhereAreRefused(address bench_, uint64 chain) public {
        chain = uint64(bound(chain, 1, type(uint64).max));
        vm.assume(bench_ != court || chain != block.chainid);
        bytes32 digest = digestFor(bench_, chain, EVIDENCE, NODE, rental);
        bytes[] memory signed = new bytes[](2);
        (signed[0], signed[1]) = (signature(operatorKeys[0], digest), signature(operatorKeys[1], digest));
        refused(signed);
    }

    function testFuzz_s23_convictionsOfAnythingElseAreRefused(bytes32 evidence, bytes32 node, bytes32 id, uint8 field)
        public
    {
        field = field % 3;
        if (field == 0) (node, id) = (NODE, rental);
        if (field == 1) (evidence, id) = (EVIDENCE, rental);
        if (field == 2) (evidence, node) = (EVIDENCE, NODE);
        vm.assume(evidence != EVIDENCE || node != NODE || id != rental);
        refused(convicts(evidence, node, id, 2));
    }

    function testFuzz_s23_aFlippedBitOfASignatureIsRefused(uint256 bit, bool second) public {
        bytes[] memory signed = proofOf(terms);
        uint256 place = second ? 1 : 0;
        signed[place] = flipped(signed[place], bit);
        refused(signed);
    }

    /// Any row of the three operators' signatures: two or more, and rising, or none.
    function testFuzz_s23_onlyRisingSignersConvict(uint8[4] calldata order, uint8 count) public {
        count = count % 5;
        bytes32 digest = bench.convictionDigest(EVIDENCE, NODE, rental);
        bytes[] memory signed = new bytes[](count);
        bool rising = true;
        for (uint256 i; i < count; ++i) {
            signed[i] = signature(operatorKeys[order[i] % 3], digest);
            if (i > 0 && order[i] % 3 <= order[i - 1] % 3) rising = false;
        }
        vm.prank(filer);
        if (count < 2) vm.expectRevert(abi.encodeWithSelector(IScores.TooFewSignatures.selector, count, 2));
        else if (!rising) vm.expectPartialRevert(IScores.SignersOutOfOrder.selector);
        bench.fileProof(one(terms), 0, SALT, EVIDENCE, signed);
        assertTrue((bench.openCase(NODE) != 0) == (rising && count >= 2), "open case");
    }

    function testFuzz_s23_aStrangersSignatureConvictsNobody(uint256 key) public {
        key = bound(key, 1, type(uint128).max);
        vm.assume(!scores.isOperator(vm.addr(key)));
        bytes[] memory signed = new bytes[](2);
        signed[0] = signature(key, bench.convictionDigest(EVIDENCE, NODE, rental));
        signed[1] = signed[0];
        vm.prank(filer);
        vm.expectRevert(abi.encodeWithSelector(IScores.NotAnOperator.selector, vm.addr(key)));
        bench.fileProof(one(terms), 0, SALT, EVIDENCE, signed);
    }

    function testFuzz_theFilersOwnRentalIsOneOfThem(uint256 own, uint8 length) public {
        Terms[] memory list = new Terms[](length % 6);
        vm.assume(own >= list.length);
        bytes[] memory signed = proofOf(terms);
        vm.prank(filer);
        vm.expectRevert(abi.encodeWithSelector(ICourt.BadIndex.selector, own, list.length));
        bench.fileProof(list, own, SALT, EVIDENCE, signed);
    }

    /// Altered terms are another rental: one of another note, of nobody, or of another node than was convicted.
    function testFuzz_tamperedTermsFileNothing(uint8 field) public {
        Terms memory other = tampered(terms, field);
        bytes32 id = rentals.rentalId(other);
        bytes[] memory signed = convicts(EVIDENCE, other.offer.node, id, 2);
        bytes memory reason = abi.encodeWithSelector(IRentals.UnknownRental.selector, id);
        if (field % 9 == 1) reason = abi.encodeWithSelector(ICourt.NoteMismatch.selector, id, filer);
        vm.prank(filer);
        vm.expectRevert(reason);
        bench.fileProof(one(other), 0, SALT, EVIDENCE, signed);
    }

    /// The window of filing, for any end of the rental, to the second.
    function testFuzz_theFilingWindow(uint32 ran, uint32 after_) public {
        skip(bound(ran, 0, 50 days));
        stop(terms, provider);
        uint256 until = block.timestamp + FILING;
        vm.warp(until - 5 + after_ % 10);
        bool late = block.timestamp > until;
        bytes[] memory signed = proofOf(terms);
        vm.prank(filer);
        if (late) vm.expectRevert(abi.encodeWithSelector(ICourt.FilingClosed.selector, until));
        bench.fileProof(one(terms), 0, SALT, EVIDENCE, signed);
        assertTrue((bench.openCase(NODE) != 0) != late, "open case");
    }
}
