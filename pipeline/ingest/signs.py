"""Signs spliced into a text that are no words: invisible characters, pinyin glosses, disguised addresses of sites."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.article import Cut, cut_out
from pipeline.ingest.fluency import default_fluency
from pipeline.native import splices
from pipeline.script.fold import code_points, utf32
from pipeline.script.identify import HANS, HANT, classes

__all__ = ["find_glosses", "find_invisible", "find_watermarks", "finders", "glossed", "shown", "unglossed"]

_HAN = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_EMOJI = (
    r"\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    r"\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_RANGES = (
    *((0x00, 0x08), (0x0B, 0x0C), (0x0E, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C)),
    *((0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F)),
    *((0x3164, 0x3164), (0xD800, 0xDFFF), (0xE000, 0xF8FF), (0xFDD0, 0xFDEF), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF)),
    *((0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF), (0xE0000, 0xE0FFF), (0xF0000, 0x10FFFF)),
    *((plane + 0xFFFE, plane + 0xFFFF) for plane in range(0x10000, 0xF0000, 0x10000)),
)
"""First and last code points of what shows nothing: controls but tab and line ends, soft hyphens, fillers, zero width,
directions, private use, lone surrogates, noncharacters, tags, variation selectors. From the general categories Cc, Cf,
Co, Cs, Cn and Default_Ignorable_Code_Point of Unicode 16."""
_INVISIBLE = re.compile("[" + "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in _RANGES) + "]+")


_RIGHTFUL = re.compile(
    rf"[{_EMOJI}#*0-9]\ufe0f"
    rf"|[{_EMOJI}]\ufe0e"
    rf"|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
    r"|\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"
    rf"|[{_HAN}][\U000e0100-\U000e01ef\ufe00-\ufe02]"
    r"|[\u1820-\u18aa][\u180b-\u180d\u180f]"
    r"|(?<=[\u0600-\u06ff\u0900-\u0dff])[\u200c\u200d](?=[\u0600-\u06ff\u0900-\u0dff])"
)
"""Invisible characters in their right: emoji sequences and flags, variants of ideographs and of Mongolian letters,
joiners in scripts that join."""

_TONES = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ"
_GLOSS = re.compile(
    rf"(?<=[{_HAN}])[(（](?=[a-zü]*[{_TONES}])(?:[zcs]h|[b-df-hj-np-tw-z])?[aeiouü{_TONES}]{{1,4}}(?:ng|n|r)?[)）]"
)
"""One syllable of pinyin with its tone mark, in brackets, after one character."""
_TONELESS = re.compile(
    rf"(?<=[{_HAN}])[(（](?:[zcs]h|[b-df-hj-np-tw-z])?(?:[iu]?[aeo][iou]?|[aeiou]|iu|ui|ün?|üe)(?:ng|n|r)?[)）]"
)
"""One syllable without its tone mark: counted where others of the page have theirs."""
_SYSTEM = 3
"""Glosses over different ordinary characters from which on they are no help for a reader."""
_ORDINARY = -9.0
"""Log probability from which on a character is ordinary: the 1,900 commonest of the news pool, 97% of its text. The
dictionary gives the pronunciation of the others."""


def _having(sign: int, page_text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the spans that may have a character of this sign: to look one up costs a tenth of what a pattern does."""
    if sum(end - start for start, end in spans) <= _LITTLE:
        yield from spans
        return
    places = np.flatnonzero(_signs()[code_points(page_text)] & sign)
    edges = np.array(spans, np.int64)
    first, behind = (np.searchsorted(places, side) for side in edges.T)
    yield from (spans[row] for row in np.flatnonzero(first < behind).tolist())


_LITTLE = 200
"""Characters of spans, such as fields are, from which on to look them up is worth its 10 us."""


def find_invisible(page_text: str, spans: Sequence[tuple[int, int]]) -> list[Cut]:
    """Return the cuts of what shows nothing inside `spans`, unless it has a right to be there."""
    cuts: list[Cut] = []
    for start, end in _having(splices.HIDDEN, page_text, spans):
        for found in _INVISIBLE.finditer(page_text, start, end):
            a, b = found.span()
            rightful = {
                at
                for match in _RIGHTFUL.finditer(page_text, max(start, a - 1), min(end, b + 1))
                for at in range(*match.span())
            }
            while a < b:
                stop = a
                while stop < b and stop not in rightful:
                    stop += 1
                if stop > a:
                    names = ", ".join(sorted({f"U+{ord(character):04X}" for character in page_text[a:stop]})[:4])
                    cuts.append(Cut(a, stop, "invisible", f"shows nothing: {names}", page_text[a:stop]))
                a = stop + 1
    return cuts


def shown(text: str) -> str:
    """Return what a reader sees of a text: without the characters that show nothing."""
    return cut_out(text, find_invisible(text, [(0, len(text))])) if text else text


def find_glosses(page_text: str, spans: Sequence[tuple[int, int]]) -> list[Cut]:
    """Return the cuts of pinyin glosses inside `spans`, where they are a system: over several ordinary characters."""
    found = [match.span() for start, end in spans for match in _GLOSS.finditer(page_text, start, end)]
    glossed = sorted({page_text[start - 1] for start, _ in found})
    if len(glossed) < _SYSTEM or sum(default_fluency().common(glossed, _ORDINARY)) < _SYSTEM:
        return []
    found += [match.span() for start, end in spans for match in _TONELESS.finditer(page_text, start, end)]
    found = sorted(set(found))
    reason = f"pinyin of one ordinary character, one of {len(found)} on the page"
    return [Cut(start, end, "gloss", reason, page_text[start:end]) for start, end in found]


def glossed(page_text: str, edges: NDArray[np.int64]) -> list[Cut]:
    """Return the cuts of glosses of a whole page, whose blocks have these edges, shape `(n_blocks, 2)`."""
    if not splices.signs(utf32(page_text), edges, _signs(), _DISGUISED) & splices.TONE:
        return []
    return find_glosses(page_text, [(start, end) for start, end in edges.tolist()])


def unglossed(text: str) -> str:
    """Return a text of a page whose glosses are a system without them."""
    return _TONELESS.sub("", _GLOSS.sub("", text))


_ALIKE = (
    ("аᴀａⓐ", "a"),
    ("ЬᏏｂⓑ", "b"),
    ("сϲⅽｃⓒ", "c"),
    ("ԁⅾｄⓓ", "d"),
    ("еｅⓔ", "e"),
    ("ｆⓕ", "f"),
    ("ɡｇⓖ", "g"),
    ("һｈⓗ", "h"),
    ("іιⅰｉⓘ", "i"),
    ("јｊⓙ", "j"),
    ("кκｋⓚ", "k"),
    ("ⅼｌⓛ", "l"),
    ("мⅿｍⓜ", "m"),
    ("ոｎⓝ", "n"),
    ("оοｏⓞ", "o"),
    ("рρｐⓟ", "p"),
    ("ԛｑⓠ", "q"),
    ("ｒⓡ", "r"),
    ("ѕｓⓢ", "s"),
    ("тτｔⓣ", "t"),
    ("υｕⓤ", "u"),
    ("νⅴｖⓥ", "v"),
    ("ѡωｗⓦ", "w"),
    ("хⅹｘⓧ", "x"),
    ("уｙⓨ", "y"),
    ("ｚⓩ", "z"),
    ("．。·•", "."),
)
"""Characters that pass for Latin letters and the dot: Cyrillic, Greek, Roman numerals, full width, circled."""
_PLAIN = {ord(several): one for alike, one in _ALIKE for several in alike}
_WIDE = frozenset("．。·•") | {chr(c) for c in range(0xFF41, 0xFF5B)}
"""Of these the full-width ones are no disguise by themselves: older news prints addresses so."""
_SPACED = re.compile(r"[a-z0-9](?:[ \t_*+~|-]{0,2}[a-z0-9.]){5,60}", re.I)
_ADDRESS = re.compile(
    r"(?:https?|www\.)?[a-z0-9]{1,30}(?:\.[a-z0-9]{2,30}){0,2}"
    r"\.(?:com|net|org|info|biz|xyz|top|vip|site|club|online|shop|wiki|app|cn|tw|hk|cc|me|io|tv|la|so|to|us|pw)",
    re.I,
)
_GAP = re.compile(r"(?<![a-z0-9])[a-z0-9.](?=[ \t_*+~|-])", re.I)
_JOINED = 3
"""Plain letters before the first hidden one that may be its own: longer, they are a word of the text."""
_DISGUISED = 4
"""Gaps between single letters, or letters that only pass for Latin ones, from which on an address hides."""


@cache
def _signs() -> NDArray[np.uint8]:
    """Return the signs of each code point, shape `(0x110000,)`."""
    table = np.zeros(0x110000, np.uint8)
    for low, high in _RANGES:
        table[low : high + 1] |= splices.HIDDEN
    table[[ord(character) for character in _TONES]] |= splices.TONE
    table[[*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B)]] |= splices.LATIN
    table[ord(".")] |= splices.DOT
    for several, one in _PLAIN.items():
        table[several] |= (splices.DOT if one == "." else splices.LATIN) | (
            0 if chr(several) in _WIDE else splices.DISGUISED
        )
    table[[ord(character) for character in " \t_*+~|-"]] |= splices.SPACER
    told = classes()
    table |= (told == HANT) * np.uint8(splices.TRADITIONAL) | (told == HANS) * np.uint8(splices.SIMPLIFIED)
    return table


def find_watermarks(page_text: str, spans: Sequence[tuple[int, int]]) -> list[Cut]:
    """Return the cuts of site addresses inside sentences whose letters are spaced or replaced, to pass filters."""
    cuts: list[Cut] = []
    for start, end in _having(splices.DISGUISED | splices.SPACER, page_text, spans):
        plain = " " * start + page_text[start:end].translate(_PLAIN)
        for found in _SPACED.finditer(plain, start, end):
            a, b = found.span()
            hidden = [x != y and x not in _WIDE for x, y in zip(page_text[a:b], plain[a:b], strict=True)]
            gaps = [match.start() for match in _GAP.finditer(plain, a, b)]
            first = min((*gaps[:1], a + hidden.index(True) if True in hidden else b))
            if first - a > _JOINED:  # a word of the text stands before it
                a = first
            places = [at for at in range(a, b) if plain[at] == "." or plain[at].isalnum()]
            address = _ADDRESS.match("".join([plain[at] for at in places]))
            if address is None or max(len(gaps), sum(hidden)) < _DISGUISED:
                continue
            b = places[address.end() - 1] + 1
            how = "spaced" if len(gaps) >= _DISGUISED else "replaced by others that look alike"
            reason = f"the address of a site, its letters {how}"
            cuts.append(Cut(a, b, "watermark", reason, page_text[a:b]))
    return cuts


_Finder = Callable[[str, Sequence[tuple[int, int]]], list[Cut]]


def finders(encoded: bytes, spans: NDArray[np.int64]) -> tuple[list[_Finder], bool]:
    """Return those of the three that may find something inside `spans` of a page in UTF-32, shape `(n, 2)`.

    And whether both scripts are there. Most pages have nothing for any of them, and one pass over the characters tells.
    """
    told = splices.signs(encoded, spans, _signs(), _DISGUISED)
    worth = (
        (find_invisible, splices.HIDDEN),
        (find_glosses, splices.TONE),
        (find_watermarks, splices.ADDRESS),
    )
    return [find for find, sign in worth if told & sign], not ~told & (splices.TRADITIONAL | splices.SIMPLIFIED)
