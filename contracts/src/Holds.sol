// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {Freeze, IRentals, Node, Periods, Rental, Span} from "./interfaces/IRentals.sol";

/// @title Holds: until when what was earned must stay
/// @dev The part of Rentals that knows holds, freezes and pauses of filing. It moves no money: it answers one question,
/// `_horizon`, the moment until which a rental's earnings are past their hold.
abstract contract Holds is IRentals, AccessManaged {
    uint8 private constant FLAG_FROZEN = 1;
    uint40 private constant MAX_PAUSE = 7 days;
    uint40 private constant PAUSE_PERIOD = 30 days;

    /// @inheritdoc IRentals
    address public immutable COURT;
    /// @inheritdoc IRentals
    uint40 public immutable HOLD_HONEST;
    /// @inheritdoc IRentals
    uint40 public immutable HOLD;
    /// @inheritdoc IRentals
    uint40 public immutable MAX_FREEZE;

    Span private _filingPause;
    mapping(bytes32 rental => Freeze) private _rentalFreezes;
    mapping(bytes32 rental => Rental) internal _rentals;
    mapping(bytes32 node => Node) internal _nodes;

    modifier onlyCourt() {
        if (msg.sender != COURT) revert NotCourt(msg.sender);
        _;
    }

    constructor(address authority, address court, Periods memory periods) AccessManaged(authority) {
        // The last relation lets at most one pause of filing lie within a hold; `_pastHold` relies on it.
        if (
            court == address(0) || periods.holdHonest > periods.hold
                || uint256(periods.hold) + 2 * MAX_PAUSE > PAUSE_PERIOD
        ) revert BadConfiguration();
        COURT = court;
        HOLD_HONEST = periods.holdHonest;
        HOLD = periods.hold;
        MAX_FREEZE = periods.maxFreeze;
    }

    /// @inheritdoc IRentals
    function freeze(bytes32 node, uint40 until) external onlyCourt returns (uint40 horizon) {
        Node storage n = _nodes[node];
        Freeze memory f = _frozen(Freeze(n.frozenSince, n.frozenUntil, n.frozenHorizon), until);
        (n.frozenSince, n.frozenUntil, n.frozenHorizon) = (f.since, f.until, f.horizon);
        emit Frozen(node, n.frozenSince, n.frozenUntil);
        return f.horizon;
    }

    /// @inheritdoc IRentals
    function freezeRental(bytes32 rental, uint40 until) external onlyCourt returns (uint40 horizon) {
        _existing(rental).flags |= FLAG_FROZEN;
        Freeze memory f = _frozen(_rentalFreezes[rental], until);
        _rentalFreezes[rental] = f;
        emit RentalFrozen(rental, f.since, f.until);
        return f.horizon;
    }

    /// @inheritdoc IRentals
    function pauseFiling(uint40 duration) external restricted {
        if (duration == 0) revert ZeroAmount();
        if (duration > MAX_PAUSE) revert AboveCap(duration, MAX_PAUSE);
        uint40 now_ = uint40(block.timestamp);
        uint40 last = _filingPause.since;
        if (last != 0 && now_ < last + PAUSE_PERIOD) revert PausedRecently(last);
        _filingPause = Span(now_, now_ + duration);
        emit FilingPaused(now_, now_ + duration);
    }

    /// @inheritdoc IRentals
    function resumeFiling() external restricted {
        uint40 now_ = uint40(block.timestamp);
        if (now_ < _filingPause.until) _filingPause.until = now_;
        emit FilingPaused(_filingPause.since, _filingPause.until);
    }

    /// @inheritdoc IRentals
    function nodeOf(bytes32 node) external view returns (Node memory) {
        return _nodes[node];
    }

    /// @inheritdoc IRentals
    function rentalFreezeOf(bytes32 rental) external view returns (Freeze memory) {
        return _rentalFreezes[rental];
    }

    /// @inheritdoc IRentals
    function filingPause() external view returns (Span memory) {
        return _filingPause;
    }

    /// The moment until which earnings are past their hold. In a freeze it stands where the long hold put it when
    /// the freeze began: an accused node has no short hold.
    function _horizon(bytes32 id, Rental storage r, bytes32 node, uint40 hold) internal view returns (uint40 horizon) {
        horizon = _pastHold(uint40(block.timestamp), hold);
        Node storage n = _nodes[node];
        if (block.timestamp < n.frozenUntil && n.frozenHorizon < horizon) horizon = n.frozenHorizon;
        if (r.flags & FLAG_FROZEN != 0) {
            Freeze storage f = _rentalFreezes[id];
            if (block.timestamp < f.until && f.horizon < horizon) horizon = f.horizon;
        }
    }

    /// The newest moment since which `hold` seconds have run, not counting the last pause of filing. Older pauses
    /// ended more than a hold and a pause ago.
    function _pastHold(uint40 now_, uint40 hold) private view returns (uint40) {
        uint40 plain = now_ > hold ? now_ - hold : 0;
        Span storage pause = _filingPause;
        uint40 since = pause.since;
        uint40 until = pause.until < now_ ? pause.until : now_;
        if (until <= since || plain >= until) return plain;
        uint40 paused = until - since;
        return plain > paused ? plain - paused : 0;
    }

    /// The freeze after Court's order: an active one keeps its beginning, and its length has a limit.
    function _frozen(Freeze memory f, uint40 until) private view returns (Freeze memory) {
        uint40 now_ = uint40(block.timestamp);
        if (now_ >= f.until) f = Freeze(now_, 0, _pastHold(now_, HOLD));
        if (until > f.since + MAX_FREEZE) revert AboveCap(until, f.since + MAX_FREEZE);
        f.until = until;
        return f;
    }

    function _existing(bytes32 id) internal view returns (Rental storage r) {
        r = _rentals[id];
        if (r.start == 0) revert UnknownRental(id);
    }
}
