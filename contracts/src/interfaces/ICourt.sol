// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "./IRentals.sol";
import {Leaf} from "./IScores.sol";

/// How a case was opened. Proof and Statistical are about a node and freeze all that it holds; Bare is about one rental.
enum Kind {
    Proof,
    Statistical,
    Bare
}

/// Where a case stands. In Appealed, by an appeal or by the arbiter's silence, only the appeal court can rule.
enum State {
    None,
    Open,
    Ruled,
    Appealed,
    Final
}

/// How a case ends. Courts rule the first three; Expired is their silence, Withdrawn the filer's own end of a bare case.
enum Outcome {
    None,
    Upheld,
    Rejected,
    Drawn,
    Expired,
    Withdrawn
}

/// A case. `deadline` ends the present window: for the arbiter, the appeal or the appeal court. `subject` is the node,
/// of a bare case the rental. `backed` is what the filer named and bonded of `cap`; `horizon` is where the freeze put the
/// hold: what was earned since, until `filedAt`, was held at filing. `rules` numbers the rules in force at filing.
struct Case {
    address filer;
    uint40 filedAt;
    uint40 deadline;
    Kind kind;
    State state;
    address provider;
    uint32 rules;
    uint40 horizon;
    Outcome outcome;
    uint16 levyBps;
    bytes32 subject;
    uint128 cap;
    uint128 backed;
    uint128 bond;
    uint128 amount;
    address appellant;
    bool answered;
    bool lastInstance;
    bool appealWon;
    uint128 counterBond;
    uint128 slashedBefore;
}

/// What cases have left of a node. `slashed` is the sum of all slashes; leaves of epochs that began before `judgedAt` may
/// say what was judged already; a case about the node as a whole ended last at `triedAt`.
struct Record {
    uint128 slashed;
    uint40 judgedAt;
    uint40 triedAt;
}

/// What may change, for later cases only: who rules, who hears appeals, where public shares go, what filing costs.
/// `minBond` and `fee` are in token units.
struct Rules {
    address arbiter;
    address appealCourt;
    address treasury;
    uint128 minBond;
    uint128 fee;
}

/// Periods in seconds; see the getters of `ICourt`.
struct Windows {
    uint40 filing;
    uint40 answer;
    uint40 ruling;
    uint40 appeal;
    uint40 appealRuling;
    uint40 execution;
}

/// @title Court: disputes
/// @notice Three ways to file, one ruling, one appeal. A ruling moves nothing: money moves in `finalise` alone.
interface ICourt {
    /// @notice A case was filed; `evidence` is the proven bundle's digest, the leaf's hash or the filer's own statement's.
    event Filed(
        bytes32 indexed id,
        bytes32 indexed subject,
        address indexed filer,
        Kind kind,
        address provider,
        bytes32 rental,
        bytes32 evidence,
        uint32 rules,
        uint128 cap,
        uint128 bond,
        uint40 frozenUntil
    );
    /// @notice More of what the node held at filing was shown; `cap` is now all of it.
    event Extended(bytes32 indexed id, address indexed by, uint128 cap);
    /// @notice The provider answered; `statement` is the digest of what he says.
    event Answered(bytes32 indexed id, address indexed provider, bytes32 statement);
    /// @notice A ruling, final after `deadline` unless it is appealed before.
    event Ruled(
        bytes32 indexed id, address indexed by, Outcome outcome, uint128 amount, uint16 levyBps, uint40 deadline
    );
    /// @notice The arbiter was silent: the appeal court rules until `deadline`.
    event Escalated(bytes32 indexed id, uint40 deadline);
    /// @notice A party appealed under `counterBond`: the appeal court rules until `deadline`.
    event Appealed(bytes32 indexed id, address indexed by, uint128 counterBond, uint40 deadline);
    /// @notice The filer took his bare case back.
    event Withdrawn(bytes32 indexed id);
    /// @notice The case has ended and its money has moved.
    event Finalised(bytes32 indexed id, bytes32 indexed subject, Outcome outcome, uint128 slashed);
    /// @notice A later honest leaf ended a node's levy: what is earned from now on is free of it.
    event LevyLifted(bytes32 indexed node, uint64 epoch);
    /// @notice Collected levies were paid out.
    event LeviesDistributed(address indexed treasury, uint128 toRewards, uint128 toTreasury);
    /// @notice Rules for later cases.
    event RulesSet(uint32 indexed version, Rules rules);

    /// @notice An array that must name something is empty.
    error EmptyArray();
    /// @notice More rentals than one case takes.
    error TooMany(uint256 given, uint256 most);
    /// @notice Rentals are not in rising order of their ids, each once.
    error RentalsOutOfOrder(bytes32 rental, bytes32 previous);
    /// @notice The rental belongs to another node, or to another rental's case.
    error ForeignRental(bytes32 rental, bytes32 subject);
    /// @notice The place of the filer's own rental lies outside the array.
    error BadIndex(uint256 index, uint256 length);
    /// @notice A digest of zero.
    error ZeroEvidence();
    /// @notice An upheld case that takes nothing.
    error ZeroAmount();
    /// @notice The caller and salt are not what the rental's note commits to.
    error NoteMismatch(bytes32 rental, address caller);
    /// @notice The leaf is no active one that says `under_delivering`.
    error NotConvicting(bytes32 node, uint64 epoch);
    /// @notice The leaf's epoch began before the node's last case ended, or levy began: it may say what was judged already.
    error StaleLeaf(uint64 epoch, uint40 since);
    /// @notice The leaf is no active one that says `honest`.
    error NotHonest(bytes32 node, uint64 epoch);
    /// @notice Filing is paused until then.
    error FilingIsPaused(uint40 until);
    /// @notice The rental stopped too long ago.
    error FilingClosed(uint40 until);
    /// @notice A statistical case about this node was final recently: wait until then.
    error TriedRecently(uint40 until);
    /// @notice A case about the subject is not final yet.
    error CaseIsOpen(bytes32 id);
    /// @notice This evidence was filed before.
    error AlreadyFiled(bytes32 id);
    /// @notice Nothing is held that a case could reach.
    error NothingHeld(bytes32 subject);
    /// @notice There is no such case.
    error UnknownCase(bytes32 id);
    /// @notice The case is not in a state that allows this.
    error WrongState(bytes32 id, State state);
    /// @notice The call belongs to another kind of case.
    error WrongKind(bytes32 id, Kind kind);
    /// @notice The caller has no part in this step of the case.
    error NotEntitled(bytes32 id, address caller);
    /// @notice The provider has answered already.
    error AlreadyAnswered(bytes32 id);
    /// @notice The window ended then.
    error TooLate(bytes32 id, uint40 deadline);
    /// @notice The window begins then.
    error TooEarly(bytes32 id, uint40 from);
    /// @notice An outcome that a court does not rule.
    error BadOutcome(Outcome outcome);
    /// @notice Only an upheld case has an amount or a levy.
    error NothingToTake(Outcome outcome);
    /// @notice An amount or levy above its cap.
    error AboveCap(uint256 given, uint256 cap);
    /// @notice The rentals given hold less than was ruled: give those that make up the cap.
    error Unreached(uint128 slashed, uint128 wanted);
    /// @notice The extension shows no more than is known.
    error NothingNew(uint128 shown, uint128 cap);
    /// @notice The node has no levy that runs.
    error NoLevy(bytes32 node);
    /// @notice An address that must not receive money.
    error BadRecipient(address to);
    /// @notice A constructor argument or rule that cannot be meant.
    error BadConfiguration();

    /// @notice The escrow.
    function RENTALS() external view returns (address);

    /// @notice The fishers' stake, which bonds are locked of.
    function BONDS() external view returns (address);

    /// @notice Where leaves are verified and operators are known.
    function SCORES() external view returns (address);

    /// @notice Where half of slashes and levies goes that no filer takes.
    function REWARDS() external view returns (address);

    /// @notice A proof case is filed until this long after its rental ended; a pause of filing does not count.
    function FILING() external view returns (uint40);

    /// @notice The provider answers, and nobody rules unless he did, this long from filing.
    function ANSWER() external view returns (uint40);

    /// @notice The arbiter rules this long after that.
    function RULING() external view returns (uint40);

    /// @notice A ruling is appealed this long.
    function APPEAL() external view returns (uint40);

    /// @notice The appeal court rules this long.
    function APPEAL_RULING() external view returns (uint40);

    /// @notice What was held stays frozen this long after the last possible ruling, for `finalise`.
    function EXECUTION() external view returns (uint40);

    /// @notice Files with a proof: k operators signed that `verify-evidence` convicts. Freezes the node.
    /// @param terms Rentals of the node whose held earnings the case may take, in rising order of their ids.
    /// @param own Which of them is the filer's: its note is his.
    /// @param salt The note's.
    /// @param evidence The bundle's digest.
    /// @param signatures Of `convictionDigest`, by at least Scores' threshold of operators, in rising order of address.
    function fileProof(Terms[] calldata terms, uint256 own, bytes32 salt, bytes32 evidence, bytes[] calldata signatures)
        external
        returns (bytes32 id);

    /// @notice Files with an active leaf that says `under_delivering`; anyone, without a bond. Freezes the node.
    function fileStatistical(Terms[] calldata terms, Leaf calldata leaf, bytes32[] calldata proof)
        external
        returns (bytes32 id);

    /// @notice Files about one's own rental under a bond, with nothing but a statement. Freezes that rental.
    function fileBare(Terms calldata terms, bytes32 salt, bytes32 statement) external returns (bytes32 id);

    /// @notice Raises the cap of an open case about a node by naming all its rentals; anyone may, so that nobody
    /// shields a node by a case that names little.
    /// @param terms All rentals that shall make up the cap, in rising order of their ids.
    function extend(bytes32 id, Terms[] calldata terms) external;

    /// @notice The provider's answer, once, while ANSWER runs.
    function answer(bytes32 id, bytes32 statement) external;

    /// @notice Rules. The arbiter in force at filing, once answered or ANSWER is over; after an appeal or his silence the
    /// appeal court. This is the whole interface of an arbiter.
    /// @param outcome Upheld, Rejected or Drawn.
    /// @param amount To slash, at most the cap; zero unless upheld.
    /// @param levyBps Of later earnings, at most half; zero unless upheld.
    function rule(bytes32 id, Outcome outcome, uint128 amount, uint16 levyBps) external;

    /// @notice Brings a case before the appeal court after the arbiter's silence; anyone.
    function escalate(bytes32 id) external;

    /// @notice Appeals a ruling of the arbiter under a counter-bond; filer or provider, once.
    function appeal(bytes32 id) external;

    /// @notice Takes a bare case back before it is ruled.
    function withdraw(bytes32 id) external;

    /// @notice Ends a case whose last window is over, and moves its money; anyone.
    /// @param terms If upheld: the rentals to slash, in rising order of their ids; else of no matter.
    function finalise(bytes32 id, Terms[] calldata terms) external;

    /// @notice Ends a node's levy by an active honest leaf of an epoch that began after the levy; anyone.
    function liftLevy(Leaf calldata leaf, bytes32[] calldata proof) external;

    /// @notice Pays collected levies out: half to Rewards, half to the treasury; anyone.
    function distribute() external returns (uint128 paid);

    /// @notice Sets the rules of later cases.
    function setRules(Rules calldata rules) external;

    /// @notice What is stored of a case; `state` is None if there is none.
    function caseOf(bytes32 id) external view returns (Case memory);

    /// @notice The case about a node or rental that is not final; zero if there is none.
    function openCase(bytes32 subject) external view returns (bytes32 id);

    /// @notice What cases have left of a node.
    function recordOf(bytes32 node) external view returns (Record memory);

    /// @notice The number of the rules in force.
    function rulesVersion() external view returns (uint32);

    /// @notice The rules with this number, counted from one.
    function rulesOf(uint32 version) external view returns (Rules memory);

    /// @notice The EIP-712 digest that operators sign: `Conviction(bytes32 evidence,bytes32 node,bytes32 rental)`.
    function convictionDigest(bytes32 evidence, bytes32 node, bytes32 rental) external view returns (bytes32);
}
