"""Conversion of text for publishing, by OpenCC: characters, phrases and regional words. It may change the length.

A page is converted line by line, since pages mix scripts: what is in the wanted script already is not touched.
OpenCC's `tw2sp` changes 3,030 of 46,412 lines of Simplified news (建立 to 创建), and `s2t` takes the Traditional 皇后
for a Simplified word. Who asks for one of OpenCC's configurations by its name gets what OpenCC gives, of all the text.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import data_path
from pipeline.errors import UsageError
from pipeline.script.fold import fold
from pipeline.script.identify import HANS, HANT, Region, Script, classify, identify
from pipeline.script.lexicon import Lexicon
from pipeline.script.offsets import Edit, Offsets, align
from pipeline.script.runs import Run, Window, runs, windows
from pipeline.script.variants import Place, rename

__all__ = ["TARGETS", "Change", "Converted", "changes", "configurations", "convert", "convert_with_offsets"]

TARGETS = ("zh-Hans", "zh-Hant", "zh-Hant-TW", "zh-Hant-HK")
"""What `convert` converts to, beside `configurations()`."""

_TO_HANS: dict[Region, tuple[str, ...]] = {"TW": ("tw2sp",), "HK": ("hk2s",)}
"""OpenCC's configurations for Traditional text of a known region; `t2s` for others. `tw2sp` also changes words
(軟體 to 软件), which is right only where the text is Taiwan's (程序 is another word in Hong Kong)."""
_FROM_HANS = {"zh-Hant": ("s2t",), "zh-Hant-TW": ("s2twp",), "zh-Hant-HK": ("s2hk",)}
_TO_STANDARD: dict[Region, tuple[str, ...]] = {"TW": ("tw2t",), "HK": ("hk2t",)}
_FROM_STANDARD = {"zh-Hant-TW": ("t2tw",), "zh-Hant-HK": ("t2hk",)}
_UNTAKEN = re.compile("([\0\ud800-\udfff]+)")
"""What must not reach OpenCC: it takes UTF-8, which has no lone surrogates, and older versions end at a NUL."""

_PRIVATE = re.compile("[\U0010f000-\U0010fffd]")
_NAMES: dict[str, Place] = {"zh-Hans": "CN", "zh-Hant-TW": "TW", "zh-Hant-HK": "HK"}
"""Whose names a target has, where they are asked for. `zh-Hant` is no region."""
_NAMES_BY_CONFIG: dict[str, Place] = {"s": "CN", "sp": "CN", "tw": "TW", "twp": "TW", "hk": "HK", "hkp": "HK"}
"""The same for a configuration, by what stands behind its 2. `t` and `jp` are none."""
_IN_PLACE = frozenset(("hk2s", "hk2t", "jp2t", "s2hk", "s2t", "s2tw", "t2hk", "t2jp", "t2s", "t2tw", "tw2s", "tw2t"))
"""Configurations all of whose dictionaries keep the number of code points, so that nothing moves. A test asks the
installed dictionaries."""

_NEIGHBOUR = re.compile("[\u3041-\u3096\u30a1-\u30fa\uac00-\ud7af]")
"""Kana and Hangul: the Han characters beside them are not Chinese ones. In English or Russian without them they are:
subtitles in two languages, a letter with an address."""
_GROWN = 6
"""Characters round an edit among which the word is looked for that made it. Longer ones are few."""

_Step = Literal["keep", "whole", "runs"]
_Kind: TypeAlias = Literal["characters", "phrase", "words", "names"]


@dataclass(frozen=True, slots=True)
class Converted:
    """A converted text, and where everything went."""

    text: str
    offsets: Offsets
    """From the given text to `text`, in code points: `offsets.there(start, end)`, and `back` from `text`."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that conversion changed, and what for."""

    start: int
    """Where it stands in the given text."""
    end: int
    old: str
    new: str
    kind: _Kind
    """`characters`: what the rule makes of this character wherever it stands; `phrase`: what it makes of it between
    these neighbours; `words`: other characters, not only another script; `names`: by `data/variants.tsv`."""
    rule: str
    """OpenCC's configurations, or the region whose names these are."""


@cache
def _converter(config: str, process: int) -> Callable[[str], str]:
    """Return OpenCC's conversion. `process` is part of the key, so that a fork makes its own."""
    import opencc

    converter: Any = opencc.OpenCC(config)

    def converted(text: str) -> str:
        return str(converter.convert(text))

    return converted


class _Usage(NamedTuple):
    """What one of OpenCC's configurations is to leave alone, or to write otherwise."""

    words: Lexicon
    written: dict[str, str | None]
    """What is written for a word, by its key; None for a longer word that OpenCC is right about."""
    after: Callable[[str], str]
    """Brings OpenCC's answer to the style of the region's press."""


_USAGE = {
    "tw2sp": ("CN", "tw2s", ("zh-Hans",)),
    "s2twp": ("TW", "s2tw", ("zh-Hant", "zh-Hant-TW")),
    "s2hk": ("HK", "s2hk", ("zh-Hant", "zh-Hant-HK")),
    "s2t": ("", "s2t", ("zh-Hant",)),
}
"""Configurations that are corrected: the region of the words in `kept.tsv`, the configuration that converts those
words' characters only, and which rows of `usage.tsv` hold."""
_MARKS = 0x10F000
"""Where the private characters begin that stand for kept words while OpenCC has the text."""


@cache
def _usage(config: str) -> _Usage | None:
    if config not in _USAGE:
        return None
    region, plain, targets = _USAGE[config]
    written: dict[str, str | None] = {}
    for line in data_path("kept.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            place, word, _, counts = line.split("\t")
            if place == region:
                written[word] = _convert((plain,), word) if counts else None
    styles: dict[str, str | None] = {}
    for line in data_path("usage.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            to, when, what, form, _ = line.split("\t")
            if to in targets:
                (styles if when == "after" else written)[what] = form
    if not styles:
        return _Usage(Lexicon(written), written, str)
    pattern = re.compile("|".join(sorted(styles, key=lambda what: (-len(what), what))))
    return _Usage(Lexicon(written), written, lambda text: pattern.sub(lambda match: styles[match[0]] or match[0], text))


def _apply(configs: tuple[str, ...], text: str) -> str:
    """Convert, with the words kept that a region shares with its neighbours."""
    usage = _usage(configs[0])
    if usage is None:
        return _convert(configs, text)
    marked: list[str] = []
    kept: list[str] = []
    last = 0
    for place, words in usage.words.find(fold(text)):
        if place < last:
            continue
        form = usage.written[words[0]]
        if form is not None:
            marked += (text[last:place], chr(_MARKS + len(kept) % 0xFFE))
            kept.append(form)
        else:
            marked.append(text[last : place + len(words[0])])
        last = place + len(words[0])
    if not kept or _PRIVATE.search(text):  # a text with such characters of its own goes without
        return usage.after(_convert(configs, text))
    converted = _PRIVATE.split(_convert(configs, "".join([*marked, text[last:]])))
    pieces = [piece for pair in zip(converted, [*kept, ""], strict=True) for piece in pair]
    return usage.after("".join(pieces))


def _convert(configs: tuple[str, ...], text: str) -> str:
    """Convert by OpenCC, line breaks and what it must not see left out."""
    pieces = _UNTAKEN.split(text)
    for config in configs:
        converted = _converter(config, os.getpid())
        pieces[::2] = [converted(piece) if piece else "" for piece in pieces[::2]]
    return "".join(pieces)


def _inside(configs: tuple[str, ...], text: str, script: Literal["zh-Hans", "zh-Hant"]) -> Sequence[Run | Window]:
    """Return the runs of a script inside lines of the other.

    Their borders are asked for only where they matter: that takes twenty times as long as converting them does, and
    most of such pages have an old form of one character here and there (於, 後), with which nothing else changes.
    """
    found = windows(text, script)
    least = _apply(configs, "\n".join(text[one.start : one.end] for one in found)).split("\n")
    most = _apply(configs, "\n".join(text[one.low : one.high] for one in found)).split("\n")
    told = zip(found, least, most, strict=True)
    if all(text[one.low : one.start] + short + text[one.end : one.high] == long for one, short, long in told):
        return found
    return runs(text, script)


def _apply_to_runs(configs: tuple[str, ...], text: str, start: int, end: int, found: Sequence[Run | Window]) -> str:
    """Convert those of the runs of `text` that are in `start:end`, which is returned."""
    pieces: list[str] = []
    last = start
    for run in found[bisect_left(found, start, key=_start) : bisect_left(found, end, key=_start)]:
        pieces += (text[last : run.start], _apply(configs, text[run.start : run.end]))
        last = run.end
    return "".join(pieces) + text[last:end]


def _start(run: Run | Window) -> int:
    return run.start


def _steps(classes: NDArray[np.uint8], lines: list[str], foreign: int, native: int) -> list[_Step]:
    """Say for each line whether it is to be converted: whole, in its runs, or not.

    A line that tells nothing follows the text.
    """
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


def _by_line(foreign: int, native: int, configs: tuple[str, ...], text: str) -> str:
    """Convert what is in the script of class `foreign`; lines that go the same way, together."""
    classes = classify(text)
    if not (classes == foreign).any():
        return text
    if not (classes == native).any():
        return _apply(configs, text)
    lines = text.split("\n")
    steps = _steps(classes, lines, foreign, native)
    found = _inside(configs, text, "zh-Hans" if foreign == HANS else "zh-Hant") if "runs" in steps else ()
    converted: list[str] = []
    end = -1
    for step, group in groupby(zip(steps, lines, strict=True), key=lambda pair: pair[0]):
        members = "\n".join(line for _, line in group)
        start, end = end + 1, end + 1 + len(members)
        if step == "whole":
            converted.append(_apply(configs, members))
        elif step == "runs":
            converted.append(_apply_to_runs(configs, text, start, end, found))
        else:
            converted.append(members)
    return "\n".join(converted)


@dataclass(frozen=True, slots=True)
class _Pass:
    """A rule that changed the text."""

    rule: str
    before: str
    after: str
    apply: Callable[[str], str] | None
    """What the rule makes of a stretch by itself. None for names, whose edits are the names."""
    known: Offsets | None = None

    def offsets(self) -> Offsets:
        return align(self.before, self.after) if self.known is None else self.known


@cache
def configurations() -> tuple[str, ...]:
    """Return the names of the installed OpenCC's configurations: `hk2s`, `hk2sp`, `hk2t`, `jp2t`, ..., sorted."""
    import opencc

    return tuple(sorted(name.removesuffix(".json") for name in opencc.CONFIGS))


def _passes(text: str, to: str, script: Script | None, names: bool) -> Iterator[_Pass]:
    """Yield each rule that changed the text, in turn."""
    named = to not in TARGETS
    if named and to not in configurations():
        raise UsageError(
            f"There is no conversion to '{to}'. Choose one of {', '.join(TARGETS)}, or of OpenCC's configurations: "
            f"{', '.join(configurations())}."
        )
    place = _NAMES_BY_CONFIG.get(to.rpartition("2")[2]) if named else _NAMES.get(to)
    if names and place is None:
        raise UsageError(f"Names belong to a region, and {to} is none. Choose one of {', '.join(_NAMES)}.")
    if named:
        after = _convert((to,), text)
        if after != text:
            yield _Pass(to, text, after, partial(_convert, (to,)), Offsets() if to in _IN_PLACE else None)
            text = after
    else:
        script = identify(text) if script is None else script
        if text.isascii() or _is_foreign(text, script):
            return
        for rule, step, configs in _steps_to(to, script):
            after = step(text)
            if after != text:
                yield _Pass(rule, text, after, partial(_apply, configs))
                text = after
    if names and place is not None:
        after, offsets = rename(text, place)
        if after != text:
            yield _Pass(place, text, after, None, offsets)


def _is_foreign(text: str, script: Script) -> bool:
    """Whether a text is Japanese or Korean, or in another language with some of that."""
    return script.script == "other" and (script.language in ("ja", "ko") or _NEIGHBOUR.search(text) is not None)


def _steps_to(to: str, script: Script) -> Iterator[tuple[str, Callable[[str], str], tuple[str, ...]]]:
    """Yield what is to be done for one of `TARGETS`: the rule, what it does to a text, and OpenCC's configurations."""
    if to == "zh-Hans":
        configs = _TO_HANS.get(script.region, ("t2s",))
        yield configs[0], partial(_by_line, HANT, HANS, configs), configs
        return
    configs = _FROM_HANS[to]
    yield configs[0], partial(_by_line, HANS, HANT, configs), configs
    elsewhere = script.script in ("zh-Hant", "mixed") and script.region != to.removeprefix("zh-Hant-")
    if elsewhere and to in _FROM_STANDARD:
        regional = _TO_STANDARD.get(script.region, ()) + _FROM_STANDARD[to]
        yield " ".join(regional), partial(_apply, regional), regional


def convert(text: str, to: str, script: Script | None = None, *, names: bool = False) -> str:
    """Return `text` in the script and the regional usage of `to`.

    Simplified text is returned as it is by `zh-Hans`, Traditional text by `zh-Hant`; `zh-Hant-TW` and `zh-Hant-HK`
    bring Traditional text of another or an unknown region to that region's characters. Japanese and Korean are not
    touched, and in English only what is Chinese. Line breaks, lone surrogates and NUL stay where they are.

    A configuration of OpenCC (`s2twp`, `t2jp`) converts all of the text as OpenCC does, whatever script and language it
    is in and without our corrections. It has to fit the text: `tw2sp` turns the mainland's 建立 into 创建.

    Args:
        text: any string.
        to: one of `TARGETS` or of `configurations()`.
        script: `identify(text)`, where the caller has it already, or what is known better. Configurations do not ask.
        names: write names and terms as the region does (`pipeline.script.variants`): 川普 becomes 特朗普 in zh-Hans.

    Raises:
        UsageError: `to` is no such target, or has no region for `names`.
    """
    for done in _passes(text, to, script, names):
        text = done.after
    return text


def convert_with_offsets(text: str, to: str, script: Script | None = None, *, names: bool = False) -> Converted:
    """Return what `convert` returns, with the offsets between the given text and the converted one.

    Where both have the same key nothing moved. Words that became longer or shorter are edits, each as a whole.

    Raises:
        UsageError: as `convert`.
    """
    offsets = Offsets()
    for done in _passes(text, to, script, names):
        offsets = offsets.then(done.offsets())
        text = done.after
    return Converted(text, offsets)


def changes(text: str, to: str, script: Script | None = None, *, names: bool = False) -> list[Change]:
    """Return everything that `convert` changes in `text`, rule by rule, each in order of place.

    Raises:
        UsageError: as `convert`.
    """
    told: list[Change] = []
    given = text
    offsets = Offsets()
    for done in _passes(text, to, script, names):
        before, after, step, apply = done.before, done.after, done.offsets(), done.apply
        last = 0
        words = [_word(edit, before, after, apply) if apply else edit for edit in step.edits]
        for edit in sorted([*words, *_characters(before, after, step)], key=lambda edit: (edit.start, -edit.end)):
            if edit.end <= last:
                continue  # a character of a word that is told already
            last = edit.end
            new = after[edit.new_start : edit.new_end]
            kind: _Kind = "words" if apply else "names"
            if apply and edit.end - edit.start == 1 == len(new) and edit not in words:
                kind = "characters" if apply(before[edit.start]) == new else "phrase"
            start, end = offsets.back(edit.start, edit.end)
            told.append(Change(start, end, given[start:end], new, kind, done.rule))
        offsets = offsets.then(step)
    return told


def _characters(old: str, new: str, offsets: Offsets) -> Iterator[Edit]:
    """Yield each character between the edits that is another one now."""
    here = there = 0
    for edit in (*offsets.edits, Edit(len(old), len(old), len(new), len(new))):
        for place in range(here, edit.start):
            other = there + place - here
            if old[place] != new[other]:
                yield Edit(place, place + 1, other, other + 1)
        here, there = edit.end, edit.new_end


def _word(edit: Edit, old: str, new: str, apply: Callable[[str], str]) -> Edit:
    """Return the least stretch round `edit` that the rule converts by itself as it did here: 軟體 for 體."""
    for grown in range(_GROWN + 1):
        for left in range(min(grown, edit.start, edit.new_start) + 1):
            wide = Edit(edit.start - left, edit.end + grown - left, edit.new_start - left, edit.new_end + grown - left)
            if apply(old[wide.start : wide.end]) == new[wide.new_start : wide.new_end]:
                return wide
    return edit
