"""Which script, region and language a text is written in, each with its evidence or not at all."""

from __future__ import annotations

from functools import cache, lru_cache
from math import exp
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import data_path
from pipeline.script.fold import characters_folded, characters_that_change, code_points

__all__ = [
    *("HANS", "HANT", "Region", "Script", "ScriptName"),
    *("as_leaning", "classes", "classify", "identify", "leanings"),
]

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
_OTHER, _HAN, HANT, HANS, _KANA, _HANGUL, _LATIN, _FOREIGN, _YUE, _YUE_HANT, _JA = range(11)
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
_MIXED_SHARE = 0.2
"""Share of the other script's telling characters from which a text is mixed: 2 of 39,656 articles of news-pool that are
labelled with one script, and 13 of the 19 that are labelled as mixed. At .1 it is 30 and 19: those between quote."""
_MIXED_LEAST = 3
"""Telling characters of the other script that make a text mixed; one or two are a name or a slip (台湾, 内, 强)."""
_USAGE_SHARE, _USAGE_MOST = 0.6, 0.9
"""Confidence of an answer by `leaning.tsv`: logistic, of this share of its nats, and at most. Of strings of publishers
that were left out, five folds of publishers, 53% were right at .3 nats, 55% at .7, 65% at 1.2, 83% at 2.5, 92% at 3.5
and 98% at 5: their words are not those learnt from."""
_USAGE_LEAST = 6
"""Tenths of a nat below which a short string is not answered: a few characters of a word, of which either script has as
many."""
_YUE_LEANS = 30
"""Tenths of a nat of a Cantonese character, which press that writes Simplified has once where the other has it 3,000
times. Only Hong Kong's writes it, so it is no entry of `leaning.tsv`."""
_HEADLINE = 8
"""Characters from which any tenth is an answer: as long as a headline, where a guess is better than none."""
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("0123456789０１２３４５６７８９", "0"),
        **dict.fromkeys("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "A"),
        " ": "_",
        "\u3000": "＿",
    }
)
_CANTONESE = frozenset("嘅咗喺哋嚟冇佢啲嘢咁嗰噉揾搵瞓攞唔乜嘥咩啱睇")
_CANTONESE_SHARE = 0.07
"""Share of Cantonese characters among Han characters from which a text is written Cantonese. 99.5% of news-pool's Hong
Kong articles have less than .054, those that quote much speech; Taiwanese ones have none."""
_ENGLISH = frozenset({"the", "of", "and", "to", "in", "is", "for", "on", "that", "with", "was", "are", "has"})
_JAPANESE = frozenset(
    "䀋両乗亀亜仏仮価値倶倹働兎児円処剣剤剰労効勅勧勲匂単厳収呉呪唖営噛団囲図圏圧塀塁塡塩増壊壌壱売変奨姉"
    "姫嬢実寛対専尭峠巌巣巻帯帰庁広廃弐弾従徳徴応恵悩悪懐戦戸戻払抜択拝拠拡挙挿捜掲掻揺摂撃撹斉斎晩暁暦曁"
    "曽枠栃栄桜桝桟検楡楽様権歓歩歯歳歴毎気氷汚沢浄涙渇済渉渋渓満溌滝瀬焔焼犠猟獣畑畳痩発皐県砕稲穂穏穣竃"
    "竜粋粛粧経絵継続総縁縄縦繊繋繍聡聴脳臓舎舗艶茘荘蔵薫薬蛍蝋覇覚覧観訳読譲賛転軽輌辺辻込逓遅郷酔醗醤醸"
    "釈鉄鉱銭鋳錬関闘陥険隠隣雑霊頼顕駅駆駈騒験髄髪鬪鴎鶏鹸黒黙鼈齢"
)
"""Characters that Japanese writes and neither Chinese script does, nor a key: simplified in Japan, or made there."""
_JAPANESE_LEAST, _JAPANESE_SHARE = 2, 0.15
"""How many of them, and which share of the Han characters, make a text without kana Japanese: headlines are often so.
No headline and no article of news-pool has as many; those that quote Japanese names or titles have up to .06."""
_REGION_WORDS = 2
"""Different words of a region that are needed to name it: one may be quoted."""
_REGION_LEAD = 3
"""How many times as many different words the region must have as the next one."""
_CONVERTED_WORDS = 5
"""Different words that Simplified text needs of a region that writes Traditional: it was converted or, oftener, written
abroad. With two, 96.5% of the regions that news-pool's articles get are right, with five 98.0%."""


class Script:
    """What a text is written in. Two are equal if all they say is.

    `identify` leaves the region, and with it the language, to be looked for when one of them is first asked for: it
    takes longer than all the rest. Until then the text is held.
    """

    __slots__ = ("_asked", "_language", "_region", "confidence", "script")

    script: ScriptName
    """`mixed` has both scripts; `other` is in another language; `none` has no letters, or only characters that both
    scripts write alike and that say nothing by what words they are (language "zh")."""
    confidence: float
    """In [0, 1]: how sure `script` is. Up to .9 no character of the text tells it, and its words do, or both scripts
    are in it."""

    def __init__(self, script: ScriptName, confidence: float, region: Region, language: str) -> None:
        self.script = script
        self.confidence = confidence
        self._region = region
        self._language = language
        self._asked: tuple[str, ...] = ()

    @classmethod
    def _to_ask(cls, script: ScriptName, confidence: float, texts: tuple[str, ...]) -> Script:
        """Return one whose region is that of the first of `texts` that tells it."""
        found = cls(script, confidence, "", script)
        found._asked = texts
        return found

    def _ask(self) -> None:
        for text in self._asked:
            self._region = _region(text, self.script)
            if self._region:
                self._language = f"{self.script}-{self._region}"
                break
        self._asked = ()

    @property
    def region(self) -> Region:
        """Where it was written; "" where nothing tells."""
        if self._asked:
            self._ask()
        return self._region

    @property
    def language(self) -> str:
        """BCP 47: zh-Hant-TW, zh-Hant, zh, yue-Hant, ja, ko, en or und."""
        if self._asked:
            self._ask()
        return self._language

    def _all(self) -> tuple[ScriptName, float, Region, str]:
        return self.script, self.confidence, self.region, self.language

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Script) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return "Script(script={!r}, confidence={!r}, region={!r}, language={!r})".format(*self._all())

    def __reduce__(self) -> tuple[type[Script], tuple[ScriptName, float, Region, str]]:
        return Script, self._all()


@cache
def classes() -> NDArray[np.uint8]:
    """Return the class of each code point, shape `(0x110000,)`."""
    table = np.zeros(0x110000, dtype=np.uint8)
    for first, last, kind in _RANGES:
        table[first : last + 1] = kind
    for line in data_path("scripts.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            name, characters = line.split("\t")
            table[code_points(characters)] = HANT if name == "hant" else HANS
    return table


def classify(text: str) -> NDArray[np.uint8]:
    """Return the class of each character, shape `(len(text),)`: `HANT` or `HANS` where it tells that script."""
    return classes().take(code_points(text), mode="clip")


@cache
def _kinds() -> NDArray[np.uint8]:
    """Return the classes with those of Cantonese and of Japanese characters set apart, shape `(0x110000,)`."""
    table = classes().copy()
    for character in _JAPANESE:
        table[ord(character)] = _JA
    for character in _CANTONESE:
        table[ord(character)] = _YUE_HANT if table[ord(character)] == HANT else _YUE
    return table


class _Words(NamedTuple):
    """The words of `data/regions.tsv`, to be found in text of either script."""

    bits: NDArray[np.uint32]
    """Shape `(0x110000,)`: of each code point the group that it begins pairs of in the lower half, and the groups that
    it ends one of in the upper half. Of 900 characters 20 are looked at closely so, 37 with four groups."""
    by_pair: dict[str, tuple[tuple[str, int, _Told], ...]]
    """For two characters, in every way to write them, the words they are in the middle of: the word, how many of its
    characters stand before them, and its region. The middle, since that is rare where a word is two words: 府总 for
    政府总部."""


_GROUPS = 16


@cache
def _words() -> _Words:
    rows = [line.split("\t") for line in data_path("regions.tsv").read_text("utf-8").splitlines() if line[0] != "#"]
    table = classes()
    spellings: dict[str, list[str]] = {}
    for character, key in characters_that_change():
        if _HAN <= table[ord(character)] <= HANS:
            spellings.setdefault(key, [key]).append(character)
    by_pair: dict[str, list[tuple[str, int, _Told]]] = {}
    for name, word, _ in rows:
        region = next(known for known in (*_REGIONS, *_NEIGHBOURS) if known == name)
        before = (len(word) - 1) // 2
        for first in spellings.get(word[before], [word[before]]):
            for second in spellings.get(word[before + 1], [word[before + 1]]):
                by_pair.setdefault(first + second, []).append((word, before, region))
    groups: dict[int, int] = {}
    for pair in by_pair:
        begin, end = map(ord, pair)
        group = begin % _GROUPS
        groups[begin] = groups.get(begin, 0) | 1 << group
        groups[end] = groups.get(end, 0) | 1 << group + _GROUPS
    bits = np.zeros(0x110000, np.uint32)
    bits[list(groups)] = list(groups.values())
    return _Words(bits, {pair: tuple(words) for pair, words in by_pair.items()})


_spelled = lru_cache(maxsize=4_096)(characters_folded)
"""Of a few characters each; the same ones come again."""


def _region(text: str, script: ScriptName) -> Region:
    table, by_pair = _words()
    bits = table.take(code_points(text), mode="clip")
    found: dict[str, _Told] = {}
    for place in ((bits[1:] >> _GROUPS) & bits[:-1]).nonzero()[0].tolist():
        words = by_pair.get(text[place : place + 2])
        if words is not None:
            for word, before, region in words:
                if word in found:
                    continue
                start = max(0, place - before)
                if len(word) == 2 or _spelled(text[start : start + len(word)]) == word:
                    found[word] = region
    if len(found) < _REGION_WORDS:
        return ""
    counts: dict[_Told, int] = dict.fromkeys((*_REGIONS, *_NEIGHBOURS), 0)
    for word, region in found.items():
        if not any(word in other for other in found if len(other) > len(word)):  # 同比 in 同比增长 is one word
            counts[region] += 1
    if script == "zh-Hant":
        for region in _WRITE_HANS:
            counts[region] //= _QUOTED
    *_, second, most = sorted(counts.values())
    if most < _REGION_WORDS or most < _REGION_LEAD * second:
        return ""
    best = next(region for region, count in counts.items() if count == most)
    if script == "zh-Hans" and best not in _WRITE_HANS and most < _CONVERTED_WORDS:
        return ""
    return "" if best == "MO" or best == "MY" else best


def as_leaning(text: str) -> str:
    """Return a text in the signs of `data/leaning.tsv`, one for each character."""
    return text.translate(_SIGNS)


@cache
def leanings() -> dict[str, int]:
    """Return the tenths of a nat of `data/leaning.tsv`, above zero for Traditional."""
    tenths: dict[str, int] = {}
    for line in data_path("leaning.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            name, step, entries = line.split("\t")
            tenths.update(dict.fromkeys(entries.split(" "), int(step) if name == "hant" else -int(step)))
    return tenths


def _by_usage(text: str, han: int, yue: int) -> Script:
    """Answer for a text of which no character tells the script, by the words and marks that their presses use."""
    tenths = leanings()
    signs = as_leaning(text)
    lean = _YUE_LEANS * yue + sum(tenths.get(sign, 0) for sign in signs)
    lean += sum(tenths.get(signs[at : at + 2], 0) for at in range(len(signs) - 1))
    if abs(lean) < (_USAGE_LEAST if han < _HEADLINE else 1):
        return Script("none", 0.5, "", "zh")
    script: ScriptName = "zh-Hant" if lean > 0 else "zh-Hans"
    sure = 1 / (1 + exp(-_USAGE_SHARE * abs(lean) / 10))
    return Script(script, round(min(_USAGE_MOST, sure), 4), "", script)


def _is_english(text: str) -> bool:
    return len(_ENGLISH.intersection(text[:4000].lower().split())) >= 2


def identify(text: str, context: str = "") -> Script:
    """Return what `text` is written in.

    Args:
        text: any string. From some ten characters on the answer is to be relied on; see `confidence`.
        context: more of the same page, such as its byline and its menus. It is asked for the region where `text`
            does not tell it, and for nothing else.
    """
    counts = np.bincount(_kinds().take(code_points(text), mode="clip"), minlength=_JA + 1).tolist()
    yue, yue_hant, hans, japanese = counts[_YUE], counts[_YUE_HANT], counts[HANS], counts[_JA]
    hant = counts[HANT] + yue_hant
    han = counts[_HAN] + yue + hant + hans + japanese
    kana, hangul, foreign = counts[_KANA], counts[_HANGUL], counts[_FOREIGN]
    words = counts[_LATIN] / _LETTERS_PER_WORD
    total = han + kana + hangul + words + foreign
    if not total:
        return Script("none", 1.0, "", "und")
    written = kana >= 2 and kana >= _KANA_SHARE * (kana + han)
    written |= japanese >= _JAPANESE_LEAST and japanese >= _JAPANESE_SHARE * han
    if written and kana + han >= hangul + words:
        return Script("other", round((kana + han) / total, 4), "", "ja")
    if han < total / 2:
        language = "ko" if hangul > max(words, foreign) else "und"
        if language == "und" and words > foreign and _is_english(text):
            language = "en"
        return Script("other", round(1 - han / total, 4), "", language)
    if not hant + hans:
        return _by_usage(text, han, yue)
    fewer, more = (hant, hans) if hant < hans else (hans, hant)
    if fewer >= _MIXED_LEAST and fewer >= _MIXED_SHARE * (hant + hans):
        return Script("mixed", round(min(1.0, 0.5 + fewer / (hant + hans)), 4), "", "zh")
    script: ScriptName = "zh-Hant" if hant >= hans else "zh-Hans"
    confidence = round((more + _DOUBT) / (more + fewer + 2 * _DOUBT), 4)
    if yue + yue_hant >= _CANTONESE_SHARE * han:
        return Script(script, confidence, "", script.replace("zh", "yue"))
    return Script._to_ask(script, confidence, (text, context) if context else (text,))
