// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IBonds} from "../../src/interfaces/IBonds.sol";
import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {Market} from "../base/Market.sol";
import {OddToken} from "../base/OddTokens.sol";

/// Statement 22: with any odd token a call reverts, or the books stay covered.
contract OddTokensTest is Market {
    OddToken private odd;

    function setUp() public override {
        super.setUp();
        odd = new OddToken();
        deploy(IERC20(address(odd)));
        odd.mint(consumer, 1e30);
        vm.startPrank(consumer);
        odd.approve(address(rentals), type(uint256).max);
        odd.approve(address(bonds), type(uint256).max);
        vm.stopPrank();
    }

    function openingReverts(bytes memory reason) private {
        Terms memory terms = someTerms(9);
        bytes[] memory signed = one(offerSignature(terms.offer));
        vm.prank(consumer);
        vm.expectRevert(reason);
        rentals.open(one(terms), one(uint128(10_000)), signed);
    }

    function test_s22_noReturnValueIsSuccess() public {
        odd.setReturns(true, false);
        (Terms memory terms,) = opened(1, 100);
        stop(terms, consumer);
        vm.prank(consumer);
        rentals.withdraw(stranger);
        assertEq(odd.balanceOf(stranger), 100 * RATE, "paid");
    }

    function test_s22_falseIsFailure() public {
        (Terms memory terms,) = opened(1, 100);
        stop(terms, consumer);
        odd.setReturns(false, true);
        bytes memory reason = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(odd));
        openingReverts(reason);
        vm.prank(consumer);
        vm.expectRevert(reason);
        rentals.withdraw(consumer);
        assertEq(rentals.credit(consumer), 100 * RATE, "credit is kept");
    }

    function test_s22_aFeeOnTheWayInIsRefused() public {
        odd.setFee(100, false);
        openingReverts(abi.encodeWithSelector(IRentals.BalanceMismatch.selector, 9900, 10_000));
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IBonds.BalanceMismatch.selector, 9900, 10_000));
        bonds.deposit(consumer, 10_000);
    }

    /// A fee that the payer pays on top would be paid from the others' deposits.
    function test_s22_aFeeOnTheWayOutIsRefused() public {
        (Terms memory terms,) = opened(1, 100);
        opened(2, 100);
        stop(terms, consumer);
        odd.setFee(100, true);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IRentals.BalanceMismatch.selector, 101_000, 100_000));
        rentals.withdraw(consumer);
        assertEq(odd.balanceOf(address(rentals)), 200 * RATE, "balance");
    }

    /// A blocked provider must not block the refund of his consumer, nor a slash.
    function test_s22_aBlockedPartyBlocksNobodyElse() public {
        (Terms memory terms,) = opened(1, 30 days);
        skip(20 days);
        odd.block_(provider);
        stop(terms, consumer);
        vm.prank(consumer);
        assertEq(rentals.withdraw(consumer), 10 days * RATE, "refund");
        slash(terms, slashOrder(1000, block.timestamp));
        vm.prank(beneficiary);
        assertEq(rentals.withdraw(beneficiary), 500, "slash");
        vm.prank(provider);
        vm.expectRevert(bytes("refused"));
        rentals.withdraw(provider);
        vm.prank(provider);
        assertEq(rentals.withdraw(stranger), (20 days - HOLD) * RATE, "to an address that is not blocked");
    }

    function test_s22_aPausedTokenLosesNothing() public {
        (Terms memory terms,) = opened(1, 100);
        odd.setPaused(true);
        openingReverts(bytes("refused"));
        stop(terms, consumer);
        vm.prank(consumer);
        vm.expectRevert(bytes("refused"));
        rentals.withdraw(consumer);
        odd.setPaused(false);
        vm.prank(consumer);
        assertEq(rentals.withdraw(consumer), 100 * RATE, "refund");
    }

    /// The token reverts on a transfer of zero; a withdrawal of nothing makes none.
    function test_s22_nothingOwedMovesNothing() public {
        vm.prank(stranger);
        assertEq(rentals.withdraw(stranger), 0, "paid");
    }

    /// A fee of any size, on either side, on any amount: no books are kept of what did not come or went besides.
    function testFuzz_s22_anyFeeIsRefused(uint256 bps, bool bySender, uint128 amount) public {
        bps = bound(bps, 1, 10_000);
        amount = uint128(bound(amount, 10_000, 1e20));
        (Terms memory terms,) = opened(1, 100);
        (, bytes32 other) = opened(2, 1e18);
        stop(terms, consumer);
        odd.setFee(bps, bySender);
        vm.startPrank(consumer);
        if (bySender) {
            // The payer pays it on top: what comes in is right, what goes out would be the others' money.
            vm.expectPartialRevert(IRentals.BalanceMismatch.selector);
            rentals.withdraw(stranger);
            assertEq(rentals.credit(consumer), 100 * RATE, "credit");
        } else {
            uint256 moved = amount - uint256(amount) * bps / 10_000;
            vm.expectRevert(abi.encodeWithSelector(IBonds.BalanceMismatch.selector, moved, amount));
            bonds.deposit(consumer, amount);
            vm.expectPartialRevert(IRentals.BalanceMismatch.selector);
            rentals.topUp(one(other), one(amount));
        }
        vm.stopPrank();
        assertEq(odd.balanceOf(address(rentals)), (100 + 1e18) * RATE, "balance");
    }

    /// A blocked receiver keeps his credit, however often he tries, and takes it elsewhere.
    function testFuzz_s22_aBlockedReceiverKeepsHisCredit(address to, uint8 tries) public {
        vm.assume(to != address(0) && to != address(rentals) && to != stranger);
        (Terms memory terms,) = opened(1, 100);
        stop(terms, consumer);
        odd.block_(to);
        vm.startPrank(consumer);
        for (uint256 i; i < tries % 4 + 1; ++i) {
            vm.expectRevert(bytes("refused"));
            rentals.withdraw(to);
        }
        assertEq(rentals.withdraw(stranger), 100 * RATE, "elsewhere");
        vm.stopPrank();
    }
}
