// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ICourt, Kind, Outcome, State} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";

contract WithdrawCaseTest is Dispute {
    Terms private terms;

    function setUp() public override {
        super.setUp();
        terms = rented(1);
        skip(5 days);
    }

    function test_theFilerTakesABareCaseBackForAFee() public {
        bytes32 id = fileBare(terms);
        vm.expectEmit(court);
        emit ICourt.Withdrawn(id);
        vm.prank(filer);
        bench.withdraw(id);
        expectLocked(filer, MIN_BOND);
        bench.finalise(id, new Terms[](0));
        assertEq(uint256(bench.caseOf(id).outcome), uint256(Outcome.Withdrawn), "outcome");
        expectStake(filer, STAKE - FEE);
        expectLocked(filer, 0);
        assertEq(bonds.credit(treasury), FEE, "fee");
        assertEq(rentals.rentalFreezeOf(rentals.rentalId(terms)).until, block.timestamp, "unfrozen");
    }

    function test_nobodyElseTakesItBackAndNoOtherKind() public {
        bytes32 id = fileBare(terms);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotEntitled.selector, id, stranger));
        bench.withdraw(id);
        bytes32 proof = fileProof(terms);
        vm.prank(filer);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongKind.selector, proof, Kind.Proof));
        bench.withdraw(proof);
    }

    /// A ruling cannot be escaped, and what was withdrawn cannot be appealed or ruled.
    function test_aRuledCaseIsNotTakenBack() public {
        bytes32 id = fileBare(terms);
        ruled(id, Outcome.Rejected, 0, 0);
        vm.prank(filer);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongState.selector, id, State.Ruled));
        bench.withdraw(id);
        ended(id, new Terms[](0));

        vm.prank(filer);
        id = bench.fileBare(terms, SALT, "again");
        vm.prank(filer);
        bench.withdraw(id);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongState.selector, id, State.Ruled));
        bench.appeal(id);
    }

    function testFuzz_onlyTheFilerTakesItBack(address by) public {
        vm.assume(by != filer);
        bytes32 id = fileBare(terms);
        vm.prank(by);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotEntitled.selector, id, by));
        bench.withdraw(id);
    }

    /// Free draws would invite a numbers game: it costs the fee, whenever it is taken back.
    function testFuzz_takingBackCostsTheFee(uint256 after_) public {
        bytes32 id = fileBare(terms);
        skip(bound(after_, 0, ANSWER + RULING));
        vm.prank(filer);
        bench.withdraw(id);
        bench.finalise(id, new Terms[](0));
        expectStake(filer, STAKE - FEE);
        expectLocked(filer, 0);
        assertEq(bonds.credit(treasury), FEE, "fee");
    }

    /// Open and bare, before anybody ruled; afterwards nobody takes it back, whatever came of it.
    function testFuzz_onlyAnOpenCaseIsTakenBack(uint8 how, bool final_) public {
        bytes32 id = fileBare(terms);
        Outcome outcome = [Outcome.Upheld, Outcome.Rejected, Outcome.Drawn][how % 3];
        ruled(id, outcome, outcome == Outcome.Upheld ? 1 : 0, 0);
        if (final_) ended(id, one(terms));
        vm.prank(filer);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WrongState.selector, id, final_ ? State.Final : State.Ruled));
        bench.withdraw(id);
    }
}
