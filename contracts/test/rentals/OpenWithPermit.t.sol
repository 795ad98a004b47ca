// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Market} from "../base/Market.sol";

contract OpenWithPermitTest is Market {
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    function setUp() public override {
        super.setUp();
        vm.prank(consumer);
        token.approve(address(rentals), 0);
    }

    function permit(uint256 value, uint256 deadline) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 inner =
            keccak256(abi.encode(PERMIT, consumer, address(rentals), value, token.nonces(consumer), deadline));
        return vm.sign(CONSUMER_KEY, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), inner)));
    }

    function call(Terms memory terms, uint8 v, bytes32 r, bytes32 s) private {
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.prank(consumer);
        rentals.openWithPermit(one(terms), one(5000), signed, 5000, block.timestamp, v, r, s);
    }

    function test_aPermitReplacesTheApproval() public {
        (uint8 v, bytes32 r, bytes32 s) = permit(5000, block.timestamp);
        Terms memory terms = someTerms(1);
        call(terms, v, r, s);
        assertEq(rentals.rentalOf(rentals.rentalId(terms)).deposit, 5000, "deposit");
        assertEq(token.allowance(consumer, address(rentals)), 0, "allowance");
    }

    /// The permit was copied out of the pool and used first: the rental opens all the same.
    function test_aPermitThatWasUsedFirstDoesNoHarm() public {
        (uint8 v, bytes32 r, bytes32 s) = permit(5000, block.timestamp);
        vm.prank(stranger);
        token.permit(consumer, address(rentals), 5000, block.timestamp, v, r, s);
        call(someTerms(1), v, r, s);
        assertEq(token.balanceOf(address(rentals)), 5000, "balance");
    }

    function test_aForgedPermitOpensNothing() public {
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.prank(consumer);
        vm.expectPartialRevert(IERC20Errors.ERC20InsufficientAllowance.selector);
        rentals.openWithPermit(one(terms), one(5000), signed, 5000, block.timestamp, 27, bytes32(uint256(1)), "2");
    }

    /// Opens for 5,000 with this permit and no other allowance, which must fail for want of one.
    function refused(uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) private {
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(offerSignature(terms.offer));
        bytes4 reason = IERC20Errors.ERC20InsufficientAllowance.selector;
        uint256 allowed = value < 5000 ? value : 0;
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(reason, address(rentals), allowed, 5000));
        rentals.openWithPermit(one(terms), one(5000), signed, value, deadline, v, r, s);
        assertEq(rentals.rentalOf(rentals.rentalId(terms)).deposit, 0, "deposit");
    }

    function testFuzz_anExpiredPermitOpensNothing(uint32 late) public {
        uint256 deadline = block.timestamp;
        (uint8 v, bytes32 r, bytes32 s) = permit(5000, deadline);
        skip(bound(late, 1, 300 days));
        refused(5000, deadline, v, r, s);
    }

    function testFuzz_aPermitHoldsUntilItsDeadline(uint32 early) public {
        uint256 deadline = block.timestamp + bound(early, 0, 300 days);
        (uint8 v, bytes32 r, bytes32 s) = permit(5000, deadline);
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.warp(deadline);
        vm.prank(consumer);
        rentals.openWithPermit(one(terms), one(5000), signed, 5000, deadline, v, r, s);
        assertEq(token.balanceOf(address(rentals)), 5000, "balance");
    }

    /// Signed by anybody but the payer, or for another spender: no money moves.
    function testFuzz_aPermitOfOthersOpensNothing(uint256 key, address spender) public {
        key = bound(key, 1, type(uint128).max);
        vm.assume(vm.addr(key) != consumer || spender != address(rentals));
        uint256 nonce = token.nonces(consumer);
        bytes32 inner = keccak256(abi.encode(PERMIT, consumer, spender, 5000, nonce, block.timestamp));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), inner));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        refused(5000, block.timestamp, v, r, s);
    }

    function testFuzz_aPermitForLessOpensNothing(uint256 value) public {
        value = bound(value, 0, 4999);
        (uint8 v, bytes32 r, bytes32 s) = permit(value, block.timestamp);
        refused(value, block.timestamp, v, r, s);
    }

    /// Where an allowance is, no permit does harm, however it was made.
    function testFuzz_aUselessPermitDoesNoHarm(uint256 deadline, uint8 v, bytes32 r, bytes32 s) public {
        vm.prank(consumer);
        token.approve(address(rentals), 5000);
        Terms memory terms = someTerms(1);
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.prank(consumer);
        rentals.openWithPermit(one(terms), one(5000), signed, 5000, deadline, v, r, s);
        assertEq(rentals.rentalOf(rentals.rentalId(terms)).deposit, 5000, "deposit");
    }
}
