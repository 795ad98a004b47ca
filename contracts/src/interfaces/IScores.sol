// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What the chain knows of one node in one epoch. `verdict` is 0 unknown, 1 honest, 2 under-delivering; scores are
/// basis points; `certificates` is a digest, zero without any.
struct Leaf {
    uint64 epoch;
    bytes32 node;
    address provider;
    uint16 scoreLowBps;
    uint16 scoreBps;
    uint8 verdict;
    uint32 probes;
    bytes32 certificates;
}

/// What operators sign for an epoch: `Publish(...)` of the EIP-712 domain ("GPUX Scores", "1", chain id, Scores).
struct Publish {
    uint64 epoch;
    bytes32 root;
    bytes32 rewardsRoot;
    bytes32 dataHash;
    uint64 logSize;
    bytes32 logRoot;
    bytes32 parameters;
}

/// An epoch's roots, as long as they lie in the ring. They verify from `activeAt`, unless disabled.
struct Root {
    bytes32 root;
    bytes32 rewardsRoot;
    uint64 epoch;
    uint40 activeAt;
    bool disabled;
}

/// @title Scores: one Merkle root an epoch
/// @notice Operators, k of n, publish the root of all nodes' leaves; readers verify a leaf by its proof.
interface IScores {
    /// @notice An epoch's root was published; `history` chains all publications, and can be rebuilt from these events.
    event Published(uint64 indexed epoch, Publish publication, uint40 activeAt, bytes32 history, address[] signers);
    /// @notice The guardian disabled an epoch before it became active.
    event Disabled(uint64 indexed epoch);
    /// @notice The set of operators or the number of signatures that a publication needs has changed.
    event OperatorsSet(address[] added, address[] removed, uint8 threshold, uint16 operators);
    /// @notice The digest of the parameters that publications must carry has changed.
    event ParametersSet(bytes32 parameters);

    /// @notice The epoch is not newer than the newest one published.
    error StaleEpoch(uint64 epoch, uint64 newest);
    /// @notice The epoch has not ended yet.
    error EpochNotOver(uint64 epoch, uint256 endsAt);
    /// @notice The publication was computed with other parameters.
    error ForeignParameters(bytes32 given, bytes32 wanted);
    /// @notice A zero root would verify nothing and is refused.
    error EmptyRoot();
    /// @notice Fewer signatures than the threshold.
    error TooFewSignatures(uint256 given, uint256 wanted);
    /// @notice The signer is no operator.
    error NotAnOperator(address signer);
    /// @notice Signatures are not in rising order of their signers, each once.
    error SignersOutOfOrder(address signer, address previous);
    /// @notice The epoch lies no longer, or not yet, in the ring.
    error UnknownEpoch(uint64 epoch);
    /// @notice The epoch is active already: what readers have relied on is not taken back.
    error AlreadyActive(uint64 epoch, uint40 activeAt);
    /// @notice The threshold must lie between one and the number of operators.
    error BadThreshold(uint8 threshold, uint16 operators);
    /// @notice The operator is in the set already, or is not in it, or is zero.
    error BadOperator(address operator);
    /// @notice A period contradicts another.
    error BadPeriods();

    /// @notice The length of an epoch in seconds; epoch = floor(unix time / length).
    function EPOCH_LENGTH() external view returns (uint40);

    /// @notice The seconds between publication and effect, in which the guardian may disable a root.
    function ACTIVATION_DELAY() external view returns (uint40);

    /// @notice The newest epoch published; zero before the first.
    function latestEpoch() external view returns (uint64);

    /// @notice The hash chain over all publications.
    function history() external view returns (bytes32);

    /// @notice The digest of the parameters in force.
    function parameters() external view returns (bytes32);

    /// @notice How many operators must sign.
    function threshold() external view returns (uint8);

    /// @notice How many operators there are.
    function operators() external view returns (uint16);

    /// @notice Whether the account is an operator.
    function isOperator(address account) external view returns (bool);

    /// @notice Publishes an epoch. Anyone may send it: the signatures say who answers for it.
    /// @param publication What was signed.
    /// @param signatures Of at least `threshold` operators, in rising order of their addresses.
    function publish(Publish calldata publication, bytes[] calldata signatures) external;

    /// @notice Disables a published epoch that is not active yet.
    function disable(uint64 epoch) external;

    /// @notice Changes the operators and the threshold.
    function setOperators(address[] calldata added, address[] calldata removed, uint8 newThreshold) external;

    /// @notice Sets the digest of the parameters that later publications must carry.
    function setParameters(bytes32 newParameters) external;

    /// @notice The EIP-712 digest that operators sign.
    function publicationDigest(Publish calldata publication) external view returns (bytes32);

    /// @notice A leaf's hash in the format of OpenZeppelin's StandardMerkleTree.
    function leafHash(Leaf calldata leaf) external pure returns (bytes32);

    /// @notice The roots of an epoch in the ring; reverts with `UnknownEpoch` for any other.
    function rootOf(uint64 epoch) external view returns (Root memory);

    /// @notice The newest active rewards root, and its epoch; zeros when there is none.
    function activeRewardsRoot() external view returns (uint64 epoch, bytes32 rewardsRoot);

    /// @notice Whether the leaf belongs to an active epoch in the ring.
    function verify(Leaf calldata leaf, bytes32[] calldata proof) external view returns (bool);
}
