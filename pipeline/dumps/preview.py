"""What a run would do, told without doing it."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.dumps.local import Make, asked_for
from pipeline.dumps.manifest import MANIFEST, Manifest, resumed
from pipeline.dumps.shards import Format
from pipeline.dumps.status import of_tasks
from pipeline.errors import UsageError
from pipeline.folders import Where, folder_of
from pipeline.ingest.inputs import by_ending, find
from pipeline.places import is_address

__all__ = ["preview"]


def preview(
    inputs: Sequence[str], out: Where, make: Make, *, kind: Format, add: bool, force: bool, sample: int, workers: int
) -> str:
    """Return, for a person, what `run` with these arguments would read and write. Writes nothing.

    Raises:
        UsageError: `run` would refuse.
        InputError: an input is missing.
    """
    asked = asked_for(inputs, make(), kind=kind, sample=sample)
    there = folder_of(out).entries()
    exists = MANIFEST in there
    if exists and not force:
        begun = Manifest.load(out)
        manifest = resumed(str(out), begun, asked, add=add)
        found, _ = of_tasks(out, begun)
        new = len(manifest.tasks) - len(begun.tasks)
        state = f"goes on: {found.done} of {len(begun.tasks)} tasks are done" + (f", {new} are added" if new else "")
        done = found.counts.bytes
    else:
        if not inputs:
            Manifest.load(out)  # which says that there is none
        if not exists and there:
            raise UsageError(f"{out} is not empty and holds no run. Give a new or empty folder.")
        manifest = Manifest(kind, asked.options, asked.versions, asked.tasks(asked.files), sample)
        state = "throws away the run that is there and begins anew" if exists else "begins"
        done = 0
    tasks = manifest.tasks
    files = {(piece.name, piece.label): piece.size for task in tasks for piece in task.pieces}
    size = sum(task.bytes for task in tasks)
    read = f"{size / 1e6:.1f} MB, of which {(size - done) / 1e6:.1f} MB to read"
    largest = max(task.bytes for task in tasks)
    lines = [
        f"The run in {out} {state}.",
        f"files: {len(files)} ({by_ending(name for name, _ in files)}), {read}",
        f"tasks: {len(tasks)}, the largest {largest / 1e6:.1f} MB; {workers} at a time",
        f"parts: {kind}; versions: {', '.join(f'{name} {value}' for name, value in manifest.versions.items())}",
    ]
    if left := find([given for given in inputs if not is_address(given)]).passed_over:
        lines.insert(
            2, f"passed over in the folders: {len(left)} ({by_ending(left)}), which hold no pages that are read"
        )
    if sample:
        records = sum(task.records or 0 for task in tasks)
        lines.insert(2, f"sample: at most {records} records, the first ones of each task")
    return "\n".join([*lines, "Nothing was written."])
