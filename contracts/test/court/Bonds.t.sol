// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, ICourt, Outcome, Rules, State} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";

/// Where both parties' bonds are when a case has ended, for any ruling, appeal, bond and fee.
contract BondsOfCasesTest is Dispute {
    Terms private terms;

    function setUp() public override {
        super.setUp();
        terms = rented(1);
        skip(10 days);
    }

    function outcomeOf(uint8 seed) private pure returns (Outcome) {
        return [Outcome.Upheld, Outcome.Rejected, Outcome.Drawn][seed % 3];
    }

    function stakes() private view returns (uint256) {
        return uint256(bonds.bond(filer).amount) + bonds.bond(provider).amount;
    }

    function credited() private view returns (uint256) {
        return uint256(bonds.credit(filer)) + bonds.credit(provider) + bonds.credit(treasury);
    }

    /// Ends a case about `terms`, ruled so and, if asked, appealed and ruled again.
    function tried(uint8 first, uint8 second, bool appeals, bool byFiler, uint128 amount) private returns (bytes32 id) {
        id = fileProof(terms);
        uint128 cap = capOf(id);
        Outcome one_ = outcomeOf(first);
        Outcome two = outcomeOf(second);
        ruled(id, one_, one_ == Outcome.Upheld ? uint128(bound(amount, 1, cap)) : 0, 0);
        if (appeals) {
            appealed(id, byFiler ? filer : provider);
            ruledAgain(id, two, two == Outcome.Upheld ? uint128(bound(amount / 3, 1, cap)) : 0, 0);
            bench.finalise(id, one(terms));
        } else {
            ended(id, one(terms));
        }
    }

    /// Statement 13: both are free or burned when the case has ended, and what was burned is credited, to the unit.
    function testFuzz_s13_bondsAreConserved(uint8 first, uint8 second, bool appeals, bool byFiler, uint128 amount)
        public
    {
        tried(first, second, appeals, byFiler, amount);
        expectLocked(filer, 0);
        expectLocked(provider, 0);
        assertEq(stakes() + credited(), 2 * uint256(STAKE), "conserved");
        assertEq(token.balanceOf(address(bonds)), 2 * uint256(STAKE), "balance");
    }

    /// Rules of any bond and fee: who is rejected loses the bond, halved with the odd unit to the treasury; who draws
    /// loses the fee alone.
    function testFuzz_s13_anyBondAndAnyFee(uint64 minBond, uint64 fee, bool drawn) public {
        Rules memory given = rules();
        given.minBond = uint128(bound(minBond, 1, 1e14));
        given.fee = uint128(bound(fee, 0, given.minBond));
        vm.prank(admin);
        bench.setRules(given);
        bytes32 id = fileProof(terms);
        uint128 bond = bench.caseOf(id).bond;
        assertEq(bond, capOf(id) / 10 > given.minBond ? capOf(id) / 10 : given.minBond, "bond");
        ruled(id, drawn ? Outcome.Drawn : Outcome.Rejected, 0, 0);
        ended(id, new Terms[](0));
        uint256 lost = drawn ? given.fee : bond;
        expectStake(filer, STAKE - lost);
        expectLocked(filer, 0);
        assertEq(bonds.credit(provider), drawn ? 0 : bond / 2, "provider");
        assertEq(bonds.credit(treasury), drawn ? given.fee : bond - bond / 2, "treasury");
    }

    /// Statement 13: whoever calls again, with whatever rentals, a case that has ended moves nothing more.
    function testFuzz_s13_aCaseEndsOnce(uint8 how, address by, uint32 later, uint128 amount) public {
        bytes32 id = tried(how, 0, false, false, amount);
        uint256 sum = credited() + rentals.credit(filer) + rentals.credit(treasury);
        skip(later);
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongState.selector, id, State.Final));
        bench.finalise(id, one(terms));
        assertEq(credited() + rentals.credit(filer) + rentals.credit(treasury), sum, "credits");
    }

    /// Statement 23: rulings themselves, the answer and the appeal move nothing; only the end does.
    function testFuzz_s23_onlyTheEndMovesMoney(uint8 first, uint8 second, bool byFiler, uint128 amount) public {
        bytes32 id = fileProof(terms);
        uint256 inRentals = token.balanceOf(address(rentals));
        bytes32 rental = keccak256(abi.encode(rentals.rentalOf(rentals.rentalId(terms))));
        Outcome one_ = outcomeOf(first);
        Outcome two = outcomeOf(second);
        ruled(id, one_, one_ == Outcome.Upheld ? uint128(bound(amount, 1, capOf(id))) : 0, 0);
        appealed(id, byFiler ? filer : provider);
        ruledAgain(id, two, two == Outcome.Upheld ? 1 : 0, 0);
        assertEq(stakes(), 2 * uint256(STAKE), "stakes");
        assertEq(credited() + credits(), 0, "credits");
        assertEq(token.balanceOf(address(rentals)), inRentals, "balance");
        assertEq(keccak256(abi.encode(rentals.rentalOf(rentals.rentalId(terms)))), rental, "rental");
    }

    /// Statement 13 for the silence of either court: nobody pays, whenever somebody ends it.
    function testFuzz_s13_silenceCostsNobody(bool appeals, bool byFiler, uint32 late) public {
        bytes32 id = fileProof(terms);
        if (appeals) {
            ruled(id, Outcome.Upheld, 1, 0);
            appealed(id, byFiler ? filer : provider);
            skip(APPEAL_RULING + 1);
        } else {
            skip(ANSWER + RULING + APPEAL_RULING + 1);
        }
        skip(bound(late, 0, 100 days));
        bench.finalise(id, new Terms[](0));
        expectStake(filer, STAKE);
        expectStake(provider, STAKE);
        expectLocked(filer, 0);
        expectLocked(provider, 0);
    }
}
