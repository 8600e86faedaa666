"""Which articles tell the same story in the same words: reprints, also in the other script."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["clusters"]

SHINGLE = 5
"""Characters of a piece. Two reports of one event share some pieces, two printings of one report most."""

ALIKE = 0.5
"""Share of pieces in common (Jaccard) from which two articles are one story: a reprint is cut, or gets a preface."""

PERMUTATIONS = 64
"""Hash functions of MinHash: the share is estimated to within .06 (standard error of .5 by 64)."""

ROWS = 4
"""Values that two articles must share in one place to be compared: 16 such bands meet at a share of .5."""


def clusters(keys: Sequence[str]) -> list[int]:
    """Return for each article the number of the first one that tells its story: its own, unless it is a reprint.

    Args:
        keys: folded keys of articles (`pipeline.topics.features.key`), so that both scripts of a text are one.
            Keys of fewer than two pieces are nobody's reprint.
    """
    from rensa import RMinHash

    bands: dict[tuple[int, ...], list[int]] = {}
    sketches: list[RMinHash] = []
    first = list(range(len(keys)))
    for number, key in enumerate(keys):
        letters = "".join(key.split())
        pieces = sorted({letters[start : start + SHINGLE] for start in range(len(letters) - SHINGLE + 1)})
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=1)
        sketch.update(pieces)
        sketches.append(sketch)
        if len(pieces) < 2:
            continue
        values = sketch.digest()
        met: set[int] = set()
        for band in range(0, PERMUTATIONS, ROWS):
            same = bands.setdefault((band, *values[band : band + ROWS]), [])
            met.update(same)
            same.append(number)
        for other in sorted(met):
            if sketch.jaccard(sketches[other]) >= ALIKE:
                _join(first, number, other)
    return [_first(first, number) for number in range(len(keys))]


def _first(first: list[int], number: int) -> int:
    while first[number] != number:
        number = first[number]
    return number


def _join(first: list[int], one: int, other: int) -> None:
    low, high = sorted((_first(first, one), _first(first, other)))
    first[high] = low
