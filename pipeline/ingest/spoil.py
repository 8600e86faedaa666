"""A generator of spoiled articles: takes a clean text and splices spam into it, keeping the spans.

`Spoiling` says what to splice in, phrases included; same seed, same bytes. Mending is taught on what it makes, and
measured on it with other phrases (`tests/mending/phrases.py`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Spoiled", "Spoiling", "spoil"]

GLOSSES = {
    "的": "de",
    "是": "shì",
    "在": "zài",
    "有": "yǒu",
    "人": "rén",
    "不": "bù",
    "中": "zhōng",
    "大": "dà",
    "上": "shàng",
    "年": "nián",
    "出": "chū",
    "会": "huì",
    "會": "huì",
    "为": "wéi",
    "為": "wéi",
    "国": "guó",
    "國": "guó",
    "地": "dì",
    "时": "shí",
    "時": "shí",
    "要": "yào",
    "行": "xíng",
    "发": "fā",
    "發": "fā",
    "公": "gōng",
    "市": "shì",
    "民": "mín",
    "生": "shēng",
    "成": "chéng",
    "方": "fāng",
    "多": "duō",
    "同": "tóng",
    "到": "dào",
    "日": "rì",
    "月": "yuè",
    "以": "yǐ",
    "也": "yě",
    "和": "hé",
    "说": "shuō",
    "說": "shuō",
}
"""Pinyin of ordinary characters, as farms put it in brackets behind them."""


@dataclass(frozen=True, slots=True)
class Spoiling:
    """What to splice in, and how."""

    phrases: tuple[str, ...] = ()
    """Phrases to choose from."""
    phrase_count: int = 0
    """Splices of a phrase. The same phrase may come again."""
    variety: int = 8
    """At most so many different phrases of `phrases` go into one text."""
    title: str = ""
    """Title to cut into pieces; none: no pieces."""
    piece: tuple[int, int] = (2, 4)
    """Shortest and longest piece, in characters."""
    shuffle: float = 0.1
    """Chance that a character of the title changes places with one near it, so that pieces are no words."""
    gap: tuple[int, int] = (10, 25)
    """Fewest and most characters between pieces."""
    at_joints: float = 0.4
    """Chance that a splice moves on to the next punctuation mark; else it may fall inside a word."""
    share: float = 0.8
    """Share of the text, from its beginning, over which pieces are dealt."""
    invisible: int = 0
    """Invisible characters strewn in."""
    glosses: int = 0
    """Ordinary characters that get their pinyin in brackets."""
    watermark: str = ""
    """Address of a copying site, spliced in with its letters spaced or replaced."""
    watermark_count: int = 0
    fillers: float = 0.0
    """Share of clauses that end with two characters that mean nothing, others each time."""


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A spoiled text with the spans that do not belong to it, sorted and disjoint."""

    text: str
    spans: tuple[tuple[int, int], ...]
    gold: str


_JOINT = re.compile(r"[，。、；：！？」”）,.;:!?]")
_CLAUSE = re.compile(r"[\u3400-\u9fff]{3}(?=[，。；,;])")
_ORDINARY = bytes(byte for high in range(0xB0, 0xD7) for low in range(0xA1, 0xFF) for byte in (high, low)).decode(
    "gb2312"
)
"""The characters of level 1 of GB 2312, which fillers are drawn from."""
_INVISIBLE = "\u200b\u2060\u00ad\ufeff\ue003\u200e\u202a\u0008\u2063"


def title_pieces(title: str, sizes: tuple[int, int], shuffle: float, rng: random.Random) -> list[str]:
    """Cut a title into pieces, its punctuation left out, some characters out of place."""
    letters = [c for c in title if c.isalnum()]
    for at in range(len(letters)):
        if rng.random() < shuffle:
            other = min(len(letters) - 1, at + rng.randint(1, 3))
            letters[at], letters[other] = letters[other], letters[at]
    pieces = []
    while letters:
        size = rng.randint(*sizes)
        pieces.append("".join(letters[:size]))
        letters = letters[size:]
    return [piece for piece in pieces if len(piece) >= sizes[0]]


def _place(text: str, at: int, at_joints: float, rng: random.Random) -> int:
    if rng.random() < at_joints and (joint := _JOINT.search(text, at, at + 30)):
        return joint.end()
    return at


def _free(text: str, at: int) -> bool:
    """Not at a line's beginning or end, where a splice would be a line of its own."""
    return 0 < at < len(text) and text[at - 1] != "\n" and text[at] != "\n"


def spoil(text: str, how: Spoiling, seed: int) -> Spoiled:
    """Return `text` with spam spliced in as `how` says."""
    rng = random.Random(seed)
    splices: list[tuple[int, str]] = []
    if how.title:
        pieces = title_pieces(how.title, how.piece, how.shuffle, rng)
        at, dealt = rng.randint(*how.gap), 0
        while pieces and at < len(text) * how.share:
            place = _place(text, at, how.at_joints, rng)
            if _free(text, place):
                splices.append((place, pieces[dealt % len(pieces)]))
                dealt += 1
            at = max(at, place) + rng.randint(*how.gap)
    if how.phrases:
        chosen = rng.sample(how.phrases, min(how.variety, len(how.phrases)))
        for _ in range(how.phrase_count):
            place = _place(text, rng.randrange(1, max(2, len(text))), how.at_joints / 4, rng)
            if _free(text, place):
                splices.append((place, rng.choice(chosen)))
    for _ in range(how.invisible):
        splices.append((rng.randrange(len(text)), rng.choice(_INVISIBLE)))
    places = [at for at, character in enumerate(text) if character in GLOSSES]
    for at in sorted(rng.sample(places, min(how.glosses, len(places)))):
        splices.append((at + 1, rng.choice(("({})", "（{}）")).format(GLOSSES[text[at]])))
    for _ in range(how.watermark_count):
        at = rng.randrange(1, max(2, len(text)))
        if _free(text, at):
            splices.append((at, disguised(how.watermark, rng)))
    if how.fillers:
        for mark in _CLAUSE.finditer(text):
            if rng.random() < how.fillers:
                splices.append((mark.end(), "".join(rng.choices(_ORDINARY, k=2))))
    return _spliced(text, sorted(splices, key=lambda splice: splice[0]))


_LIKE = {"a": "а", "c": "с", "e": "е", "o": "о", "p": "р", "x": "х", "y": "у", "i": "і", "w": "ѡ", "s": "ѕ", "h": "һ"}
"""Cyrillic letters that look like Latin ones."""


def disguised(address: str, rng: random.Random) -> str:
    """Return an address with its letters spaced, or with others that look alike in their place."""
    if rng.random() < 0.5:
        return rng.choice((" ", "-", "_", " ")).join(address)
    return "".join(_LIKE.get(letter, letter) for letter in address)


def _spliced(text: str, splices: Iterable[tuple[int, str]]) -> Spoiled:
    parts: list[str] = []
    spans: list[tuple[int, int]] = []
    used = size = 0
    for at, matter in splices:
        parts += (text[used:at], matter)
        size += at - used
        spans.append((size, size + len(matter)))
        size += len(matter)
        used = at
    parts.append(text[used:])
    return Spoiled("".join(parts), tuple(spans), text)
