// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// The roles of a deployment are OpenZeppelin's contract, compiled with ours so that its artifact is ours too.
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
