"""Signs spliced into a text that are no words: invisible characters and pinyin glosses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.article import Cut
from pipeline.ingest.fluency import default_fluency

__all__ = ["find_glosses", "find_invisible"]

_HAN = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_EMOJI = (
    r"\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    r"\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    r"\ue000-\uf8ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0xF0000, 0x10000))
    + "]+"
)
"""Characters that show nothing: controls but tab and line ends, soft hyphens, fillers, zero width, directions, private
use, lone surrogates, noncharacters, tags, variation selectors. From the general categories Cc, Cf, Co, Cs, Cn and
Default_Ignorable_Code_Point of Unicode 16."""
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
_SYSTEM = 3
"""Glosses over different ordinary characters from which on they are no help for a reader."""
_ORDINARY = -9.0
"""Log probability from which on a character is ordinary: the 1,900 commonest of the news pool, 97% of its text. The
dictionary gives the pronunciation of the others."""


def find_invisible(page_text: str, spans: Sequence[tuple[int, int]]) -> list[Cut]:
    """Return the cuts of what shows nothing inside `spans`, unless it has a right to be there."""
    cuts: list[Cut] = []
    for start, end in spans:
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


def find_glosses(page_text: str, spans: Sequence[tuple[int, int]]) -> list[Cut]:
    """Return the cuts of pinyin glosses inside `spans`, where they are a system: over several ordinary characters."""
    found = [match.span() for start, end in spans for match in _GLOSS.finditer(page_text, start, end)]
    glossed = sorted({page_text[start - 1] for start, _ in found})
    if len(glossed) < _SYSTEM or sum(default_fluency().common(glossed, _ORDINARY)) < _SYSTEM:
        return []
    reason = f"pinyin of one ordinary character, one of {len(found)} on the page"
    return [Cut(start, end, "gloss", reason, page_text[start:end]) for start, end in found]
