// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {IScores, Leaf, Publish, Root} from "./interfaces/IScores.sol";

/// @title Scores
/// @dev Two epochs are kept, so that readers of the older one have an epoch's time to follow, and so that one stays
/// readable while the other waits for its activation.
contract Scores is IScores, EIP712, AccessManaged {
    bytes32 private constant PUBLISH_TYPEHASH = keccak256(
        "Publish(uint64 epoch,bytes32 root,bytes32 rewardsRoot,bytes32 dataHash,uint64 logSize,bytes32 logRoot,bytes32 parameters)"
    );

    /// @inheritdoc IScores
    uint40 public immutable EPOCH_LENGTH;
    /// @inheritdoc IScores
    uint40 public immutable ACTIVATION_DELAY;

    /// @inheritdoc IScores
    uint64 public latestEpoch;
    // Where the newest epoch lies in the ring. Epochs may be skipped, so their parity would not do.
    uint8 private _newest;
    /// @inheritdoc IScores
    uint8 public threshold;
    /// @inheritdoc IScores
    uint16 public operators;
    /// @inheritdoc IScores
    bytes32 public history;
    /// @inheritdoc IScores
    bytes32 public parameters;
    /// @inheritdoc IScores
    mapping(address account => bool) public isOperator;
    Root[2] private _ring;

    /// @param authority Says who may disable, set operators and set parameters.
    /// @param epochLength Seconds, at least one.
    /// @param activationDelay Seconds; at most an epoch, or an epoch would leave the ring before another is active.
    constructor(
        address authority,
        uint40 epochLength,
        uint40 activationDelay,
        address[] memory firstOperators,
        uint8 firstThreshold,
        bytes32 firstParameters
    ) EIP712("GPUX Scores", "1") AccessManaged(authority) {
        if (epochLength == 0 || activationDelay > epochLength) revert BadPeriods();
        EPOCH_LENGTH = epochLength;
        ACTIVATION_DELAY = activationDelay;
        _setOperators(firstOperators, new address[](0), firstThreshold);
        parameters = firstParameters;
        emit ParametersSet(firstParameters);
    }

    /// @inheritdoc IScores
    function publish(Publish calldata publication, bytes[] calldata signatures) external {
        uint64 epoch = publication.epoch;
        _checkPublication(publication);
        address[] memory signers = _checkSigners(publicationDigest(publication), signatures);

        uint8 slot = 1 - _newest;
        uint40 activeAt = uint40(block.timestamp) + ACTIVATION_DELAY;
        _ring[slot] = Root({
            root: publication.root,
            rewardsRoot: publication.rewardsRoot,
            epoch: epoch,
            activeAt: activeAt,
            disabled: false
        });
        _newest = slot;
        latestEpoch = epoch;
        bytes32 chained = keccak256(abi.encode(history, publication));
        history = chained;
        emit Published(epoch, publication, activeAt, chained, signers);
    }

    /// @inheritdoc IScores
    function disable(uint64 epoch) external restricted {
        Root storage entry = _entry(epoch);
        if (entry.epoch != epoch || epoch == 0) revert UnknownEpoch(epoch);
        if (block.timestamp >= entry.activeAt) revert AlreadyActive(epoch, entry.activeAt);
        entry.disabled = true;
        emit Disabled(epoch);
    }

    /// @inheritdoc IScores
    function setOperators(address[] calldata added, address[] calldata removed, uint8 newThreshold)
        external
        restricted
    {
        _setOperators(added, removed, newThreshold);
    }

    /// @inheritdoc IScores
    function setParameters(bytes32 newParameters) external restricted {
        parameters = newParameters;
        emit ParametersSet(newParameters);
    }

    /// @inheritdoc IScores
    function rootOf(uint64 epoch) external view returns (Root memory) {
        Root storage entry = _entry(epoch);
        if (entry.epoch != epoch || epoch == 0) revert UnknownEpoch(epoch);
        return entry;
    }

    /// @inheritdoc IScores
    function activeRewardsRoot() external view returns (uint64 epoch, bytes32 rewardsRoot) {
        Root storage entry = _ring[_newest];
        if (!_isActive(entry)) entry = _ring[1 - _newest];
        if (_isActive(entry)) return (entry.epoch, entry.rewardsRoot);
    }

    /// @inheritdoc IScores
    function verify(Leaf calldata leaf, bytes32[] calldata proof) external view returns (bool) {
        Root storage entry = _entry(leaf.epoch);
        if (entry.epoch != leaf.epoch || !_isActive(entry)) return false;
        return MerkleProof.verifyCalldata(proof, entry.root, leafHash(leaf));
    }

    /// @inheritdoc IScores
    function publicationDigest(Publish calldata publication) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(PUBLISH_TYPEHASH, publication)));
    }

    /// @inheritdoc IScores
    function leafHash(Leaf calldata leaf) public pure returns (bytes32) {
        // Hashed twice: an inner node is the single hash of 64 bytes, and can so never pass for a leaf.
        return keccak256(bytes.concat(keccak256(abi.encode(leaf))));
    }

    function _checkPublication(Publish calldata publication) private view {
        uint64 epoch = publication.epoch;
        if (epoch <= latestEpoch) revert StaleEpoch(epoch, latestEpoch);
        // Without this bound one publication with the largest epoch would end all later ones.
        uint256 endsAt = (uint256(epoch) + 1) * EPOCH_LENGTH;
        if (block.timestamp < endsAt) revert EpochNotOver(epoch, endsAt);
        if (publication.parameters != parameters) revert ForeignParameters(publication.parameters, parameters);
        if (publication.root == 0) revert EmptyRoot();
    }

    function _checkSigners(bytes32 digest, bytes[] calldata signatures)
        private
        view
        returns (address[] memory signers)
    {
        uint256 count = signatures.length;
        if (count < threshold) revert TooFewSignatures(count, threshold);
        signers = new address[](count);
        address previous;
        for (uint256 i; i < count; ++i) {
            address signer = ECDSA.recoverCalldata(digest, signatures[i]);
            if (signer <= previous) revert SignersOutOfOrder(signer, previous);
            if (!isOperator[signer]) revert NotAnOperator(signer);
            signers[i] = signer;
            previous = signer;
        }
    }

    function _setOperators(address[] memory added, address[] memory removed, uint8 newThreshold) private {
        uint16 count = operators;
        for (uint256 i; i < removed.length; ++i) {
            if (!isOperator[removed[i]]) revert BadOperator(removed[i]);
            isOperator[removed[i]] = false;
            --count;
        }
        for (uint256 i; i < added.length; ++i) {
            if (added[i] == address(0) || isOperator[added[i]]) revert BadOperator(added[i]);
            isOperator[added[i]] = true;
            ++count;
        }
        if (newThreshold == 0 || newThreshold > count) revert BadThreshold(newThreshold, count);
        operators = count;
        threshold = newThreshold;
        emit OperatorsSet(added, removed, newThreshold, count);
    }

    /// The ring's entry that could hold the epoch; the caller compares.
    function _entry(uint64 epoch) private view returns (Root storage) {
        return _ring[epoch == latestEpoch ? _newest : 1 - _newest];
    }

    function _isActive(Root storage entry) private view returns (bool) {
        return entry.root != 0 && !entry.disabled && block.timestamp >= entry.activeAt;
    }
}
