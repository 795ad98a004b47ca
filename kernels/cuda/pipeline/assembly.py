"""What the compiled kernels must look like, read from SASS, or from PTX where no disassembler is left.

A kernel's rate says something about one unit of the card only if its main loop is made of that unit's instructions,
and its bits are exact only without flushes to zero and approximate functions.
"""

import re
from dataclasses import dataclass
from typing import Dict, List, NamedTuple, Optional, Tuple


class Instruction(NamedTuple):
    """An opcode with its modifiers, and where it jumps to: the index of an instruction."""

    opcode: str
    target: Optional[int] = None


@dataclass(frozen=True)
class Dialect:
    """A way to write a kernel down."""

    function: "re.Pattern[str]"
    label: "re.Pattern[str]"
    instruction: "re.Pattern[str]"
    branch: "re.Pattern[str]"
    forbidden: Tuple[Tuple["re.Pattern[str]", str], ...]


LOCAL, FLUSH, APPROXIMATE = "local memory", "subnormals flushed to zero", "an approximate function"

SASS = Dialect(
    function=re.compile(r"^\s*\.section\s+\.text\.([\w$]+)"),
    label=re.compile(r"^(\.L_\w+):"),
    instruction=re.compile(r"^\s*/\*[0-9a-f]{4,}\*/\s+\{?\s*(?:@!?U?P\w+\s+)?([A-Z][\w.]*)(.*)"),
    branch=re.compile(r"^(?:BRA|JMP)\b.*?(\.L_\w+)"),
    forbidden=(
        (re.compile(r"^(LDL|STL)\b"), LOCAL),
        (re.compile(r"\.FTZ\b"), FLUSH),
        (re.compile(r"^MUFU\b"), APPROXIMATE),
    ),
)
# Divisions become MUFU in SASS, of integers too, unless the divisor is a constant.
PTX = Dialect(
    function=re.compile(r"^\s*(?:\.visible\s+)?\.(?:entry|func)\s+(?:\([^)]*\)\s*)?([\w$]+)"),
    label=re.compile(r"^(\$L_\w+):"),
    instruction=re.compile(r"^\s*(?:@!?%\w+\s+)?([a-z][\w.:]*)((?:\s.*)?;.*)"),
    branch=re.compile(r"^bra\b.*?(\$L_\w+)"),
    forbidden=(
        (re.compile(r"^(ld|st)\.local\b"), LOCAL),
        (re.compile(r"\.ftz\b"), FLUSH),
        (re.compile(r"\.approx\b|^(div|rem|sin|cos|ex2|lg2|rsqrt|tanh)\b"), APPROXIMATE),
    ),
)


def parse(text: str, dialect: Dialect) -> Dict[str, List[Instruction]]:
    """Splits an assembly text into its functions."""
    functions: Dict[str, List[Instruction]] = {}
    labels: Dict[Tuple[str, str], int] = {}
    branches: List[Tuple[str, int, str]] = []
    name = ""
    for line in text.splitlines():
        started = dialect.function.match(line)
        if started:
            name = started[1]
            functions[name] = []
        if not name:
            continue
        label, found = dialect.label.match(line), dialect.instruction.match(line)
        if label:
            labels[name, label[1]] = len(functions[name])
        elif found:
            branch = dialect.branch.match(found[1] + found[2])
            if branch:
                branches.append((name, len(functions[name]), branch[1]))
            # Padding: ptxas spaces the operations of slow units with it.
            if found[1] != "NOP":
                functions[name].append(Instruction(found[1]))
    for name, at, label in branches:
        functions[name][at] = Instruction(functions[name][at].opcode, labels.get((name, label)))
    return functions


def innermost_loops(function: List[Instruction]) -> List[List[Instruction]]:
    """Returns the bodies of the loops that contain no other loop; a loop is found by its backward branch."""
    ends: Dict[int, int] = {}
    for at, instruction in enumerate(function):
        if instruction.target is not None and instruction.target <= at:
            ends[instruction.target] = at
    return [
        function[start : end + 1]
        for start, end in ends.items()
        if not any(start < other and ends[other] <= end for other in ends)
    ]


@dataclass(frozen=True)
class Rule:
    """What one kernel must be made of: `opcode` in SASS, `ptx` in PTX, both prefixes."""

    kernel: str
    opcode: str
    ptx: str
    # The least share of such instructions in the main loop, and the levels that it holds for.
    share_min: float = 0.0
    levels: Tuple[int, ...] = ()
    # The fewest such instructions in the main loop, or in the whole kernel if it has no loop.
    count_min: int = 1
    looped: bool = True


@dataclass(frozen=True)
class Verdict:
    """The count of expected instructions, all instructions that they were counted among, and what is wrong."""

    expected: int
    total: int
    problems: List[str]

    @property
    def share(self) -> float:
        """Returns the share of expected instructions."""
        return self.expected / self.total if self.total else 0.0


def forbidden(functions: Dict[str, List[Instruction]], dialect: Dialect) -> List[str]:
    """Names every kind of instruction that no kernel may contain."""
    problems = []
    for name, function in functions.items():
        for opcode in sorted({instruction.opcode for instruction in function}):
            problems += [f"{name}: {opcode} is {what}" for pattern, what in dialect.forbidden if pattern.search(opcode)]
    return problems


def judge(functions: Dict[str, List[Instruction]], dialect: Dialect, rule: Rule, level: int) -> Verdict:
    """Looks for the expected instructions in the kernel's main loop: the innermost loop with the most of them."""
    if rule.kernel not in functions:
        return Verdict(0, 0, [f"{rule.kernel} is missing"])
    prefix = rule.opcode if dialect is SASS else rule.ptx

    def count(body: List[Instruction]) -> int:
        return sum(instruction.opcode.startswith(prefix) for instruction in body)

    function = functions[rule.kernel]
    bodies = innermost_loops(function) if rule.looped else [function]
    body = max(bodies, key=lambda body: (count(body), -len(body)), default=[])
    verdict = Verdict(count(body), len(body), [])
    if verdict.expected < rule.count_min:
        verdict.problems.append(f"{rule.kernel}: {verdict.expected} {prefix}, at least {rule.count_min} are expected")
    if level in rule.levels and verdict.share < rule.share_min:
        verdict.problems.append(
            f"{rule.kernel}: {verdict.share:.1%} {prefix} in the main loop, at least {rule.share_min:.1%} are expected"
        )
    return verdict
