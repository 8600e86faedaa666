"""Words, by jieba's dictionary. The only place that knows jieba.

Traditional text is cut through its folded key, since the dictionary is mostly Simplified: the words are found in the
key and taken from the original at the same places. jieba's own global tokenizer is never touched, its HMM is off (it
is quadratic in a run of single characters: 40,000 equal ones take 11 s, without it 0.3 s), and its cache is neither
written nor read: that is a marshal file in the shared temporary folder, which anyone can put there. Building the
dictionary instead takes about a second, once a process.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.script.fold import fold

__all__ = ["spans", "words"]


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
