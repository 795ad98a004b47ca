// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Rewards} from "../../src/Rewards.sol";
import {Outcome, Rules} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {OddToken} from "../base/OddTokens.sol";
import {Dispute, Maker} from "../base/Dispute.sol";

/// Statement 22 for cases: no token keeps a case from its end, nor a party from what others do not owe him.
contract CourtOddTokensTest is Dispute {
    OddToken private odd;
    Terms private terms;

    function setUp() public override {
        super.setUp();
        odd = new OddToken();
        Maker maker = new Maker();
        court = vm.computeCreateAddress(address(maker), 1);
        deploy(IERC20(address(odd)));
        rewards = new Rewards(rentals);
        bench = maker.make(parts(), windows(), rules());
        address[2] memory staked = [filer, provider];
        for (uint256 i; i < 2; ++i) {
            odd.mint(staked[i], STAKE);
            vm.startPrank(staked[i]);
            odd.approve(address(bonds), STAKE);
            bonds.deposit(staked[i], STAKE);
            vm.stopPrank();
        }
        odd.mint(consumer, 1e30);
        vm.prank(consumer);
        odd.approve(address(rentals), type(uint256).max);
        terms = rented(1);
        skip(10 days);
    }

    /// Every party blocked and the token paused: the case ends, for nothing is pushed to anybody.
    function test_s22_noTokenKeepsACaseFromItsEnd() public {
        bytes32 id = fileProof(terms);
        uint128 cap = capOf(id);
        ruled(id, Outcome.Upheld, cap, 1000);
        address[5] memory all = [filer, provider, consumer, treasury, address(rewards)];
        for (uint256 i; i < 5; ++i) {
            odd.block_(all[i]);
        }
        odd.setPaused(true);
        ended(id, one(terms));
        odd.setPaused(false);
        vm.prank(filer);
        assertEq(rentals.withdraw(stranger), cap / 2, "to an address that is not blocked");
    }

    function levied() private returns (uint256) {
        bytes32 id = fileProof(terms);
        ruled(id, Outcome.Upheld, 0, 5000);
        ended(id, new Terms[](0));
        skip(HOLD + 5 days);
        collect(terms);
        return rentals.credit(court);
    }

    function test_s22_aBlockedTreasuryIsReplacedByNewRules() public {
        uint256 levy = levied();
        odd.block_(treasury);
        vm.expectRevert(bytes("refused"));
        bench.distribute();
        assertEq(rentals.credit(court), levy, "the levy stays");
        Rules memory next = rules();
        next.treasury = stranger;
        vm.prank(admin);
        bench.setRules(next);
        bench.distribute();
        assertEq(odd.balanceOf(stranger), levy - levy / 2, "paid");
    }

    function test_s22_aFeeOnALevysWayIsRefused() public {
        uint256 levy = levied();
        odd.setFee(100, true);
        vm.expectRevert();
        bench.distribute();
        odd.setFee(0, false);
        odd.setReturns(true, false);
        assertEq(bench.distribute(), levy, "no return value is success");
    }
}
