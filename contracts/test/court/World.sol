// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bond} from "../../src/interfaces/IBonds.sol";
import {Case, State} from "../../src/interfaces/ICourt.sol";
import {Rental} from "../../src/interfaces/IRentals.sol";
import {Intruder} from "./Intruder.sol";

/// The parties' world as the invariants see it, and its end: whatever happened, everything leaves without any role.
contract World is Intruder {
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

    /// The rental's terms as they were offered, against what is stored.
    function asOffered(uint256 index) external view returns (bool) {
        Rental memory r = rentals.rentalOf(rentals.rentalId(known[index]));
        return r.rate == known[index].offer.rate && r.start <= known[index].offer.validUntil;
    }

    /// Whether an open case about the node is one that was filed by whom the note names.
    function openCaseIsKnown() external view returns (bool) {
        bytes32 id = bench.openCase(NODE);
        return id == 0 || bench.caseOf(id).filer == filer || bench.caseOf(id).bond == 0;
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
