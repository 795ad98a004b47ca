// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Leaf} from "./IScores.sol";

/// What a provider sells, signed by him (EIP-712) and off chain by the node's key. `rate` is in token units a second;
/// `capacity` is the number of simultaneous rentals, which the node keeps to and fishers check: the chain does not
/// count them, since rentals lapse without a transaction. New rentals start until `validUntil`, inclusive.
struct Offer {
    address provider;
    bytes32 node;
    bytes32 descriptor;
    uint96 rate;
    uint32 capacity;
    uint40 validUntil;
}

/// A rental's parties and conditions; their hash is its id. `note` commits to who may file a case about it.
struct Terms {
    address consumer;
    Offer offer;
    bytes32 note;
    uint64 nonce;
}

/// What is stored of a rental. `deposit` is what was put in less what was refunded; `taken` is what has left for the
/// provider, the levy and slashes. `stop` is zero until it was stopped. `rate` is the offer's, so that a rental can be
/// metered by its id alone; `flags` has bit 0 when the rental itself was ever frozen.
struct Rental {
    uint128 deposit;
    uint128 taken;
    uint40 start;
    uint40 stop;
    uint8 flags;
    uint96 rate;
}

/// What disputes do to a node. While it is frozen only what was earned until `frozenHorizon` may leave. The levy is taken of what is earned between `levySince` and `levyUntil`, whenever it
/// is collected, until `levyLeft` is used up.
struct Node {
    uint40 frozenSince;
    uint40 frozenUntil;
    uint40 frozenHorizon;
    uint16 levyBps;
    uint40 levySince;
    uint40 levyUntil;
    uint128 levyLeft;
}

/// The freeze of one rental, as that of a node.
struct Freeze {
    uint40 since;
    uint40 until;
    uint40 horizon;
}

/// A stretch of time.
struct Span {
    uint40 since;
    uint40 until;
}

/// A slash: at most `amount`, of what was held at `filedAt`; `shareBps` of it to `beneficiary`, the rest to `treasury`.
struct Slash {
    uint128 amount;
    uint40 filedAt;
    uint16 shareBps;
    address beneficiary;
    address treasury;
}

/// Periods in seconds; see the getters of `IRentals`.
struct Periods {
    uint40 holdHonest;
    uint40 hold;
    uint40 maxFreeze;
    uint40 maxLevyTime;
}

/// @title Rentals: the escrow
/// @notice A rental is one node, metered by the second: earned(t) = min(deposit, rate * (min(t, stop) - start)).
/// Money leaves only by `withdraw`, to whoever was credited.
interface IRentals {
    /// @notice A rental started; the event carries all that its later calls need.
    event Opened(
        bytes32 indexed rental,
        bytes32 indexed node,
        address indexed provider,
        Terms terms,
        uint128 deposit,
        uint40 start
    );
    /// @notice A rental was prolonged; `deposit` is the new one.
    event ToppedUp(bytes32 indexed rental, address indexed payer, uint128 amount, uint128 deposit);
    /// @notice A rental was stopped at `stop`; `refund` went to the consumer's credit, `earned` is final.
    event Stopped(
        bytes32 indexed rental, bytes32 indexed node, address by, uint40 stop, uint128 refund, uint128 earned
    );
    /// @notice `amount` passed its hold: less `levy` it went to the provider's credit. `taken` is the rental's sum.
    event Collected(
        bytes32 indexed rental,
        bytes32 indexed node,
        address indexed provider,
        uint128 amount,
        uint128 levy,
        uint128 taken
    );
    /// @notice An account's whole credit was paid out.
    event Withdrawn(address indexed account, address indexed to, uint128 amount);
    /// @notice What the node had earned and held at `since` stays until `until`; lifted when `until` is not later.
    event Frozen(bytes32 indexed node, uint40 since, uint40 until);
    /// @notice The same for one rental.
    event RentalFrozen(bytes32 indexed rental, uint40 since, uint40 until);
    /// @notice Held earnings were slashed: `share` to the beneficiary's credit, the rest to the treasury's.
    event Slashed(
        bytes32 indexed rental,
        bytes32 indexed node,
        address indexed beneficiary,
        uint128 amount,
        uint128 share,
        address treasury,
        uint128 taken
    );
    /// @notice The levy on a node's later earnings; zero `bps` lifts it.
    event LevySet(bytes32 indexed node, uint16 bps, uint40 since, uint40 until, uint128 left);
    /// @notice New rentals were paused or allowed again.
    event OpeningPaused(bool paused);
    /// @notice Filing of cases is paused in this span; holds do not run in it.
    event FilingPaused(uint40 since, uint40 until);

    /// @notice An array that must name something is empty.
    error EmptyArray();
    /// @notice More rentals than one call takes.
    error TooMany(uint256 given, uint256 most);
    /// @notice A rental is named twice in one call.
    error Repeated(bytes32 rental);
    /// @notice Arrays that belong together differ in length.
    error LengthMismatch();
    /// @notice The caller is not the consumer of the terms: nobody else opens in his name.
    error NotTheConsumer(address caller, address consumer);
    /// @notice The caller is no party of the rental.
    error NotAParty(address caller, bytes32 rental);
    /// @notice The caller is not Court.
    error NotCourt(address caller);
    /// @notice New rentals are paused.
    error OpeningIsPaused();
    /// @notice The provider's signature over the offer is not his.
    error BadOfferSignature(address provider, bytes32 node);
    /// @notice The offer has ended.
    error OfferExpired(uint40 validUntil);
    /// @notice A rate of zero: evidence must cost money.
    error ZeroRate();
    /// @notice An amount of zero.
    error ZeroAmount();
    /// @notice A rental with these terms exists: choose another nonce.
    error AlreadyOpen(bytes32 rental);
    /// @notice There is no rental with this id.
    error UnknownRental(bytes32 rental);
    /// @notice The rental was stopped or its deposit is used up: open a new one.
    error Ended(bytes32 rental);
    /// @notice The leaf is not an active honest one of this node and provider.
    error NotHonest(bytes32 node);
    /// @notice The rental belongs to another node than the slash.
    error ForeignNode(bytes32 node, bytes32 wanted);
    /// @notice A share, levy, freeze or pause above its cap.
    error AboveCap(uint256 given, uint256 cap);
    /// @notice A pause of filing was asked too early after the last one.
    error PausedRecently(uint40 since);
    /// @notice An address that must not receive money: zero or this contract.
    error BadRecipient(address to);
    /// @notice The token moved another amount than asked.
    error BalanceMismatch(uint256 moved, uint256 expected);
    /// @notice A constructor argument that cannot be meant.
    error BadConfiguration();

    /// @notice The one token.
    function TOKEN() external view returns (address);

    /// @notice The only account that freezes, slashes and levies.
    function COURT() external view returns (address);

    /// @notice Where honest leaves are verified.
    function SCORES() external view returns (address);

    /// @notice What is earned leaves this long after, with an active honest leaf.
    function HOLD_HONEST() external view returns (uint40);

    /// @notice What is earned leaves this long after, without one.
    function HOLD() external view returns (uint40);

    /// @notice The longest freeze.
    function MAX_FREEZE() external view returns (uint40);

    /// @notice The longest levy.
    function MAX_LEVY_TIME() external view returns (uint40);

    /// @notice Opens rentals of the caller with one token transfer for all.
    /// @param terms Each with the caller as consumer.
    /// @param deposits What each rental is paid with at first.
    /// @param providerSignatures Of each offer, by its provider (an account, or a contract by ERC-1271).
    /// @return rentals Their ids.
    function open(Terms[] calldata terms, uint128[] calldata deposits, bytes[] calldata providerSignatures)
        external
        returns (bytes32[] memory rentals);

    /// @notice As `open`, after an ERC-2612 permit by the caller; a permit that was used already does no harm.
    function openWithPermit(
        Terms[] calldata terms,
        uint128[] calldata deposits,
        bytes[] calldata providerSignatures,
        uint256 permitValue,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (bytes32[] memory rentals);

    /// @notice Prolongs running rentals; anyone may pay.
    function topUp(bytes32[] calldata rentals, uint128[] calldata amounts) external;

    /// @notice Stops rentals; consumer or provider. What is not earned becomes the consumer's credit at once.
    /// A rental that was stopped already is passed over, so that the other party cannot make a batch fail.
    function stop(Terms[] calldata terms) external;

    /// @notice Moves what is past its hold to the provider's credit, less a levy; anyone may call.
    /// @param terms The rentals.
    /// @param leaves Empty for the long hold everywhere; else one for each rental, where epoch zero means none.
    /// @param proofs As many as leaves.
    function collect(Terms[] calldata terms, Leaf[] calldata leaves, bytes32[][] calldata proofs) external;

    /// @notice Pays the caller's whole credit out to `to`; returns zero and does nothing when there is none.
    function withdraw(address to) external returns (uint128 paid);

    /// @notice Freezes what the node holds until `until`, or lifts the freeze if that is not later than now. Court only.
    /// @return horizon What was earned since then is held.
    function freeze(bytes32 node, uint40 until) external returns (uint40 horizon);

    /// @notice The same for one rental. Court only.
    function freezeRental(bytes32 rental, uint40 until) external returns (uint40 horizon);

    /// @notice Slashes what the node's rentals hold since `filedAt` or earlier. Court only.
    /// @return slashed The sum over all rentals, at most the amount asked.
    function slash(bytes32 node, Terms[] calldata terms, Slash calldata order) external returns (uint128 slashed);

    /// @notice Sets the levy on a node's later earnings, which goes to Court's credit. Court only.
    function setLevy(bytes32 node, uint16 bps, uint40 until, uint128 left) external;

    /// @notice Pauses or allows new rentals. Guardian.
    function pauseOpening(bool paused) external;

    /// @notice Pauses filing for some seconds, at most 7 days in 30. Holds stop running. Guardian.
    function pauseFiling(uint40 duration) external;

    /// @notice Ends a pause of filing early. Guardian.
    function resumeFiling() external;

    /// @notice The id of the rental with these terms.
    function rentalId(Terms calldata terms) external view returns (bytes32);

    /// @notice The EIP-712 digest that the provider signs.
    function offerDigest(Offer calldata offer) external view returns (bytes32);

    /// @notice What is stored of a rental; `start` is zero if there is none.
    function rentalOf(bytes32 rental) external view returns (Rental memory);

    /// @notice What is stored of a node.
    function nodeOf(bytes32 node) external view returns (Node memory);

    /// @notice The freeze of one rental.
    function rentalFreezeOf(bytes32 rental) external view returns (Freeze memory);

    /// @notice The last pause of filing.
    function filingPause() external view returns (Span memory);

    /// @notice Whether new rentals are paused.
    function openingPaused() external view returns (bool);

    /// @notice What an account may withdraw.
    function credit(address account) external view returns (uint128);

    /// @notice What the rental has earned until `time`, paid out or not.
    function earned(bytes32 rental, uint40 time) external view returns (uint128);

    /// @notice What the rental has earned from `since` to `until` and has not left it.
    function heldBetween(bytes32 rental, uint40 since, uint40 until) external view returns (uint128);

    /// @notice What the rental has earned until now and has not left it.
    function held(bytes32 rental) external view returns (uint128);

    /// @notice What stopping now would return.
    function refundable(bytes32 rental) external view returns (uint128);

    /// @notice The last second that is paid in full, or the stop if that was earlier.
    function paidUntil(bytes32 rental) external view returns (uint40);

    /// @notice What `collect` would move now, before a levy; `honest` with an honest leaf.
    function collectable(Terms calldata terms, bool honest) external view returns (uint128);
}
