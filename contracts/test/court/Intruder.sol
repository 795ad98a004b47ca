// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Case, Outcome, Rules, State} from "../../src/interfaces/ICourt.sol";
import {Slash, Terms} from "../../src/interfaces/IRentals.sol";
import {Parties} from "./Parties.sol";

/// An attacker among the parties: he sees everything, sends first, names strangers, and tries every door. A door that opens
/// sets a mark, since a call that reverts leaves none.
contract Intruder is Parties {
    bool public doorOpened;
    bool public filedByIntruder;
    bool public openedWithoutOffer;

    /// He has a stake, as any fisher may: no door is closed to him for want of one.
    function setUp() public virtual override {
        super.setUp();
        stake(attacker);
    }

    /// What only Court, a role or a party may do.
    function doAttack(uint256 seed, uint8 door) external guarded(false) {
        (Terms memory terms, bytes32 rental) = pick(seed);
        vm.assume(cases.length != 0);
        bytes32 id = cases[seed % cases.length];
        Slash memory order = slashOrder(1, block.timestamp);
        Rules memory given = rules();
        door %= 12;
        vm.prank(attacker);
        if (door == 0) rentals.stop(one(terms));
        if (door == 1) rentals.slash(NODE, one(terms), order);
        if (door == 2) rentals.freeze(NODE, uint40(block.timestamp + 1));
        if (door == 3) rentals.freezeRental(rental, uint40(block.timestamp + 1));
        if (door == 4) rentals.setLevy(NODE, 1, uint40(block.timestamp), 1);
        if (door == 5) bonds.burn(filer, 1, attacker);
        if (door == 6) bonds.lock(filer, 1);
        if (door == 7) bonds.unlock(filer, 1);
        if (door == 8) bench.setRules(given);
        if (door == 9) bench.rule(id, Outcome.Upheld, 1, 0);
        if (door == 10) bench.withdraw(id);
        if (door == 11) bench.appeal(id);
        doorOpened = true;
    }

    /// He copies evidence and signatures out of the pool and sends them first, with the filer's own rental and salt.
    function doFrontRun(uint256 seed, bool bare) external guarded(false) {
        (Terms memory terms, bytes32 rental) = pick(seed);
        bytes32 evidence = keccak256(abi.encode(cases.length));
        bytes[] memory signed = convicts(evidence, NODE, rental, 2);
        vm.prank(attacker);
        if (bare) bench.fileBare(terms, SALT, evidence);
        else bench.fileProof(one(terms), 0, SALT, evidence, signed);
        filedByIntruder = true;
    }

    /// He, or a careless consumer, opens without what makes an offer: the provider's signature over just this, in time.
    function doOpenWithoutOffer(uint8 flaw, uint96 rate, uint256 key) external guarded(false) {
        Terms memory terms = someTerms(uint64(1000 + known.length));
        terms.offer.rate = uint96(bound(rate, 1, 1e9));
        bytes memory signed = offerSignature(terms.offer);
        flaw %= 4;
        key = bound(key, 1, 1e30);
        vm.assume(key != PROVIDER_KEY);
        if (flaw == 0) signed = signature(key, rentals.offerDigest(terms.offer));
        if (flaw == 1) terms.offer.rate -= 1;
        if (flaw == 2) {
            terms.offer.validUntil = uint40(block.timestamp - 1);
            signed = offerSignature(terms.offer);
        }
        vm.prank(flaw == 3 ? attacker : consumer);
        rentals.open(one(terms), one(1e6), one(signed));
        openedWithoutOffer = true;
    }

    /// He reorders what others send: an end before its window, or over rentals out of order or too few.
    function doEndOutOfTurn(uint256 seed, bool few) external guarded(false) {
        (bytes32 id, Case memory c) = pickCase(seed);
        vm.assume(c.state == State.Open || c.state == State.Appealed);
        vm.assume(block.timestamp <= c.deadline);
        vm.prank(attacker);
        bench.finalise(id, few ? new Terms[](0) : all());
        doorOpened = true;
    }

    function attackersGain() external view returns (uint256) {
        uint256 his = uint256(rentals.credit(attacker)) + bonds.credit(attacker) + token.balanceOf(attacker);
        return his + bonds.bond(attacker).amount - STAKE;
    }
}
