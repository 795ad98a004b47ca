// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, Kind, State} from "../../src/interfaces/ICourt.sol";
import {Bond} from "../../src/interfaces/IBonds.sol";
import {Rental, Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";
import {Parties} from "./Parties.sol";

/// The parties' world as the invariants see it, and its end: whatever happened, everything leaves without any role.
contract World is Parties {
    function inside() external view returns (uint256, uint256) {
        return (token.balanceOf(address(rentals)), token.balanceOf(address(bonds)));
    }

    /// What Rentals owes: what has not left its rentals, and all credits.
    function owed() external view returns (uint256 sum) {
        for (uint256 i; i < known.length; ++i) {
            Rental memory r = rentals.rentalOf(rentals.rentalId(known[i]));
            sum += r.deposit - r.taken;
        }
        address[7] memory owners = [consumer, provider, filer, treasury, court, address(rewards), attacker];
        for (uint256 i; i < 7; ++i) {
            sum += rentals.credit(owners[i]);
        }
    }

    function bondsOwed() external view returns (uint256 sum) {
        address[4] memory owners = [filer, provider, treasury, attacker];
        for (uint256 i; i < 4; ++i) {
            sum += uint256(bonds.bond(owners[i]).amount) + bonds.credit(owners[i]);
        }
    }

    function attackersGain() external view returns (uint256) {
        return uint256(rentals.credit(attacker)) + bonds.credit(attacker) + token.balanceOf(attacker);
    }

    function rentalCount() external view returns (uint256) {
        return known.length;
    }

    function rental(uint256 index) external view returns (bytes32 id, Rental memory r) {
        id = rentals.rentalId(known[index]);
        r = rentals.rentalOf(id);
    }

    function caseCount() external view returns (uint256) {
        return cases.length;
    }

    function caseAt(uint256 index) external view returns (bytes32 id, Case memory c) {
        id = cases[index];
        c = bench.caseOf(id);
    }

    function now_() external view returns (uint256) {
        return block.timestamp;
    }

    function frozenUntil() external view returns (uint256) {
        return rentals.nodeOf(NODE).frozenUntil;
    }

    function changed(bytes32 id) external view returns (bool) {
        return unchanging(bench.caseOf(id)) != termsAtFiling[id];
    }

    function bondsOf() external view returns (Bond memory ofFiler, Bond memory ofProvider) {
        return (bonds.bond(filer), bonds.bond(provider));
    }

    function parties_() external view returns (address, address) {
        return (filer, provider);
    }

    /// Statements 8, 13 and 16: after every window has passed, strangers end all cases, and all money leaves.
    function unwind() external {
        skip(MAX_FREEZE + HOLD + 30 days);
        for (uint256 i; i < cases.length; ++i) {
            if (stateOf(cases[i]) != State.Final) finalise(cases[i]);
        }
        skip(HOLD + 30 days);
        vm.prank(guardian);
        rentals.pauseOpening(true);
        vm.prank(admin);
        manager.setTargetClosed(address(rentals), true);
        for (uint256 i; i < known.length; ++i) {
            stop(known[i], consumer);
        }
        skip(HOLD + 7 days);
        for (uint256 i; i < known.length; ++i) {
            collect(known[i]);
        }
        if (rentals.credit(court) != 0) bench.distribute();
        if (rentals.credit(address(rewards)) != 0) rewards.gather();
        address[4] memory owners = [consumer, provider, filer, treasury];
        for (uint256 i; i < 4; ++i) {
            vm.prank(owners[i]);
            rentals.withdraw(owners[i]);
        }
    }
}

contract StatementsTest is Dispute {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    World private world;

    function setUp() public override {
        world = new World();
        world.setUp();
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(world);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory list) {
        bytes4[] memory s = new bytes4[](21);
        s[0] = Parties.doOpen.selector;
        s[1] = Parties.doTopUp.selector;
        s[2] = Parties.doStop.selector;
        s[3] = Parties.doCollect.selector;
        s[4] = Parties.doHonestLeaf.selector;
        s[5] = Parties.doFileProof.selector;
        s[6] = Parties.doFileStatistical.selector;
        s[7] = Parties.doFileBare.selector;
        s[8] = Parties.doExtend.selector;
        s[9] = Parties.doRule.selector;
        s[10] = Parties.doAppeal.selector;
        s[11] = Parties.doEscalate.selector;
        s[12] = Parties.doWithdrawCase.selector;
        s[13] = Parties.doFinalise.selector;
        s[14] = Parties.doDistribute.selector;
        s[15] = Parties.doWithdraw.selector;
        s[16] = Parties.doPause.selector;
        s[17] = Parties.doSetRules.selector;
        s[18] = Parties.doAttack.selector;
        s[19] = Parties.doWait.selector;
        s[20] = Parties.doTrial.selector;
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(world), s);
    }

    /// One search for all, since each invariant of its own would be searched anew.
    function invariant_statements1_2_5_to_11_13_to_15_and_23() public view {
        s1_balancesAreWhatIsOwed();
        s2_eachRentalsBooksBalance();
        s5_s6_s7_nobodyLosesAndNothingLeavesEarly();
        s8_aFreezeEndsWithItsCase();
        s9_s10_slashesAreCapped();
        s11_oneOpenCaseAndFinalOnesStay();
        s13_s14_bondsAreLockedByOpenCasesAlone();
        s15_noCaseChangesItsTerms();
        s23_anAttackerGainsNothing();
    }

    function s1_balancesAreWhatIsOwed() private view {
        (uint256 inRentals, uint256 inBonds) = world.inside();
        assertEq(inRentals, world.owed(), "rentals");
        assertEq(inBonds, world.bondsOwed(), "bonds");
    }

    function s2_eachRentalsBooksBalance() private view {
        for (uint256 i; i < world.rentalCount(); ++i) {
            (bytes32 id, Rental memory r) = world.rental(i);
            assertEq(world.putIn(id), world.refunded(id) + r.deposit, "put in");
            assertLe(r.taken, r.deposit, "taken");
        }
    }

    function s5_s6_s7_nobodyLosesAndNothingLeavesEarly() private view {
        assertTrue(!world.lostRefund(), "refundable");
        assertTrue(!world.lostPastHold(), "past its hold");
        assertTrue(!world.leftInsideItsHold(), "inside its hold");
    }

    function s8_aFreezeEndsWithItsCase() private view {
        uint256 latest = world.now_();
        for (uint256 i; i < world.caseCount(); ++i) {
            (, Case memory c) = world.caseAt(i);
            uint256 end = uint256(c.filedAt) + MAX_FREEZE;
            if (c.kind != Kind.Bare && c.state != State.Final && end > latest) latest = end;
        }
        assertLe(world.frozenUntil(), latest, "frozen until");
    }

    function s9_s10_slashesAreCapped() private view {
        uint256 sum;
        for (uint256 i; i < world.caseCount(); ++i) {
            (bytes32 id, Case memory c) = world.caseAt(i);
            assertLe(world.slashedBy(id), c.amount, "ruled");
            assertLe(c.amount, c.cap, "cap");
            assertLe(c.cap, world.heldAtFiling(id), "held at filing");
            sum += world.slashedBy(id);
        }
        assertEq(sum, world.slashed(), "nothing else is slashed");
        assertLe(2 * world.filersShare(), sum, "half");
    }

    function s11_oneOpenCaseAndFinalOnesStay() private view {
        uint256 open;
        for (uint256 i; i < world.caseCount(); ++i) {
            (bytes32 id, Case memory c) = world.caseAt(i);
            if (c.state == State.Final) assertEq(keccak256(abi.encode(c)), world.finalHash(id), "final");
            else if (c.kind != Kind.Bare) ++open;
        }
        assertLe(open, 1, "open cases about the node");
    }

    /// Locked is exactly what open cases locked: each bond is released or burned once, with its case's end.
    function s13_s14_bondsAreLockedByOpenCasesAlone() private view {
        (uint256 filers, uint256 providers) = (0, 0);
        (address filer_,) = world.parties_();
        for (uint256 i; i < world.caseCount(); ++i) {
            (, Case memory c) = world.caseAt(i);
            if (c.state == State.Final) continue;
            filers += c.bond;
            if (c.appellant == filer_) filers += c.counterBond;
            else providers += c.counterBond;
        }
        (Bond memory a, Bond memory b) = world.bondsOf();
        assertEq(a.locked, filers, "filer");
        assertEq(b.locked, providers, "provider");
        assertLe(uint256(a.locked) + a.thawing, a.amount, "bond");
    }

    function s15_noCaseChangesItsTerms() private view {
        for (uint256 i; i < world.caseCount(); ++i) {
            (bytes32 id,) = world.caseAt(i);
            assertTrue(!world.changed(id), "terms");
        }
    }

    function s23_anAttackerGainsNothing() private view {
        assertEq(world.attackersGain(), 0, "gain");
    }

    /// Runs once at the end of every sequence.
    function afterInvariant() public {
        world.unwind();
        (uint256 inRentals,) = world.inside();
        assertEq(inRentals, 0, "all money leaves in the end");
        (Bond memory a, Bond memory b) = world.bondsOf();
        assertEq(uint256(a.locked) + b.locked, 0, "all bonds are free in the end");
    }
}
