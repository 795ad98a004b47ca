// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// The timelock of a deployment is OpenZeppelin's contract, compiled with ours so that its artifact is ours too.
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
