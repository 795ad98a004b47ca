// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bounties} from "../base/Bounties.sol";

/// Grants, assigns and claims in any order; assigned amounts mostly rise, and a faulty root lowers them at times.
contract RewardsActor is Bounties {
    uint256 public granted;
    uint128[5] public assigned;
    uint128[5] public most;

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
        bytes4[] memory s = new bytes4[](3);
        (s[0], s[1], s[2]) =
        (RewardsActor.doGrant.selector, RewardsActor.doAssign.selector, RewardsActor.doClaim.selector);
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(actor), s);
    }

    /// All that came in lies here or with fishers, and nobody has more than some root ever assigned to him.
    function invariant_s1_rewardsPayWhatIsAssignedFromWhatIsThere() public view {
        uint256 sum = actor.inside();
        for (uint256 i; i < actor.count(); ++i) {
            (uint256 balance, uint256 claimed, uint256 most) = actor.paidTo(i);
            assertEq(balance, claimed, "paid is what is written down");
            assertLe(claimed, most, "assigned");
            sum += balance;
        }
        assertEq(sum, actor.granted(), "nothing appears or is lost");
    }
}
