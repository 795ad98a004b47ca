// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

import {ICourt, Outcome, Rules, State} from "../../src/interfaces/ICourt.sol";
import {Terms} from "../../src/interfaces/IRentals.sol";
import {Dispute} from "../base/Dispute.sol";
import {Dao, VoteToken} from "../base/Vote.sol";

/// The four stages of the handover, each with a case that is ruled as the stage wants it.
contract StagesTest is Dispute {
    uint64 private constant ADMIN_ROLE = 0;
    uint256 private constant NOTICE = 2 days;

    /// Stands for a Safe; it rules first.
    address private safe = address(0x5AFE);
    address private member = address(0xDA0);
    TimelockController private timelock;
    VoteToken private votes;
    Dao private dao;
    Terms private terms;

    function setUp() public override {
        (arbiter, admin) = (safe, safe);
        // The appeal court is the DAO's timelock from the first day.
        address[] memory proposers = new address[](1);
        proposers[0] = safe;
        address[] memory anyone = new address[](1);
        // It administers itself: no key of the deployment has a part in any stage.
        timelock = new TimelockController(NOTICE, proposers, anyone, address(0));
        appealCourt = address(timelock);
        super.setUp();
        votes = new VoteToken();
        votes.mint(member, 100);
        vm.prank(member);
        votes.delegate(member);
        dao = new Dao(IVotes(address(votes)), timelock);
        terms = rented(1);
        skip(5 days);
    }

    /// (A) to (B): the timelock rules and administers, its proposer is the Safe.
    function toTimelock() private {
        Rules memory next = rules();
        next.arbiter = address(timelock);
        vm.startPrank(safe);
        bench.setRules(next);
        manager.grantRole(ADMIN_ROLE, address(timelock), 0);
        manager.renounceRole(ADMIN_ROLE, safe);
        vm.stopPrank();
    }

    /// (B) to (C): the Governor proposes, the Safe only cancels. The Safe proposes it, and the timelock grants after its delay.
    function toGovernor() private {
        address[] memory targets = new address[](3);
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(timelock.grantRole, (timelock.PROPOSER_ROLE(), address(dao)));
        calls[1] = abi.encodeCall(timelock.grantRole, (timelock.CANCELLER_ROLE(), address(dao)));
        calls[2] = abi.encodeCall(timelock.revokeRole, (timelock.PROPOSER_ROLE(), safe));
        (targets[0], targets[1], targets[2]) = (address(timelock), address(timelock), address(timelock));
        vm.prank(safe);
        timelock.scheduleBatch(targets, new uint256[](3), calls, 0, 0, NOTICE);
        skip(NOTICE);
        timelock.executeBatch(targets, new uint256[](3), calls, 0, 0);
    }

    function file(bytes32 evidence) private returns (bytes32 id) {
        bytes[] memory signed = convicts(evidence, NODE, rentals.rentalId(terms), 2);
        vm.prank(filer);
        id = bench.fileProof(one(terms), 0, SALT, evidence, signed);
        answered(id);
    }

    function ruling(bytes32 id, uint128 amount) private pure returns (bytes memory) {
        return abi.encodeCall(ICourt.rule, (id, Outcome.Upheld, amount, 0));
    }

    function bySafe(address target, bytes memory call) private {
        vm.prank(safe);
        timelock.schedule(target, 0, call, 0, 0, NOTICE);
        skip(NOTICE);
        timelock.execute(target, 0, call, 0, 0);
    }

    /// From the proposal to the scheduled operation.
    function voted(address target, bytes memory call) private returns (bytes32 operation) {
        address[] memory targets = new address[](1);
        uint256[] memory values = new uint256[](1);
        bytes[] memory calls = one(call);
        targets[0] = target;
        bytes32 description = keccak256(bytes("motion"));
        vm.prank(member);
        uint256 proposal = dao.propose(targets, values, calls, "motion");
        skip(1 days + 1);
        vm.prank(member);
        dao.castVote(proposal, 1);
        skip(1 weeks + 1);
        dao.queue(targets, values, calls, description);
        operation = timelock.hashOperationBatch(targets, values, calls, 0, bytes20(address(dao)) ^ description);
    }

    function byVote(address target, bytes memory call) private {
        voted(target, call);
        skip(NOTICE);
        address[] memory targets = new address[](1);
        targets[0] = target;
        dao.execute(targets, new uint256[](1), one(call), keccak256(bytes("motion")));
    }

    function expectUpheld(bytes32 id) private {
        skip(APPEAL + 1);
        bench.finalise(id, one(terms));
        assertEq(uint256(bench.caseOf(id).outcome), uint256(Outcome.Upheld), "outcome");
    }

    function test_stageA_theSafeRules() public {
        bytes32 id = file("a");
        vm.prank(safe);
        bench.rule(id, Outcome.Upheld, 1, 0);
        expectUpheld(id);
    }

    function test_stageB_theTimelockRulesOnTheSafesProposal() public {
        bytes32 old = file("open");
        toTimelock();
        // Statement 15: what was filed before is ruled by who ruled then.
        vm.prank(safe);
        bench.rule(old, Outcome.Upheld, 1, 0);
        expectUpheld(old);
        bytes32 id = file("b");
        vm.prank(safe);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotEntitled.selector, id, safe));
        bench.rule(id, Outcome.Upheld, 1, 0);
        bySafe(court, ruling(id, 1));
        expectUpheld(id);
        vm.prank(safe);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, safe));
        bench.setRules(rules());
    }

    /// A vote fits into RULING, and the Safe can only cancel.
    function test_stageC_theGovernorRulesAndTheSafeCancels() public {
        toTimelock();
        toGovernor();
        bytes32 id = file("c");
        bytes32 proposer = timelock.PROPOSER_ROLE();
        vm.prank(safe);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, safe, proposer)
        );
        timelock.schedule(court, 0, ruling(id, 1), 0, 0, NOTICE);
        byVote(court, ruling(id, 1));
        expectUpheld(id);

        id = file("cancelled");
        bytes32 operation = voted(court, ruling(id, 1));
        vm.prank(safe);
        timelock.cancel(operation);
        skip(NOTICE);
        assertTrue(!timelock.isOperationReady(operation), "cancelled");
        expectState(id, State.Open);
    }

    function test_stageD_theSafeIsRemovedByAVote() public {
        toTimelock();
        toGovernor();
        bytes32 canceller = timelock.CANCELLER_ROLE();
        byVote(address(timelock), abi.encodeCall(timelock.revokeRole, (canceller, safe)));
        bytes32 id = file("d");
        bytes32 operation = voted(court, ruling(id, 1));
        vm.prank(safe);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, safe, canceller)
        );
        timelock.cancel(operation);
        // And the DAO administers: it sets rules by a vote.
        (bool isAdmin,) = manager.hasRole(ADMIN_ROLE, address(timelock));
        (bool safeIs,) = manager.hasRole(ADMIN_ROLE, safe);
        assertTrue(isAdmin && !safeIs, "administrator");
    }

    /// From the first day appeals are the DAO's, through the same timelock.
    function test_appealsAreTheTimelocks() public {
        bytes32 id = file("appeal");
        vm.prank(safe);
        bench.rule(id, Outcome.Rejected, 0, 0);
        appealed(id, filer);
        bySafe(court, ruling(id, 1));
        bench.finalise(id, one(terms));
        assertEq(uint256(bench.caseOf(id).outcome), uint256(Outcome.Upheld), "outcome");
    }

    /// Statement 23: in no stage does a role reach money without a final case.
    function test_s23_inEveryStageRolesMoveNoMoney() public {
        uint256 inside = token.balanceOf(address(rentals));
        for (uint256 stage; stage < 3; ++stage) {
            if (stage == 1) toTimelock();
            if (stage == 2) toGovernor();
            address[4] memory roles = [safe, guardian, address(timelock), address(dao)];
            for (uint256 i; i < 4; ++i) {
                vm.startPrank(roles[i]);
                vm.expectRevert();
                rentals.slash(NODE, one(terms), slashOrder(1, block.timestamp));
                vm.expectRevert();
                rentals.setLevy(NODE, 1, uint40(block.timestamp), 1);
                vm.expectRevert();
                bonds.burn(filer, 1, safe);
                assertEq(rentals.withdraw(roles[i]), 0, "nothing is theirs");
                vm.stopPrank();
            }
        }
        assertEq(token.balanceOf(address(rentals)), inside, "inside");
    }
}
