// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rental, Slash, Terms} from "../../src/interfaces/IRentals.sol";
import {Leaf} from "../../src/interfaces/IScores.sol";
import {Market} from "../base/Market.sol";

/// Calls everything in any order with any amounts, and keeps books of its own.
contract Actor is Market {
    Terms[] public known;
    mapping(bytes32 rental => uint256) public putIn;
    mapping(bytes32 rental => uint256) public refunded;
    mapping(address account => uint256) public withdrawn;
    uint256 public slashed;
    uint256 public owners = 5;
    /// What levies that were replaced had taken, and what the present one was set to.
    uint256 public levied;
    uint256 public levySet;
    bool public batchDiffered;

    function count() external view returns (uint256) {
        return known.length;
    }

    function owner(uint256 index) public view returns (address) {
        return [consumer, provider, court, beneficiary, treasury][index];
    }

    function pick(uint256 seed) private view returns (Terms memory terms, bytes32 id) {
        vm.assume(known.length != 0);
        terms = known[seed % known.length];
        id = rentals.rentalId(terms);
    }

    function doOpen(uint96 rate, uint128 deposit) external {
        vm.assume(known.length < 8);
        Terms memory terms = someTerms(uint64(known.length));
        terms.offer.rate = uint96(bound(rate, 1, 1e9));
        deposit = uint128(bound(deposit, 1, 1e15));
        putIn[open(terms, deposit)] = deposit;
        known.push(terms);
    }

    function doTopUp(uint256 seed, uint128 amount) external {
        (, bytes32 id) = pick(seed);
        amount = uint128(bound(amount, 1, 1e15));
        vm.prank(consumer);
        rentals.topUp(one(id), one(amount));
        putIn[id] += amount;
    }

    function doStop(uint256 seed, bool byProvider) external {
        (Terms memory terms, bytes32 id) = pick(seed);
        uint256 before = rentals.credit(consumer);
        stop(terms, byProvider ? provider : consumer);
        refunded[id] += rentals.credit(consumer) - before;
    }

    function doCollect(uint256 seed) external {
        (Terms memory terms,) = pick(seed);
        collect(terms);
    }

    function doCollectHonest(uint256 seed) external {
        (Terms memory terms,) = pick(seed);
        (Leaf memory leaf, bytes32[] memory proof) = publishHonest();
        skip(DELAY);
        collectHonest(terms, leaf, proof);
    }

    function doSlash(uint256 seed, uint128 amount, uint32 ago, uint16 shareBps) external {
        (Terms memory terms,) = pick(seed);
        Slash memory order = slashOrder(amount, block.timestamp - bound(ago, 0, 20 days));
        order.shareBps = uint16(bound(shareBps, 0, 5000));
        slashed += slash(terms, order);
    }

    function doFreeze(uint32 time, bool ofRental, uint256 seed) external {
        (, bytes32 id) = pick(seed);
        uint40 until = uint40(block.timestamp + bound(time, 0, MAX_FREEZE));
        vm.prank(court);
        if (ofRental) rentals.freezeRental(id, until);
        else rentals.freeze(NODE, until);
    }

    function doLevy(uint16 bps, uint32 time, uint128 left) external {
        uint40 until = uint40(block.timestamp + bound(time, 0, 90 days));
        levied = leviedSoFar();
        levySet = left = uint128(bound(left, 0, 1e15));
        vm.prank(court);
        rentals.setLevy(NODE, uint16(bound(bps, 0, 5000)), until, left);
    }

    /// What levies took by what is left of them.
    function leviedSoFar() public view returns (uint256) {
        return levied + levySet - rentals.nodeOf(NODE).levyLeft;
    }

    /// Statement 21: all rentals at once, in this order, give what they give one by one.
    function doBatch(bool stops, bool byProvider) external {
        vm.assume(known.length > 1);
        uint256 start = vm.snapshotState();
        address by = byProvider ? provider : consumer;
        uint256[] memory refunds = new uint256[](known.length);
        for (uint256 i; i < known.length; ++i) {
            refunds[i] = rentals.credit(consumer);
            if (stops) stop(known[i], by);
            refunds[i] = rentals.credit(consumer) - refunds[i];
            collect(known[i]);
        }
        bytes32 single = books();
        vm.revertToState(start);
        if (stops) {
            vm.prank(by);
            rentals.stop(known);
        }
        rentals.collect(known, new Leaf[](0), new bytes32[][](0));
        if (books() != single) batchDiffered = true;
        for (uint256 i; i < known.length; ++i) {
            refunded[rentals.rentalId(known[i])] += refunds[i];
        }
    }

    function books() private view returns (bytes32 digest) {
        for (uint256 i; i < known.length; ++i) {
            digest = keccak256(abi.encode(digest, rentals.rentalOf(rentals.rentalId(known[i]))));
        }
        return keccak256(abi.encode(digest, rentals.credit(consumer), rentals.credit(provider), rentals.credit(court)));
    }

    function doPauseFiling(uint24 time) external {
        vm.prank(guardian);
        rentals.pauseFiling(uint40(bound(time, 1, 7 days)));
    }

    function doWithdraw(uint256 seed) external {
        address who = owner(seed % owners);
        vm.prank(who);
        withdrawn[who] += rentals.withdraw(address(0xFEED));
    }

    function doWait(uint32 time) external {
        skip(bound(time, 1, 10 days));
    }

    /// Sum over rentals of what has not left them, and of all credits.
    function owed() external view returns (uint256 sum) {
        for (uint256 i; i < known.length; ++i) {
            Rental memory r = rentals.rentalOf(rentals.rentalId(known[i]));
            sum += r.deposit - r.taken;
        }
        sum += credits();
    }

    function courtsShare() external view returns (uint256) {
        return withdrawn[court] + rentals.credit(court);
    }

    function inside() external view returns (uint256) {
        return token.balanceOf(address(rentals));
    }

    function paidOut() external view returns (uint256) {
        return token.balanceOf(address(0xFEED));
    }

    function rental(uint256 index) external view returns (bytes32 id, Rental memory r) {
        id = rentals.rentalId(known[index]);
        r = rentals.rentalOf(id);
    }
}

contract SolvencyTest is Market {
    Actor private actor;

    function setUp() public override {
        actor = new Actor();
        actor.setUp();
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(actor);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() public view returns (FuzzSelector[] memory list) {
        bytes4[] memory s = new bytes4[](12);
        s[0] = Actor.doOpen.selector;
        s[1] = Actor.doTopUp.selector;
        s[2] = Actor.doStop.selector;
        s[3] = Actor.doCollect.selector;
        s[4] = Actor.doCollectHonest.selector;
        s[5] = Actor.doSlash.selector;
        s[6] = Actor.doFreeze.selector;
        s[7] = Actor.doLevy.selector;
        s[8] = Actor.doPauseFiling.selector;
        s[9] = Actor.doWithdraw.selector;
        s[10] = Actor.doWait.selector;
        s[11] = Actor.doBatch.selector;
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(actor), s);
    }

    function invariant_s1_theBalanceIsWhatIsOwed() public view {
        assertEq(actor.inside(), actor.owed(), "balance");
    }

    /// Put in = refunded + taken (paid, levied, slashed) + still inside, of each rental.
    function invariant_s2_eachRentalsBooksBalance() public view {
        for (uint256 i; i < actor.count(); ++i) {
            (bytes32 id, Rental memory r) = actor.rental(i);
            assertEq(actor.putIn(id), actor.refunded(id) + r.deposit, "put in");
            assertLe(r.taken, r.deposit, "taken");
        }
    }

    function invariant_s2_whatLeftIsWhatWasCredited() public view {
        uint256 sum;
        for (uint256 i; i < actor.owners(); ++i) {
            sum += actor.withdrawn(actor.owner(i));
        }
        assertEq(actor.paidOut(), sum, "paid out");
    }

    /// What Court was credited is what levies took, and none took more than it was set to.
    function invariant_s9_leviesTakeWhatTheyWereSetToAtMost() public view {
        assertEq(actor.courtsShare(), actor.leviedSoFar(), "levied");
    }

    function invariant_s21_aBatchIsItsSingleCalls() public view {
        assertTrue(!actor.batchDiffered(), "batch");
    }
}
