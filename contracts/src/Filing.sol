// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {Windows} from "./Windows.sol";
import {Case, ICourt, Kind, Record, State} from "./interfaces/ICourt.sol";
import {Span, Terms} from "./interfaces/IRentals.sol";
import {IScores, Leaf} from "./interfaces/IScores.sol";

/// @title Filing: how a case begins
/// @dev The part of Court that opens cases, freezes, counts what is held and locks bonds. It moves no money.
/// Invariants: at most one open case per node and per rental; a cap is at most what was held at filing.
abstract contract Filing is Windows, EIP712 {
    /// What is common to all ways to file.
    struct Draft {
        Kind kind;
        address provider;
        bytes32 node;
        bytes32 subject;
        bytes32 rental;
        bytes32 evidence;
    }

    bytes32 private constant CONVICTION_TYPEHASH =
        keccak256("Conviction(bytes32 evidence,bytes32 node,bytes32 rental)");
    uint256 internal constant BPS = 10_000;
    // The bond's share of what is frozen.
    uint256 private constant BOND_BPS = 1_000;
    // To finalise a case over this many takes about 6.5 million gas, a part of any OP chain's block.
    uint256 private constant MAX_RENTALS = 256;
    uint8 private constant UNDER_DELIVERING = 2;

    /// @inheritdoc ICourt
    mapping(bytes32 subject => bytes32 id) public openCase;
    mapping(bytes32 node => Record) internal _records;

    /// @inheritdoc ICourt
    function fileProof(Terms[] calldata terms, uint256 own, bytes32 salt, bytes32 evidence, bytes[] calldata signatures)
        external
        returns (bytes32 id)
    {
        if (own >= terms.length) revert BadIndex(own, terms.length);
        Terms calldata mine = terms[own];
        bytes32 rental = _requireNote(mine, salt);
        bytes32 node = mine.offer.node;
        _requireInTime(rental);
        _requireSigned(convictionDigest(evidence, node, rental), signatures);
        id = _open(Draft(Kind.Proof, mine.offer.provider, node, node, rental, evidence), terms);
    }

    /// @inheritdoc ICourt
    function fileStatistical(Terms[] calldata terms, Leaf calldata leaf, bytes32[] calldata proof)
        external
        returns (bytes32 id)
    {
        bytes32 node = leaf.node;
        if (leaf.verdict != UNDER_DELIVERING || !_SCORES.verify(leaf, proof)) revert NotConvicting(node, leaf.epoch);
        Record storage record = _records[node];
        _requireLater(leaf.epoch, record.judgedAt);
        // Without a bond nothing else keeps a node that was acquitted from being accused every epoch.
        if (record.triedAt != 0 && block.timestamp < record.triedAt + RULING) {
            revert TriedRecently(record.triedAt + RULING);
        }
        id = _open(Draft(Kind.Statistical, leaf.provider, node, node, 0, _SCORES.leafHash(leaf)), terms);
    }

    /// @inheritdoc ICourt
    function fileBare(Terms calldata terms, bytes32 salt, bytes32 statement) external returns (bytes32 id) {
        bytes32 rental = _requireNote(terms, salt);
        Draft memory draft = Draft(Kind.Bare, terms.offer.provider, terms.offer.node, rental, rental, statement);
        id = _begin(draft);
        Case storage c = _cases[id];
        uint40 horizon = _RENTALS.freezeRental(rental, _frozenUntil(c.filedAt));
        c.horizon = horizon;
        _bond(id, draft, _RENTALS.heldBetween(rental, horizon, c.filedAt));
    }

    /// @inheritdoc ICourt
    function extend(bytes32 id, Terms[] calldata terms) external {
        Case storage c = _cases[id];
        if (c.state != State.Open) revert WrongState(id, c.state);
        if (c.kind == Kind.Bare) revert WrongKind(id, Kind.Bare);
        uint128 shown = _held(c.subject, terms, c.filedAt, c.horizon);
        if (shown <= c.cap) revert NothingNew(shown, c.cap);
        c.cap = shown;
        emit Extended(id, msg.sender, shown);
    }

    /// @inheritdoc ICourt
    function recordOf(bytes32 node) external view returns (Record memory) {
        return _records[node];
    }

    /// @inheritdoc ICourt
    function convictionDigest(bytes32 evidence, bytes32 node, bytes32 rental) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CONVICTION_TYPEHASH, evidence, node, rental)));
    }

    /// The id of the node's next rental; ids rise, since one that is given twice would count twice.
    function _next(Terms calldata terms, bytes32 node, bytes32 previous) internal view returns (bytes32 rental) {
        rental = _rentalId(terms);
        if (rental <= previous) revert RentalsOutOfOrder(rental, previous);
        if (terms.offer.node != node) revert ForeignRental(rental, node);
    }

    /// As Rentals computes it, without a call for each.
    function _rentalId(Terms calldata terms) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(_RENTALS), terms));
    }

    function _requireSize(uint256 count) internal pure {
        if (count == 0) revert EmptyArray();
        if (count > MAX_RENTALS) revert TooMany(count, MAX_RENTALS);
    }

    /// The leaf must be of an epoch that began at `since` or later.
    function _requireLater(uint64 epoch, uint40 since) internal view {
        if (uint256(epoch) * _SCORES.EPOCH_LENGTH() < since) revert StaleLeaf(epoch, since);
    }

    /// What a bond is for a case over `cap`.
    function _bondFor(uint128 cap, uint128 minBond) internal pure returns (uint128 bond) {
        // Fits: a share of a 128-bit amount.
        bond = uint128(uint256(cap) * BOND_BPS / BPS);
        if (bond < minBond) bond = minBond;
    }

    /// Opens a case about a node.
    function _open(Draft memory draft, Terms[] calldata terms) private returns (bytes32 id) {
        id = _begin(draft);
        bytes32 node = draft.subject;
        Case storage c = _cases[id];
        // Frozen first: then the hold stands still, and what is counted is what a slash will find.
        uint40 horizon = _RENTALS.freeze(node, _frozenUntil(c.filedAt));
        c.horizon = horizon;
        _bond(id, draft, _held(node, terms, c.filedAt, horizon));
    }

    /// Writes the case, unless there was the same, or one about the same subject is open.
    function _begin(Draft memory draft) private returns (bytes32 id) {
        Span memory pause = _RENTALS.filingPause();
        if (block.timestamp < pause.until) revert FilingIsPaused(pause.until);
        if (draft.evidence == 0) revert ZeroEvidence();
        _requireRecipient(draft.provider);
        // The rental is no part of a proof's id: a bundle over two sessions convicts a node once.
        id = keccak256(abi.encode(block.chainid, address(this), draft.kind, draft.subject, draft.evidence));
        if (_cases[id].state != State.None) revert AlreadyFiled(id);
        if (openCase[draft.subject] != 0) revert CaseIsOpen(openCase[draft.subject]);
        openCase[draft.subject] = id;
        Case storage c = _cases[id];
        uint40 now_ = uint40(block.timestamp);
        (c.filer, c.filedAt, c.deadline, c.kind, c.state) =
        (msg.sender, now_, now_ + ANSWER + RULING, draft.kind, State.Open);
        (c.provider, c.rules, c.subject) = (draft.provider, rulesVersion, draft.subject);
        c.slashedBefore = _records[draft.node].slashed;
    }

    /// Sets the cap, locks the bond for it and tells of the case.
    function _bond(bytes32 id, Draft memory draft, uint128 cap) private {
        if (cap == 0) revert NothingHeld(draft.subject);
        Case storage c = _cases[id];
        uint128 bond;
        (c.cap, c.backed) = (cap, cap);
        if (draft.kind != Kind.Statistical) {
            bond = _bondFor(cap, _current().minBond);
            c.bond = bond;
            _BONDS.lock(msg.sender, bond);
        }
        emit Filed(
            id,
            draft.subject,
            msg.sender,
            draft.kind,
            draft.provider,
            draft.rental,
            draft.evidence,
            c.rules,
            cap,
            bond,
            _frozenUntil(c.filedAt)
        );
    }

    /// What rentals of the node held at filing. It can be asked as long as the freeze lasts, with one answer.
    function _held(bytes32 node, Terms[] calldata terms, uint40 filedAt, uint40 horizon)
        private
        view
        returns (uint128 sum)
    {
        _requireSize(terms.length);
        bytes32 rental;
        for (uint256 i; i < terms.length; ++i) {
            rental = _next(terms[i], node, rental);
            sum += _RENTALS.heldBetween(rental, horizon, filedAt);
        }
    }

    /// Only who rented can file: the note commits to him, so that evidence copied from the pool is of no use.
    function _requireNote(Terms calldata terms, bytes32 salt) private view returns (bytes32 rental) {
        rental = _rentalId(terms);
        if (keccak256(abi.encode(block.chainid, address(this), msg.sender, salt)) != terms.note) {
            revert NoteMismatch(rental, msg.sender);
        }
    }

    /// A pause that touches the window prolongs it: the guardian must not be able to let evidence lapse.
    function _requireInTime(bytes32 rental) private view {
        uint40 end = _RENTALS.paidUntil(rental);
        uint256 until = uint256(end) + FILING;
        Span memory pause = _RENTALS.filingPause();
        if (pause.since <= until && pause.until > end) until += pause.until - (pause.since > end ? pause.since : end);
        if (block.timestamp > until) revert FilingClosed(uint40(until));
    }

    function _requireSigned(bytes32 digest, bytes[] calldata signatures) private view {
        uint256 count = signatures.length;
        uint8 threshold = _SCORES.threshold();
        if (count < threshold) revert IScores.TooFewSignatures(count, threshold);
        address previous;
        for (uint256 i; i < count; ++i) {
            address signer = ECDSA.recoverCalldata(digest, signatures[i]);
            if (signer <= previous) revert IScores.SignersOutOfOrder(signer, previous);
            if (!_SCORES.isOperator(signer)) revert IScores.NotAnOperator(signer);
            previous = signer;
        }
    }
}
