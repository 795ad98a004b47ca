// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {Bond, IBonds} from "./interfaces/IBonds.sol";

/// @title Bonds
/// @dev Invariants: `locked + thawing <= amount` of every bond; the balance covers all amounts and credits.
contract Bonds is IBonds, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    IERC20 private immutable _TOKEN;
    /// @inheritdoc IBonds
    address public immutable COURT;
    /// @inheritdoc IBonds
    uint40 public immutable THAW;

    /// @inheritdoc IBonds
    mapping(address account => uint128) public credit;
    mapping(address fisher => Bond) private _bonds;

    modifier onlyCourt() {
        if (msg.sender != COURT) revert NotCourt(msg.sender);
        _;
    }

    constructor(IERC20 token, address court, uint40 thawTime) {
        if (address(token).code.length == 0 || court == address(0)) revert BadConfiguration();
        _TOKEN = token;
        COURT = court;
        THAW = thawTime;
    }

    /// @inheritdoc IBonds
    function TOKEN() external view returns (address) {
        return address(_TOKEN);
    }

    /// @inheritdoc IBonds
    function bond(address fisher) external view returns (Bond memory) {
        return _bonds[fisher];
    }

    /// @inheritdoc IBonds
    function deposit(address fisher, uint128 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        // Nobody could ever thaw a bond of the zero address.
        if (fisher == address(0)) revert BadRecipient(fisher);
        Bond storage b = _bonds[fisher];
        b.amount += amount;
        emit Deposited(fisher, msg.sender, amount, b.amount);

        uint256 before = _TOKEN.balanceOf(address(this));
        _TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = _TOKEN.balanceOf(address(this)) - before;
        if (received != amount) revert BalanceMismatch(received, amount);
    }

    /// @inheritdoc IBonds
    function thaw(uint128 amount) external {
        if (amount == 0) revert ZeroAmount();
        Bond storage b = _bonds[msg.sender];
        uint128 free = b.amount - b.locked - b.thawing;
        if (amount > free) revert Insufficient(amount, free);
        b.thawing += amount;
        b.readyAt = uint40(block.timestamp) + THAW;
        emit Thawing(msg.sender, amount, b.thawing, b.readyAt);
    }

    /// @inheritdoc IBonds
    function withdraw(address to) external nonReentrant returns (uint128 paid) {
        if (to == address(0) || to == address(this)) revert BadRecipient(to);
        Bond storage b = _bonds[msg.sender];
        uint128 stake = block.timestamp >= b.readyAt ? b.thawing : 0;
        uint128 owed = credit[msg.sender];
        paid = stake + owed;
        if (paid == 0) revert NothingDue(b.thawing == 0 ? 0 : b.readyAt);
        if (stake != 0) {
            b.amount -= stake;
            b.thawing = 0;
        }
        credit[msg.sender] = 0;
        emit Withdrawn(msg.sender, to, stake, owed, b.amount);
        _pay(to, paid);
    }

    /// @inheritdoc IBonds
    function lock(address fisher, uint128 amount) external onlyCourt {
        Bond storage b = _bonds[fisher];
        uint128 unlocked = b.amount - b.locked;
        if (amount > unlocked) revert Insufficient(amount, unlocked);
        b.locked += amount;
        // A thaw must not be a way out: what is missing comes from the stake that thaws.
        uint128 left = b.amount - b.locked;
        if (b.thawing > left) b.thawing = left;
        emit Locked(fisher, amount, b.locked, b.thawing);
    }

    /// @inheritdoc IBonds
    function unlock(address fisher, uint128 amount) external onlyCourt {
        Bond storage b = _bonds[fisher];
        if (amount > b.locked) revert Insufficient(amount, b.locked);
        b.locked -= amount;
        emit Unlocked(fisher, amount, b.locked);
    }

    /// @inheritdoc IBonds
    function burn(address fisher, uint128 amount, address to) external onlyCourt {
        if (to == address(0) || to == address(this)) revert BadRecipient(to);
        Bond storage b = _bonds[fisher];
        if (amount > b.locked) revert Insufficient(amount, b.locked);
        b.locked -= amount;
        b.amount -= amount;
        credit[to] += amount;
        emit Burned(fisher, to, amount, b.locked, b.amount);
    }

    /// The only exit of money.
    function _pay(address to, uint128 amount) private {
        uint256 before = _TOKEN.balanceOf(address(this));
        _TOKEN.safeTransfer(to, amount);
        // A token that takes more than it pays out would eat other fishers' stake.
        uint256 spent = before - _TOKEN.balanceOf(address(this));
        if (spent != amount) revert BalanceMismatch(spent, amount);
    }
}
