// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Bonds} from "../../src/Bonds.sol";
import {Rentals} from "../../src/Rentals.sol";
import {Rewards} from "../../src/Rewards.sol";
import {Scores} from "../../src/Scores.sol";
import {Parts} from "../../src/Windows.sol";
import {ICourt, Outcome, Rules, Windows} from "../../src/interfaces/ICourt.sol";
import {Periods, Terms} from "../../src/interfaces/IRentals.sol";
import {TestToken} from "../../src/test-token/TestToken.sol";
import {Dispute, Maker} from "../base/Dispute.sol";

contract SetRulesTest is Dispute {
    function refuse(Rules memory given, bytes memory reason) private {
        vm.prank(admin);
        vm.expectRevert(reason);
        bench.setRules(given);
    }

    function test_rulesAreAddedNeverChanged() public {
        bytes32 first = keccak256(abi.encode(bench.rulesOf(1)));
        Rules memory next = rules();
        next.arbiter = stranger;
        vm.expectEmit(court);
        emit ICourt.RulesSet(2, next);
        vm.prank(admin);
        bench.setRules(next);
        assertEq(bench.rulesVersion(), 2, "version");
        assertEq(bench.rulesOf(2).arbiter, stranger, "new");
        assertEq(keccak256(abi.encode(bench.rulesOf(1))), first, "old");
    }

    function test_onlyTheAdministratorSetsRules() public {
        address[4] memory others = [guardian, arbiter, appealCourt, stranger];
        for (uint256 i; i < 4; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, others[i]));
            bench.setRules(rules());
        }
    }

    function test_impossibleRulesAreRefused() public {
        bytes memory bad = abi.encodeWithSelector(ICourt.BadConfiguration.selector);
        Rules memory given = rules();
        given.arbiter = address(0);
        refuse(given, bad);
        given = rules();
        given.appealCourt = address(0);
        refuse(given, bad);
        given = rules();
        given.minBond = 0;
        given.fee = 0;
        refuse(given, bad);
        given = rules();
        given.fee = given.minBond + 1;
        refuse(given, bad);
        address[4] memory sinks = [address(0), court, address(rentals), address(bonds)];
        for (uint256 i; i < 4; ++i) {
            given = rules();
            given.treasury = sinks[i];
            refuse(given, abi.encodeWithSelector(ICourt.BadRecipient.selector, sinks[i]));
        }
    }

    /// Statement 15: an open case ends as if nothing had changed: same judges, fee, bond and treasury.
    function testFuzz_s15_anOpenCaseKeepsItsRules(uint64 newFee, uint64 newBond, uint8 how) public {
        Terms memory terms = rented(1);
        skip(5 days);
        bytes32 id = fileProof(terms);
        uint128 cap = capOf(id);
        Rules memory next;
        (next.arbiter, next.appealCourt, next.treasury) = (stranger, stranger, stranger);
        next.minBond = uint128(bound(newBond, 1, type(uint64).max));
        next.fee = uint128(bound(newFee, 0, next.minBond));
        vm.prank(admin);
        bench.setRules(next);

        Outcome outcome = [Outcome.Upheld, Outcome.Rejected, Outcome.Drawn][how % 3];
        uint128 amount = outcome == Outcome.Upheld ? cap : 0;
        ruled(id, outcome, amount, 0);
        appealed(id, provider);
        expectLocked(provider, bondOf(cap));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotEntitled.selector, id, stranger));
        bench.rule(id, outcome, amount, 0);
        ruledAgain(id, outcome, amount, 0);
        bench.finalise(id, one(terms));
        assertEq(rentals.credit(stranger) + bonds.credit(stranger), 0, "the new treasury");
        if (outcome == Outcome.Drawn) expectStake(filer, STAKE - FEE);
        expectLocked(filer, 0);
    }

    function testFuzz_onlyTheAdministratorSetsRules(address by) public {
        vm.assume(by != admin);
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, by));
        bench.setRules(rules());
        assertEq(bench.rulesVersion(), 1, "version");
    }

    function testFuzz_aFeeIsNeverAboveTheBondItIsTakenOf(uint128 minBond, uint128 fee) public {
        Rules memory given = rules();
        (given.minBond, given.fee) = (minBond, fee);
        bool bad = minBond == 0 || fee > minBond;
        vm.prank(admin);
        if (bad) vm.expectRevert(ICourt.BadConfiguration.selector);
        bench.setRules(given);
        assertEq(bench.rulesVersion(), bad ? 1 : 2, "version");
    }

    /// Each version stays as it was set, however many follow.
    function testFuzz_s15_everyVersionStays(uint8 count, uint128 fee) public {
        count = uint8(bound(count, 1, 10));
        for (uint256 i; i < count; ++i) {
            Rules memory given = rules();
            given.fee = uint128(bound(uint256(fee) + i, 0, MIN_BOND));
            vm.prank(admin);
            bench.setRules(given);
        }
        for (uint32 i; i < count; ++i) {
            assertEq(bench.rulesOf(i + 2).fee, bound(uint256(fee) + i, 0, MIN_BOND), "fee");
        }
        assertEq(bench.rulesOf(1).fee, FEE, "the first");
    }

    /// A credit of these could never be withdrawn.
    function testFuzz_theTreasuryCanBePaid(address to, uint8 which) public {
        if (which % 5 != 0) to = [address(0), court, address(rentals), address(bonds)][which % 5 - 1];
        Rules memory given = rules();
        given.treasury = to;
        bool bad = to == address(0) || to == court || to == address(rentals) || to == address(bonds);
        vm.prank(admin);
        if (bad) vm.expectRevert(abi.encodeWithSelector(ICourt.BadRecipient.selector, to));
        bench.setRules(given);
        assertEq(bench.rulesVersion(), bad ? 1 : 2, "version");
    }

    function construct(Parts memory p, Windows memory w) private {
        Maker maker = new Maker();
        vm.expectRevert(ICourt.BadConfiguration.selector);
        maker.make(p, w, rules());
    }

    /// Every other relation holds in `parts` and `windows`, at the address that Rentals and Bonds name.
    function test_constructorRefusesPeriodsThatContradict() public {
        RefusedCourt probe = new RefusedCourt();
        for (uint256 field; field < 6; ++field) {
            assertEq(probe.attempt(field), ICourt.BadConfiguration.selector, "a window of nothing");
        }
        assertEq(probe.attempt(6), ICourt.BadConfiguration.selector, "filing past the short hold");
        assertEq(probe.attempt(7), ICourt.BadConfiguration.selector, "longer than a freeze");
        assertEq(probe.attempt(8), 0, "the design's");
    }

    function test_constructorRefusesPartsThatDoNotBelongTogether() public {
        // Rentals and Bonds name the Court that exists, not this one.
        construct(parts(), windows());
        RefusedCourt probe = new RefusedCourt();
        assertEq(probe.attempt(9), ICourt.BadConfiguration.selector, "bonds of another token");
        assertEq(probe.attempt(10), ICourt.BadConfiguration.selector, "rewards of other rentals");
        assertEq(probe.attempt(11), ICourt.BadConfiguration.selector, "bonds of another court");
    }
}

/// Deploys a Court at the address that its Rentals and Bonds name, with one thing wrong.
contract RefusedCourt is Dispute {
    function attempt(uint256 flaw) external returns (bytes4) {
        vm.warp(1_800_000_000);
        vm.chainId(31337);
        Maker maker = new Maker();
        court = vm.computeCreateAddress(address(maker), 1);
        token = new TestToken();
        deploy(IERC20(address(token)));
        IERC20 other = IERC20(address(new TestToken()));
        Bonds foreign = new Bonds(flaw == 9 ? other : IERC20(address(token)), flaw == 11 ? admin : court, 90 days);
        Rentals second = new Rentals(other, scores, address(manager), court, Periods(1 days, 14 days, 50 days, 1));
        rewards = new Rewards(flaw == 10 ? second : rentals);
        Parts memory p = Parts(rentals, foreign, rewards, address(manager));
        Windows memory w = windows();
        if (flaw == 0) w.filing = 0;
        if (flaw == 1) w.answer = 0;
        if (flaw == 2) w.ruling = 0;
        if (flaw == 3) w.appeal = 0;
        if (flaw == 4) w.appealRuling = 0;
        if (flaw == 5) w.execution = 0;
        if (flaw == 6) w.filing = HOLD_HONEST + 1;
        if (flaw == 7) w.execution += 1;
        try maker.make(p, w, rules()) {
            return 0;
        } catch (bytes memory reason) {
            return bytes4(reason);
        }
    }
}
