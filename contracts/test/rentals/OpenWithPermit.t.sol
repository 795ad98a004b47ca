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
}
