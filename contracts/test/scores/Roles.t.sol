// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Scores} from "../../src/Scores.sol";
import {IScores, Publish} from "../../src/interfaces/IScores.sol";
import {Market} from "../base/Market.sol";

contract ScoresRolesTest is Market {
    function list(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }

    function test_operatorsRotate() public {
        uint256 leaving = operatorKeys[1];
        address joined = vm.addr(0x9999);
        vm.expectEmit(address(scores));
        emit IScores.OperatorsSet(list(joined), list(vm.addr(leaving)), 1, 3);
        vm.prank(admin);
        scores.setOperators(list(joined), list(vm.addr(leaving)), 1);
        assertEq(scores.operators(), 3, "operators");

        Publish memory p = publication(overEpoch(), "root");
        bytes[] memory old = one(signature(leaving, scores.publicationDigest(p)));
        vm.expectRevert(abi.encodeWithSelector(IScores.NotAnOperator.selector, vm.addr(leaving)));
        scores.publish(p, old);
        scores.publish(p, one(signature(0x9999, scores.publicationDigest(p))));
    }

    function test_impossibleSetsAreRefused() public {
        address member = vm.addr(operatorKeys[0]);
        address[] memory nobody = new address[](0);
        vm.startPrank(admin);
        vm.expectRevert(abi.encodeWithSelector(IScores.BadThreshold.selector, 0, 3));
        scores.setOperators(nobody, nobody, 0);
        vm.expectRevert(abi.encodeWithSelector(IScores.BadThreshold.selector, 4, 3));
        scores.setOperators(nobody, nobody, 4);
        vm.expectRevert(abi.encodeWithSelector(IScores.BadOperator.selector, member));
        scores.setOperators(list(member), nobody, 2);
        vm.expectRevert(abi.encodeWithSelector(IScores.BadOperator.selector, stranger));
        scores.setOperators(nobody, list(stranger), 2);
        vm.expectRevert(abi.encodeWithSelector(IScores.BadOperator.selector, address(0)));
        scores.setOperators(list(address(0)), nobody, 2);
        vm.stopPrank();
    }

    function test_onlyTheAdministratorSetsOperatorsAndParameters() public {
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, guardian);
        vm.startPrank(guardian);
        vm.expectRevert(refusal);
        scores.setOperators(list(stranger), new address[](0), 1);
        vm.expectRevert(refusal);
        scores.setParameters("other");
        vm.stopPrank();
    }

    function test_newParametersBindLaterEpochs() public {
        Publish memory p = publication(overEpoch(), "root");
        bytes[] memory signed = signatures(p, 2);
        vm.expectEmit(address(scores));
        emit IScores.ParametersSet("new");
        vm.prank(admin);
        scores.setParameters("new");
        vm.expectRevert(abi.encodeWithSelector(IScores.ForeignParameters.selector, PARAMETERS, bytes32("new")));
        scores.publish(p, signed);
        p.parameters = "new";
        publish(p);
    }

    /// As a call, which can be expected to revert.
    function make(uint40 length, uint40 delay) external returns (Scores) {
        return new Scores(address(manager), length, delay, list(stranger), 1, PARAMETERS);
    }

    function test_constructorRefusesPeriodsThatContradict() public {
        vm.expectRevert(IScores.BadPeriods.selector);
        this.make(0, 0);
        vm.expectRevert(IScores.BadPeriods.selector);
        this.make(10, 11);
    }

    function testFuzz_onlyTheAdministratorSets(address by, bytes32 value) public {
        vm.assume(by != admin);
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, by);
        vm.startPrank(by);
        vm.expectRevert(refusal);
        scores.setOperators(list(by), new address[](0), 1);
        vm.expectRevert(refusal);
        scores.setParameters(value);
        vm.stopPrank();
        assertTrue(!scores.isOperator(by), "operator");
        assertEq(scores.parameters(), PARAMETERS, "parameters");
    }

    /// After any change the count is that of the members, and the threshold lies within it.
    function testFuzz_membersAreCounted(uint8 joins, uint8 leaves, uint8 threshold) public {
        address[] memory added = new address[](joins % 9);
        for (uint160 i; i < added.length; ++i) {
            added[i] = address(0xABC000 + i);
        }
        address[] memory removed = new address[](leaves % 4);
        for (uint256 i; i < removed.length; ++i) {
            removed[i] = vm.addr(operatorKeys[i]);
        }
        uint256 count = 3 + added.length - removed.length;
        bool bad = threshold == 0 || threshold > count;
        vm.prank(admin);
        if (bad) vm.expectRevert(abi.encodeWithSelector(IScores.BadThreshold.selector, threshold, count));
        scores.setOperators(added, removed, threshold);
        assertEq(scores.operators(), bad ? 3 : count, "operators");
        assertEq(scores.threshold(), bad ? 2 : threshold, "threshold");
        for (uint256 i; i < added.length; ++i) {
            assertTrue(scores.isOperator(added[i]) != bad, "joined");
        }
        for (uint256 i; i < removed.length; ++i) {
            assertTrue(scores.isOperator(removed[i]) == bad, "left");
        }
    }

    /// Named twice in one change, a member would count twice: joining and leaving are refused alike.
    function testFuzz_nobodyJoinsOrLeavesTwice(uint8 first, uint8 second, bool joining) public {
        (first, second) = (first % 4, second % 4);
        vm.assume(first != second);
        address[] memory named = new address[](4);
        for (uint256 i; i < 4; ++i) {
            named[i] = vm.addr(0x1000 + (i == second ? first : i) + (joining ? 100 : 0));
        }
        address[] memory nobody = new address[](0);
        if (!joining) {
            vm.prank(admin);
            scores.setOperators(list(vm.addr(0x1003)), nobody, 1);
        }
        vm.prank(admin);
        vm.expectRevert(abi.encodeWithSelector(IScores.BadOperator.selector, named[first]));
        scores.setOperators(joining ? named : nobody, joining ? nobody : named, 1);
    }

    /// An activation later than an epoch would let a root leave the ring before it counts.
    function testFuzz_periodsMustFit(uint40 length, uint40 delay) public {
        bool bad = length == 0 || delay > length;
        if (bad) vm.expectRevert(IScores.BadPeriods.selector);
        Scores made = this.make(length, delay);
        if (bad) return;
        assertEq(made.EPOCH_LENGTH(), length, "length");
        assertEq(made.ACTIVATION_DELAY(), delay, "delay");
    }
}
