// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Bonds} from "../../src/Bonds.sol";
import {Rentals} from "../../src/Rentals.sol";
import {Bond} from "../../src/interfaces/IBonds.sol";
import {Offer, Periods, Slash, Terms} from "../../src/interfaces/IRentals.sol";
import {IScores} from "../../src/interfaces/IScores.sol";
import {TestToken} from "../../src/test-token/TestToken.sol";
import {Test} from "../base/Test.sol";

/// The arithmetic statements for all values at once: scripts/prove.mjs has halmos search each `check_` for a
/// counterexample. This contract is consumer, provider (by ERC-1271), fisher and Court.
contract ArithmeticChecks is Test {
    // A power of two, or solvers do not end: multiplication and division by the rate are then shifts.
    uint96 private constant RATE = 128;
    uint256 private constant START = 1_800_000_000;

    TestToken private token;
    Rentals private rentals;
    Bonds private bonds;

    function setUp() public {
        vm.warp(START);
        vm.chainId(31337);
        token = new TestToken();
        IERC20 coin = IERC20(address(token));
        Periods memory periods = Periods(72 hours, 14 days, 50 days, 90 days);
        rentals = new Rentals(coin, IScores(address(token)), address(this), address(this), periods);
        bonds = new Bonds(coin, address(this), 90 days);
        token.mint(address(this), type(uint128).max);
        token.approve(address(rentals), type(uint256).max);
        token.approve(address(bonds), type(uint256).max);
    }

    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return this.isValidSignature.selector;
    }

    function opened(uint128 deposit) private returns (Terms[] memory terms, bytes32 id) {
        vm.assume(deposit != 0 && deposit < type(uint64).max);
        terms = new Terms[](1);
        Offer memory offer = Offer(address(this), "node", "descriptor", RATE, 1, type(uint40).max);
        terms[0] = Terms(address(this), offer, "note", 1);
        uint128[] memory deposits = new uint128[](1);
        deposits[0] = deposit;
        id = rentals.open(terms, deposits, new bytes[](1))[0];
    }

    function check_s3_earnedDoesNotFallAndStaysWithinTheDeposit(uint128 deposit, uint40 early, uint40 late) public {
        (, bytes32 id) = opened(deposit);
        vm.assume(early <= late);
        assert(rentals.earned(id, early) <= rentals.earned(id, late));
        assert(rentals.earned(id, late) <= deposit);
    }

    function check_s3_earnedStaysAfterTheStop(uint128 deposit, uint32 ran, uint32 later) public {
        (Terms[] memory terms, bytes32 id) = opened(deposit);
        vm.warp(START + ran);
        uint128 due = rentals.earned(id, uint40(START + ran));
        rentals.stop(terms);
        assert(rentals.earned(id, uint40(START + ran + later)) == due);
    }

    function check_s4_aTopUpAndAStopReturnWhatWasRefundable(uint128 deposit, uint128 extra, uint32 ran) public {
        (Terms[] memory terms, bytes32 id) = opened(deposit);
        vm.assume(extra != 0 && extra < type(uint64).max);
        vm.assume(uint256(ran) * RATE <= deposit);
        vm.warp(START + ran);
        uint128 before = rentals.refundable(id);
        bytes32[] memory ids = new bytes32[](1);
        uint128[] memory amounts = new uint128[](1);
        (ids[0], amounts[0]) = (id, extra);
        rentals.topUp(ids, amounts);
        rentals.stop(terms);
        assert(rentals.credit(address(this)) == before + extra);
    }

    /// Without a share: the division by 10,000 is what solvers do not decide, and fuzz tests try.
    function check_s9_aSlashIsAtMostWhatWasHeld(uint128 deposit, uint32 ran, uint128 amount) public {
        (Terms[] memory terms, bytes32 id) = opened(deposit);
        vm.warp(START + ran);
        uint128 earned = rentals.earned(id, uint40(START + ran));
        Slash memory order = Slash(amount, uint40(START + ran), 0, address(0xBE), address(0x7E));
        uint128 slashed = rentals.slash("node", terms, order);
        assert(slashed <= amount && slashed <= earned);
        assert(rentals.credit(address(0x7E)) == slashed);
        assert(rentals.rentalOf(id).taken <= earned);
    }

    function check_s9_aLevyIsAtMostWhatIsLeft(uint128 deposit, uint128 left, uint32 ran) public {
        (Terms[] memory terms, bytes32 id) = opened(deposit);
        rentals.setLevy("node", 5000, uint40(START + 90 days), left);
        vm.warp(START + ran);
        rentals.slash("node", terms, Slash(0, uint40(START + ran), 0, address(0xBE), address(0x7E)));
        assert(rentals.nodeOf("node").levyLeft <= left);
        assert(rentals.rentalOf(id).taken <= deposit);
    }

    function check_s14_lockedAndThawingFitIntoTheBond(uint128 amount, uint128 thawed, uint128 locked) public {
        vm.assume(amount != 0 && amount < type(uint96).max);
        bonds.deposit(address(this), amount);
        vm.assume(thawed != 0 && thawed <= amount);
        bonds.thaw(thawed);
        vm.assume(locked <= amount);
        bonds.lock(address(this), locked);
        Bond memory b = bonds.bond(address(this));
        assert(uint256(b.locked) + b.thawing <= b.amount);
        assert(b.locked == locked);
    }

    /// Whatever is slashed, what is refundable stays, and each unit of the deposit is in one place.
    function check_s5_s2_aSlashLeavesTheRefund(uint128 deposit, uint32 ran, uint128 amount) public {
        (Terms[] memory terms, bytes32 id) = opened(deposit);
        vm.warp(START + ran);
        uint128 before = rentals.refundable(id);
        rentals.slash("node", terms, Slash(amount, uint40(START + ran), 0, address(0xBE), address(0x7E)));
        assert(rentals.refundable(id) == before);
        assert(before + rentals.held(id) + rentals.rentalOf(id).taken == deposit);
    }

    /// A burn and a release end what they name of a lock, to the unit, and what was burned is credited.
    function check_s13_eachLockEndsOnce(uint128 amount, uint128 locked, uint128 burned, uint128 freed) public {
        vm.assume(amount != 0 && amount < type(uint96).max && locked <= amount);
        bonds.deposit(address(this), amount);
        bonds.lock(address(this), locked);
        vm.assume(burned <= locked && freed <= locked - burned);
        bonds.burn(address(this), burned, address(0xBE));
        bonds.unlock(address(this), freed);
        Bond memory b = bonds.bond(address(this));
        assert(b.locked == locked - burned - freed);
        assert(b.amount == amount - burned);
        assert(bonds.credit(address(0xBE)) == burned);
    }
}
