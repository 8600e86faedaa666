"""Conversion of text for publishing, by OpenCC: characters, phrases and regional words. It may change the length.

A page is converted line by line, since pages mix scripts: what is in the wanted script already is not touched.
OpenCC's `tw2sp` changes 3,030 of 46,412 lines of Simplified news (建立 to 创建), and `s2t` takes the Traditional 皇后
for a Simplified word.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache
from itertools import groupby
from typing import Any, Literal

import numpy as np

from pipeline.errors import UsageError
from pipeline.script.identify import HANS, HANT, Region, Script, classify, identify, runs

__all__ = ["TARGETS", "convert"]

TARGETS = ("zh-Hans", "zh-Hant", "zh-Hant-TW", "zh-Hant-HK")
"""What `convert` converts to."""

_TO_HANS: dict[Region, tuple[str, ...]] = {"TW": ("tw2sp",), "HK": ("hk2s",)}
"""OpenCC's configurations for Traditional text of a known region; `t2s` for others. `tw2sp` also changes words
(軟體 to 软件), which is right only where the text is Taiwan's (程序 is another word in Hong Kong)."""
_FROM_HANS = {"zh-Hant": ("s2t",), "zh-Hant-TW": ("s2twp",), "zh-Hant-HK": ("s2hk",)}
_TO_STANDARD: dict[Region, tuple[str, ...]] = {"TW": ("tw2t",), "HK": ("hk2t",)}
_FROM_STANDARD = {"zh-Hant-TW": ("t2tw",), "zh-Hant-HK": ("t2hk",)}
_UNTAKEN = re.compile("([\0\ud800-\udfff]+)")
"""What must not reach OpenCC: it takes UTF-8, which has no lone surrogates, and older versions end at a NUL."""

_Step = Literal["keep", "whole", "runs"]


@cache
def _converter(config: str, process: int) -> Callable[[str], str]:
    """Return OpenCC's conversion. `process` is part of the key, so that a fork makes its own."""
    import opencc

    converter: Any = opencc.OpenCC(config)

    def converted(text: str) -> str:
        return str(converter.convert(text))

    return converted


def _apply(configs: tuple[str, ...], text: str) -> str:
    pieces = _UNTAKEN.split(text)
    for config in configs:
        converted = _converter(config, os.getpid())
        pieces[::2] = [converted(piece) if piece else "" for piece in pieces[::2]]
    return "".join(pieces)


def _apply_to_runs(configs: tuple[str, ...], line: str) -> str:
    """Convert the stretches of `line` in its minority script."""
    pieces: list[str] = []
    last = 0
    for run in runs(line):
        pieces += (line[last : run.start], _apply(configs, line[run.start : run.end]))
        last = run.end
    return "".join(pieces) + line[last:]


def _steps(text: str, lines: list[str], foreign: int, native: int) -> list[_Step]:
    """Say for each line whether it is to be converted: whole, in its runs, or not.

    A line that tells nothing follows the text, and a text that tells nothing is kept.
    """
    classes = classify(text)
    lengths = np.array([len(line) + 1 for line in lines])
    starts = np.cumsum(lengths) - lengths
    padded = np.append(classes, 0)
    foreigners = np.add.reduceat(padded == foreign, starts, dtype=np.int64)
    natives = np.add.reduceat(padded == native, starts, dtype=np.int64)
    silent: _Step = "whole" if foreigners.sum() > natives.sum() else "keep"
    steps: list[_Step] = []
    for strange, own in zip(foreigners.tolist(), natives.tolist(), strict=True):
        if not strange:
            steps.append("keep" if own else silent)
        else:
            steps.append("whole" if strange >= own else "runs")
    return steps


def _by_line(text: str, foreign: int, native: int, configs: tuple[str, ...]) -> str:
    """Convert what is in the script of class `foreign`; lines that go the same way, together."""
    lines = text.split("\n")
    steps = _steps(text, lines, foreign, native)
    converted: list[str] = []
    for step, group in groupby(zip(steps, lines, strict=True), key=lambda pair: pair[0]):
        members = [line for _, line in group]
        if step == "whole":
            converted.append(_apply(configs, "\n".join(members)))
        elif step == "runs":
            converted += [_apply_to_runs(configs, line) for line in members]
        else:
            converted += members
    return "\n".join(converted)


def convert(text: str, to: str, script: Script | None = None) -> str:
    """Return `text` in the script and the regional usage of `to`.

    Simplified text is returned as it is by `zh-Hans`, Traditional text by `zh-Hant`; `zh-Hant-TW` and `zh-Hant-HK`
    bring Traditional text of another or an unknown region to that region's characters. Japanese, Korean and English
    are not touched. Line breaks, lone surrogates and NUL stay where they are.

    Args:
        text: any string.
        to: one of `TARGETS`.
        script: `identify(text)`, where the caller has it already, or what is known better.

    Raises:
        UsageError: `to` is no such target.
    """
    if to not in TARGETS:
        raise UsageError(f"There is no conversion to '{to}'. Choose one of {', '.join(TARGETS)}.")
    script = identify(text) if script is None else script
    if script.script == "other" or text.isascii():
        return text
    if to == "zh-Hans":
        return _by_line(text, HANT, HANS, _TO_HANS.get(script.region, ("t2s",)))
    text = _by_line(text, HANS, HANT, _FROM_HANS[to])
    if script.script not in ("zh-Hant", "mixed") or script.region == to.removeprefix("zh-Hant-"):
        return text
    if to in _FROM_STANDARD:
        return _apply(_TO_STANDARD.get(script.region, ()) + _FROM_STANDARD[to], text)
    return text
