// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Outcome} from "../../src/interfaces/ICourt.sol";
import {Rental, Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";

/// One owner behind consumer, provider and filer: he rents from himself, convicts himself and appeals against himself.
contract OneOwner is Dispute {
    uint256 private constant MOST = 4;

    Terms[] private known;
    bytes32[] private cases;
    uint256 public atFirst;
    uint256 public slashed;

    function setUp() public override {
        super.setUp();
        atFirst = wealth();
    }

    /// All that is his, wherever it lies: in his hands, in the escrow, in bonds.
    function wealth() public view returns (uint256 sum) {
        address[3] memory own = [consumer, provider, filer];
        for (uint256 i; i < 3; ++i) {
            sum += token.balanceOf(own[i]) + rentals.credit(own[i]) + bonds.credit(own[i]) + bonds.bond(own[i]).amount;
        }
        for (uint256 i; i < known.length; ++i) {
            Rental memory r = rentals.rentalOf(rentals.rentalId(known[i]));
            sum += r.deposit - r.taken;
        }
    }

    function doOpen(uint96 rate, uint128 time) external {
        vm.assume(known.length < MOST);
        Terms memory terms = someTerms(uint64(known.length));
        terms.note = noteOf(filer);
        terms.offer.rate = uint96(bound(rate, 1, 1e9));
        open(terms, uint128(bound(time, 1, 100 days)) * terms.offer.rate);
        known.push(terms);
    }

    function doStopAndCollect(uint256 seed) external {
        vm.assume(known.length != 0);
        Terms memory terms = known[seed % known.length];
        if (seed % 3 == 0) stop(terms, consumer);
        collect(terms);
    }

    /// Files against himself in any way, has it ruled in any way, and ends it.
    function doAccuseHimself(uint256 seed, uint8 kind, uint8 outcome, uint128 amount, uint16 bps) external {
        vm.assume(known.length != 0);
        Terms memory terms = known[seed % known.length];
        bytes32 evidence = keccak256(abi.encode(cases.length));
        bytes32 id;
        if (kind % 2 == 0) {
            bytes[] memory signed = convicts(evidence, NODE, rentals.rentalId(terms), 2);
            vm.prank(filer);
            id = bench.fileProof(one(terms), 0, SALT, evidence, signed);
        } else {
            vm.prank(filer);
            id = bench.fileBare(terms, SALT, evidence);
        }
        cases.push(id);
        Outcome ruling = [Outcome.Upheld, Outcome.Upheld, Outcome.Rejected, Outcome.Drawn][outcome % 4];
        bool upheld = ruling == Outcome.Upheld;
        amount = upheld ? uint128(bound(amount, 1, capOf(id))) : 0;
        ruled(id, ruling, amount, upheld ? bps % 5001 : 0);
        if (seed % 5 == 0) {
            appealed(id, seed % 2 == 0 ? filer : provider);
            ruledAgain(id, ruling, amount, upheld ? bps % 5001 : 0);
        } else {
            skip(APPEAL + 1);
        }
        uint256 before = bench.recordOf(NODE).slashed;
        bench.finalise(id, one(terms));
        slashed += bench.recordOf(NODE).slashed - before;
    }

    function doWithdraw(uint256 seed) external {
        address who = [consumer, provider, filer][seed % 3];
        vm.prank(who);
        rentals.withdraw(who);
    }

    function doDistribute() external {
        bench.distribute();
    }

    function doWait(uint32 time) external {
        skip(bound(time, 1 hours, 20 days));
    }
}

/// Accusing oneself never pays: neither for the fisher's share, nor to keep others' cases out.
/// forge-config: default.invariant.runs = 32
/// forge-config: default.invariant.depth = 50
contract SelfDealingTest is Dispute {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    OneOwner private owner;

    function setUp() public override {
        owner = new OneOwner();
        owner.setUp();
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(owner);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory list) {
        bytes4[] memory s = new bytes4[](6);
        s[0] = OneOwner.doOpen.selector;
        s[1] = OneOwner.doStopAndCollect.selector;
        s[2] = OneOwner.doAccuseHimself.selector;
        s[3] = OneOwner.doWithdraw.selector;
        s[4] = OneOwner.doDistribute.selector;
        s[5] = OneOwner.doWait.selector;
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(owner), s);
    }

    /// At least half of all that was slashed has left him for good.
    function invariant_s10_accusingOneselfNeverPays() public view {
        assertLe(owner.wealth() + owner.slashed() / 2, owner.atFirst(), "wealth");
    }
}
