"""How far a run is: while it works, and after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.dumps.counts import Counts
from pipeline.dumps.manifest import REPORT, Manifest
from pipeline.dumps.presence import Presence, present
from pipeline.dumps.tables import site_table
from pipeline.dumps.tasks import Receipt, Task, receipts
from pipeline.errors import UsageError
from pipeline.folders import Where, folder_of

_LISTED = 10
_WIDE = 100
"""Columns of a line of reasons."""

__all__ = ["Failure", "Status", "status", "to_text"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that could not be finished. None of its records is in the output or in the books."""

    task: str
    """Its number and id, as its files would be called."""
    inputs: tuple[str, ...]
    reason: str


@dataclass(slots=True)
class Status:
    """The books of a run, as far as it is done."""

    out: str
    tasks: int
    bytes: int
    """Of all inputs, as stored; `counts.bytes` are those of the tasks that are done."""
    versions: Mapping[str, str]
    options: Mapping[str, Any]
    """Of the processing, by name."""
    sample: int = 0
    """Records that were asked for; 0 for all. Of a sample `bytes` are those of the ranges that it is taken from."""
    done: int = 0
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0
    """Work of all processes in all launches, summed over the receipts."""
    failed: tuple[Failure, ...] = ()
    copies: tuple[int, int] | None = None
    """Clusters of copies and the articles in them; None where they were not looked for."""
    presence: Presence | None = field(default=None, compare=False)
    """Who worked on it at the moment; None where that was not asked."""

    @property
    def complete(self) -> bool:
        """Whether every task is done."""
        return self.done == self.tasks

    def add(self, receipt: Receipt) -> None:
        """Book a task that is done."""
        self.done += 1
        self.counts.merge(receipt.counts)
        self.seconds += receipt.seconds

    def to_dict(self) -> dict[str, Any]:
        """Return the report of the run. Of two runs over the same input, only `seconds` differs."""
        failed = [{"task": one.task, "inputs": list(one.inputs), "reason": one.reason} for one in self.failed]
        return {
            "tasks": self.tasks,
            "done": self.done,
            "failed": failed,
            **({} if self.copies is None else {"clusters": self.copies[0], "copies": self.copies[1]}),
            **self.counts.to_dict(),
            "sample": self.sample,
            "options": dict(self.options),
            "versions": dict(self.versions),
            "seconds": round(self.seconds, 3),
        }


def of_tasks(out: Where, manifest: Manifest) -> tuple[Status, list[Task]]:
    """Return the status of a run, its receipts booked in task order, and the tasks that are not done."""
    size = sum(task.bytes for task in manifest.tasks)
    found = Status(str(out), len(manifest.tasks), size, manifest.versions, manifest.options, manifest.sample)
    unfinished = []
    for task, receipt in zip(manifest.tasks, receipts(out, manifest.tasks, manifest.kind), strict=True):
        if receipt is None:
            unfinished.append(task)
        else:
            found.add(receipt)
    return found, unfinished


def status(out: Where) -> Status:
    """Return how far the run in the folder `out` is. Reads only; safe while the run works.

    Raises:
        UsageError: `out` is no run folder, or cannot be read.
    """
    try:
        found, _ = of_tasks(out, Manifest.load(out))
    except OSError as error:
        raise UsageError(f"{out} cannot be read: {error.strerror or error}.") from error
    try:
        report = json.loads(folder_of(out).read(REPORT))
        found.failed = tuple(Failure(one["task"], tuple(one["inputs"]), one["reason"]) for one in report["failed"])
        if "copies" in report:
            found.copies = report["clusters"], report["copies"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no report yet: the run works, or was stopped
    found.presence = present(out)
    return found


def to_text(found: Status) -> str:
    """Return a status for a terminal. Names and reasons may come from the input, so nothing unprintable passes."""
    counts = found.counts
    state = "finished" if found.complete else "not finished"
    if found.presence is not None and found.presence.state == "at work":
        processes = ", ".join(map(str, found.presence.processes))
        state = f"at work (process {processes})" if processes else "at work"
    size = f"{counts.bytes / 1e6:.1f} of {found.bytes / 1e6:.1f} MB of input"
    if found.sample:
        size = f"a sample of about {found.sample} records"
    lines = [
        f"{found.out}: {state}, {found.done} of {found.tasks} tasks, {size}",
        f"read {counts.read} = written {counts.written} + rejected {counts.rejected} + skipped {counts.skipped}",
    ]
    for title, numbers in (
        ("status", counts.status),
        ("script", counts.script),
        ("topics", counts.topic),
        (f"rejected (in {found.out}/rejects)", counts.reject_reason),
        ("skipped", counts.skip_reason),
    ):
        if numbers:
            lines += _listed(title, numbers)
    if found.copies is not None:
        clusters, articles = found.copies
        ending = "" if clusters == 1 else "s"
        lines.append(f"copies: {articles} articles in {clusters} cluster{ending}, in duplicates.parquet")
    if counts.site:
        lines += ["", *site_table(counts)]
    lines += [f"failed: task {one.task} ({', '.join(one.inputs[:3])}): {one.reason}" for one in found.failed]
    lines += _what_next(found)
    return "\n".join(_printable(line) for line in lines)


def _what_next(found: Status) -> list[str]:
    """Say whether somebody works on an unfinished run, and what resumes it."""
    resumes = f"To go on: the command that began the run, or 'taowen run --out {found.out}' with the same options."
    if found.complete or found.presence is None:
        return [] if found.complete else [resumes]
    last = found.presence.last
    done = "" if last is None else f"The last task was done at {datetime.fromtimestamp(last):%Y-%m-%d %H:%M:%S}."
    said = {
        "at work": done,
        "nobody": f"Nobody works on it now. {done} {resumes}",
        "unknown": f"Whether somebody works on it now cannot be told from here. {done} {resumes}",
    }
    return [" ".join(said[found.presence.state].split())] if said[found.presence.state] else []


def _listed(title: str, numbers: Mapping[str, int]) -> list[str]:
    """The most frequent first, ties by name; at most ten. Reasons that fill more than a line get one each."""
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    shown, rest = ordered[:_LISTED], ordered[_LISTED:]
    more = [f"and {sum(number for _, number in rest):,} others"] if rest else []
    line = f"{title}: {', '.join([*(f'{name} {number}' for name, number in shown), *more])}"
    if len(line) <= _WIDE:
        return [line]
    return [f"{title}:", *(f"{number:>9,}  {name}" for name, number in shown), *(f"{'':>11}{one}" for one in more)]


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
