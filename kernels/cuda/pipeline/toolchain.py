"""The pinned CUDA tools: NVRTC as a library, ptxas and nvdisasm as programs.

They lie in a private virtual environment under cargo's target directory, made from requirements.txt with the hashes
that stand there and made anew when that file changes. No installed CUDA is used, so every machine compiles alike.
"""

import ctypes
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

# Explicit although most are defaults: what a result's bits depend on is said here and in the source, nowhere else.
OPTIONS = ("--std=c++17", "--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true")
# The one warning that is expected: sm_61 is old.
DEPRECATED = re.compile(r"^nvrtc: warning: Architectures prior to .* are deprecated.*$", re.MULTILINE)


class Failure(Exception):
    """What keeps a command from going on, as one line for the person who ran it."""


def target_folder(root: Path) -> Path:
    """Returns the folder of the tools, where `cargo clean` removes them too."""
    return (root / os.environ.get("CARGO_TARGET_DIR", "target") / "cuda").resolve()


def install(folder: Path, requirements: Path) -> "Toolchain":
    """Installs the tools unless they are there already, from the same requirements and for the same Python."""
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"):
        raise Failure("the CUDA tools come for Linux on x86_64 or aarch64 only")
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    environment, stamp = folder / "venv", folder / "venv" / "requirements.sha256"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            _make_environment(environment, requirements)
            stamp.write_text(wanted)
    return Toolchain.find(environment)


def _make_environment(environment: Path, requirements: Path) -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise Failure(f"missing: Python's module {module} (Debian and Ubuntu: apt install python3-venv)")
    shutil.rmtree(environment, ignore_errors=True)
    pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([sys.executable, "-m", "venv", environment])
    _run([*pip, "--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", requirements])


def _run(command: List) -> str:
    """Runs a program and returns what it printed; what it says when it fails becomes the failure."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Failure(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout + done.stderr


@dataclass(frozen=True)
class Resources:
    """What ptxas says that a kernel uses."""

    registers: int
    spilled_bytes: int
    stack_bytes: int
    shared_bytes: int


@dataclass(frozen=True)
class Toolchain:
    """The tools' places."""

    nvrtc: Path
    ptxas: Path
    nvdisasm: Path

    @classmethod
    def find(cls, environment: Path) -> "Toolchain":
        """Finds the tools in an environment."""
        patterns = ("cuda_nvrtc/lib/libnvrtc.so.12", "cuda_nvcc/bin/ptxas", "cu13/bin/nvdisasm")
        found = [sorted(environment.glob(f"lib/python3*/site-packages/nvidia/{pattern}")) for pattern in patterns]
        if not all(found):
            raise Failure(f"a CUDA tool is missing in {environment}; remove that folder and run again")
        return cls(*(paths[0] for paths in found))

    def assemble(self, ptx: Path, level: int, cubin: Path) -> Dict[str, Resources]:
        """Compiles PTX for one level and returns what each kernel uses."""
        return read_resources(_run([self.ptxas, "-v", f"-arch=sm_{level}", ptx, "-o", cubin]))

    def disassemble(self, cubin: Path) -> str:
        """Returns a cubin's SASS; dataflow analysis only adds comments."""
        return _run([self.nvdisasm, "--no-dataflow", "--print-code", cubin])


def read_resources(report: str) -> Dict[str, Resources]:
    """Reads the report of `ptxas -v`."""
    found = {}
    for part in report.split("Compiling entry function ")[1:]:
        stack, stores, loads = (
            int(number)
            for number in re.search(
                r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", part
            ).groups()
        )
        registers = int(re.search(r"Used (\d+) registers", part)[1])
        shared = re.search(r"(\d+) bytes smem", part)
        found[part.split("'")[1]] = Resources(registers, stores + loads, stack, int(shared[1]) if shared else 0)
    return found


class Compiler:
    """NVRTC. Sources are passed as text, so that no path gets into the PTX."""

    def __init__(self, library: Path):
        self._nvrtc = ctypes.CDLL(str(library))
        self._nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p

    def version(self) -> str:
        """Returns the library's version, such as 12.9."""
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._call("nvrtcVersion", ctypes.byref(major), ctypes.byref(minor))
        return f"{major.value}.{minor.value}"

    def compile(self, source: Tuple[str, bytes], headers: Dict[str, bytes], level: int) -> bytes:
        """Compiles one source to PTX for a level; a warning is a failure."""
        name, text = source
        program = ctypes.c_void_p()
        texts = _strings(headers.values())
        names = _strings(header.encode() for header in headers)
        self._call("nvrtcCreateProgram", ctypes.byref(program), text, name.encode(), len(headers), texts, names)
        try:
            options = _strings(option.encode() for option in (f"--gpu-architecture=compute_{level}", *OPTIONS))
            failed = self._nvrtc.nvrtcCompileProgram(program, len(options), options)
            log = self._text(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog").decode(errors="replace")
            complaint = DEPRECATED.sub("", log).strip()
            if failed or complaint:
                raise Failure(f"{name} for sm_{level}: {complaint or self._meaning(failed)}")
            return self._text(program, "nvrtcGetPTXSize", "nvrtcGetPTX")
        finally:
            self._call("nvrtcDestroyProgram", ctypes.byref(program))

    def _text(self, program: ctypes.c_void_p, size_of: str, text_of: str) -> bytes:
        size = ctypes.c_size_t()
        self._call(size_of, program, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        self._call(text_of, program, buffer)
        return buffer.value

    def _call(self, function: str, *arguments) -> None:
        code = getattr(self._nvrtc, function)(*arguments)
        if code:
            raise Failure(f"{function}: {self._meaning(code)}")

    def _meaning(self, code: int) -> str:
        return self._nvrtc.nvrtcGetErrorString(code).decode()


def _strings(values) -> ctypes.Array:
    """Returns an array of C strings."""
    values = list(values)
    return (ctypes.c_char_p * len(values))(*values)
