// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {Holds} from "./Holds.sol";
import {IRentals, Node, Offer, Periods, Rental, Slash, Terms} from "./interfaces/IRentals.sol";
import {IScores, Leaf} from "./interfaces/IScores.sol";

/// @title Rentals
/// @dev Invariant: the balance covers the sum over rentals of `deposit - taken` and the sum of all credits. What a
/// rental has earned leaves in the order in which it was earned, so one number, `taken`, says what has left.
contract Rentals is Holds, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    bytes32 private constant OFFER_TYPEHASH = keccak256(
        "Offer(address provider,bytes32 node,bytes32 descriptor,uint96 rate,uint32 capacity,uint40 validUntil)"
    );
    uint256 private constant BPS = 10_000;
    // At least half of a slash leaves both parties, so that accusing oneself never pays.
    uint16 private constant MAX_SHARE_BPS = 5_000;
    uint16 private constant MAX_LEVY_BPS = 5_000;
    uint8 private constant HONEST = 1;
    uint256 private constant MAX_BATCH = 256;

    IERC20 private immutable _TOKEN;
    IScores private immutable _SCORES;
    /// @inheritdoc IRentals
    uint40 public immutable MAX_LEVY_TIME;

    /// @inheritdoc IRentals
    bool public openingPaused;
    /// @inheritdoc IRentals
    mapping(address account => uint128) public credit;

    constructor(IERC20 token, IScores scores, address authority, address court, Periods memory periods)
        EIP712("GPUX Rentals", "1")
        Holds(authority, court, periods)
    {
        if (address(token).code.length == 0 || address(scores).code.length == 0) revert BadConfiguration();
        _TOKEN = token;
        _SCORES = scores;
        MAX_LEVY_TIME = periods.maxLevyTime;
    }

    /// @inheritdoc IRentals
    function open(Terms[] calldata terms, uint128[] calldata deposits, bytes[] calldata providerSignatures)
        external
        nonReentrant
        returns (bytes32[] memory rentals)
    {
        return _open(terms, deposits, providerSignatures);
    }

    /// @inheritdoc IRentals
    function openWithPermit(
        Terms[] calldata terms,
        uint128[] calldata deposits,
        bytes[] calldata providerSignatures,
        uint256 permitValue,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant returns (bytes32[] memory rentals) {
        // Anyone can copy the permit out of the pool and use it first: then the allowance is there, and this goes on.
        try IERC20Permit(address(_TOKEN)).permit(msg.sender, address(this), permitValue, deadline, v, r, s) {} catch {}
        return _open(terms, deposits, providerSignatures);
    }

    /// @inheritdoc IRentals
    function topUp(bytes32[] calldata rentals, uint128[] calldata amounts) external nonReentrant {
        if (rentals.length != amounts.length) revert LengthMismatch();
        bytes32[] memory seen = _seen(rentals.length);
        uint256 total;
        for (uint256 i; i < rentals.length; ++i) {
            bytes32 id = rentals[i];
            _requireOnce(seen, i, id);
            uint128 amount = amounts[i];
            if (amount == 0) revert ZeroAmount();
            Rental storage r = _existing(id);
            // A lapsed rental would owe its gap at once.
            if (r.stop != 0 || block.timestamp > _paidUntil(r)) revert Ended(id);
            r.deposit += amount;
            total += amount;
            emit ToppedUp(id, msg.sender, amount, r.deposit);
        }
        _pull(total);
    }

    /// @inheritdoc IRentals
    function stop(Terms[] calldata terms) external nonReentrant {
        bytes32[] memory seen = _seen(terms.length);
        for (uint256 i; i < terms.length; ++i) {
            Terms calldata t = terms[i];
            bytes32 id = rentalId(t);
            _requireOnce(seen, i, id);
            Rental storage r = _existing(id);
            if (msg.sender != t.consumer && msg.sender != t.offer.provider) revert NotAParty(msg.sender, id);
            if (r.stop != 0) continue;
            uint40 stopAt = _end(r);
            if (block.timestamp < stopAt) stopAt = uint40(block.timestamp);
            r.stop = stopAt;
            uint128 due = _earned(r, stopAt);
            uint128 refund = r.deposit - due;
            r.deposit = due;
            credit[t.consumer] += refund;
            emit Stopped(id, t.offer.node, msg.sender, stopAt, refund, due);
        }
    }

    /// @inheritdoc IRentals
    function collect(Terms[] calldata terms, Leaf[] calldata leaves, bytes32[][] calldata proofs)
        external
        nonReentrant
    {
        if (leaves.length != proofs.length) revert LengthMismatch();
        if (leaves.length != 0 && leaves.length != terms.length) revert LengthMismatch();
        bytes32[] memory seen = _seen(terms.length);
        for (uint256 i; i < terms.length; ++i) {
            uint40 hold = HOLD;
            if (leaves.length != 0 && leaves[i].epoch != 0) {
                _requireHonest(terms[i].offer, leaves[i], proofs[i]);
                hold = HOLD_HONEST;
            }
            (bytes32 id,) = _collect(terms[i], hold);
            _requireOnce(seen, i, id);
        }
    }

    /// @inheritdoc IRentals
    function withdraw(address to) external nonReentrant returns (uint128 paid) {
        if (to == address(0) || to == address(this)) revert BadRecipient(to);
        paid = credit[msg.sender];
        if (paid == 0) return 0;
        credit[msg.sender] = 0;
        emit Withdrawn(msg.sender, to, paid);
        uint256 before = _TOKEN.balanceOf(address(this));
        _TOKEN.safeTransfer(to, paid);
        // A token that takes more than it pays out would eat the others' deposits.
        uint256 spent = before - _TOKEN.balanceOf(address(this));
        if (spent != paid) revert BalanceMismatch(spent, paid);
    }

    /// @inheritdoc IRentals
    function slash(bytes32 node, Terms[] calldata terms, Slash calldata order)
        external
        onlyCourt
        nonReentrant
        returns (uint128 slashed)
    {
        if (order.shareBps > MAX_SHARE_BPS) revert AboveCap(order.shareBps, MAX_SHARE_BPS);
        if (order.beneficiary == address(0)) revert BadRecipient(order.beneficiary);
        if (order.treasury == address(0)) revert BadRecipient(order.treasury);
        for (uint256 i; i < terms.length && slashed < order.amount; ++i) {
            if (terms[i].offer.node != node) revert ForeignNode(terms[i].offer.node, node);
            slashed += _slash(terms[i], order, order.amount - slashed);
        }
    }

    /// @inheritdoc IRentals
    function setLevy(bytes32 node, uint16 bps, uint40 until, uint128 left) external onlyCourt {
        uint40 now_ = uint40(block.timestamp);
        if (bps > MAX_LEVY_BPS) revert AboveCap(bps, MAX_LEVY_BPS);
        if (until > now_ + MAX_LEVY_TIME) revert AboveCap(until, now_ + MAX_LEVY_TIME);
        Node storage n = _nodes[node];
        // A second levy while the first runs keeps the first's beginning.
        if (n.levyBps == 0 || n.levyLeft == 0 || n.levyUntil < now_) n.levySince = now_;
        n.levyBps = bps;
        n.levyUntil = until;
        n.levyLeft = left;
        emit LevySet(node, bps, n.levySince, until, left);
    }

    /// @inheritdoc IRentals
    function pauseOpening(bool paused) external restricted {
        openingPaused = paused;
        emit OpeningPaused(paused);
    }

    /// @inheritdoc IRentals
    function TOKEN() external view returns (address) {
        return address(_TOKEN);
    }

    /// @inheritdoc IRentals
    function SCORES() external view returns (address) {
        return address(_SCORES);
    }

    /// @inheritdoc IRentals
    function rentalOf(bytes32 rental) external view returns (Rental memory) {
        return _rentals[rental];
    }

    /// @inheritdoc IRentals
    function earned(bytes32 rental, uint40 time) external view returns (uint128) {
        return _earned(_existing(rental), time);
    }

    /// @inheritdoc IRentals
    function heldBetween(bytes32 rental, uint40 since, uint40 until) external view returns (uint128) {
        Rental storage r = _existing(rental);
        uint128 gone = _earned(r, since);
        if (r.taken > gone) gone = r.taken;
        uint128 due = _earned(r, until);
        return due > gone ? due - gone : 0;
    }

    /// @inheritdoc IRentals
    function held(bytes32 rental) external view returns (uint128) {
        Rental storage r = _existing(rental);
        return _earned(r, uint40(block.timestamp)) - r.taken;
    }

    /// @inheritdoc IRentals
    function refundable(bytes32 rental) external view returns (uint128) {
        Rental storage r = _existing(rental);
        return r.deposit - _earned(r, uint40(block.timestamp));
    }

    /// @inheritdoc IRentals
    function paidUntil(bytes32 rental) external view returns (uint40) {
        Rental storage r = _existing(rental);
        return r.stop != 0 ? r.stop : _paidUntil(r);
    }

    /// @inheritdoc IRentals
    function collectable(Terms calldata terms, bool honest) external view returns (uint128) {
        bytes32 id = rentalId(terms);
        Rental storage r = _existing(id);
        uint128 target = _earned(r, _horizon(id, r, terms.offer.node, honest ? HOLD_HONEST : HOLD));
        return target > r.taken ? target - r.taken : 0;
    }

    /// @inheritdoc IRentals
    function rentalId(Terms calldata terms) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), terms));
    }

    /// @inheritdoc IRentals
    function offerDigest(Offer calldata offer) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(OFFER_TYPEHASH, offer)));
    }

    function _open(Terms[] calldata terms, uint128[] calldata deposits, bytes[] calldata providerSignatures)
        private
        returns (bytes32[] memory rentals)
    {
        if (openingPaused) revert OpeningIsPaused();
        if (terms.length != deposits.length || terms.length != providerSignatures.length) revert LengthMismatch();
        // The ids themselves: a second opening of the same terms is refused as such.
        rentals = _seen(terms.length);
        uint256 total;
        for (uint256 i; i < terms.length; ++i) {
            rentals[i] = _openOne(terms[i], deposits[i], providerSignatures[i]);
            total += deposits[i];
        }
        _pull(total);
    }

    function _openOne(Terms calldata terms, uint128 amount, bytes calldata providerSignature)
        private
        returns (bytes32 id)
    {
        Offer calldata offer = terms.offer;
        // A stranger could otherwise open it first with a dust deposit, and make the consumer's own call fail.
        if (msg.sender != terms.consumer) revert NotTheConsumer(msg.sender, terms.consumer);
        if (amount == 0) revert ZeroAmount();
        if (offer.rate == 0) revert ZeroRate();
        if (block.timestamp > offer.validUntil) revert OfferExpired(offer.validUntil);
        // Without it anybody could be named as a provider.
        if (!SignatureChecker.isValidSignatureNowCalldata(offer.provider, offerDigest(offer), providerSignature)) {
            revert BadOfferSignature(offer.provider, offer.node);
        }
        id = rentalId(terms);
        if (_rentals[id].start != 0) revert AlreadyOpen(id);
        uint40 start = uint40(block.timestamp);
        _rentals[id] = Rental({deposit: amount, taken: 0, start: start, stop: 0, flags: 0, rate: offer.rate});
        emit Opened(id, offer.node, offer.provider, terms, amount, start);
    }

    /// Room for the ids of one call, which must name something and has a limit.
    function _seen(uint256 count) private pure returns (bytes32[] memory) {
        if (count == 0) revert EmptyArray();
        if (count > MAX_BATCH) revert TooMany(count, MAX_BATCH);
        return new bytes32[](count);
    }

    /// A rental named twice is a mistake of the caller's, and he had better hear of it.
    function _requireOnce(bytes32[] memory seen, uint256 count, bytes32 id) private pure {
        for (uint256 i; i < count; ++i) {
            if (seen[i] == id) revert Repeated(id);
        }
        seen[count] = id;
    }

    /// Takes `total` from the caller. A token that delivers another amount, with a fee say, is refused.
    function _pull(uint256 total) private {
        uint256 before = _TOKEN.balanceOf(address(this));
        _TOKEN.safeTransferFrom(msg.sender, address(this), total);
        uint256 received = _TOKEN.balanceOf(address(this)) - before;
        if (received != total) revert BalanceMismatch(received, total);
    }

    /// Settles with the provider what is past `hold`.
    function _collect(Terms calldata terms, uint40 hold) private returns (bytes32 id, Rental storage r) {
        id = rentalId(terms);
        r = _existing(id);
        Offer calldata offer = terms.offer;
        uint128 from = r.taken;
        uint128 target = _earned(r, _horizon(id, r, offer.node, hold));
        if (target > from) {
            uint128 levy = _levy(r, _nodes[offer.node], from, target);
            r.taken = target;
            if (levy != 0) credit[COURT] += levy;
            credit[offer.provider] += target - from - levy;
            emit Collected(id, offer.node, offer.provider, target - from, levy, target);
        }
    }

    /// The levy on what was earned between the amounts `from` and `to`, as far as that fell into the levy's time.
    function _levy(Rental storage r, Node storage n, uint128 from, uint128 to) private returns (uint128 levy) {
        uint16 bps = n.levyBps;
        uint128 left = n.levyLeft;
        if (bps == 0 || left == 0) return 0;
        uint128 low = _earned(r, n.levySince);
        uint128 high = _earned(r, n.levyUntil);
        if (low < from) low = from;
        if (high > to) high = to;
        if (high <= low) return 0;
        // Fits: a share of a 128-bit amount.
        levy = uint128(uint256(high - low) * bps / BPS);
        if (levy > left) levy = left;
        n.levyLeft = left - levy;
    }

    function _slash(Terms calldata terms, Slash calldata order, uint128 most) private returns (uint128 amount) {
        // What is past its hold is the provider's, whether he has collected it or not.
        (bytes32 id, Rental storage r) = _collect(terms, HOLD);
        uint40 filedAt = order.filedAt < block.timestamp ? order.filedAt : uint40(block.timestamp);
        uint128 ceiling = _earned(r, filedAt);
        if (ceiling <= r.taken) return 0;
        amount = ceiling - r.taken;
        if (amount > most) amount = most;
        r.taken += amount;
        uint128 share = uint128(uint256(amount) * order.shareBps / BPS);
        credit[order.beneficiary] += share;
        credit[order.treasury] += amount - share;
        emit Slashed(id, terms.offer.node, order.beneficiary, amount, share, order.treasury, r.taken);
    }

    function _requireHonest(Offer calldata offer, Leaf calldata leaf, bytes32[] calldata proof) private view {
        bool fits = leaf.node == offer.node && leaf.provider == offer.provider && leaf.verdict == HONEST;
        if (!fits || !_SCORES.verify(leaf, proof)) revert NotHonest(offer.node);
    }

    function _earned(Rental storage r, uint40 time) private view returns (uint128) {
        uint40 start = r.start;
        if (r.stop != 0 && r.stop < time) time = r.stop;
        if (time <= start) return 0;
        uint256 metered = uint256(r.rate) * (time - start);
        uint128 deposit = r.deposit;
        // Fits: below a 128-bit deposit.
        return metered < deposit ? uint128(metered) : deposit;
    }

    /// The last second that the deposit pays in full.
    function _paidUntil(Rental storage r) private view returns (uint40) {
        return _clamp(uint256(r.start) + r.deposit / r.rate);
    }

    /// The first second at which nothing is refundable.
    function _end(Rental storage r) private view returns (uint40) {
        return _clamp(uint256(r.start) + (uint256(r.deposit) + r.rate - 1) / r.rate);
    }

    function _clamp(uint256 time) private pure returns (uint40) {
        return time < type(uint40).max ? uint40(time) : type(uint40).max;
    }
}
