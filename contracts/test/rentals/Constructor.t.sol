// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Rentals} from "../../src/Rentals.sol";
import {IRentals, Periods} from "../../src/interfaces/IRentals.sol";
import {IScores} from "../../src/interfaces/IScores.sol";
import {Market} from "../base/Market.sol";

/// Which configurations are refused. `this.make` deploys, so that what must revert is a call and not a cheatcode.
contract ConstructorTest is Market {
    function make(IERC20 coin, IScores roots, address court_, Periods calldata periods) external returns (Rentals) {
        return new Rentals(coin, roots, address(manager), court_, periods);
    }

    function test_whatIsNoContractIsRefused() public {
        IERC20 coin = IERC20(address(token));
        Periods memory periods = Periods(1 days, 14 days, 1, 1);
        vm.expectRevert(IRentals.BadConfiguration.selector);
        this.make(IERC20(stranger), scores, court, periods);
        vm.expectRevert(IRentals.BadConfiguration.selector);
        this.make(coin, IScores(stranger), court, periods);
        vm.expectRevert(IRentals.BadConfiguration.selector);
        this.make(coin, scores, address(0), periods);
        assertEq(this.make(coin, scores, court, periods).SCORES(), address(scores), "scores");
    }

    /// A hold is at least the short one, and at most one pause of filing lies within it.
    function testFuzz_s7_holdsMustFit(uint40 honest, uint40 hold) public {
        (honest, hold) = (honest % 40 days, hold % 40 days);
        bool bad = honest > hold || hold > 16 days;
        if (bad) vm.expectRevert(IRentals.BadConfiguration.selector);
        Rentals made = this.make(IERC20(address(token)), scores, court, Periods(honest, hold, 1, 1));
        if (bad) return;
        assertEq(made.HOLD(), hold, "hold");
        assertEq(made.HOLD_HONEST(), honest, "short hold");
    }
}
