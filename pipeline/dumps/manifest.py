"""What a run is: frozen in `manifest.json` when it first starts, compared whenever it starts again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from pipeline.dumps.shards import TEMPORARY, Format, write_whole
from pipeline.dumps.tasks import FOLDERS, Piece, Task
from pipeline.errors import UsageError
from pipeline.records import to_line

__all__ = ["MANIFEST", "REPORT", "Manifest", "clear", "open_run", "sweep"]

MANIFEST = "manifest.json"
REPORT = "report.json"
LAYOUT = 1
"""Of the run folder. A folder of another layout is not resumed."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A run: the tasks in input order and everything that decides their bytes."""

    kind: Format
    config: str
    """Digest of the configuration."""
    versions: Mapping[str, str]
    tasks: tuple[Task, ...]

    def save(self, out: Path) -> None:
        """Write the manifest of the run folder `out`."""
        tasks = [
            {"id": task.id, "pieces": [[p.label, p.name, p.size, p.start, p.end] for p in task.pieces]}
            for task in self.tasks
        ]
        head: dict[str, Any] = {"layout": LAYOUT, "format": self.kind, "config": self.config}
        write_whole(out / MANIFEST, to_line(head | {"versions": dict(self.versions), "tasks": tasks}))

    @classmethod
    def load(cls, out: Path) -> Manifest:
        """Read the manifest of a run folder. A piece's path is what it was when the run began.

        Raises:
            UsageError: `out` is no run folder, or one that this version cannot read.
        """
        try:
            data = json.loads((out / MANIFEST).read_bytes())
        except FileNotFoundError:
            raise UsageError(f"{out} is no folder of a run: it has no {MANIFEST}.") from None
        except (OSError, ValueError) as error:
            raise UsageError(f"{out / MANIFEST} cannot be read ({error}).") from error
        if not isinstance(data, dict) or data.get("layout") != LAYOUT or data.get("format") not in get_args(Format):
            raise UsageError(f"{out / MANIFEST} was written by another version of taowen. Give another folder.")
        tasks = tuple(
            Task(number, task["id"], tuple(Piece(label, label, *rest) for label, *rest in task["pieces"]))
            for number, task in enumerate(data["tasks"])
        )
        return cls(data["format"], data["config"], data["versions"], tasks)


def open_run(out: Path, wanted: Manifest, *, force: bool = False) -> Manifest:
    """Begin a run in the folder `out`, or go on with the one that is there. Return its manifest, with today's paths.

    Args:
        out: a folder that no other process works in.
        wanted: what the caller asks for now.
        force: empty a folder that holds another run.

    Raises:
        UsageError: the folder holds another run, or is no run folder, or cannot be written.
    """
    try:
        for stale in (*out.glob(f".{MANIFEST}{TEMPORARY[1:]}"), *out.glob(f".{REPORT}{TEMPORARY[1:]}")):
            stale.unlink()
        if (out / MANIFEST).exists():
            if force:
                clear(out)
            else:
                wanted = _resume(out, Manifest.load(out), wanted)
        elif any(out.iterdir()):
            raise UsageError(f"{out} is not empty and holds no run. Give a new or empty folder.")
        if not (out / MANIFEST).exists():
            wanted.save(out)
        for folder in FOLDERS:
            (out / folder).mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out} cannot be used as the folder of a run: {error.strerror or error}.") from error
    return wanted


def clear(out: Path) -> None:
    """Empty a run folder of what the run wrote, and of nothing else. The manifest goes last: a crash leaves a run."""
    for folder in reversed(FOLDERS):
        for path in sorted((out / folder).glob("*")):
            path.unlink()
    (out / REPORT).unlink(missing_ok=True)
    (out / MANIFEST).unlink(missing_ok=True)


def sweep(out: Path, unfinished: Sequence[Task]) -> None:
    """Remove what killed attempts left: temporary files, and parts and rejects of tasks that are not done."""
    stems = {task.stem for task in unfinished}
    for folder in FOLDERS:
        for path in (out / folder).iterdir():
            if path.match(TEMPORARY) or path.stem in stems:
                path.unlink(missing_ok=True)


def _resume(out: Path, begun: Manifest, wanted: Manifest) -> Manifest:
    """Return the run that was begun, if `wanted` is the same, to be read from where its files lie today."""
    changed = []
    if begun.kind != wanted.kind:
        changed.append(f"the format was {begun.kind} and is now {wanted.kind}")
    for name in sorted({*begun.versions, *wanted.versions}):
        was, now = begun.versions.get(name, ""), wanted.versions.get(name, "")
        if was != now:
            changed.append(f"the {name} was {was or 'none'} and is now {now or 'none'}")
    if begun.config != wanted.config:
        changed.append("the options are others")
    if not changed and [task.id for task in begun.tasks] != [task.id for task in wanted.tasks]:
        changed.append(_changed_files(begun, wanted))
    if changed:
        raise UsageError(
            f"{out} holds another run: {'; '.join(changed)}. Give a new folder, or the same command as before to "
            "resume, or --force to throw away what is there."
        )
    tasks = (
        replace(old, pieces=tuple(replace(a, path=b.path) for a, b in zip(old.pieces, new.pieces, strict=True)))
        for old, new in zip(begun.tasks, wanted.tasks, strict=True)
    )
    return replace(begun, tasks=tuple(tasks))


def _changed_files(begun: Manifest, wanted: Manifest) -> str:
    was = {piece.name: piece for task in begun.tasks for piece in task.pieces}
    now = {piece.name: piece for task in wanted.tasks for piece in task.pieces}
    for name in sorted(was.keys() | now.keys()):
        if name not in now:
            return f"the input {was[name].label} is missing"
        if name not in was:
            return f"the input {now[name].label} is new"
        if was[name].size != now[name].size:
            return f"the input {now[name].label} had {was[name].size} bytes and has {now[name].size} now"
    return "the inputs are cut into other tasks, or come in another order"
