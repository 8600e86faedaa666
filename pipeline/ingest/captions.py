"""Captions of pictures: lines in a figure, lines that say so, lines doubled beside a picture, lines with its credit."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

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
    texts: Sequence[str],
    lines: Sequence[str],
    near: range,
    first_told: int,
    kept: Sequence[int],
    moved: Collection[int],
) -> tuple[tuple[str, ...], dict[int, tuple[str, str]]]:
    """Return the captions, and the blocks that leave the text for them.

    Args:
        figures: which blocks are captions by their markup (`Tree.figures`).
        kinds: of the noise rule that names each block, "" where none does.
        texts: of the blocks.
        lines: their folded texts.
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
        line, above = lines[i], i <= first_told
        if (
            figures[i]
            or (kinds[i] and _is_captioned(line, above=above))
            or (above and i + 1 in near and _is_credited(line))
        ):
            found[i] = ("caption", "caption")
        elif (line in lines[i - 1 : i] or line in lines[i + 1 : i + 2]) and _is_short(line):
            found[i] = ("caption", "doubled line")
        else:
            continue
        captions.setdefault(line, texts[i])
    # A photo series tells its story in captions: there they are the text.
    told = [i for i in kept if i in found]
    if told:
        left = [i for i in kept if i not in found and i not in moved]
        if sum(len(lines[i]) for i in told) > 2 * sum(len(lines[i]) for i in left):
            for i in told:
                del found[i]
    return tuple(captions.values()), found


def _is_captioned(line: str, *, above: bool) -> bool:
    """Whether a line that a rule calls a caption is one: a last paragraph may end with its agency as well."""
    return line[0] in "▲▼△▽↑↓◤◢(（【[图" or len(line) <= 40 or (above and len(line) <= 120)


def _is_credited(line: str) -> bool:
    """Whether a line ends with a picture's credit, and is not the line of date, source and author."""
    if len(line) > CREDIT or line[-1] not in ")）" or not CREDITED.search(line):
        return False
    return not (DATE.search(line) or SOURCE.search(line) or bylines.is_byline(line))


def _is_short(line: str) -> bool:
    """Whether a line that stands beside its copy may be a caption: a paragraph tells more, a button less."""
    return len(line) >= 8 and sum(map(line.count, "。！？!?")) < 2
