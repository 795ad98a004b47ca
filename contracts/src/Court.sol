// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {Filing} from "./Filing.sol";
import {Parts, Windows} from "./Windows.sol";
import {Case, ICourt, Kind, Outcome, Record, Rules, State, Windows as Periods} from "./interfaces/ICourt.sol";
import {Node, Slash, Terms} from "./interfaces/IRentals.sol";
import {Leaf} from "./interfaces/IScores.sol";

/// @title Court
/// @dev The part that decides: answer, ruling, appeal and end of a case. Money of parties moves in `finalise` alone, once
/// for each case, and every window has an end after which anyone may call it: no silence keeps money for ever.
contract Court is Filing {
    using SafeERC20 for IERC20;

    // At least half of a slash leaves both parties, so that accusing oneself never pays.
    uint256 private constant FISHER_SHARE_BPS = 5_000;
    uint16 private constant MAX_LEVY_BPS = 5_000;
    // What one case may take of later earnings, in multiples of its cap.
    uint256 private constant LEVY_CAPS = 10;
    uint8 private constant HONEST = 1;

    constructor(Parts memory parts, Periods memory periods, Rules memory firstRules)
        Windows(parts, periods, firstRules)
        EIP712("GPUX Court", "1")
    {}

    /// @inheritdoc ICourt
    function answer(bytes32 id, bytes32 statement) external {
        Case storage c = _existing(id);
        if (c.state != State.Open) revert WrongState(id, c.state);
        if (msg.sender != c.provider) revert NotEntitled(id, msg.sender);
        if (statement == 0) revert ZeroEvidence();
        if (c.answered) revert AlreadyAnswered(id);
        uint40 until = c.filedAt + ANSWER;
        if (block.timestamp > until) revert TooLate(id, until);
        c.answered = true;
        emit Answered(id, msg.sender, statement);
    }

    /// @inheritdoc ICourt
    function rule(bytes32 id, Outcome outcome, uint128 amount, uint16 levyBps) external {
        Case storage c = _existing(id);
        bool last = c.state == State.Appealed;
        _requireTurn(id, c, last);
        _checkRuling(c, outcome, amount, levyBps);
        if (c.appellant != address(0)) {
            uint256 before = _severity(c.outcome, c.amount, c.levyBps);
            uint256 ruled = _severity(outcome, amount, levyBps);
            c.appealWon = c.appellant == c.provider ? ruled < before : ruled > before;
        }
        (c.state, c.outcome, c.lastInstance) = (State.Ruled, outcome, last);
        (c.amount, c.levyBps) = (amount, levyBps);
        c.deadline = uint40(block.timestamp) + (last ? 0 : APPEAL);
        emit Ruled(id, msg.sender, outcome, amount, levyBps, c.deadline);
    }

    /// @inheritdoc ICourt
    function escalate(bytes32 id) external {
        Case storage c = _existing(id);
        if (c.state != State.Open) revert WrongState(id, c.state);
        if (block.timestamp <= c.deadline) revert TooEarly(id, c.deadline);
        // From the end of the arbiter's window, not from now: a late call must not outlive the freeze.
        (c.state, c.deadline) = (State.Appealed, c.deadline + APPEAL_RULING);
        emit Escalated(id, c.deadline);
    }

    /// @inheritdoc ICourt
    function appeal(bytes32 id) external {
        Case storage c = _existing(id);
        if (c.state != State.Ruled || c.lastInstance) revert WrongState(id, c.state);
        if (msg.sender != c.filer && msg.sender != c.provider) revert NotEntitled(id, msg.sender);
        uint40 now_ = uint40(block.timestamp);
        if (now_ > c.deadline) revert TooLate(id, c.deadline);
        uint128 counterBond = _bondFor(c.cap, _rulesOf(c).minBond);
        (c.state, c.deadline) = (State.Appealed, now_ + APPEAL_RULING);
        (c.appellant, c.counterBond) = (msg.sender, counterBond);
        emit Appealed(id, msg.sender, counterBond, c.deadline);
        _BONDS.lock(msg.sender, counterBond);
    }

    /// @inheritdoc ICourt
    function withdraw(bytes32 id) external {
        Case storage c = _existing(id);
        if (c.kind != Kind.Bare) revert WrongKind(id, c.kind);
        if (c.state != State.Open) revert WrongState(id, c.state);
        if (msg.sender != c.filer) revert NotEntitled(id, msg.sender);
        (c.state, c.outcome, c.lastInstance) = (State.Ruled, Outcome.Withdrawn, true);
        emit Withdrawn(id);
    }

    /// @inheritdoc ICourt
    function finalise(bytes32 id, Terms[] calldata terms) external {
        Case storage c = _existing(id);
        Outcome outcome = _outcome(id, c);
        (c.state, c.outcome) = (State.Final, outcome);
        delete openCase[c.subject];
        bool bare = c.kind == Kind.Bare;
        uint128 slashed;
        if (outcome == Outcome.Upheld) {
            bytes32 node = bare ? _requireOwn(c, terms) : c.subject;
            slashed = _slash(c, node, terms);
            _levy(c, node);
        }
        uint40 now_ = uint40(block.timestamp);
        if (bare) {
            _RENTALS.freezeRental(c.subject, now_);
        } else {
            Record storage record = _records[c.subject];
            (record.judgedAt, record.triedAt) = (now_, now_);
            _RENTALS.freeze(c.subject, now_);
        }
        _settleBond(c, outcome);
        _settleCounterBond(c, outcome);
        emit Finalised(id, c.subject, outcome, slashed);
    }

    /// @inheritdoc ICourt
    function liftLevy(Leaf calldata leaf, bytes32[] calldata proof) external {
        bytes32 node = leaf.node;
        if (leaf.verdict != HONEST || !_SCORES.verify(leaf, proof)) revert NotHonest(node, leaf.epoch);
        _requireLater(leaf.epoch, _records[node].judgedAt);
        Node memory n = _RENTALS.nodeOf(node);
        if (!_runs(n)) revert NoLevy(node);
        // It ends now and is not forgotten: waiting with `collect` for this moment evades nothing.
        _RENTALS.setLevy(node, n.levyBps, uint40(block.timestamp), n.levyLeft);
        emit LevyLifted(node, leaf.epoch);
    }

    /// @inheritdoc ICourt
    function distribute() external returns (uint128 paid) {
        paid = _RENTALS.withdraw(address(this));
        if (paid == 0) revert ZeroAmount();
        uint128 toRewards = paid / 2;
        address treasury = _current().treasury;
        emit LeviesDistributed(treasury, toRewards, paid - toRewards);
        IERC20 token = IERC20(_RENTALS.TOKEN());
        if (toRewards != 0) token.safeTransfer(REWARDS, toRewards);
        token.safeTransfer(treasury, paid - toRewards);
    }

    /// The court whose turn it is, within its window, and not before the provider was heard or had his time.
    function _requireTurn(bytes32 id, Case storage c, bool last) private view {
        if (!last && c.state != State.Open) revert WrongState(id, c.state);
        Rules storage rules = _rulesOf(c);
        if (msg.sender != (last ? rules.appealCourt : rules.arbiter)) revert NotEntitled(id, msg.sender);
        if (block.timestamp > c.deadline) revert TooLate(id, c.deadline);
        uint40 from = c.filedAt + ANSWER;
        if (!last && !c.answered && block.timestamp <= from) revert TooEarly(id, from);
    }

    /// How the case ends now; reverts while a window is open.
    function _outcome(bytes32 id, Case storage c) private view returns (Outcome) {
        State state = c.state;
        uint40 end = c.deadline;
        if (state == State.Final) revert WrongState(id, state);
        if (state == State.Open) end += APPEAL_RULING;
        bool ruled = state == State.Ruled;
        if (!(ruled && c.lastInstance) && block.timestamp <= end) revert TooEarly(id, end);
        return ruled ? c.outcome : Outcome.Expired;
    }

    function _checkRuling(Case storage c, Outcome outcome, uint128 amount, uint16 levyBps) private view {
        if (outcome == Outcome.Upheld) {
            if (amount == 0 && levyBps == 0) revert ZeroAmount();
            if (amount > c.cap) revert AboveCap(amount, c.cap);
            if (levyBps > MAX_LEVY_BPS) revert AboveCap(levyBps, MAX_LEVY_BPS);
        } else if (outcome == Outcome.Rejected || outcome == Outcome.Drawn) {
            if (amount != 0 || levyBps != 0) revert NothingToTake(outcome);
        } else {
            revert BadOutcome(outcome);
        }
    }

    /// Orders rulings from the provider's favour to the filer's: outcome, then slash, then levy.
    function _severity(Outcome outcome, uint128 amount, uint16 levyBps) private pure returns (uint256) {
        uint256 rank = outcome == Outcome.Upheld ? 2 : outcome == Outcome.Drawn ? 1 : 0;
        return rank << 144 | uint256(amount) << 16 | levyBps;
    }

    /// A bare case takes the rental it is about and no other; returns the rental's node.
    function _requireOwn(Case storage c, Terms[] calldata terms) private view returns (bytes32 node) {
        if (terms.length != 1) revert TooMany(terms.length, 1);
        bytes32 rental = _rentalId(terms[0]);
        if (rental != c.subject) revert ForeignRental(rental, c.subject);
        return terms[0].offer.node;
    }

    function _slash(Case storage c, bytes32 node, Terms[] calldata terms) private returns (uint128 slashed) {
        uint128 amount = c.amount;
        if (amount == 0) return 0;
        _requireSize(terms.length);
        bytes32 rental;
        for (uint256 i; i < terms.length; ++i) {
            rental = _next(terms[i], node, rental);
        }
        slashed = _RENTALS.slash(node, terms, _order(c, amount));
        Record storage record = _records[node];
        // Whoever calls must name enough, or a friend would name a rental of dust. What other cases took meanwhile is
        // missing with right; and when the freeze is over, what is left is all there is.
        uint128 elsewhere = record.slashed - c.slashedBefore;
        uint128 wanted = amount > elsewhere ? amount - elsewhere : 0;
        if (slashed < wanted && block.timestamp < _frozenUntil(c.filedAt)) revert Unreached(slashed, wanted);
        record.slashed += slashed;
    }

    /// In proof cases the filer takes half of what he named and bonded himself, else Rewards takes half.
    function _order(Case storage c, uint128 amount) private view returns (Slash memory) {
        bool toFiler = c.kind == Kind.Proof;
        uint256 share = toFiler ? FISHER_SHARE_BPS * c.backed / c.cap : FISHER_SHARE_BPS;
        address beneficiary = toFiler ? c.filer : REWARDS;
        return Slash(amount, c.filedAt, uint16(share), beneficiary, _rulesOf(c).treasury);
    }

    /// Levies add up: of the rates the larger, of the amounts the sum.
    function _levy(Case storage c, bytes32 node) private {
        uint16 bps = c.levyBps;
        if (bps == 0) return;
        Node memory n = _RENTALS.nodeOf(node);
        uint256 left = LEVY_CAPS * c.cap;
        if (_runs(n)) {
            left += n.levyLeft;
            if (n.levyBps > bps) bps = n.levyBps;
        }
        if (left > type(uint128).max) left = type(uint128).max;
        uint40 now_ = uint40(block.timestamp);
        _records[node].judgedAt = now_;
        _RENTALS.setLevy(node, bps, now_ + _RENTALS.MAX_LEVY_TIME(), uint128(left));
    }

    function _settleBond(Case storage c, Outcome outcome) private {
        uint128 bond = c.bond;
        if (bond == 0) return;
        if (outcome == Outcome.Rejected) {
            _forfeit(c.filer, bond, c.provider, c);
        } else if (outcome == Outcome.Drawn || outcome == Outcome.Withdrawn) {
            Rules storage rules = _rulesOf(c);
            if (rules.fee != 0) _BONDS.burn(c.filer, rules.fee, rules.treasury);
            if (bond > rules.fee) _BONDS.unlock(c.filer, bond - rules.fee);
        } else {
            _BONDS.unlock(c.filer, bond);
        }
    }

    /// An appeal that bettered nothing costs its bond; the court's silence costs nobody.
    function _settleCounterBond(Case storage c, Outcome outcome) private {
        address appellant = c.appellant;
        if (appellant == address(0)) return;
        if (outcome == Outcome.Expired || c.appealWon) {
            _BONDS.unlock(appellant, c.counterBond);
        } else {
            _forfeit(appellant, c.counterBond, appellant == c.provider ? c.filer : c.provider, c);
        }
    }

    /// Half of a lost bond to the other party, half to the treasury.
    function _forfeit(address loser, uint128 amount, address winner, Case storage c) private {
        uint128 half = amount / 2;
        if (half != 0) _BONDS.burn(loser, half, winner);
        _BONDS.burn(loser, amount - half, _rulesOf(c).treasury);
    }

    function _runs(Node memory n) private view returns (bool) {
        return n.levyBps != 0 && n.levyLeft != 0 && n.levyUntil > block.timestamp;
    }

    function _existing(bytes32 id) private view returns (Case storage c) {
        c = _cases[id];
        if (c.state == State.None) revert UnknownCase(id);
    }
}
