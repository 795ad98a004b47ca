// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IRentals} from "./interfaces/IRentals.sol";
import {IRewards} from "./interfaces/IRewards.sol";
import {IScores} from "./interfaces/IScores.sol";

/// @title Rewards
/// @dev Invariants: `claimed` of a fisher never falls and never exceeds an amount that an active root assigned to him;
/// the sum of all payments is at most what came in. It has no role and no administrator.
contract Rewards is IRewards, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    IERC20 private immutable _TOKEN;
    IRentals private immutable _RENTALS;
    IScores private immutable _SCORES;

    /// @inheritdoc IRewards
    mapping(address fisher => uint128) public claimed;

    constructor(IRentals rentals) {
        if (address(rentals).code.length == 0) revert BadConfiguration();
        _RENTALS = rentals;
        _TOKEN = IERC20(rentals.TOKEN());
        _SCORES = IScores(rentals.SCORES());
    }

    /// @inheritdoc IRewards
    function claim(address fisher, uint128 cumulative, bytes32[] calldata proof)
        external
        nonReentrant
        returns (uint128 paid)
    {
        (uint64 epoch, bytes32 root) = _SCORES.activeRewardsRoot();
        // Without rewards the root is zero, and of that no proof must be searched.
        if (root == 0 || !MerkleProof.verifyCalldata(proof, root, leafHash(fisher, cumulative))) {
            revert NotAssigned(fisher, cumulative);
        }
        uint128 before = claimed[fisher];
        if (cumulative <= before) revert AlreadyClaimed(fisher, before);
        uint256 balance = _TOKEN.balanceOf(address(this));
        if (balance == 0) revert NothingToPay();
        paid = cumulative - before;
        // Fits: below a 128-bit amount.
        if (paid > balance) paid = uint128(balance);
        claimed[fisher] = before + paid;
        emit Claimed(fisher, epoch, paid, before + paid, cumulative);

        _TOKEN.safeTransfer(fisher, paid);
        uint256 spent = balance - _TOKEN.balanceOf(address(this));
        if (spent != paid) revert BalanceMismatch(spent, paid);
    }

    /// @inheritdoc IRewards
    function grant(uint128 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        emit Granted(msg.sender, amount);
        uint256 before = _TOKEN.balanceOf(address(this));
        _TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = _TOKEN.balanceOf(address(this)) - before;
        if (received != amount) revert BalanceMismatch(received, amount);
    }

    /// @inheritdoc IRewards
    function gather() external nonReentrant returns (uint128 amount) {
        amount = _RENTALS.withdraw(address(this));
        if (amount == 0) revert ZeroAmount();
        emit Gathered(amount);
    }

    /// @inheritdoc IRewards
    function TOKEN() external view returns (address) {
        return address(_TOKEN);
    }

    /// @inheritdoc IRewards
    function RENTALS() external view returns (address) {
        return address(_RENTALS);
    }

    /// @inheritdoc IRewards
    function SCORES() external view returns (address) {
        return address(_SCORES);
    }

    /// @inheritdoc IRewards
    function leafHash(address fisher, uint128 cumulative) public pure returns (bytes32) {
        // Hashed twice, as in Scores: an inner node can never pass for a leaf.
        return keccak256(bytes.concat(keccak256(abi.encode(fisher, cumulative))));
    }
}
