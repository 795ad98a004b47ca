// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A fisher's stake, in token units. `locked + thawing <= amount`; `thawing` may leave from `readyAt` (unix seconds).
struct Bond {
    uint128 amount;
    uint128 locked;
    uint128 thawing;
    uint40 readyAt;
}

/// @title Bonds: the fishers' stake
/// @notice A bond gives a fisher's reports weight. It leaves only after a thaw, so that a lie found late still costs.
interface IBonds {
    /// @notice Stake was added; `newAmount` is the whole bond.
    event Deposited(address indexed fisher, address indexed from, uint128 amount, uint128 newAmount);
    /// @notice The fisher asked stake back; `thawing` is all that now thaws, ready at `readyAt`.
    event Thawing(address indexed fisher, uint128 amount, uint128 thawing, uint40 readyAt);
    /// @notice Thawed stake and credits of burned bonds were paid out; `newAmount` is the bond that is left.
    event Withdrawn(address indexed account, address indexed to, uint128 stake, uint128 credit, uint128 newAmount);
    /// @notice Court locked stake; what was not free was taken from what thaws.
    event Locked(address indexed fisher, uint128 amount, uint128 locked, uint128 thawing);
    /// @notice Court released locked stake.
    event Unlocked(address indexed fisher, uint128 amount, uint128 locked);
    /// @notice Court moved locked stake to the credit of `to`; `newAmount` is the bond that is left.
    event Burned(address indexed fisher, address indexed to, uint128 amount, uint128 locked, uint128 newAmount);

    /// @notice The caller is not Court.
    error NotCourt(address caller);
    /// @notice An amount of zero.
    error ZeroAmount();
    /// @notice An address that must not receive money: zero or this contract.
    error BadRecipient(address to);
    /// @notice More was asked for than there is.
    error Insufficient(uint128 asked, uint128 available);
    /// @notice The token delivered another amount than asked.
    error BalanceMismatch(uint256 received, uint256 expected);
    /// @notice Nothing can be withdrawn; stake that thaws is ready at `readyAt` (zero: none thaws).
    error NothingDue(uint40 readyAt);
    /// @notice A constructor argument that cannot be meant.
    error BadConfiguration();

    /// @notice The token of all bonds.
    function TOKEN() external view returns (address);

    /// @notice The only account that locks, unlocks and burns.
    function COURT() external view returns (address);

    /// @notice Seconds between asking stake back and withdrawing it.
    function THAW() external view returns (uint40);

    /// @notice The bond of a fisher.
    function bond(address fisher) external view returns (Bond memory);

    /// @notice What an account was awarded of burned bonds and has not withdrawn.
    function credit(address account) external view returns (uint128);

    /// @notice Adds stake to a fisher's bond, paid by the caller.
    function deposit(address fisher, uint128 amount) external;

    /// @notice Asks stake back. The clock starts anew for all that thaws.
    function thaw(uint128 amount) external;

    /// @notice Pays the caller's thawed stake and credit out to `to`.
    function withdraw(address to) external returns (uint128 paid);

    /// @notice Locks stake of a fisher, free stake first, then what thaws. Court only.
    function lock(address fisher, uint128 amount) external;

    /// @notice Releases locked stake. Court only.
    function unlock(address fisher, uint128 amount) external;

    /// @notice Moves locked stake to the credit of `to`, who withdraws it himself. Court only.
    function burn(address fisher, uint128 amount, address to) external;
}
