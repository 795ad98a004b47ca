// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bond} from "../../src/interfaces/IBonds.sol";
import {Case, Kind, State} from "../../src/interfaces/ICourt.sol";
import {Rental} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";
import {Parties} from "./Parties.sol";
import {Intruder} from "./Intruder.sol";
import {World} from "./World.sol";

/// The statements of docs/contracts.md over the whole market, each searched by itself with all parties and an intruder.
/// forge-config: default.invariant.runs = 32
/// forge-config: default.invariant.depth = 50
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
        bytes4[29] memory s = [
            Parties.doOpen.selector,
            Parties.doTopUp.selector,
            Parties.doStop.selector,
            Parties.doCollect.selector,
            Parties.doHonestLeaf.selector,
            Parties.doFileProof.selector,
            Parties.doFileStatistical.selector,
            Parties.doFileBare.selector,
            Parties.doExtend.selector,
            Parties.doRule.selector,
            Parties.doAppeal.selector,
            Parties.doEscalate.selector,
            Parties.doWithdrawCase.selector,
            Parties.doFinalise.selector,
            Parties.doTrial.selector,
            Parties.doDistribute.selector,
            Parties.doWithdraw.selector,
            Parties.doPause.selector,
            Parties.doSetRules.selector,
            Parties.doWait.selector,
            Parties.doWaitLong.selector,
            Parties.doTopUpAndStop.selector,
            Parties.doExit.selector,
            Parties.doThaw.selector,
            Parties.doWithdrawBond.selector,
            Intruder.doAttack.selector,
            Intruder.doFrontRun.selector,
            Intruder.doOpenWithoutOffer.selector,
            Intruder.doEndOutOfTurn.selector
        ];
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(world), new bytes4[](s.length));
        for (uint256 i; i < s.length; ++i) {
            list[0].selectors[i] = s[i];
        }
    }

    function invariant_s1_balancesAreWhatIsOwed() public view {
        (uint256 inRentals, uint256 inBonds) = world.inside();
        assertEq(inRentals, world.owed(), "rentals");
        assertEq(inBonds, world.bondsOwed(), "bonds");
    }

    function invariant_s2_eachRentalsBooksBalance() public view {
        for (uint256 i; i < world.rentalCount(); ++i) {
            (bytes32 id, Rental memory r) = world.rental(i);
            assertEq(world.putIn(id), world.refunded(id) + r.deposit, "put in");
            assertLe(r.taken, r.deposit, "taken");
        }
    }

    function invariant_s3_whatIsEarnedNeverFalls() public view {
        assertTrue(!world.earnedFell(), "earned");
    }

    function invariant_s4_aTopUpAndAStopReturnBoth() public view {
        assertTrue(!world.refundedWrongly(), "refund");
    }

    function invariant_s5_nobodyElseLowersARefund() public view {
        assertTrue(!world.lostRefund(), "refundable");
    }

    function invariant_s6_nobodyElseTakesWhatIsPastItsHold() public view {
        assertTrue(!world.lostPastHold(), "past its hold");
    }

    function invariant_s7_nothingLeavesInsideItsHold() public view {
        assertTrue(!world.leftInsideItsHold(), "inside its hold");
    }

    function invariant_s8_aFreezeEndsWithItsCase() public view {
        uint256 latest = world.now_();
        for (uint256 i; i < world.caseCount(); ++i) {
            (, Case memory c) = world.caseAt(i);
            uint256 end = uint256(c.filedAt) + MAX_FREEZE;
            if (c.kind != Kind.Bare && c.state != State.Final && end > latest) latest = end;
        }
        assertLe(world.frozenUntil(), latest, "frozen until");
    }

    function invariant_s9_slashesStayWithinWhatWasHeld() public view {
        uint256 sum;
        for (uint256 i; i < world.caseCount(); ++i) {
            (bytes32 id, Case memory c) = world.caseAt(i);
            assertLe(world.slashedBy(id), c.amount, "ruled");
            assertLe(c.amount, c.cap, "cap");
            assertLe(c.cap, world.heldAtFiling(id), "held at filing");
            sum += world.slashedBy(id);
        }
        assertEq(sum, world.slashed(), "nothing else is slashed");
    }

    function invariant_s10_theFilersShareIsHalfAtMost() public view {
        assertLe(2 * world.filersShare(), world.slashed(), "half");
    }

    function invariant_s11_oneOpenCaseAndFinalOnesStay() public view {
        uint256 open;
        for (uint256 i; i < world.caseCount(); ++i) {
            (bytes32 id, Case memory c) = world.caseAt(i);
            if (c.state == State.Final) assertEq(keccak256(abi.encode(c)), world.finalHash(id), "final");
            else if (c.kind != Kind.Bare) ++open;
        }
        assertLe(open, 1, "open cases about the node");
    }

    function invariant_s12_onlyWhoTheNoteNamesFiles() public view {
        assertTrue(!world.filedByIntruder(), "copied evidence");
        assertTrue(world.openCaseIsKnown(), "filer");
    }

    /// Locked is exactly what open cases locked: each bond is released or burned once, with its case's end.
    function invariant_s13_bondsAreLockedByOpenCasesAlone() public view {
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
    }

    function invariant_s14_whatIsLockedLiesInTheBond() public view {
        (Bond memory a, Bond memory b) = world.bondsOf();
        assertLe(uint256(a.locked) + a.thawing, a.amount, "filer");
        assertLe(uint256(b.locked) + b.thawing, b.amount, "provider");
    }

    function invariant_s15_noCaseChangesItsTerms() public view {
        for (uint256 i; i < world.caseCount(); ++i) {
            (bytes32 id,) = world.caseAt(i);
            assertTrue(!world.changed(id), "terms");
        }
        assertTrue(!world.rulesBent(), "the fee of later rules");
    }

    function invariant_s16_noPauseClosesAnExit() public view {
        assertTrue(!world.exitRefused(), "exit");
    }

    function invariant_s19_noRentalWithoutItsOffer() public view {
        assertTrue(!world.openedWithoutOffer(), "without an offer");
        for (uint256 i; i < world.rentalCount(); ++i) {
            assertTrue(world.asOffered(i), "as offered");
        }
    }

    function invariant_s23_anIntruderMovesAndGainsNothing() public view {
        assertTrue(!world.doorOpened(), "door");
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
