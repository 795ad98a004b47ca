// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRentals, Offer, Rental, Terms} from "../../src/interfaces/IRentals.sol";
import {Log} from "../base/Test.sol";
import {Market} from "../base/Market.sol";

/// A provider that is a contract.
contract Wallet {
    bytes32 public accepted;

    function accept(bytes32 digest) external {
        accepted = digest;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == accepted ? this.isValidSignature.selector : bytes4(0);
    }
}

contract OpenTest is Market {
    function test_openStoresEmitsAndTakesTheDeposit() public {
        Terms memory terms = someTerms(1);
        bytes32 id = rentals.rentalId(terms);
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.expectEmit(address(rentals));
        emit IRentals.Opened(id, NODE, provider, terms, 5000, uint40(block.timestamp));
        vm.prank(consumer);
        bytes32 returned = rentals.open(one(terms), one(5000), signed)[0];
        assertEq(returned, id, "id");
        Rental memory r = rentals.rentalOf(id);
        assertEq(r.deposit, 5000, "deposit");
        assertEq(r.start, block.timestamp, "start");
        assertEq(r.rate, RATE, "rate");
        assertEq(token.balanceOf(address(rentals)), 5000, "balance");
    }

    function test_rentalIdIsTheHashOfChainContractAndTerms() public view {
        Terms memory terms = someTerms(1);
        bytes32 id = keccak256(abi.encode(block.chainid, address(rentals), terms));
        assertEq(rentals.rentalId(terms), id, "id");
    }

    function test_s19_theProvidersSignatureIsNeeded() public {
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(signature(CONSUMER_KEY, rentals.offerDigest(terms.offer)));
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.BadOfferSignature.selector, provider, NODE));
        rentals.open(one(terms), one(5000), signed);
    }

    /// Any changed field makes the signature another offer's: a lower rate above all.
    function testFuzz_s19_noFieldOfTheOfferCanBeChanged(uint8 field) public {
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(offerSignature(terms.offer));
        field = uint8(bound(field, 0, 4));
        if (field == 0) terms.offer.rate -= 1;
        if (field == 1) terms.offer.node = keccak256("other");
        if (field == 2) terms.offer.descriptor = keccak256("other");
        if (field == 3) terms.offer.capacity += 1;
        if (field == 4) terms.offer.validUntil += 1;
        vm.prank(consumer);
        vm.expectPartialRevert(IRentals.BadOfferSignature.selector);
        rentals.open(one(terms), one(5000), signed);
    }

    function test_s19_signaturesOfAnotherChainAreRefused() public {
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.chainId(10);
        vm.prank(consumer);
        vm.expectPartialRevert(IRentals.BadOfferSignature.selector);
        rentals.open(one(terms), one(5000), signed);
    }

    function test_s19_noneAfterValidUntil() public {
        Terms memory terms = someTerms(1);
        Terms memory second = someTerms(2);
        vm.warp(terms.offer.validUntil);
        open(terms, 5000);
        bytes[] memory signed = one(offerSignature(second.offer));
        vm.warp(uint256(terms.offer.validUntil) + 1);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.OfferExpired.selector, second.offer.validUntil));
        rentals.open(one(second), one(5000), signed);
    }

    function test_aProviderMayBeAContract() public {
        Wallet wallet = new Wallet();
        Terms memory terms = someTerms(1);
        terms.offer.provider = address(wallet);
        vm.prank(consumer);
        vm.expectPartialRevert(IRentals.BadOfferSignature.selector);
        rentals.open(one(terms), one(5000), one(bytes("")));
        wallet.accept(rentals.offerDigest(terms.offer));
        vm.prank(consumer);
        rentals.open(one(terms), one(5000), one(bytes("")));
    }

    function test_aStrangerCannotOpenInTheConsumersName() public {
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotTheConsumer.selector, stranger, consumer));
        rentals.open(one(terms), one(1), signed);
    }

    function test_badDepositsRatesAndLengthsRevert() public {
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.startPrank(consumer);
        vm.expectRevert(IRentals.ZeroAmount.selector);
        rentals.open(one(terms), one(uint128(0)), signed);
        vm.expectRevert(IRentals.LengthMismatch.selector);
        rentals.open(one(terms), new uint128[](2), signed);
        vm.expectRevert(IRentals.LengthMismatch.selector);
        rentals.open(one(terms), one(1), new bytes[](0));
        terms.offer.rate = 0;
        vm.expectRevert(IRentals.ZeroRate.selector);
        rentals.open(one(terms), one(1), signed);
        vm.stopPrank();
    }

    function test_theSameTermsOpenOnce() public {
        (Terms memory terms, bytes32 id) = opened(1, 5);
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.AlreadyOpen.selector, id));
        rentals.open(one(terms), one(5000), signed);
    }

    /// Three rentals in one call are the three rentals of three calls, at one transfer.
    function test_s21_aBatchEqualsSingleCallsAtOneTransfer() public {
        Terms[] memory terms = new Terms[](3);
        uint128[] memory deposits = new uint128[](3);
        bytes[] memory signed = new bytes[](3);
        for (uint64 i; i < 3; ++i) {
            terms[i] = someTerms(i);
            deposits[i] = 1000 * (i + 1);
            signed[i] = offerSignature(terms[i].offer);
        }
        uint256 before = vm.snapshotState();
        bytes32[3] memory single;
        for (uint64 i; i < 3; ++i) {
            single[i] = digest(open(terms[i], deposits[i]));
        }
        uint256 balance = token.balanceOf(address(rentals));
        vm.revertToState(before);

        vm.recordLogs();
        vm.prank(consumer);
        bytes32[] memory ids = rentals.open(terms, deposits, signed);
        assertEq(transfers(), 1, "transfers");
        for (uint64 i; i < 3; ++i) {
            assertEq(digest(ids[i]), single[i], "rental");
        }
        assertEq(token.balanceOf(address(rentals)), balance, "balance");
    }

    function digest(bytes32 id) private view returns (bytes32) {
        return keccak256(abi.encode(rentals.rentalOf(id)));
    }

    function transfers() private returns (uint256 count) {
        Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter == address(token)) ++count;
        }
    }

    function testFuzz_s19_aForeignKeySignsNothing(uint256 key) public {
        key = bound(key, 1, type(uint128).max);
        vm.assume(vm.addr(key) != provider);
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(signature(key, rentals.offerDigest(terms.offer)));
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.BadOfferSignature.selector, provider, NODE));
        rentals.open(one(terms), one(5000), signed);
    }

    function testFuzz_s19_signaturesOfAnotherChainAreRefused(uint64 chain) public {
        vm.assume(chain != block.chainid && chain != 0);
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.chainId(chain);
        vm.prank(consumer);
        vm.expectPartialRevert(IRentals.BadOfferSignature.selector);
        rentals.open(one(terms), one(5000), signed);
    }

    function testFuzz_s19_anOfferHoldsUntilItsLastSecond(uint40 after_) public {
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(offerSignature(terms.offer));
        uint40 until = terms.offer.validUntil;
        vm.warp(bound(after_, block.timestamp, uint256(until) + 365 days));
        vm.prank(consumer);
        if (block.timestamp > until) vm.expectRevert(abi.encodeWithSelector(IRentals.OfferExpired.selector, until));
        rentals.open(one(terms), one(5000), signed);
    }

    function testFuzz_nobodyOpensInTheConsumersName(address by) public {
        vm.assume(by != consumer);
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(IRentals.NotTheConsumer.selector, by, consumer));
        rentals.open(one(terms), one(1), signed);
    }

    /// What is paid for ends when the deposit does, to the second.
    function testFuzz_theDepositPaysForWholeSeconds(uint96 rate, uint128 deposit) public {
        Terms memory terms = someTerms(1);
        terms.offer.rate = rate = uint96(bound(rate, 1, 1e12));
        deposit = uint128(bound(deposit, 1, 1e20));
        bytes32 id = open(terms, deposit);
        uint256 paid = rentals.paidUntil(id) - block.timestamp;
        uint256 most = type(uint40).max - block.timestamp;
        assertTrue(paid == deposit / rate || paid == deposit / rate + 1 || paid == most, "paid until");
        assertEq(rentals.refundable(id), deposit, "nothing is earned yet");
    }

    function testFuzz_anIdDependsOnEveryTerm(uint64 nonce, bytes32 note) public view {
        Terms memory terms = someTerms(1);
        bytes32 id = rentals.rentalId(terms);
        vm.assume(nonce != terms.nonce && note != terms.note);
        Terms memory other = someTerms(nonce);
        assertTrue(rentals.rentalId(other) != id, "nonce");
        other = someTerms(1);
        other.note = note;
        assertTrue(rentals.rentalId(other) != id, "note");
    }

    /// A signature for another escrow, at any address, on the same chain.
    function testFuzz_s19_anotherContractsOffersAreRefused(address elsewhere) public {
        vm.assume(elsewhere != address(rentals));
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(signature(PROVIDER_KEY, digestFor(elsewhere, block.chainid, terms.offer)));
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.BadOfferSignature.selector, provider, NODE));
        rentals.open(one(terms), one(5000), signed);
    }

    /// The digest as EIP-712 has it, built here by hand.
    function digestFor(address escrow, uint256 chain, Offer memory offer) private pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("GPUX Rentals"),
                keccak256("1"),
                chain,
                escrow
            )
        );
        bytes32 typeHash = keccak256(
            "Offer(address provider,bytes32 node,bytes32 descriptor,uint96 rate,uint32 capacity,uint40 validUntil)"
        );
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encode(typeHash, offer))));
    }

    function testFuzz_theOffersDigestIsEip712s(Offer calldata offer, uint64 chain) public {
        vm.chainId(bound(chain, 1, type(uint64).max));
        assertEq(rentals.offerDigest(offer), digestFor(address(rentals), block.chainid, offer), "digest");
    }

    function testFuzz_s19_aFlippedBitOfASignatureIsRefused(uint256 bit) public {
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(flipped(offerSignature(terms.offer), bit));
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.BadOfferSignature.selector, provider, NODE));
        rentals.open(one(terms), one(5000), signed);
    }

    function testFuzz_unevenArraysAreRefused(uint8 terms, uint8 deposits, uint8 signed) public {
        (terms, deposits, signed) = (terms % 8, deposits % 8, signed % 8);
        vm.assume(terms != deposits || terms != signed);
        vm.prank(consumer);
        vm.expectRevert(IRentals.LengthMismatch.selector);
        rentals.open(new Terms[](terms), new uint128[](deposits), new bytes[](signed));
    }

    /// Every rate and deposit that fit their types: nothing overflows, at no time.
    function testFuzz_s3_noRateOverflows(uint96 rate, uint128 deposit, uint40 time) public {
        Terms memory terms = someTerms(1);
        terms.offer.rate = rate = uint96(bound(rate, 1, type(uint96).max));
        deposit = uint128(bound(deposit, 1, type(uint128).max));
        token.mint(consumer, deposit);
        bytes32 id = open(terms, deposit);
        uint256 ran = time > block.timestamp ? time - block.timestamp : 0;
        uint256 wanted = uint256(rate) * ran < deposit ? uint256(rate) * ran : deposit;
        assertEq(rentals.earned(id, time), wanted, "earned");
        uint256 end = block.timestamp + deposit / rate;
        assertEq(rentals.paidUntil(id), end < type(uint40).max ? end : type(uint40).max, "paid until");
        assertEq(token.balanceOf(address(rentals)), deposit, "balance");
    }

    /// Neither a stop, nor a collect, nor time makes room for the same terms again.
    function testFuzz_theSameTermsNeverOpenAgain(uint32 stopAfter, uint32 later) public {
        (Terms memory terms, bytes32 id) = opened(1, 100);
        bytes[] memory signed = one(offerSignature(terms.offer));
        skip(stopAfter % 200);
        stop(terms, consumer);
        skip(bound(later, 0, 300 days));
        collect(terms);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.AlreadyOpen.selector, id));
        rentals.open(one(terms), one(5000), signed);
    }

    /// Named twice in one batch, wherever, it is refused, and nothing of the batch is opened.
    function testFuzz_termsNamedTwiceInABatchOpenNothing(uint8 first, uint8 second) public {
        (first, second) = (first % 4, second % 4);
        vm.assume(first != second);
        Terms[] memory terms = new Terms[](4);
        uint128[] memory deposits = new uint128[](4);
        bytes[] memory signed = new bytes[](4);
        for (uint64 i; i < 4; ++i) {
            terms[i] = someTerms(i == second ? first : i);
            (deposits[i], signed[i]) = (5000, offerSignature(terms[i].offer));
        }
        bytes32 id = rentals.rentalId(terms[first]);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.AlreadyOpen.selector, id));
        rentals.open(terms, deposits, signed);
        assertEq(token.balanceOf(address(rentals)), 0, "balance");
    }
}
