// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ICourt, Outcome} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";

contract DistributeTest is Dispute {
    function levied(uint16 bps) private returns (uint256 levy) {
        Terms memory terms = rented(1);
        skip(5 days);
        bytes32 id = fileProof(terms);
        ruled(id, Outcome.Upheld, 0, bps);
        ended(id, new Terms[](0));
        skip(HOLD + 10 days);
        collect(terms);
        return rentals.credit(court);
    }

    function testFuzz_halfToRewardsHalfToTheTreasury(uint16 bps) public {
        uint256 levy = levied(uint16(bound(bps, 1, 5000)));
        assertTrue(levy != 0, "a levy");
        vm.expectEmit(court);
        emit ICourt.LeviesDistributed(treasury, uint128(levy / 2), uint128(levy - levy / 2));
        vm.prank(stranger);
        assertEq(bench.distribute(), levy, "paid");
        assertEq(token.balanceOf(address(rewards)), levy / 2, "rewards");
        assertEq(token.balanceOf(treasury), levy - levy / 2, "treasury");
        assertEq(token.balanceOf(court), 0, "nothing stays");
        vm.expectRevert(ICourt.ZeroAmount.selector);
        bench.distribute();
    }

    function test_oneUnitIsTheTreasurys() public {
        Terms memory terms = someTerms(7);
        terms.offer.rate = 1;
        open(terms, 100 days);
        vm.prank(court);
        rentals.setLevy(NODE, 5000, uint40(block.timestamp + 2), type(uint128).max);
        skip(HOLD + 5);
        collect(terms);
        assertEq(bench.distribute(), 1, "paid");
        assertEq(token.balanceOf(treasury), 1, "treasury");
    }

    /// However often and by whomever it is called, the sums are the levies', and an odd unit is the treasury's each time.
    function testFuzz_s2_piecesAddUp(address by, uint32[4] calldata waits) public {
        vm.assume(by != address(0) && by != treasury && by != address(rewards));
        Terms memory terms = rented(1);
        skip(5 days);
        bytes32 id = fileProof(terms);
        ruled(id, Outcome.Upheld, 0, 3333);
        ended(id, new Terms[](0));
        skip(HOLD);
        uint256 sum;
        uint256 before = token.balanceOf(by);
        for (uint256 i; i < 4; ++i) {
            skip(bound(waits[i], 1 hours, 5 days));
            collect(terms);
            vm.prank(by);
            sum += bench.distribute();
        }
        assertEq(token.balanceOf(treasury) + token.balanceOf(address(rewards)), sum, "sum");
        assertLe(token.balanceOf(address(rewards)), token.balanceOf(treasury), "rewards");
        assertLe(token.balanceOf(treasury), token.balanceOf(address(rewards)) + 4, "a unit each time");
        assertEq(token.balanceOf(by), before, "caller");
    }
}
