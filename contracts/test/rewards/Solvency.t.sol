// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Slash, Terms} from "../../src/interfaces/IRentals.sol";
import {Bounties} from "../base/Bounties.sol";

/// Grants, assigns and claims in any order; assigned amounts mostly rise, and a faulty root lowers them at times.
contract RewardsActor is Bounties {
    uint256 public granted;
    uint128[5] public assigned;
    uint128[5] public most;
    uint128[5] private lastClaimed;
    bool public claimFell;
    bool public paidTwice;
    uint64 private opens;

    function doGrant(uint64 amount) external {
        grant(uint128(amount) + 1);
        granted += uint256(amount) + 1;
    }

    function doAssign(uint64[5] calldata more, bool fault) external {
        for (uint256 i; i < 5; ++i) {
            assigned[i] = fault ? assigned[i] / 2 : assigned[i] + more[i];
            if (assigned[i] > most[i]) most[i] = assigned[i];
        }
        assign(assigned);
    }

    function doClaim(uint256 index) external {
        index %= 5;
        claim(index, assigned[index]);
        uint128 now_ = rewards.claimed(fishers[index]);
        if (now_ < lastClaimed[index]) claimFell = true;
        lastClaimed[index] = now_;
    }

    /// The same claim twice in a row: the first took what is assigned, or all there was, so the second finds nothing.
    function doClaimAgain(uint256 index) external {
        index %= 5;
        claim(index, assigned[index]);
        lastClaimed[index] = rewards.claimed(fishers[index]);
        bytes32[] memory proof = proofOf(index, assigned[index]);
        try rewards.claim(fishers[index], assigned[index], proof) {
            paidTwice = true;
        } catch {}
    }

    /// Shares of slashes come over through the escrow.
    function doGather(uint64 amount) external {
        (Terms memory terms,) = opened(opens++, 10 days);
        skip(1 days);
        Slash memory order = slashOrder(uint128(bound(amount, 2, 1 days * RATE)), block.timestamp);
        order.beneficiary = address(rewards);
        slash(terms, order);
        granted += rewards.gather();
    }

    function count() external view returns (uint256) {
        return fishers.length;
    }

    function paidTo(uint256 index) external view returns (uint256 balance, uint256 claimed, uint256 mostEver) {
        return (token.balanceOf(fishers[index]), rewards.claimed(fishers[index]), most[index]);
    }

    function inside() external view returns (uint256) {
        return token.balanceOf(address(rewards));
    }
}

contract RewardsSolvencyTest is Bounties {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    RewardsActor private actor;

    function setUp() public override {
        actor = new RewardsActor();
        actor.setUp();
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(actor);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory list) {
        bytes4[] memory s = new bytes4[](5);
        (s[0], s[1], s[2]) =
        (RewardsActor.doGrant.selector, RewardsActor.doAssign.selector, RewardsActor.doClaim.selector);
        (s[3], s[4]) = (RewardsActor.doClaimAgain.selector, RewardsActor.doGather.selector);
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(actor), s);
    }

    /// All that came in lies here or with fishers.
    function invariant_s1_nothingAppearsOrIsLost() public view {
        uint256 sum = actor.inside();
        for (uint256 i; i < actor.count(); ++i) {
            (uint256 balance,,) = actor.paidTo(i);
            sum += balance;
        }
        assertEq(sum, actor.granted(), "sum");
    }

    /// Nobody has more than some root ever assigned to him, and what he has is written down.
    function invariant_s1_nobodyIsPaidAboveWhatIsAssigned() public view {
        for (uint256 i; i < actor.count(); ++i) {
            (uint256 balance, uint256 claimed, uint256 most) = actor.paidTo(i);
            assertEq(balance, claimed, "paid is what is written down");
            assertLe(claimed, most, "assigned");
        }
    }

    function invariant_s1_noAmountIsPaidTwice() public view {
        assertTrue(!actor.claimFell(), "claimed");
        assertTrue(!actor.paidTwice(), "twice");
    }
}
