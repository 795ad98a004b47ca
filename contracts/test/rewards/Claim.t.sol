// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Rewards} from "../../src/Rewards.sol";
import {IRentals} from "../../src/interfaces/IRentals.sol";
import {IRewards} from "../../src/interfaces/IRewards.sol";
import {Publish} from "../../src/interfaces/IScores.sol";
import {OddToken} from "../base/OddTokens.sol";
import {Bounties} from "../base/Bounties.sol";

contract ClaimTest is Bounties {
    uint128[5] private amounts = [uint128(100), 200, 300, 400, 500];

    function test_anyoneHasAFisherPaid() public {
        grant(1000);
        assign(amounts);
        (uint64 epoch,) = scores.activeRewardsRoot();
        bytes32[] memory proof = proofOf(1, 200);
        vm.expectEmit(address(rewards));
        emit IRewards.Claimed(fishers[1], epoch, 200, 200, 200);
        vm.prank(stranger);
        assertEq(rewards.claim(fishers[1], 200, proof), 200, "paid");
        assertEq(token.balanceOf(fishers[1]), 200, "balance");
        assertEq(rewards.claimed(fishers[1]), 200, "claimed");
    }

    function test_s1_aCumulativeAmountIsPaidOnce() public {
        grant(1000);
        assign(amounts);
        claim(0, 100);
        bytes32[] memory proof = proofOf(0, 100);
        vm.expectRevert(abi.encodeWithSelector(IRewards.AlreadyClaimed.selector, fishers[0], 100));
        rewards.claim(fishers[0], 100, proof);
        amounts[0] = 150;
        assign(amounts);
        assertEq(claim(0, 150), 50, "the difference");
        // A later root that assigns less takes nothing back and pays nothing.
        amounts[0] = 120;
        assign(amounts);
        proof = proofOf(0, 120);
        vm.expectRevert(abi.encodeWithSelector(IRewards.AlreadyClaimed.selector, fishers[0], 150));
        rewards.claim(fishers[0], 120, proof);
    }

    /// Amounts are cumulative: who claims only the last of many epochs gets all of them.
    function testFuzz_aLateClaimLosesNothing(uint64[6] calldata steps, uint8 claims) public {
        grant(type(uint128).max / 2);
        uint128 sum;
        for (uint256 i; i < 6; ++i) {
            sum += uint128(steps[i]) + 1;
            amounts[2] = sum;
            assign(amounts);
            if (claims >> i & 1 == 1) claim(2, sum);
        }
        if (claims >> 5 & 1 == 0) claim(2, sum);
        assertEq(token.balanceOf(fishers[2]), sum, "all of it");
    }

    function testFuzz_s1_neverMoreThanThereIs(uint128 funds, uint64 asked) public {
        funds = uint128(bound(funds, 1, 1e20));
        amounts[3] = uint128(asked) + 1;
        assign(amounts);
        bytes32[] memory proof = proofOf(3, amounts[3]);
        vm.expectRevert(IRewards.NothingToPay.selector);
        rewards.claim(fishers[3], amounts[3], proof);
        grant(funds);
        uint128 first = claim(3, amounts[3]);
        assertEq(first, funds < amounts[3] ? funds : amounts[3], "what there was");
        if (first < amounts[3]) {
            grant(type(uint64).max);
            assertEq(claim(3, amounts[3]), amounts[3] - first, "the rest");
        }
        assertEq(token.balanceOf(fishers[3]), amounts[3], "all of it");
    }

    function test_whatNoActiveRootAssignsIsNotPaid() public {
        grant(1000);
        assign(amounts);
        bytes32[] memory proof = proofOf(0, 100);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotAssigned.selector, fishers[0], 101));
        rewards.claim(fishers[0], 101, proof);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotAssigned.selector, fishers[1], 100));
        rewards.claim(fishers[1], 100, proof);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotAssigned.selector, fishers[0], 100));
        rewards.claim(fishers[0], 100, new bytes32[](0));
        amounts[0] = 101;
        assign(amounts);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotAssigned.selector, fishers[0], 100));
        rewards.claim(fishers[0], 100, proof);
    }

    function test_beforeAnyRootNobodyIsPaid() public {
        grant(1000);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotAssigned.selector, fishers[0], 100));
        rewards.claim(fishers[0], 100, new bytes32[](0));
    }

    function test_theLeafIsTheStandardTrees() public view {
        bytes32 wanted = keccak256(bytes.concat(keccak256(abi.encode(fishers[0], uint128(7)))));
        assertEq(rewards.leafHash(fishers[0], 7), wanted, "hash");
    }

    /// Statement 22 for Rewards: what the token does not move as asked is not written down either.
    function test_s22_oddTokensPayRightOrNotAtAll() public {
        OddToken odd = new OddToken();
        deploy(IERC20(address(odd)));
        rewards = new Rewards(rentals);
        odd.mint(address(rewards), 1000);
        assign(amounts);
        bytes32[] memory proof = proofOf(0, 100);
        odd.setFee(1000, true);
        vm.expectRevert(abi.encodeWithSelector(IRewards.BalanceMismatch.selector, 110, 100));
        rewards.claim(fishers[0], 100, proof);
        odd.setFee(0, false);
        odd.block_(fishers[0]);
        vm.expectRevert(bytes("refused"));
        rewards.claim(fishers[0], 100, proof);
        assertEq(rewards.claimed(fishers[0]), 0, "the claim stays");
        odd.setReturns(true, false);
        assertEq(claim(1, 200), 200, "others are paid");
    }

    /// As a call, which can be expected to revert.
    function make(IRentals escrow) external returns (Rewards) {
        return new Rewards(escrow);
    }

    function test_constructorRefusesNoContract() public {
        vm.expectRevert(IRewards.BadConfiguration.selector);
        this.make(IRentals(stranger));
    }

    /// Only what the active root assigns, to whom it assigns it.
    function testFuzz_nothingElseIsPaid(address fisher, uint128 cumulative) public {
        grant(1000);
        assign(amounts);
        vm.assume(fisher != fishers[1] || cumulative != 200);
        bytes32[] memory proof = proofOf(1, 200);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotAssigned.selector, fisher, cumulative));
        rewards.claim(fisher, cumulative, proof);
    }

    function testFuzz_noForgedProofPays(bytes32 forged, uint8 length) public {
        grant(1000);
        assign(amounts);
        bytes32[] memory proof = new bytes32[](bound(length, 0, 8));
        for (uint256 i; i < proof.length; ++i) {
            proof[i] = keccak256(abi.encode(forged, i));
        }
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotAssigned.selector, fishers[2], 300));
        rewards.claim(fishers[2], 300, proof);
    }

    /// Whoever sends it, the fisher is paid.
    function testFuzz_theFisherAloneIsPaid(address by, uint8 which) public {
        which = uint8(bound(which, 0, 4));
        vm.assume(by != fishers[which] && by != address(rewards));
        grant(10_000);
        assign(amounts);
        uint256 before = token.balanceOf(by);
        bytes32[] memory proof = proofOf(which, amounts[which]);
        vm.prank(by);
        rewards.claim(fishers[which], amounts[which], proof);
        assertEq(token.balanceOf(by), before, "the sender");
        assertEq(token.balanceOf(fishers[which]), amounts[which], "the fisher");
    }

    /// Whoever is paid first, each gets what is his, as long as there is enough.
    function testFuzz_theOrderOfClaimsDoesNotMatter(uint256 seed, uint32[5] calldata sums) public {
        uint128 total;
        for (uint256 i; i < 5; ++i) {
            amounts[i] = uint128(sums[i]) + 1;
            total += amounts[i];
        }
        grant(total);
        assign(amounts);
        uint256[5] memory order = [uint256(0), 1, 2, 3, 4];
        for (uint256 i = 4; i > 0; --i) {
            uint256 j = uint256(keccak256(abi.encode(seed, i))) % (i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        for (uint256 i; i < 5; ++i) {
            assertEq(claim(order[i], amounts[order[i]]), amounts[order[i]], "paid");
        }
        assertEq(token.balanceOf(address(rewards)), 0, "all of it");
    }

    function testFuzz_aFlippedBitOfAProofPaysNothing(uint8 which, uint8 step, uint8 bit) public {
        which = which % 5;
        grant(10_000);
        assign(amounts);
        bytes32[] memory proof = proofOf(which, amounts[which]);
        proof[step % proof.length] ^= bytes32(uint256(1) << bit);
        bytes4 reason = IRewards.NotAssigned.selector;
        vm.expectRevert(abi.encodeWithSelector(reason, fishers[which], amounts[which]));
        rewards.claim(fishers[which], amounts[which], proof);
    }

    /// From its root's activation on, and not before.
    function testFuzz_s17_aRewardIsPaidFromTheActivation(uint32 after_) public {
        grant(1000);
        amounts[0] = 77;
        assign(amounts);
        bytes32[] memory proof = proofOf(0, 77);
        (, bytes32 root) = scores.activeRewardsRoot();
        skip(EPOCH);
        Publish memory p = publication(overEpoch(), "root");
        publish(p);
        skip(EPOCH);
        p = publication(overEpoch(), "root");
        p.rewardsRoot = root;
        publish(p);
        skip(after_ % (2 * DELAY));
        bool early = after_ % (2 * DELAY) < DELAY;
        if (early) vm.expectRevert(abi.encodeWithSelector(IRewards.NotAssigned.selector, fishers[0], 77));
        uint128 paid = rewards.claim(fishers[0], 77, proof);
        assertEq(paid, early ? 0 : 77, "paid");
    }

    /// Paid out of too little, in any pieces: never above the balance, never above what is assigned.
    function testFuzz_s1_paidInPiecesAsMoneyComes(uint16[6] calldata funds, uint32 asked) public {
        amounts[4] = uint128(asked % 200_000) + 1;
        assign(amounts);
        uint256 sum;
        for (uint256 i; i < 6; ++i) {
            grant(uint128(funds[i]) + 1);
            sum += uint256(funds[i]) + 1;
            uint256 wanted = sum < amounts[4] ? sum : amounts[4];
            bytes32[] memory proof = proofOf(4, amounts[4]);
            bytes4 reason = IRewards.AlreadyClaimed.selector;
            bool done = rewards.claimed(fishers[4]) == amounts[4];
            if (done) vm.expectRevert(abi.encodeWithSelector(reason, fishers[4], amounts[4]));
            rewards.claim(fishers[4], amounts[4], proof);
            assertEq(token.balanceOf(fishers[4]), wanted, "paid so far");
        }
    }
}
