// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A token with the oddities that real ones have, each switched on by itself.
contract OddToken {
    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;
    mapping(address account => bool) public blocked;
    uint256 public feeBps;
    bool public senderPaysFee;
    bool public returnsNothing;
    bool public returnsFalse;
    bool public paused;
    address private hookTarget;
    bytes private hookCall;
    /// The first four bytes that the hook's call reverted with, zero if it succeeded.
    bytes4 public hookError;
    bool public hooked;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function setFee(uint256 bps, bool bySender) external {
        (feeBps, senderPaysFee) = (bps, bySender);
    }

    function setReturns(bool nothing, bool falsehood) external {
        (returnsNothing, returnsFalse) = (nothing, falsehood);
    }

    function setPaused(bool value) external {
        paused = value;
    }

    function block_(address account) external {
        blocked[account] = true;
    }

    /// Calls `target` in the middle of the next transfer.
    function setHook(address target, bytes calldata data) external {
        (hookTarget, hookCall, hooked, hookError) = (target, data, false, 0);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        return move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        return move(from, to, amount);
    }

    function move(address from, address to, uint256 amount) private returns (bool) {
        require(!paused && !blocked[from] && !blocked[to] && amount != 0, "refused");
        if (returnsFalse) return false;
        if (hookTarget != address(0)) {
            address target = hookTarget;
            hookTarget = address(0);
            (bool done, bytes memory reason) = target.call(hookCall);
            (hooked, hookError) = (true, done ? bytes4(0) : bytes4(reason));
        }
        uint256 fee = amount * feeBps / 10_000;
        balanceOf[from] -= senderPaysFee ? amount + fee : amount;
        balanceOf[to] += senderPaysFee ? amount : amount - fee;
        if (returnsNothing) {
            assembly {
                return(0, 0)
            }
        }
        return true;
    }
}
