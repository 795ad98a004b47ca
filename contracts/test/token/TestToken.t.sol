// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {TestToken} from "../../src/test-token/TestToken.sol";
import {Test} from "../base/Test.sol";

contract TestTokenTest is Test {
    function test_anyoneMintsOnADevelopmentChain() public {
        vm.chainId(31337);
        TestToken token = new TestToken();
        token.mint(address(1), 5);
        assertEq(token.balanceOf(address(1)), 5, "balance");
        assertEq(token.decimals(), 6, "decimals");
    }

    /// As a call, which can be expected to revert.
    function make() external returns (TestToken) {
        return new TestToken();
    }

    function testFuzz_itExistsOnNoOtherChain(uint64 chainId) public {
        vm.assume(chainId != 31337 && chainId != 1337 && chainId != 0);
        vm.chainId(chainId);
        vm.expectRevert(abi.encodeWithSelector(TestToken.NotADevelopmentChain.selector, chainId));
        this.make();
    }
}
