"""Captions of pictures: lines in a figure, lines that say so, lines doubled beside a picture, lines with its credit."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from pipeline.ingest import bylines
from pipeline.ingest.dates import DATE
from pipeline.ingest.infolines import SOURCE

__all__ = ["CREDIT", "CREDITED", "find_captions"]

CREDITED = re.compile(
    r"[（(](?!不?[含包]|即|[简下]称|暂|如)(?=[^（）()]*[^\W\d_])[^（）()，。]{2,14}(?<!大学)(?<!学院)(?<!研究[院所])[)）]$"
)
CREDIT = 100
"""Code points of a line above the first paragraph that is a caption if it ends with a credit in brackets."""


def find_captions(
    figures: Sequence[bool],
    kinds: Sequence[str],
    line: Callable[[int], tuple[str, str]],
    near: range,
    first_told: int,
    kept: Sequence[int],
    moved: Collection[int],
) -> tuple[tuple[str, ...], dict[int, tuple[str, str]]]:
    """Return the captions, and the blocks that leave the text for them.

    Args:
        figures: which blocks are captions by their markup (`Tree.figures`).
        kinds: of the noise rule that names each block, "" where none does.
        line: gives text and folded text of a block.
        near: blocks where captions are looked for.
        first_told: index of the first paragraph.
        kept: blocks that strip keeps.
        moved: blocks that are a field already.
    """
    found: dict[int, tuple[str, str]] = {}
    captions: dict[str, str] = {}
    for i in near:
        if i in moved or kinds[i] not in ("", "caption"):
            continue
        text, folded = line(i)
        size = len(folded)
        beside = [j for j in (i - 1, i + 1) if 0 <= j < len(kinds) and len(line(j)[1]) == size >= 8]
        marked = figures[i]
        if not (beside or marked or kinds[i] or (i <= first_told and size <= CREDIT)):
            continue
        doubled = any(line(j)[1] == folded for j in beside) and sum(map(folded.count, "。！？!?")) < 2
        if kinds[i] == "caption":
            # A last paragraph may end with its agency, as a caption does.
            opened = folded[0] in "▲▼△▽↑↓◤◢(（【[图" or len(folded) <= 40
            marked = marked or opened or (i <= first_told and len(folded) <= 120)
        marked = marked or (i <= first_told and size <= CREDIT and i + 1 in near and _is_credited(folded))
        if marked or doubled:
            found[i] = ("caption", "doubled line" if doubled and not marked else "caption")
            captions.setdefault(folded, text)
    # A photo series tells its story in captions: there they are the text.
    told = [i for i in kept if i in found]
    left = [i for i in kept if i not in found and i not in moved]
    if sum(len(line(i)[1]) for i in told) > 2 * sum(len(line(i)[1]) for i in left):
        for i in told:
            del found[i]
    return tuple(captions.values()), found


def _is_credited(folded: str) -> bool:
    """Whether a line ends with a picture's credit, and is not the line of date, source and author."""
    if not CREDITED.search(folded) or DATE.search(folded) or SOURCE.search(folded):
        return False
    return not bylines.is_byline(folded)
