"""Deduplication, on reprints made from news-pool: how many are found, and what is called a copy that is none."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.dumps.deduplicate import SHINGLE, find_copies, sketch
from pipeline.script.convert import convert
from pipeline.script.fold import fold
from pipeline.script.identify import identify

from .quality import records
from .report import table

__all__ = ["copies"]

EVERY = 8
"""Every so manieth article of the pool, of all its sources: about 5,000."""
LEAST = 200
"""Characters of an article that a reprint is made of."""
_SENTENCE = re.compile(r"[^。！？\n]*[。！？\n]+|[^。！？\n]+")


def _other_script(text: str, chance: random.Random) -> str:
    script = identify(text)
    return convert(text, "zh-Hans" if script.script == "zh-Hant" else "zh-Hant-TW", script)


def _edited(text: str, chance: random.Random) -> str:
    """One sentence in ten gone, one in ten with another beside it, names in brackets, other punctuation."""
    sentences = _SENTENCE.findall(text)
    told = []
    for sentence in sentences:
        fate = chance.random()
        if fate < 0.1:
            continue
        told.append(sentence)
        if fate > 0.9:
            told.append(chance.choice(sentences)[::-1])
    return "".join(told).replace("，", "、").replace("“", "「")


def _shortened(share: float) -> Callable[[str, random.Random], str]:
    return lambda text, chance: text[: int(len(text) * share)]


WAYS: dict[str, Callable[[str, random.Random], str]] = {
    "as it is": lambda text, chance: text,
    "in the other script": _other_script,
    "edited": _edited,
    "edited, in the other script": lambda text, chance: _other_script(_edited(text, chance), chance),
    "the first 80%": _shortened(0.8),
    "the first 60%": _shortened(0.6),
    "the first 50%": _shortened(0.5),
    "the first 30%": _shortened(0.3),
}


def _shingles(text: str) -> set[str]:
    key = re.sub(r"[\W_]+", "", fold(text)).lower()
    return {key[at : at + SHINGLE] for at in range(len(key) - SHINGLE + 1)}


def copies(data: Path) -> str:
    """Return the table of recall by kind of reprint, and precision."""
    pool = islice(records(data / "news-pool.jsonl.gz"), 0, None, EVERY)
    originals = [row["text"] for row in pool if len(row["text"]) >= LEAST]
    chance = random.Random(8)
    texts, kinds = list(originals), [""] * len(originals)
    ways = list(WAYS)
    source = list(range(len(originals)))
    for number, text in enumerate(originals):
        way = ways[number % len(ways)]
        texts.append(WAYS[way](text, chance))
        kinds.append(way)
        source.append(number)
    with TemporaryDirectory() as folder:
        start = time.process_time()
        groups = find_copies([sketch(texts)], Path(folder)).tolist()
        seconds = time.process_time() - start
    rows = []
    for way in ways:
        made = [number for number, kind in enumerate(kinds) if kind == way]
        found = sum(groups[number] == groups[source[number]] for number in made)
        rows.append((way, len(made), f"{found / len(made):.1%}"))
    # Among the originals there are true reprints: what was joined is looked at by what the texts share.
    joined = [(number, groups[number]) for number in range(len(originals)) if groups[number] != number]
    shared = []
    for one, other in joined:
        a, b = _shingles(texts[one]), _shingles(texts[other])
        shared.append(len(a & b) / max(1, min(len(a), len(b))))
    strange = sum(share < 0.5 for share in shared)
    clusters = sum(groups[number] != number for number in range(len(texts)))
    return (
        f"{table(('reprint', 'made', 'found'), rows)}\n\n"
        f"{len(originals)} articles and a reprint of each. {clusters} texts were joined to another; {len(joined)} of "
        f"them are articles of the pool joined to others of it: {len(joined) - strange} share half of the shorter "
        f"one's shingles or more, {strange} do not (precision {1 - strange / max(1, clusters):.2%}). "
        f"{1000 * seconds / len(texts):.2f} CPU ms a text."
    )
