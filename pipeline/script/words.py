"""Words, by jieba's dictionary. The only place that knows jieba.

Traditional text is cut through its folded key, since the dictionary is mostly Simplified: the words are found in the
key and taken from the original at the same places. jieba's own global tokenizer is never touched, its HMM is off (it
is quadratic in a run of single characters: 40,000 equal ones take 11 s, without it 0.3 s), and its cache is neither
written nor read: that is a marshal file in the shared temporary folder, which anyone can put there. Building the
dictionary instead takes about a second, once a process. Names and terms of the news that it lacks are added: with them
as without, F1 on the gold words of Universal Dependencies is .79 (GSD), .85 (HK) and .83 (PUD), all Traditional; cut as
it is, without the key, .57, .63 and .56.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.configure import data_path
from pipeline.script.fold import fold
from pipeline.script.variants import concepts

__all__ = ["domain_words", "spans", "words"]

_HAN = re.compile("[\u4e00-\u9fff]+")


_NAMES = frozenset({"company", "mineral", "person", "place", "weapon"})
"""Kinds of `variants.tsv` whose forms are one word each; bodies and treaties are several."""


@cache
def domain_words() -> tuple[str, ...]:
    """Return the words that jieba's dictionary lacks: the names of `variants.tsv` in all their forms, and `words.txt`.

    Keys, sorted. A form that is another word too is left to the dictionary.
    """
    known = {line for line in data_path("words.txt").read_text("utf-8").splitlines() if not line.startswith("#")}
    for concept in concepts():
        if concept.kind in _NAMES:
            known |= {fold(form) for forms in concept.forms.values() for form in forms} - concept.doubtful
    return tuple(sorted(word for word in known if len(word) > 1 and _HAN.fullmatch(word)))


@cache
def _cut() -> Callable[[str], Iterable[str]]:
    """Return jieba's cut with a dictionary of our own building."""
    with warnings.catch_warnings():
        # jieba imports pkg_resources, which setuptools says farewell to, and has escapes that Python 3.12 warns of.
        warnings.simplefilter("ignore")
        import jieba

    tokenizer: Any = jieba.Tokenizer()
    with Path(jieba.__file__).with_name("dict.txt").open("rb") as dictionary:
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(dictionary)
    tokenizer.initialized = True  # or it would look for its cache
    for word in domain_words():
        tokenizer.add_word(word)  # as frequent as it must be to be one word by itself

    def cut(key: str) -> Iterable[str]:
        found: Iterable[str] = tokenizer.cut(key, HMM=False)
        return found

    return cut


def spans(text: str, key: str | None = None) -> list[tuple[int, int]]:
    """Return the words of `text` as half-open spans of code points, one after the other without a gap.

    White space and marks are words of their own. The words are those of the text's key: both scripts are cut alike.

    Args:
        text: any string.
        key: `fold(text)`, where the caller has it already.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for word in _cut()(fold(text) if key is None else key):
        found.append((start, start + len(word)))
        start += len(word)
    return found


def words(text: str, key: str | None = None) -> list[str]:
    """Return the words of `text`, as `spans` finds them: `"".join(words(text)) == text`."""
    return [text[start:end] for start, end in spans(text, key)]
