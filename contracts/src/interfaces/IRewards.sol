// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Rewards: bounties
/// @notice Pays fishers what the newest active rewards root assigns them. Amounts are cumulative, so a late claim loses
/// nothing. Funded by slashes, levies and grants; it never pays more than it has.
interface IRewards {
    /// @notice A fisher was paid; `claimed` is all that he ever was, of `cumulative` assigned by `epoch`.
    event Claimed(address indexed fisher, uint64 indexed epoch, uint128 amount, uint128 claimed, uint128 cumulative);
    /// @notice Someone gave money.
    event Granted(address indexed from, uint128 amount);
    /// @notice Shares of slashes were taken over from Rentals.
    event Gathered(uint128 amount);

    /// @notice No active rewards root assigns this.
    error NotAssigned(address fisher, uint128 cumulative);
    /// @notice All of it was paid already.
    error AlreadyClaimed(address fisher, uint128 claimed);
    /// @notice There is no money now; the claim stays open.
    error NothingToPay();
    /// @notice An amount of zero.
    error ZeroAmount();
    /// @notice The token moved another amount than asked.
    error BalanceMismatch(uint256 moved, uint256 expected);
    /// @notice A constructor argument that cannot be meant.
    error BadConfiguration();

    /// @notice The token of all rewards.
    function TOKEN() external view returns (address);

    /// @notice Where shares of slashes are credited.
    function RENTALS() external view returns (address);

    /// @notice Where rewards roots are published.
    function SCORES() external view returns (address);

    /// @notice What a fisher was ever paid.
    function claimed(address fisher) external view returns (uint128);

    /// @notice Pays a fisher what he is assigned and was not paid, as far as there is money. Anyone may call.
    /// @param cumulative All that he was ever assigned, as in his leaf.
    /// @param proof Of the leaf, in OpenZeppelin's StandardMerkleTree format `(address fisher, uint128 cumulative)`.
    function claim(address fisher, uint128 cumulative, bytes32[] calldata proof) external returns (uint128 paid);

    /// @notice Takes money from the caller. What is simply transferred is as good.
    function grant(uint128 amount) external;

    /// @notice Takes over what Rentals has credited; anyone.
    function gather() external returns (uint128 amount);

    /// @notice The hash of a fisher's leaf.
    function leafHash(address fisher, uint128 cumulative) external pure returns (bytes32);
}
