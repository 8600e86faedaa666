"""What a run is: frozen in `manifest.json` when it first starts, compared whenever it starts again."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any, get_args

from pipeline.dumps.shards import Format
from pipeline.dumps.tasks import FOLDERS, Piece, Task, cut, sampled
from pipeline.errors import UsageError
from pipeline.folders import TEMPORARY, Folder, Where, folder_of
from pipeline.records import to_line

__all__ = ["DUPLICATES", "MANIFEST", "PAGE", "REPORT", "Asked", "Manifest", "clear", "open_run", "sweep", "told"]

MANIFEST = "manifest.json"
REPORT = "report.json"
PAGE = "report.html"
"""Where `taowen report` writes by default."""
DUPLICATES = "duplicates.parquet"
LAYOUT = 3
"""Of the run folder. A folder of another layout is not resumed."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A run: the tasks in input order and everything that decides their bytes."""

    kind: Format
    options: Mapping[str, Any]
    """Of the processing: see `pipeline.dumps.tasks.Processing`."""
    versions: Mapping[str, str]
    tasks: tuple[Task, ...]
    sample: int = 0
    """Records that were asked for; 0 for all."""

    def save(self, out: Folder) -> None:
        """Write the manifest of the run folder `out`."""
        tasks = [
            {"id": task.id, "pieces": [[p.label, p.name, p.size, p.digest, p.start, p.end] for p in task.pieces]}
            | ({} if task.records is None else {"records": task.records})
            for task in self.tasks
        ]
        head: dict[str, Any] = {
            "layout": LAYOUT,
            "format": self.kind,
            "options": dict(self.options),
            "sample": self.sample,
        }
        out.write(MANIFEST, to_line(head | {"versions": dict(self.versions), "tasks": tasks}))

    @classmethod
    def load(cls, out: Where) -> Manifest:
        """Read the manifest of a run folder. A piece's path is what it was when the run began.

        Raises:
            UsageError: `out` is no run folder, or one that this version cannot read.
        """
        place = f"{out}/{MANIFEST}"
        try:
            data = json.loads(folder_of(out).read(MANIFEST))
        except (FileNotFoundError, NotADirectoryError):
            raise UsageError(
                f"{out} is no folder of a run: it has no {MANIFEST}. 'taowen run INPUT --out DIR' makes one."
            ) from None
        except OSError as error:
            raise UsageError(f"{place} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise UsageError(
                f"{place} cannot be read ({error}). If it was cut short when the run began, --force begins it anew."
            ) from error
        if not isinstance(data, dict) or data.get("layout") != LAYOUT or data.get("format") not in get_args(Format):
            raise UsageError(f"{place} was written by another version of taowen. Give another folder.")
        tasks = tuple(
            Task(number, task["id"], tuple(Piece(p[0], *p) for p in task["pieces"]), task.get("records"))
            for number, task in enumerate(data["tasks"])
        )
        return cls(data["format"], data["options"], data["versions"], tasks, data["sample"])


@dataclass(frozen=True, slots=True)
class Asked:
    """What a launch asks for."""

    kind: Format
    options: Mapping[str, Any]
    versions: Mapping[str, str]
    identity: str
    """Of the processing."""
    files: tuple[Piece, ...]
    """Whole files; none for those that the run began with, where they lay."""
    task_bytes: int | None = None
    """For tasks that are new; see `pipeline.dumps.tasks.cut`."""
    sample: int = 0
    """See `pipeline.dumps.tasks.sampled`; 0 for all records."""

    def tasks(self, files: Sequence[Piece], first: int = 0) -> tuple[Task, ...]:
        """Return the tasks of some of the files."""
        found = cut(files, identity=self.identity, task_bytes=self.task_bytes, first=first)
        return tuple(sampled(found, self.sample) if self.sample else found)


def open_run(out: Folder, asked: Asked, *, add: bool = False, force: bool = False, shared: bool = False) -> Manifest:
    """Begin a run in the folder `out`, or go on with the one that is there. Return its manifest, with today's paths.

    Args:
        out: a folder that no other process works in.
        asked: what the caller asks for now.
        add: append the files that the run does not have yet.
        force: empty a folder that holds another run.
        shared: whether others may begin the same run at the same moment. They write the same manifest.

    Raises:
        UsageError: the folder holds another run, or is no run folder, or cannot be written.
    """
    try:
        there = out.entries()
        if not shared:
            stale = TEMPORARY if MANIFEST in there else f".{MANIFEST}{TEMPORARY[1:]}"
            for name in there:
                if fnmatch(name, stale):
                    out.remove(name)
        manifest = None
        if MANIFEST in there:
            if force:
                clear(out)
            else:
                begun = Manifest.load(out)
                manifest = resumed(str(out), begun, asked, add=add)
                if len(manifest.tasks) > len(begun.tasks):
                    manifest.save(out)
        elif any(not name.startswith(f".{MANIFEST}.") for name in there):
            raise UsageError(f"{out} is not empty and holds no run. Give a new or empty folder.")
        if manifest is None:
            manifest = Manifest(asked.kind, asked.options, asked.versions, asked.tasks(asked.files), asked.sample)
            manifest.save(out)
        out.make(*FOLDERS)
    except OSError as error:
        raise UsageError(f"{out} cannot be used as the folder of a run: {error.strerror or error}.") from error
    return manifest


def clear(out: Folder) -> None:
    """Empty a run folder of what the run wrote, and of nothing else. The manifest goes last: a crash leaves a run."""
    for folder in reversed(FOLDERS):
        for name in out.sizes(folder):
            out.remove(f"{folder}/{name}")
    for name in (REPORT, PAGE, DUPLICATES, MANIFEST):
        out.remove(name)


def sweep(out: Folder, unfinished: Sequence[Task], *, shared: bool = False) -> None:
    """Remove what killed attempts left: temporary files, and parts and rejects of tasks that are not done.

    Args:
        out: the folder of the run.
        unfinished: tasks that nobody else works on now.
        shared: whether others work on other tasks: their temporary files stay.
    """
    stems = {task.stem for task in unfinished}
    for folder in FOLDERS:
        for name in out.sizes(folder):
            temporary = fnmatch(name, TEMPORARY)
            mine = name.split(".")[1] in stems if temporary else name.partition(".")[0] in stems
            if mine or (temporary and not shared):
                out.remove(f"{folder}/{name}")


def resumed(out: str, begun: Manifest, asked: Asked, *, add: bool) -> Manifest:
    """Return the run that was begun, to be read from where its files lie today, with what `add` appends.

    Raises:
        UsageError: `asked` is another run.
    """
    changed = []
    if begun.kind != asked.kind:
        changed.append(f"the format was {begun.kind} and is now {asked.kind}")
    for before, after, what in ((begun.versions, asked.versions, "the"), (begun.options, asked.options, "the option")):
        for name in sorted({*before, *after}):
            was, now = before.get(name), after.get(name)
            if was != now:
                changed.append(f"{what} {name} was {told(was)} and is now {told(now)}")
    if begun.sample != asked.sample:
        changed.append(f"the sample was {begun.sample or 'everything'} and is now {asked.sample or 'everything'}")
    tasks = begun.tasks
    if not changed and asked.files and begun.sample:
        tasks = asked.tasks(asked.files)
        if [task.id for task in tasks] != [task.id for task in begun.tasks]:
            changed.append("the inputs have changed, or come in another order")
    elif not changed and asked.files:
        tasks, trouble = _matched(begun, asked, add=add)
        changed += trouble
    if changed:
        raise UsageError(
            f"{out} holds another run: {'; '.join(changed)}. Give a new folder, or the same command as before to "
            "resume, or --force to throw away what is there."
        )
    return replace(begun, tasks=tasks)


def _matched(begun: Manifest, asked: Asked, *, add: bool) -> tuple[tuple[Task, ...], list[str]]:
    """Return the tasks with today's paths and new ones behind them, or what keeps this from being the same run.

    A file is known by its name below the input root, its size and its content, wherever the root lies today.
    """
    begun_files = {(p.name, p.label): p for task in begun.tasks for p in task.pieces}
    there: dict[tuple[str, int, str], deque[str]] = {}
    for piece in begun_files.values():
        there.setdefault((piece.name, piece.size, piece.digest), deque()).append(piece.label)
    today: dict[tuple[str, str], str] = {}
    new = []
    for file in asked.files:
        labels = there.get((file.name, file.size, file.digest))
        if labels:
            today[file.name, labels.popleft()] = file.path
        elif not add or labels is None:  # else it is a copy of a file that the run has
            new.append(file)
    missing = {key: piece for key, piece in begun_files.items() if key not in today}
    namesakes = {piece.name: piece for piece in missing.values()} if not add else {}
    for file in new:
        was = missing.get((file.name, file.label)) or namesakes.get(file.name)
        if was is not None:
            return (), [_difference(was, file)]
    if not add and new:
        return (), [f"the input {new[0].label} is new (--add appends it)"]
    if not add and missing:
        one = next(iter(missing.values()))
        return (), [f"the input {one.label} is missing (without any input, a run goes on with those it has)"]
    tasks = tuple(
        replace(task, pieces=tuple(replace(p, path=today.get((p.name, p.label), p.label)) for p in task.pieces))
        for task in begun.tasks
    )
    return tasks + (asked.tasks(new, len(tasks)) if new else ()), []


def told(value: object) -> str:
    """Return the value of an option for a person."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return " ".join(f"{name}={one}" for name, one in value.items()) or "none"
    return str(value or "none")


def _difference(was: Piece, now: Piece) -> str:
    if was.size != now.size:
        return f"the input {now.label} had {was.size} bytes and has {now.size} now"
    return f"the input {now.label} has as many bytes as before, but others"
