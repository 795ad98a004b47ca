// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bond} from "../../src/interfaces/IBonds.sol";
import {Case, Kind, Outcome, Rules, State} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Leaf} from "../../src/interfaces/IScores.sol";
import {Dispute} from "../base/Dispute.sol";

/// All parties act in any order with any amounts: consumer, provider, fisher, arbiter, appeal court, guardian, operators and
/// administrator. Books are kept here by other ways than the contracts'.
contract Parties is Dispute {
    uint256 private constant MOST_RENTALS = 5;
    uint256 private constant MOST_CASES = 16;

    address internal attacker = address(0xBAD);
    Terms[] internal known;
    bytes32[] internal cases;
    mapping(bytes32 rental => uint256) public putIn;
    mapping(bytes32 rental => uint256) public refunded;
    mapping(bytes32 id => uint256) public heldAtFiling;
    mapping(bytes32 id => uint256) public slashedBy;
    mapping(bytes32 id => bytes32) public finalHash;
    mapping(bytes32 id => bytes32) public termsAtFiling;
    mapping(bytes32 id => uint256) private feeAtFiling;
    uint256 public slashed;
    uint256 public filersShare;
    bool public lostPastHold;
    bool public lostRefund;
    bool public leftInsideItsHold;
    bool public earnedFell;
    bool public refundedWrongly;
    bool public exitRefused;
    bool public rulesBent;
    mapping(bytes32 rental => uint256) private lastEarned;
    uint256 private consumersMoney;

    /// Statements 3, 5, 6 and 7 around every call that lets no time pass. `paysOut`: the call pays someone out.
    modifier guarded(bool paysOut) {
        uint256 pastHold = pastHoldOf();
        uint256 refunds = refundsOf();
        _;
        if (!paysOut && pastHoldOf() < pastHold) lostPastHold = true;
        if (!paysOut && refundsOf() < refunds) lostRefund = true;
        for (uint256 i; i < known.length; ++i) {
            bytes32 id = rentals.rentalId(known[i]);
            uint256 most = rentals.earned(id, uint40(block.timestamp - HOLD_HONEST)) + slashed;
            if (rentals.rentalOf(id).taken > most) leftInsideItsHold = true;
            uint256 earned = rentals.earned(id, uint40(block.timestamp));
            if (earned < lastEarned[id] || earned > putIn[id]) earnedFell = true;
            lastEarned[id] = earned;
        }
    }

    /// What is the provider's: credited, levied out of it, or free to be collected.
    function pastHoldOf() private view returns (uint256 sum) {
        sum = uint256(rentals.credit(provider)) + rentals.credit(court);
        for (uint256 i; i < known.length; ++i) {
            sum += rentals.collectable(known[i], false);
        }
    }

    function refundsOf() private view returns (uint256 sum) {
        sum = rentals.credit(consumer);
        for (uint256 i; i < known.length; ++i) {
            sum += rentals.refundable(rentals.rentalId(known[i]));
        }
    }

    function pick(uint256 seed) internal view returns (Terms memory terms, bytes32 id) {
        vm.assume(known.length != 0);
        terms = known[seed % known.length];
        id = rentals.rentalId(terms);
    }

    function pickCase(uint256 seed) internal view returns (bytes32 id, Case memory c) {
        vm.assume(cases.length != 0);
        id = cases[seed % cases.length];
        c = bench.caseOf(id);
    }

    function all() internal view returns (Terms[] memory) {
        return sorted(known);
    }

    function doOpen(uint96 rate, uint128 time) external guarded(false) {
        vm.assume(known.length < MOST_RENTALS);
        Terms memory terms = someTerms(uint64(known.length));
        terms.note = noteOf(filer);
        terms.offer.rate = uint96(bound(rate, 1, 1e9));
        uint128 deposit = uint128(bound(time, 1, 100 days)) * terms.offer.rate;
        putIn[open(terms, deposit)] = deposit;
        known.push(terms);
    }

    function doTopUp(uint256 seed, uint128 amount) external guarded(false) {
        (, bytes32 id) = pick(seed);
        amount = uint128(bound(amount, 1, 1e15));
        vm.prank(consumer);
        rentals.topUp(one(id), one(amount));
        putIn[id] += amount;
    }

    function doStop(uint256 seed, bool byProvider) external guarded(false) {
        (Terms memory terms, bytes32 id) = pick(seed);
        uint256 before = rentals.credit(consumer);
        stop(terms, byProvider ? provider : consumer);
        refunded[id] += rentals.credit(consumer) - before;
    }

    /// Statement 4: in one block with any top-up, a stop returns both to the unit.
    function doTopUpAndStop(uint256 seed, uint128 amount) external guarded(false) {
        (Terms memory terms, bytes32 id) = pick(seed);
        amount = uint128(bound(amount, 1, 1e15));
        uint256 due = uint256(rentals.refundable(id)) + amount;
        uint256 before = rentals.credit(consumer);
        vm.prank(consumer);
        rentals.topUp(one(id), one(amount));
        stop(terms, consumer);
        if (rentals.credit(consumer) - before != due) refundedWrongly = true;
        putIn[id] += amount;
        refunded[id] += rentals.credit(consumer) - before;
    }

    /// Statement 16: whatever is paused or frozen, parties take what is theirs.
    function doExit(uint256 seed, bool stops) external guarded(true) {
        (Terms memory terms, bytes32 id) = pick(seed);
        uint256 before = rentals.credit(consumer);
        try this.exit(terms, stops && seed % 4 == 0) {
            refunded[id] += token.balanceOf(consumer) - consumersMoney - before;
        } catch {
            exitRefused = true;
        }
    }

    function exit(Terms calldata terms, bool stops) external {
        consumersMoney = token.balanceOf(consumer);
        if (stops) stop(terms, consumer);
        collect(terms);
        vm.prank(consumer);
        rentals.withdraw(consumer);
        vm.prank(provider);
        rentals.withdraw(provider);
    }

    function doCollect(uint256 seed) external guarded(false) {
        (Terms memory terms,) = pick(seed);
        collect(terms);
    }

    function doHonestLeaf(uint256 seed, bool lift) external {
        (Terms memory terms,) = pick(seed);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(1);
        honest(terms, leaf, proof, lift);
    }

    function honest(Terms memory terms, Leaf memory leaf, bytes32[] memory proof, bool lift) private guarded(false) {
        if (lift) bench.liftLevy(leaf, proof);
        else collectHonest(terms, leaf, proof);
    }

    function doFileProof(uint256 seed, bool everything) external guarded(false) {
        vm.assume(cases.length < MOST_CASES);
        (Terms memory terms, bytes32 rental) = pick(seed);
        Terms[] memory list = everything ? all() : one(terms);
        uint256 own;
        while (rentals.rentalId(list[own]) != rental) ++own;
        bytes32 evidence = keccak256(abi.encode(cases.length));
        bytes[] memory signed = convicts(evidence, NODE, rental, 2);
        uint256 held = heldByNode();
        vm.prank(filer);
        filed(bench.fileProof(list, own, SALT, evidence, signed), held);
    }

    function doFileStatistical() external {
        vm.assume(cases.length < MOST_CASES && known.length != 0);
        (Leaf memory leaf, bytes32[] memory proof) = verdict(2);
        statistical(leaf, proof);
    }

    function statistical(Leaf memory leaf, bytes32[] memory proof) private guarded(false) {
        uint256 held = heldByNode();
        filed(bench.fileStatistical(all(), leaf, proof), held);
    }

    function doFileBare(uint256 seed) external guarded(false) {
        vm.assume(cases.length < MOST_CASES);
        (Terms memory terms, bytes32 rental) = pick(seed);
        uint256 held = uint256(rentals.held(rental)) - rentals.collectable(terms, false);
        vm.prank(filer);
        filed(bench.fileBare(terms, SALT, keccak256(abi.encode(cases.length))), held);
    }

    function heldByNode() private view returns (uint256 held) {
        for (uint256 i; i < known.length; ++i) {
            held += uint256(rentals.held(rentals.rentalId(known[i]))) - rentals.collectable(known[i], false);
        }
    }

    function filed(bytes32 id, uint256 held) private {
        cases.push(id);
        heldAtFiling[id] = held;
        termsAtFiling[id] = unchanging(bench.caseOf(id));
        feeAtFiling[id] = bench.rulesOf(bench.rulesVersion()).fee;
    }

    /// What no later call may change of a case.
    function unchanging(Case memory c) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(c.filer, c.filedAt, c.kind, c.provider, c.rules, c.horizon, c.subject, c.backed, c.bond)
            );
    }

    function doExtend(uint256 seed) external guarded(false) {
        (bytes32 id,) = pickCase(seed);
        vm.prank(attacker);
        bench.extend(id, all());
    }

    function doRule(uint256 seed, uint8 outcome, uint128 amount, uint16 bps, bool early) external guarded(false) {
        (bytes32 id, Case memory c) = pickCase(seed);
        vm.assume(c.state == State.Open || c.state == State.Appealed);
        Outcome ruling = [Outcome.Upheld, Outcome.Upheld, Outcome.Rejected, Outcome.Drawn][outcome % 4];
        bool upheld = ruling == Outcome.Upheld;
        if (c.state == State.Open && early && !c.answered) {
            vm.prank(provider);
            bench.answer(id, "answer");
        }
        vm.prank(c.state == State.Open ? arbiter : appealCourt);
        bench.rule(id, ruling, upheld ? uint128(bound(amount, 1, c.cap)) : 0, upheld ? uint16(bps % 5001) : 0);
    }

    function doAppeal(uint256 seed, bool byProvider) external guarded(false) {
        (bytes32 id,) = pickCase(seed);
        vm.prank(byProvider ? provider : filer);
        bench.appeal(id);
    }

    function doEscalate(uint256 seed) external guarded(false) {
        (bytes32 id,) = pickCase(seed);
        bench.escalate(id);
    }

    function doWithdrawCase(uint256 seed) external guarded(false) {
        (bytes32 id,) = pickCase(seed);
        vm.prank(filer);
        bench.withdraw(id);
    }

    function doFinalise(uint256 seed) external guarded(false) {
        (bytes32 id,) = pickCase(seed);
        finalise(id);
    }

    /// A case from filing to its end, which single steps in any order seldom reach.
    function doTrial(uint256 seed, bool bare, uint8 outcome, uint128 amount, uint16 bps) external {
        vm.assume(cases.length < MOST_CASES);
        if (bare) this.doFileBare(seed);
        else this.doFileProof(seed, seed % 2 == 0);
        uint256 index = cases.length - 1;
        // Others name more of the node meanwhile, and the administrator sets other rules.
        if (seed % 5 < 2) try this.doExtend(index) {} catch {}
        if (seed % 7 < 3) this.doSetRules(uint64(amount), bps);
        this.doRule(index, outcome, amount, bps, true);
        if (seed % 3 == 0) {
            this.doAppeal(index, outcome % 2 == 0);
            this.doRule(index, uint8(bps), amount / 2, bps, false);
        } else {
            skip(APPEAL + 1);
        }
        this.doFinalise(index);
    }

    function finalise(bytes32 id) internal {
        Case memory c = bench.caseOf(id);
        Terms[] memory list = c.kind == Kind.Bare ? one(ofRental(c.subject)) : all();
        uint256 before = bench.recordOf(NODE).slashed;
        uint256 share = rentals.credit(filer);
        uint256 burned = bonds.credit(treasury);
        bench.finalise(id, list);
        // Statement 15: a draw costs the fee that was in force at filing.
        bool costsFee = c.state == State.Ruled && (c.outcome == Outcome.Drawn || c.outcome == Outcome.Withdrawn);
        uint256 fee = costsFee && c.bond != 0 ? feeAtFiling[id] : 0;
        bool lost = c.outcome == Outcome.Rejected || c.appellant != address(0);
        if (!lost && bonds.credit(treasury) - burned != fee) rulesBent = true;
        slashedBy[id] = bench.recordOf(NODE).slashed - before;
        slashed += slashedBy[id];
        filersShare += rentals.credit(filer) - share;
        finalHash[id] = keccak256(abi.encode(bench.caseOf(id)));
    }

    function ofRental(bytes32 id) private view returns (Terms memory) {
        uint256 i;
        while (rentals.rentalId(known[i]) != id) ++i;
        return known[i];
    }

    function doDistribute() external guarded(true) {
        if (rentals.credit(court) != 0) bench.distribute();
        if (rentals.credit(address(rewards)) != 0) rewards.gather();
    }

    function doWithdraw(uint256 seed) external guarded(true) {
        address who = [consumer, provider, filer, treasury][seed % 4];
        vm.prank(who);
        rentals.withdraw(who);
    }

    /// All that is free at times, so that the next lock finds stake that thaws and no other.
    function doThaw(uint128 amount, bool byProvider) external guarded(false) {
        address who = byProvider ? provider : filer;
        Bond memory b = bonds.bond(who);
        uint128 free = b.amount - b.locked - b.thawing;
        vm.assume(free != 0);
        amount = amount % 2 == 0 ? free : uint128(bound(amount, 1, free));
        vm.prank(who);
        bonds.thaw(amount);
    }

    /// What thawed is staked again, so that cases go on.
    function doWithdrawBond(bool byProvider) external guarded(false) {
        address who = byProvider ? provider : filer;
        vm.prank(who);
        uint128 paid = bonds.withdraw(who);
        vm.prank(who);
        token.approve(address(bonds), paid);
        vm.prank(who);
        bonds.deposit(who, paid);
    }

    function doPause(uint24 time, bool opening) external guarded(false) {
        vm.prank(guardian);
        if (opening) rentals.pauseOpening(time % 4 == 0);
        else rentals.pauseFiling(uint40(bound(time, 1, 7 days)));
    }

    /// The administrator changes fee and least bond; the judges stay, so that the run goes on.
    function doSetRules(uint64 fee, uint64 bond) external guarded(false) {
        Rules memory next = rules();
        next.minBond = uint128(bound(bond, 1, 1e9));
        next.fee = uint128(bound(fee, 0, next.minBond));
        vm.prank(admin);
        bench.setRules(next);
    }

    /// Past a hold or a window, which many short waits in a row would seldom reach.
    function doWaitLong(uint32 time) external {
        skip(bound(time, 6 days, 30 days));
    }

    function doWait(uint32 time) external {
        skip(bound(time, 1 hours, 6 days));
    }
}
