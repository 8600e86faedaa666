"""Compile the kernels, as the build of every wheel and every editable install does (`hatch_build.py`).

The compiler is `zig cc`, which is a package: the same on every machine, and the library runs on any Linux since 2018,
macOS and Windows of its kind of processor. What only a build needs is imported there: every process that loads the
kernels asks this module for their digest.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

__all__ = ["LIBRARY", "compile_kernels", "sources_digest", "wheel_tag"]

_HERE = Path(__file__).parent
LIBRARY = {"darwin": "kernels.dylib", "win32": "kernels.dll"}.get(sys.platform, "kernels.so")
_SOURCES = (
    *("kernels.h", "flatten.c", "rules.c", "words.c", "blocks.c", "shares.c", "judge.c"),
    *("splices.h", "fluency.c", "glance.c", "phrases.c", "pieces.c", "fold.c", "tags.c"),
)
_GLIBC = "2.28"
"""The oldest C library of Linux that the kernels run with, as pip's manylinux_2_28 promises."""


def sources_digest() -> str:
    """Return the digest of the C sources, which the library tells too."""
    digest = hashlib.blake2b(digest_size=6)
    for name in _SOURCES:
        digest.update((_HERE / name).read_bytes())
    return digest.hexdigest()


def _machine() -> str:
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(_here().lower(), _here().lower())


def _here() -> str:
    import platform

    return platform.machine()


def _target() -> str:
    """Return what to compile for, as zig names it."""
    if sys.platform == "darwin":
        return f"{_machine()}-macos.11.0"
    if sys.platform == "win32":
        return f"{_machine()}-windows-gnu"
    return f"{_machine()}-linux-musl" if _is_musl() else f"{_machine()}-linux-gnu.{_GLIBC}"


def _is_musl() -> bool:
    import platform

    return platform.libc_ver()[0] != "glibc"


def compile_kernels() -> Path:
    """Compile the sources beside this file and return the library.

    Raises:
        RuntimeError: the compiler is missing, or has something against the sources.
    """
    import subprocess

    library = _HERE / LIBRARY
    made = library.with_suffix(".new")
    # No contraction: a fused multiply-add would give other last bits on some machines.
    flags = ["-std=c11", "-O3", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"]
    sources = [str(_HERE / name) for name in _SOURCES if name.endswith(".c")]
    command = [sys.executable, "-m", "ziglang", "cc", "-shared", "-s", "-target", _target(), *flags]
    command += [f'-DSOURCES="{sources_digest()}"', "-o", str(made), *sources]
    command += ["-lm"] if sys.platform != "win32" else []
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode:
        raise RuntimeError(f"the kernels were not compiled: {told.stderr.strip()[-2000:]}")
    made.replace(library)
    return library


def wheel_tag() -> str:
    """Return the tag of a wheel with the library: any Python 3, this machine."""
    if sys.platform == "linux":
        libc = "musllinux_1_2" if _is_musl() else f"manylinux_{_GLIBC.replace('.', '_')}"
        return f"py3-none-{libc}_{_machine()}"
    if sys.platform == "darwin":
        return f"py3-none-macosx_11_0_{_here()}"
    return f"py3-none-win_{_here().lower()}"


if __name__ == "__main__":  # after a change of the sources: python -m pipeline.native.build
    print(compile_kernels())
