"""Which articles of a run are copies: a second phase over its parts that writes `duplicates.parquet`, deletes nothing.

Texts are compared folded to Simplified and without punctuation, so a story that was reprinted in the other script is
found. What each part comes down to, its sketch, is made by all workers; one process finds the copies in them.
Signatures and names lie on its disk; in memory are about 60 bytes for each article.
"""

from __future__ import annotations

import json
import re
import shutil
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from pipeline.dumps.manifest import DUPLICATES
from pipeline.dumps.shards import rows_of, write_table
from pipeline.errors import TaowenError
from pipeline.folders import Folder, Where, folder_of
from pipeline.script.fold import fold

__all__ = ["Copies", "Sketch", "find_copies", "sketch", "sketch_of_part", "write_duplicates"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

SHINGLE = 5
"""Characters. Shorter ones are shared by articles on one subject, longer ones break with every edited word."""
PERMUTATIONS = 128
ROWS = 4
"""Of a band: two articles that share half of their shingles meet in one of the 32 bands in 87 of 100 cases, those that
share a fifth, as articles on one subject may, in 5."""
SIMILAR = 0.4
"""Pairs that meet are copies from this share of equal values of their signatures on; its standard error is .04. Of
reprints of 4,820 articles of news-pool (`make bench`, part copies) edited ones are found in 98% of cases, edited and in
the other script 99%, the first half of an article 89%, the first 30% in 1%; at .5: 98%, 99%, 58%, 0%. All pairs that
were joined beside them (18, and 16 at .5) share more than half of their shingles: true reprints."""
SHORTEST = 50
"""Characters. Of shorter texts only equal ones are copies."""
COLUMNS = {
    "id": "string",
    "input": "string",
    "position": "int64",
    "cluster": "int64",
    "representative": "string",
    "copy": "bool",
}
"""Of `duplicates.parquet`: see `write_duplicates`."""
_TEXT = re.compile(r"[\W_]+")


class Copies:
    """Groups of articles by number: the first of a group, in the order in which they came, stands for it."""

    def __init__(self, number: int) -> None:
        self._first = np.arange(number, dtype=np.int64)

    def first(self, one: int) -> int:
        """Return the article that stands for this one."""
        root = one
        while self._first[root] != root:
            root = int(self._first[root])
        while self._first[one] != root:
            self._first[one], one = root, int(self._first[one])
        return root

    def join(self, one: int, other: int) -> None:
        """Say that two articles are copies."""
        a, b = self.first(one), self.first(other)
        self._first[max(a, b)] = min(a, b)

    def groups(self) -> Array:
        """Return for each article the one that stands for it, itself where there is no other."""
        return np.array([self.first(one) for one in range(len(self._first))], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What of some articles is needed to find their copies: about 600 bytes for each."""

    names: tuple[bytes, ...]
    """JSON: id, input and position; none where only the texts are known."""
    exact: Array
    """A digest of each key, shape `(n_articles,)`, uint64."""
    near: Array
    """The places here of those that are long enough for a signature, shape `(n_long,)`, int64."""
    signatures: Array
    """Shape `(n_long, PERMUTATIONS)`, uint32."""


def sketch(texts: Iterable[str], names: Sequence[bytes] = ()) -> Sketch:
    """Return the sketch of some texts, in either script."""
    from rensa import RMinHash

    exact, near = array("Q"), array("q")
    signatures = bytearray()
    for number, text in enumerate(texts):
        key = _TEXT.sub("", fold(text)).lower()
        exact.append(int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"))
        if len(key) < SHORTEST:
            continue
        signature = RMinHash(num_perm=PERMUTATIONS, seed=1)
        signature.update([key[at : at + SHINGLE] for at in range(len(key) - SHINGLE + 1)])
        signatures += np.array(signature.digest(), dtype="<u4").tobytes()
        near.append(number)
    shaped = np.frombuffer(bytes(signatures), dtype="<u4").reshape(-1, PERMUTATIONS)
    return Sketch(tuple(names), np.array(exact, dtype=np.uint64), np.array(near, dtype=np.int64), shaped)


def sketch_of_part(out: Where, part: str) -> Sketch:
    """Return the sketch of the articles of a part, which may be anyone's work: it depends on the part alone.

    Raises:
        TaowenError: the part cannot be read.
    """
    names: list[bytes] = []

    def texts() -> Iterator[str]:
        for row in _articles(folder_of(out), part):
            names.append(json.dumps([row["id"], row["input"], row["position"]]).encode("ascii"))
            yield row["text"]

    return replace(sketch(texts()), names=tuple(names))


def write_duplicates(out: Folder, sketches: Iterable[Sketch]) -> tuple[int, int]:
    """Find copies among the articles of a run and write them; return the number of groups and of articles in them.

    Args:
        out: the folder of the run, where `duplicates.parquet` is written, one row for each article that has a copy:
            id, input and position of its row, the number of its cluster, the id of the article that stands for the
            cluster, the first one in the run's order, and whether it is another one than that. Ids do not tell: those
            of files are their stems, and a crawl has many called index.
        sketches: of the parts of the run, in its order.
    """
    scratch = out.scratch()
    try:
        offsets = array("q", (0,))
        with (scratch / "names").open("wb") as names:

            def named() -> Iterator[Sketch]:
                for one in sketches:
                    for name in one.names:
                        names.write(name)
                        offsets.append(offsets[-1] + len(name))
                    yield one

            groups = find_copies(named(), scratch)
        return _write(out, scratch / "names", offsets, groups)
    finally:
        shutil.rmtree(scratch)


def find_copies(sketches: Iterable[Sketch], folder: Path) -> Array:
    """Return for each article the number of the one that stands for it: the first of its copies, or itself.

    Args:
        sketches: of the articles, in their order.
        folder: where signatures are kept meanwhile.
    """
    exact, near = array("Q"), array("q")
    with (folder / "signatures").open("wb") as file:
        for one in sketches:
            near.frombytes((one.near + len(exact)).tobytes())
            exact.frombytes(one.exact.tobytes())
            file.write(one.signatures.tobytes())
    copies = Copies(len(exact))
    for first, second in _equal_neighbours(np.frombuffer(exact, dtype=np.uint64)):
        copies.join(first, second)
    if near:
        numbers = np.frombuffer(near, dtype=np.int64)
        signatures = np.memmap(folder / "signatures", dtype="<u4", mode="r", shape=(len(near), PERMUTATIONS))
        for band in range(0, PERMUTATIONS, ROWS):
            values = np.ascontiguousarray(signatures[:, band : band + ROWS])
            # Two 64-bit halves mixed by odd constants: equal bands stay equal, others meet once in 10^19 pairs.
            halves = values.view("<u8").astype(np.uint64)
            mixed = halves[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ (halves[:, 1] * np.uint64(0xC2B2AE3D27D4EB4F))
            for first, second in _equal_neighbours(mixed):
                a, b = int(numbers[first]), int(numbers[second])
                if copies.first(a) == copies.first(b):
                    continue
                if np.mean(signatures[first] == signatures[second]) >= SIMILAR:
                    copies.join(a, b)
    return copies.groups()


def _equal_neighbours(values: Array) -> Iterator[tuple[int, int]]:
    """Yield pairs of places with equal values: each with the one before it, and with the first."""
    order = np.argsort(values, kind="stable")
    same = values[order][1:] == values[order][:-1]
    first = 0
    for place in np.flatnonzero(same):
        if not (place and same[place - 1]):
            first = int(place)
        yield int(order[place]), int(order[place + 1])
        if first != place:
            yield int(order[first]), int(order[place + 1])


def _articles(out: Folder, part: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a part that are articles."""
    try:
        for row in rows_of(out, part, ("id", "input", "position", "status", "text")):
            if row["status"] == "article":
                yield row
    except (OSError, ValueError, KeyError) as error:
        raise TaowenError(
            f"{out}/{part} cannot be read ({error}). Remove its receipt and run again to make it anew."
        ) from error


def _write(out: Folder, names: Path, offsets: array[int], groups: Array) -> tuple[int, int]:
    sizes = np.bincount(groups, minlength=len(groups))
    members = np.flatnonzero(sizes[groups] > 1) if len(groups) else np.array([], dtype=np.int64)
    clusters = {int(first): number for number, first in enumerate(dict.fromkeys(groups[members].tolist()))}

    with names.open("rb") as file:

        def told(number: int) -> list[Any]:
            file.seek(offsets[number])
            found: list[Any] = json.loads(file.read(offsets[number + 1] - offsets[number]))
            return found

        def rows() -> Iterator[dict[str, Any]]:
            for number in members.tolist():
                first = int(groups[number])
                id_, source, position = told(number)
                cluster = {"cluster": clusters[first], "representative": told(first)[0], "copy": number != first}
                yield {"id": id_, "input": source, "position": position, **cluster}

        write_table(out, DUPLICATES, rows(), COLUMNS)
    return len(clusters), len(members)
