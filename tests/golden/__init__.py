"""The golden run: every row of the sample dump as it was when somebody last looked at it and found it right.

`python -m tests.golden`, from the repository root, shows what changed and writes `sample.jsonl` again. Read the change
before it is committed: it is what users will see.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any

__all__ = ["FILE", "changes", "golden_lines"]

HERE = Path(__file__).resolve().parent
FILE = HERE / "sample.jsonl"
SHOWN = 70
"""Characters of a changed value that are shown, from a little before the first difference."""


def golden_lines() -> Iterator[bytes]:
    """Yield one line for each record of the sample dump, rejects and skips too, with `versions` left empty.

    Inputs are named from the repository root, so the lines are the same wherever it lies.
    """
    from pipeline.article import Reject, Skip
    from pipeline.ingest.inputs import expand
    from pipeline.ingest.read import read
    from pipeline.process import Process, ProcessConfig
    from pipeline.records import reject_record, to_line

    with chdir(HERE.parent.parent):
        sources = expand(["corpora/sample"])
        for result in Process(ProcessConfig()).rows(page for source in sources for page in read(source)):
            if isinstance(result, Reject):
                yield to_line({"rejected": reject_record(result)})
            elif isinstance(result, Skip):
                told = {"input": result.input, "position": result.position, "reason": result.reason}
                yield to_line({"skipped": told})
            else:
                yield to_line(result | {"versions": dict.fromkeys(result["versions"], "")})


def changes(was: Sequence[bytes], now: Sequence[bytes]) -> list[str]:
    """Return what changed from one golden run to another: page, field, and the two values where they part."""
    before, after = _by_name(was), _by_name(now)
    told = []
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            told.append(f"{name}: is missing")
        elif name not in before:
            told.append(f"{name}: is new")
        else:
            told += [f"{name}: {difference}" for difference in _differences(before[name], after[name])]
    if not told and list(was) != list(now):
        told.append("the same rows in another order, or other bytes for the same values")
    return told


def _by_name(lines: Sequence[bytes]) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for line in lines:
        row = json.loads(line)
        inner = row.get("rejected") or row.get("skipped") or row
        rows[f"{os.path.basename(inner['input'])}:{inner['position']} {inner.get('id', '')}".strip()] = row  # noqa: PTH119
    return rows


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in old or key not in new:
            yield f"{key} is {'new' if key in new else 'gone'}"
        elif old[key] != new[key]:
            if key == "cuts":
                gone = [cut for cut in old[key] if cut not in new[key]]
                come = [cut for cut in new[key] if cut not in old[key]]
                yield f"cuts {len(old[key])} -> {len(new[key])}"
                yield from (f"  no more: {_cut(cut)}" for cut in gone[:5])
                yield from (f"  now: {_cut(cut)}" for cut in come[:5])
            else:
                yield f"{key} {_parted(_flat(old[key]), _flat(new[key]))}"


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(cut: Mapping[str, Any]) -> str:
    return f"{cut['start']}-{cut['end']} {cut['kind']} ({cut['reason']}) {cut['text'][:SHOWN]!r}"


def _parted(old: str, new: str) -> str:
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, same - 10)
    return f"differs from {same}: {old[start : start + SHOWN]!r} -> {new[start : start + SHOWN]!r}"
