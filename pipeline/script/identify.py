"""Which script, region and language a text is written in, each with its evidence or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import data_path
from pipeline.script.fold import code_points, fold
from pipeline.script.lexicon import Lexicon

__all__ = ["HANS", "HANT", "Region", "Run", "Script", "ScriptName", "classify", "identify", "runs"]

ScriptName: TypeAlias = Literal["zh-Hant", "zh-Hans", "mixed", "other", "none"]
Region: TypeAlias = Literal["TW", "HK", "CN", "SG", ""]

_Told: TypeAlias = Literal["TW", "HK", "CN", "SG", "MO", "MY"]
_REGIONS: tuple[_Told, ...] = ("TW", "HK", "CN", "SG")
_NEIGHBOURS: tuple[_Told, ...] = ("MO", "MY")
"""Regions that are told apart so that they are not taken for another, but not answered."""
_WRITE_HANS: tuple[_Told, ...] = ("CN", "SG", "MY")
"""Regions that write Simplified."""
_QUOTED = 3
"""Of their words this many count as one in a Traditional text: it quotes them (規模以上, 億元人民幣) more often than it
was converted."""
_OTHER, _HAN, HANT, HANS, _KANA, _HANGUL, _LATIN, _FOREIGN = range(8)
_RANGES: tuple[tuple[int, int, int], ...] = (
    (0x41, 0x5A, _LATIN),
    (0x61, 0x7A, _LATIN),
    (0xC0, 0x24F, _LATIN),
    (0x1E00, 0x1EFF, _LATIN),
    (0xFF21, 0xFF3A, _LATIN),
    (0xFF41, 0xFF5A, _LATIN),
    (0x370, 0x10FF, _FOREIGN),
    (0x1200, 0x1CFF, _FOREIGN),
    (0x1100, 0x11FF, _HANGUL),
    (0x3130, 0x318F, _HANGUL),
    (0xAC00, 0xD7AF, _HANGUL),
    (0x3041, 0x3096, _KANA),
    (0x30A1, 0x30FA, _KANA),
    (0x31F0, 0x31FF, _KANA),
    (0xFF66, 0xFF9F, _KANA),
    (0x3005, 0x3007, _HAN),
    (0x3400, 0x4DBF, _HAN),
    (0x4E00, 0x9FFF, _HAN),
    (0xF900, 0xFAFF, _HAN),
    (0x20000, 0x323AF, _HAN),
)
"""First and last code point of what a text is written with; blocks of Unicode 16, in our own table since the
interpreter's differ by version. Later rows win."""

_LETTERS_PER_WORD = 4
"""Latin letters that weigh as much as one Chinese character: an English word has about five letters and stands for one
or two characters. A judgement; only pages that are half in each language depend on it."""
_KANA_SHARE = 0.2
"""Share of kana among kana and Han characters from which a text is Japanese; Chinese has the odd の. At .15 one more
Chinese article of news-pool, which quotes Japanese at length, is taken for Japanese."""
_DOUBT = 0.01
"""Added to both counts for the confidence: one telling character alone gives .99. In strings of four characters of
news-pool it was right 39,198 times of 39,237; loose strings quote more."""
_MIXED_SHARE = 0.1
"""Share of the other script's telling characters from which a text is mixed: 30 of 39,656 articles of news-pool that
are labelled with one script."""
_MIXED_LEAST = 3
"""Telling characters of the other script that make a text mixed; one or two are a name or a slip (台湾, 内, 强)."""
_CANTONESE = frozenset("嘅咗喺哋嚟冇佢啲嘢咁嗰噉揾搵瞓攞唔乜嘥咩啱睇")
_CANTONESE_SHARE = 0.07
"""Share of Cantonese characters among Han characters from which a text is written Cantonese. 99.5% of news-pool's Hong
Kong articles have less than .054, those that quote much speech; Taiwanese ones have none."""
_ENGLISH = frozenset({"the", "of", "and", "to", "in", "is", "for", "on", "that", "with", "was", "are", "has"})
_REGION_WORDS = 2
"""Different words of a region that are needed to name it: one may be quoted."""
_REGION_LEAD = 3
"""How many times as many different words the region must have as the next one."""
_BRIDGE = 8
"""Characters of either script that a run of the minority script may bridge inside a clause. Phrases of 4 to 12
characters spliced into the clauses of news-pool's articles are found with the same F1 by character with 12."""
_REACH = 3
"""Characters of either script that a run inside a clause may take in at an end: half of those that lie between it and
the nearest character of the majority. F1 by character of such phrases is .81 (in Traditional articles; .76 in
Simplified) instead of .68 (.63) without; with all of those between .81 (.77), at a precision of .76 for .85. Words of
jieba in place of characters would give .83 (.79), for a second of loading."""
_REACH_TO_EDGE = 2
"""The same where the clause ends before any character of the majority: all of those between."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a text is written in. `region` is "" where nothing tells."""

    script: ScriptName
    """`mixed` has both scripts; `other` is in another language; `none` has no letters, or only characters that both
    scripts write alike (language "zh")."""
    confidence: float
    """In [0, 1]: how sure `script` is."""
    region: Region
    language: str
    """BCP 47: zh-Hant-TW, zh-Hant, zh, yue-Hant, ja, ko, en or und."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a text that is in the other script than the rest."""

    start: int
    end: int
    script: Literal["zh-Hant", "zh-Hans"]


@cache
def _classes() -> NDArray[np.uint8]:
    """Return the class of each code point, shape `(0x110000,)`."""
    classes = np.zeros(0x110000, dtype=np.uint8)
    for first, last, kind in _RANGES:
        classes[first : last + 1] = kind
    for line in data_path("scripts.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            name, characters = line.split("\t")
            classes[code_points(characters)] = HANT if name == "hant" else HANS
    return classes


def classify(text: str) -> NDArray[np.uint8]:
    """Return the class of each character, shape `(len(text),)`: `HANT` or `HANS` where it tells that script."""
    return _classes().take(code_points(text), mode="clip")


@cache
def _words() -> tuple[Lexicon, dict[str, _Told]]:
    """Return the words of `data/regions.tsv`, and the region of each."""
    regions: dict[str, _Told] = {}
    for line in data_path("regions.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            name, word, _ = line.split("\t")
            regions[word] = next(known for known in (*_REGIONS, *_NEIGHBOURS) if known == name)
    return Lexicon(regions), regions


def _region(key: str, script: ScriptName) -> Region:
    counts: dict[_Told, int] = dict.fromkeys((*_REGIONS, *_NEIGHBOURS), 0)
    lexicon, regions = _words()
    for word in {word for _, words in lexicon.find(key) for word in words}:
        counts[regions[word]] += 1
    if script == "zh-Hant":
        for region in _WRITE_HANS:
            counts[region] //= _QUOTED
    best, second = sorted(counts, key=lambda region: -counts[region])[:2]
    if counts[best] < max(_REGION_WORDS, _REGION_LEAD * counts[second]):
        return ""
    return "" if best == "MO" or best == "MY" else best


def _is_english(text: str) -> bool:
    return len(_ENGLISH.intersection(text[:4000].lower().split())) >= 2


def identify(text: str, key: str | None = None, context: str = "") -> Script:
    """Return what `text` is written in.

    Args:
        text: any string. From some ten characters on the answer is to be relied on; see `confidence`.
        key: `fold(text)`, where the caller has it already.
        context: more of the same page, such as its byline and its menus. It is asked for the region where `text`
            does not tell it, and for nothing else.
    """
    counts = np.bincount(classify(text), minlength=8).tolist()
    hant, hans = counts[HANT], counts[HANS]
    han = counts[_HAN] + hant + hans
    kana, hangul = counts[_KANA], counts[_HANGUL]
    words = counts[_LATIN] / _LETTERS_PER_WORD
    total = han + kana + hangul + words + counts[_FOREIGN]
    if not total:
        return Script("none", 1.0, "", "und")
    if kana >= 2 and kana >= _KANA_SHARE * (kana + han) and kana + han >= hangul + words:
        return Script("other", round((kana + han) / total, 4), "", "ja")
    if han < total / 2:
        if hangul > max(words, counts[_FOREIGN]):
            language = "ko"
        else:
            language = "en" if words > counts[_FOREIGN] and _is_english(text) else "und"
        return Script("other", round(1 - han / total, 4), "", language)
    if not hant + hans:
        return Script("none", 0.5, "", "zh")
    fewer, more = sorted((hant, hans))
    if fewer >= _MIXED_LEAST and fewer >= _MIXED_SHARE * (hant + hans):
        return Script("mixed", round(min(1.0, 0.5 + fewer / (hant + hans)), 4), "", "zh")
    script: ScriptName = "zh-Hant" if hant >= hans else "zh-Hans"
    confidence = round((more + _DOUBT) / (more + fewer + 2 * _DOUBT), 4)
    if sum(map(text.count, _CANTONESE)) >= _CANTONESE_SHARE * han:
        return Script(script, confidence, "", script.replace("zh", "yue"))
    region = _region(fold(text) if key is None else key, script)
    if not region and context:
        region = _region(fold(context), script)
    return Script(script, confidence, region, f"{script}-{region}" if region else script)


def _stretches(inside: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the stretches where `inside` holds, as half-open spans."""
    padded = np.concatenate(([False], inside, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _runs_inside(classes: NDArray[np.uint8], minority: int) -> list[tuple[int, int]]:
    """Return the runs of a clause that tells both scripts: its telling characters, and what belongs to them."""
    majority = HANT + HANS - minority
    places = np.flatnonzero(classes == minority).tolist()
    cores: list[tuple[int, int]] = []
    begin = previous = places[0]
    for place in places[1:]:
        gap = classes[previous + 1 : place]
        if len(gap) > _BRIDGE or (gap == majority).any():
            cores.append((begin, previous + 1))
            begin = place
        previous = place
    cores.append((begin, previous + 1))
    others = np.flatnonzero(classes == majority)
    found: list[tuple[int, int]] = []
    for number, (start, end) in enumerate(cores):
        behind, ahead = np.searchsorted(others, (start, end)).tolist()
        before = others[behind - 1] + 1 if behind else None
        after = others[ahead] if ahead < len(others) else None
        least = found[-1][1] if found else 0
        most = cores[number + 1][0] if number + 1 < len(cores) else len(classes)
        room = min(start, _REACH_TO_EDGE) if before is None else min(int(start - before) // 2, _REACH)
        space = _REACH_TO_EDGE if after is None else min(int(after - end) // 2, _REACH)
        found.append((max(least, start - room), min(most, end + space)))
    return found


def runs(text: str) -> list[Run]:
    """Return the stretches of `text` in the script that fewer of its characters tell, sorted and disjoint.

    A line, or else a clause (Han characters between marks), that tells nothing but the minority script is a run as a
    whole. Elsewhere a run goes from one telling character to another, over at most `_BRIDGE` that either script has,
    and a little beyond: what stands at its ends and tells nothing may be of either script, so the run has half of it.
    Offsets are code points. A text of one script has no runs.
    """
    classes = classify(text)
    hant, hans = int((classes == HANT).sum()), int((classes == HANS).sum())
    if not hant or not hans:
        return []
    minority, majority = (HANS, HANT) if hant >= hans else (HANT, HANS)
    script: Literal["zh-Hant", "zh-Hans"] = "zh-Hans" if minority == HANS else "zh-Hant"
    found: list[tuple[int, int]] = []
    for start, end in _stretches(code_points(text) != ord("\n")):
        line = classes[start:end]
        if not (line == minority).any():
            continue
        if not (line == majority).any():
            found.append((start, end))
            continue
        for first, last in _stretches((line >= _HAN) & (line <= HANS)):
            clause = line[first:last]
            if not (clause == minority).any():
                continue
            inside = _runs_inside(clause, minority) if (clause == majority).any() else [(0, last - first)]
            found += ((start + first + begin, start + first + stop) for begin, stop in inside)
    return [Run(start, end, script) for start, end in found]
