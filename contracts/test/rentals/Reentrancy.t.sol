// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {Rewards} from "../../src/Rewards.sol";
import {IBonds} from "../../src/interfaces/IBonds.sol";
import {IRentals, Terms} from "../../src/interfaces/IRentals.sol";
import {IRewards} from "../../src/interfaces/IRewards.sol";
import {Leaf} from "../../src/interfaces/IScores.sol";
import {Market} from "../base/Market.sol";
import {OddToken} from "../base/OddTokens.sol";

/// A token that calls back in the middle of a transfer finds every door that moves money closed.
contract ReentrancyTest is Market {
    OddToken private odd;
    Rewards private rewards;
    Terms private terms;

    function setUp() public override {
        super.setUp();
        odd = new OddToken();
        deploy(IERC20(address(odd)));
        rewards = new Rewards(rentals);
        odd.mint(consumer, 1e30);
        vm.startPrank(consumer);
        odd.approve(address(rentals), type(uint256).max);
        odd.approve(address(bonds), type(uint256).max);
        odd.approve(address(rewards), type(uint256).max);
        vm.stopPrank();
        (terms,) = opened(1, 30 days);
        (Terms memory stopped,) = opened(2, 100);
        stop(stopped, consumer);
    }

    function expectRefused() private view {
        assertTrue(odd.hooked(), "the token called back");
        assertEq(odd.hookError(), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "refused");
    }

    function test_nothingOfRentalsIsEnteredTwice() public {
        bytes[] memory signed = one(offerSignature(terms.offer));
        bytes32[] memory ids = one(rentals.rentalId(terms));
        bytes[] memory doors = new bytes[](6);
        doors[0] = abi.encodeCall(IRentals.open, (one(terms), one(1), signed));
        doors[1] = abi.encodeCall(IRentals.openWithPermit, (one(terms), one(1), signed, 0, 0, 0, 0, 0));
        doors[2] = abi.encodeCall(IRentals.topUp, (ids, one(1)));
        doors[3] = abi.encodeCall(IRentals.stop, (one(terms)));
        doors[4] = abi.encodeCall(IRentals.collect, (one(terms), new Leaf[](0), new bytes32[][](0)));
        doors[5] = abi.encodeCall(IRentals.withdraw, (stranger));
        for (uint256 i; i < doors.length; ++i) {
            uint256 before = vm.snapshotState();
            odd.setHook(address(rentals), doors[i]);
            vm.prank(consumer);
            rentals.withdraw(consumer);
            expectRefused();
            vm.revertToState(before);
            odd.setHook(address(rentals), doors[i]);
            vm.prank(consumer);
            rentals.topUp(ids, one(1));
            expectRefused();
        }
    }

    function test_openAndOpenWithPermitCloseTheDoorsToo() public {
        Terms memory next = someTerms(3);
        bytes[] memory signed = one(offerSignature(next.offer));
        odd.setHook(address(rentals), abi.encodeCall(IRentals.withdraw, (stranger)));
        vm.prank(consumer);
        rentals.open(one(next), one(1), signed);
        expectRefused();
        next.nonce = 4;
        odd.setHook(address(rentals), abi.encodeCall(IRentals.withdraw, (stranger)));
        vm.prank(consumer);
        rentals.openWithPermit(one(next), one(1), signed, 0, 0, 0, 0, 0);
        expectRefused();
    }

    function test_nothingOfBondsIsEnteredTwice() public {
        bytes[2] memory doors =
            [abi.encodeCall(IBonds.deposit, (consumer, 1)), abi.encodeCall(IBonds.withdraw, (stranger))];
        for (uint256 i; i < 2; ++i) {
            odd.setHook(address(bonds), doors[i]);
            vm.prank(consumer);
            bonds.deposit(consumer, 100);
            expectRefused();
            vm.prank(consumer);
            bonds.thaw(50);
            skip(90 days);
            odd.setHook(address(bonds), doors[i]);
            vm.prank(consumer);
            bonds.withdraw(consumer);
            expectRefused();
        }
    }

    function test_nothingOfRewardsIsEnteredTwice() public {
        bytes[3] memory doors = [
            abi.encodeCall(IRewards.claim, (stranger, 1, new bytes32[](0))),
            abi.encodeCall(IRewards.grant, (1)),
            abi.encodeCall(IRewards.gather, ())
        ];
        for (uint256 i; i < 3; ++i) {
            odd.setHook(address(rewards), doors[i]);
            vm.prank(consumer);
            rewards.grant(1);
            expectRefused();
        }
    }
}
