"""What a measurement stands on: the machine, the versions, and tables in Markdown."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

__all__ = ["BENCH", "ENGINES", "machine", "scored", "table", "versions"]

BENCH = Path("build/bench")
"""Where rows, environments and the report go."""
ENGINES = ("numpy", "scikit-learn", "scipy", "selectolax", "opencc", "jieba", "pyarrow")


def machine() -> str:
    """Return the processor, its cores, the system and the Python, in one line."""
    names = []
    place = Path("/proc/cpuinfo")
    if place.is_file():
        lines = place.read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def versions(names: Sequence[str] = ENGINES) -> str:
    """Return the versions of installed packages, in one line."""
    return ", ".join(f"{name} {version(name)}" for name in names)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; every column but the first is aligned to the right."""
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines)


def scored(tool: Path, *arguments: str | Path) -> str | None:
    """Run a scoring tool that lies beside the development data and return what it prints; None where it is not."""
    if not tool.is_file():
        print(f"{tool} is not here; what it scores is left out.")
        return None
    done = subprocess.run([sys.executable, tool, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.rstrip()
