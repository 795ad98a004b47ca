#!/usr/bin/env python3
"""Compiles the kernels to PTX for every level, and checks what is committed.

    build.py generate   writes kernels/ptx/sm_<level>/<probe>.ptx and kernels/ptx/digests.txt
    build.py check      compiles again and compares, assembles, and looks at the machine code
    build.py selftest   tests the checks themselves

The programs of this repository load the committed PTX, so building them needs no CUDA.
"""

import argparse
import hashlib
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

sys.dont_write_bytecode = True

from pipeline import assembly, selftest, toolchain  # noqa: E402
from pipeline.assembly import PTX, SASS, Rule, Verdict  # noqa: E402
from pipeline.toolchain import Compiler, Failure, Resources, Toolchain  # noqa: E402

SOURCES = Path(__file__).resolve().parent
ROOT = SOURCES.parents[1]
COMMITTED = SOURCES.parent / "ptx"

# Compute capability times ten, and the oldest PTX version, from 7.0 (CUDA 11.0) on, that knows it. A driver refuses PTX
# that is newer than itself, and rented machines run drivers that are years old, so the version that NVRTC writes is
# lowered to this one; ptxas then refuses whatever that version does not know.
LEVELS = {61: "7.0", 75: "7.0", 80: "7.0", 86: "7.1", 89: "7.8", 90: "7.8", 120: "8.7"}
# The first level with tensor cores that these kernels use.
TENSOR = 75
BYTES_MAX = 1 << 20

# The tensor shares hold where mma.sync is the fastest way to the tensor cores and its operands are large enough.
AMPERE = (80, 86, 89)
EVERY = tuple(LEVELS)
RULES = {
    "imma": Rule("gpux_imma", "IMMA", "mma.sync", share_min=1 / 3, levels=AMPERE),
    "hmma": Rule("gpux_hmma", "HMMA", "mma.sync", share_min=1 / 3, levels=AMPERE),
    "fma32": Rule("gpux_fma32", "FFMA", "fma.rn.f32", share_min=0.9, levels=EVERY),
    "fma64": Rule("gpux_fma64", "DFMA", "fma.rn.f64", share_min=0.9, levels=EVERY),
    "dp4a": Rule("gpux_dp4a", "IDP", "dp4a.s32.s32", share_min=0.9, levels=EVERY),
    # A cell is four loads of 16 bytes, a thread's part of a block sixteen.
    "vram": Rule("gpux_walk", "LDG.E.128", "ld.global.cg.v4", count_min=4),
    "stream": Rule("gpux_stream", "LDG.E.128", "ld.global.cg.v4", count_min=16, looped=False),
    "link": Rule("gpux_link", "LDG.E.128", "ld.global.cg.v4", count_min=16, looped=False),
}


def modules() -> List[Tuple[str, int]]:
    """Returns every probe and level that there is a module for."""
    return [(probe, level) for probe in RULES for level in LEVELS if level >= TENSOR or not probe.endswith("mma")]


def path_of(folder: Path, probe: str, level: int) -> Path:
    """Returns where a module lies."""
    return folder / f"sm_{level}" / f"{probe}.ptx"


def generate(tools: Toolchain, folder: Path) -> None:
    """Compiles every module into an empty folder, and lists the files' digests."""
    compiler = Compiler(tools.nvrtc)
    headers = {header.name: header.read_bytes() for header in sorted(SOURCES.glob("*.cuh"))}

    def compile_one(module: Tuple[str, int]) -> str:
        probe, level = module
        source = SOURCES / f"{probe}.cu"
        ptx = compiler.compile((source.name, source.read_bytes()), headers, level)
        ptx, lowered = re.subn(rb"(?m)^\.version \S+$", b".version " + LEVELS[level].encode(), ptx)
        path = path_of(folder, probe, level)
        if lowered != 1:
            raise Failure(f"{source.name} for sm_{level}: {lowered} versions stand in the PTX")
        if len(ptx) > BYTES_MAX:
            raise Failure(f"{source.name} for sm_{level}: {len(ptx)} bytes of PTX are more than {BYTES_MAX}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ptx)
        return f"{hashlib.sha256(ptx).hexdigest()}  {path.relative_to(folder).as_posix()}\n"

    with ThreadPoolExecutor() as pool:
        lines = list(pool.map(compile_one, modules()))
    (folder / "digests.txt").write_text(f"# SHA-256 of what NVRTC {compiler.version()} compiles.\n{''.join(lines)}")


def differences(fresh: Path, committed: Path) -> List[str]:
    """Names every file that is not in both folders with the same bytes."""
    files = {path.relative_to(folder) for folder in (fresh, committed) for path in folder.rglob("*") if path.is_file()}
    findings = []
    for file in sorted(files):
        if not (committed / file).exists():
            findings.append(f"{file}: not committed; run make kernels")
        elif not (fresh / file).exists():
            findings.append(f"{file}: nothing compiles to it")
        elif (fresh / file).read_bytes() != (committed / file).read_bytes():
            findings.append(f"{file}: differs from what its source compiles to; run make kernels")
    return findings


@dataclass(frozen=True)
class Report:
    """What was found of one module."""

    probe: str
    level: int
    used: Dict[str, Resources]
    verdict: Verdict
    source: str
    problems: List[str]


def inspect(tools: Toolchain, folder: Path, module: Tuple[str, int]) -> Report:
    """Assembles a module and looks at its instructions."""
    probe, level = module
    ptx = path_of(folder, probe, level)
    cubin = ptx.with_suffix(".cubin")
    used = tools.assemble(ptx, level, cubin)
    in_ptx = assembly.parse(ptx.read_text(), PTX)
    problems = assembly.forbidden(in_ptx, PTX)
    if level < TENSOR:
        verdict, source = assembly.judge(in_ptx, PTX, RULES[probe], level), "PTX"
    else:
        in_sass = assembly.parse(tools.disassemble(cubin), SASS)
        problems += assembly.forbidden(in_sass, SASS)
        verdict, source = assembly.judge(in_sass, SASS, RULES[probe], level), "SASS"
    problems += verdict.problems
    for kernel, usage in used.items():
        if usage.spilled_bytes or usage.stack_bytes:
            problems.append(f"{kernel}: {usage.spilled_bytes} bytes spilled, {usage.stack_bytes} bytes of local memory")
    return Report(probe, level, used, verdict, source, [f"sm_{level}/{probe}: {problem}" for problem in problems])


def print_table(reports: List[Report]) -> None:
    """Prints a line a module: its probe's kernel, and the main loop's instructions."""
    heads = ("probe", "level", "registers", "spills", "shared", "expected", "of", "share", "seen in")
    rows = [heads]
    for report in reports:
        kernel = report.used.get(RULES[report.probe].kernel, Resources(0, 0, 0, 0))
        rows.append((
            report.probe, f"sm_{report.level}", kernel.registers, kernel.spilled_bytes, kernel.shared_bytes,
            report.verdict.expected, report.verdict.total, f"{report.verdict.share:.1%}", report.source,
        ))  # fmt: skip
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(heads))]
    for row in rows:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())


def check(tools: Toolchain) -> List[str]:
    """Compiles everything again, compares it with what is committed, and judges the machine code."""
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        generate(tools, fresh)
        findings = [
            f"{path.name}: nothing says what it must compile to"
            for path in SOURCES.glob("*.cu")
            if path.stem not in RULES
        ]
        findings += differences(fresh, COMMITTED)
        with ThreadPoolExecutor() as pool:
            reports = list(pool.map(lambda module: inspect(tools, fresh, module), modules()))
    print_table(reports)
    return findings + [problem for report in reports for problem in report.problems]


def replace_committed(tools: Toolchain) -> None:
    """Writes the modules in place of those that are there, all or none."""
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name) / COMMITTED.name
        fresh.mkdir()
        generate(tools, fresh)
        shutil.rmtree(COMMITTED, ignore_errors=True)
        shutil.copytree(fresh, COMMITTED)


def main() -> int:
    """Runs one command: 0 when all is well, 1 when it failed, 2 when the check found something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("generate", "check", "selftest"))
    command = parser.parse_args().command
    try:
        if command != "generate" and not selftest.passes():
            return 1
        if command == "selftest":
            return 0
        tools = toolchain.install(toolchain.target_folder(ROOT), SOURCES / "requirements.txt")
        if command == "generate":
            replace_committed(tools)
            return 0
        findings = check(tools)
    except (Failure, OSError) as failure:
        print(failure, file=sys.stderr)
        return 1
    for finding in findings:
        print(finding, file=sys.stderr)
    print(f"{len(modules())} kernel modules checked, {len(findings)} findings")
    return 2 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
