// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {Case, ICourt, Rules, Windows as Periods} from "./interfaces/ICourt.sol";
import {IBonds} from "./interfaces/IBonds.sol";
import {IRentals} from "./interfaces/IRentals.sol";
import {IRewards} from "./interfaces/IRewards.sol";
import {IScores} from "./interfaces/IScores.sol";

/// @notice The contracts that Court acts on. Rentals and Bonds name Court already: its address is known before it exists.
struct Parts {
    IRentals rentals;
    IBonds bonds;
    IRewards rewards;
    address authority;
}

/// @title Windows: how long each step of a case may take, and under which rules
/// @dev The part of Court that knows periods and rules. Periods never change, rules are only added and a case keeps the
/// number of those it was filed under: so nothing that an administrator does reaches an open case.
abstract contract Windows is ICourt, AccessManaged {
    IRentals internal immutable _RENTALS;
    IBonds internal immutable _BONDS;
    IScores internal immutable _SCORES;
    /// @inheritdoc ICourt
    address public immutable REWARDS;
    /// @inheritdoc ICourt
    uint40 public immutable FILING;
    /// @inheritdoc ICourt
    uint40 public immutable ANSWER;
    /// @inheritdoc ICourt
    uint40 public immutable RULING;
    /// @inheritdoc ICourt
    uint40 public immutable APPEAL;
    /// @inheritdoc ICourt
    uint40 public immutable APPEAL_RULING;
    /// @inheritdoc ICourt
    uint40 public immutable EXECUTION;

    /// @inheritdoc ICourt
    uint32 public rulesVersion;
    mapping(uint32 version => Rules) private _rules;
    mapping(bytes32 id => Case) internal _cases;

    constructor(Parts memory parts, Periods memory periods, Rules memory firstRules) AccessManaged(parts.authority) {
        IRentals rentals = parts.rentals;
        _checkParts(parts);
        _checkPeriods(periods, rentals);
        _RENTALS = rentals;
        _BONDS = parts.bonds;
        _SCORES = IScores(rentals.SCORES());
        REWARDS = address(parts.rewards);
        FILING = periods.filing;
        ANSWER = periods.answer;
        RULING = periods.ruling;
        APPEAL = periods.appeal;
        APPEAL_RULING = periods.appealRuling;
        EXECUTION = periods.execution;
        _setRules(firstRules, address(rentals), address(parts.bonds));
    }

    /// @inheritdoc ICourt
    function setRules(Rules calldata rules) external restricted {
        _setRules(rules, address(_RENTALS), address(_BONDS));
    }

    /// @inheritdoc ICourt
    function RENTALS() external view returns (address) {
        return address(_RENTALS);
    }

    /// @inheritdoc ICourt
    function BONDS() external view returns (address) {
        return address(_BONDS);
    }

    /// @inheritdoc ICourt
    function SCORES() external view returns (address) {
        return address(_SCORES);
    }

    /// @inheritdoc ICourt
    function rulesOf(uint32 version) external view returns (Rules memory) {
        return _rules[version];
    }

    /// @inheritdoc ICourt
    function caseOf(bytes32 id) external view returns (Case memory) {
        return _cases[id];
    }

    /// The rules that a case was filed under.
    function _rulesOf(Case storage c) internal view returns (Rules storage) {
        return _rules[c.rules];
    }

    /// The rules in force.
    function _current() internal view returns (Rules storage) {
        return _rules[rulesVersion];
    }

    /// When a freeze that begins at `filedAt` ends: after every window, and the time to carry the ruling out.
    function _frozenUntil(uint40 filedAt) internal view returns (uint40) {
        return filedAt + ANSWER + RULING + APPEAL + APPEAL_RULING + EXECUTION;
    }

    /// A credit of these could never be withdrawn, or would make Bonds refuse and the case stick.
    function _requireRecipient(address to) internal view {
        _requireRecipient(to, address(_RENTALS), address(_BONDS));
    }

    function _setRules(Rules memory rules, address rentals, address bonds) private {
        if (rules.arbiter == address(0) || rules.appealCourt == address(0)) revert BadConfiguration();
        // The fee is taken of the bond, and a bond of nothing would make false cases free.
        if (rules.minBond == 0 || rules.fee > rules.minBond) revert BadConfiguration();
        _requireRecipient(rules.treasury, rentals, bonds);
        uint32 version = ++rulesVersion;
        _rules[version] = rules;
        emit RulesSet(version, rules);
    }

    // Immutables cannot be read while the constructor runs, so the addresses are passed.
    function _requireRecipient(address to, address rentals, address bonds) private view {
        if (to == address(0) || to == address(this) || to == rentals || to == bonds) revert BadRecipient(to);
    }

    function _checkParts(Parts memory parts) private view {
        IRentals rentals = parts.rentals;
        address token = rentals.TOKEN();
        bool linked = rentals.COURT() == address(this) && parts.bonds.COURT() == address(this)
            && parts.bonds.TOKEN() == token && parts.rewards.TOKEN() == token
            && parts.rewards.RENTALS() == address(rentals) && parts.rewards.SCORES() == rentals.SCORES();
        if (!linked) revert BadConfiguration();
    }

    function _checkPeriods(Periods memory p, IRentals rentals) private view {
        if (p.filing == 0 || p.answer == 0 || p.ruling == 0 || p.appeal == 0 || p.appealRuling == 0 || p.execution == 0)
        {
            revert BadConfiguration();
        }
        uint256 longest = uint256(p.answer) + p.ruling + p.appeal + p.appealRuling + p.execution;
        // Past the short hold nothing of the rental would be left to take; a case must not outlive its freeze.
        if (p.filing > rentals.HOLD_HONEST() || longest > rentals.MAX_FREEZE()) revert BadConfiguration();
    }
}
