// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Node, Terms} from "../../src/interfaces/IRentals.sol";
import {Outcome} from "../../src/interfaces/ICourt.sol";
import {Dispute} from "../base/Dispute.sol";

/// The worked example of docs/contracts.md, number by number. Units are millionths of a dollar.
contract ExampleTest is Dispute {
    uint96 private constant PRICE = 100;
    uint256 private start;

    function until(uint256 day, uint256 hour) private {
        vm.warp(start + day * 1 days + hour * 1 hours);
    }

    function rent(uint64 nonce, uint256 time) private returns (Terms memory terms) {
        terms = someTerms(nonce);
        terms.note = noteOf(filer);
        terms.offer.rate = PRICE;
        open(terms, uint128(PRICE * time));
    }

    function test_theWorkedExample() public {
        start = block.timestamp;
        Terms memory a = rent(1, 30 days);
        assertEq(token.balanceOf(address(rentals)), 259.2e6, "A is paid for 30 days");

        until(20, 0);
        Terms memory b = rent(2, 1 days);
        until(20, 1);
        stop(b, consumer);
        assertEq(rentals.credit(consumer), 8.28e6, "B's refund");
        Terms[] memory both = pair(a, b);
        uint256 own = both[0].nonce == 2 ? 0 : 1;
        bytes32 id = fileProof(both, own);
        assertEq(capOf(id), 121.32e6, "cap");
        expectLocked(filer, 50e6);

        ruled(id, Outcome.Upheld, 121.32e6, 2000);
        until(24, 0);
        bench.finalise(id, both);
        assertEq(rentals.credit(provider), 52.2e6, "what was past its hold");
        assertEq(rentals.credit(filer), 60.66e6, "the filer's half");
        assertEq(rentals.credit(treasury), 60.66e6, "the treasury's");
        expectLocked(filer, 0);
        expectStake(filer, STAKE);
        Node memory n = rentals.nodeOf(NODE);
        assertEq(n.levyLeft, 1213.2e6, "the levy's most");

        until(44, 0);
        collect(a);
        assertEq(rentals.credit(court), 10.368e6, "levy");
        assertEq(rentals.credit(provider), 127.872e6, "provider");
        bench.distribute();
        assertEq(token.balanceOf(address(rewards)), 5.184e6, "rewards");
        assertEq(token.balanceOf(treasury), 5.184e6, "the treasury's half of the levy");
        uint256 left = uint256(8.28e6) + 60.66e6 + 60.66e6 + 127.872e6;
        assertEq(token.balanceOf(address(rentals)), left, "and nothing else is inside");
    }
}
