// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title TestToken
/// @notice Stands in for a stable coin on development chains, with its six decimals. Anyone may mint.
contract TestToken is ERC20Permit {
    /// @notice The chain is no development chain (31337 or 1337).
    error NotADevelopmentChain(uint256 chainId);

    constructor() ERC20("GPUX test dollar", "tUSD") ERC20Permit("GPUX test dollar") {
        // A token that anyone may mint must never be taken for money.
        if (block.chainid != 31337 && block.chainid != 1337) revert NotADevelopmentChain(block.chainid);
    }

    /// @notice Makes `amount` units for `to`.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice Six, as USDC.
    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
