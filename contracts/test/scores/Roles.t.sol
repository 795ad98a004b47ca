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

    function test_constructorRefusesPeriodsThatContradict() public {
        address[] memory operators = list(stranger);
        vm.expectRevert(IScores.BadPeriods.selector);
        new Scores(address(manager), 0, 0, operators, 1, 0);
        vm.expectRevert(IScores.BadPeriods.selector);
        new Scores(address(manager), 10, 11, operators, 1, 0);
    }
}
