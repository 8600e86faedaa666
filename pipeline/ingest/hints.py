"""What the hints of an element say: the words in its class, id, role and itemprop values.

Hints are looked up by one automaton for all words, since a page has a hundred kinds of elements and each site its own:
11 regular expressions over each new word took .5 ms a page, and as much again as what is remembered grew cold.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pipeline.native import pages

__all__ = ["CAPTION", "GROUPS", "find_hints", "group_bits", "kind_of"]

GROUPS: Mapping[str, str] = {
    "body": "article content entry post story detail 正文 main body text newstxt news_txt paragraph zoom",
    "menu": "nav menu header topbar top_bar breadcrumb crumb channel tab~ tabs~ toolbar login search logo",
    "foot": "foot copyright bottom sitemap friendlink friend_link",
    "side": "side aside column right left widget module panel",
    "list": "related relat recommend recom hot rank list more latest popular trend next prev pager pagination guess",
    "share": "share social sns tool like follow subscribe app download qr wechat weixin donat sponsor",
    "talk": "comment reply discuss message feedback disqus",
    "advert": "~ad~ ~ads~ ~ad_ advert banner promo dfp gpt sponsor",
    "meta": "author byline editor date time source info meta tag keyword label from",
    "caption": "caption figure photo image img pic",
    "title": "title headline subject heading",
}
"""Groups of words that are features of blocks. `~` is an edge of a word."""
_NOT_BODY = "poster"
"""A picture, though it begins as a post does."""
_KINDS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("comments", frozenset(()), "comment discuss reply"),
    ("navigation", frozenset(("nav", "header")), "nav menu breadcrumb crumb"),
    ("copyright", frozenset(("footer",)), "foot copyright"),
    ("hot_list", frozenset(()), "hot rank popular trend"),
    ("related", frozenset(()), "relat recommend recom more latest"),
    ("share", frozenset(()), "share social sns"),
    ("advertisement", frozenset(()), "advert banner sponsor"),
    ("promotion", frozenset(()), "download subscribe qrcode app-"),
    ("related", frozenset(("aside",)), "sidebar aside"),
)
"""Kinds of cut by the names of elements, and by words in their hints."""
_WORDS = tuple(word for _, _, words in _KINDS for word in words.split())
_KIND_BITS = len(GROUPS) + 1
CAPTION = 1 << (_KIND_BITS + len(_WORDS))
"""Bit of `find_hints` for the word caption itself."""
_GROUP_BITS = (1 << len(GROUPS)) - 1
_EDGES = ("-", " ")


def find_hints(hints: Sequence[str]) -> NDArray[np.uint64]:
    """Return what each of some lower-case hints says, as bits for `group_bits`, `kind_of` and `CAPTION`."""
    return pages.find_words("".join([f"{own}\0" for own in hints]).encode(errors="replace"), len(hints), _automaton())


def group_bits(found: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the groups that hints name, as bits in the order of `GROUPS`."""
    return found & np.uint64(_GROUP_BITS) & ~(found >> np.uint64(len(GROUPS)) & np.uint64(1))


@lru_cache(maxsize=1 << 12)
def kind_of(tag: str, found: int) -> tuple[str, str] | None:
    """Return kind and reason of a cut that an element's name, or what its hints say, tells; None where neither does."""
    said = found >> _KIND_BITS
    if not said and tag not in _NAMES:
        return None
    for kind, names, words in _KINDS:
        among = words.split()
        word = next((word for i, word in enumerate(_WORDS) if said >> i & 1 and word in among), "")
        if mark := tag if tag in names else word:
            return kind, f"inside an element marked “{mark}”"
    return None


_NAMES = frozenset().union(*(names for _, names, _ in _KINDS))


@cache
def _automaton() -> pages.Words:
    """Return the automaton of all words: a state is the longest beginning of words that the text ends in."""
    wanted = [(word, 1 << i) for i, words in enumerate(GROUPS.values()) for word in words.split()]
    wanted += [(_NOT_BODY, 1 << len(GROUPS)), ("caption", CAPTION)]
    wanted += [(word, 1 << (_KIND_BITS + i)) for i, word in enumerate(_WORDS)]
    spelt = [
        ("".join(parts).encode(), bit)
        for word, bit in wanted
        for parts in product(*[_EDGES if letter == "~" else letter for letter in word])
    ]
    # A class for each byte that a word has, one for all others inside words, one for all that part them.
    letters = sorted({byte for word, _ in spelt for byte in word} - {ord(" ")})
    inside = (string.ascii_letters + string.digits + "_").encode() + bytes(range(0x80, 0x100))
    classes = np.zeros(256, np.uint8)
    classes[list(inside)] = 1
    classes[letters] = range(2, 2 + len(letters))

    steps, says = [[0] * (2 + len(letters))], [0]
    for word, bit in spelt:
        state = 0
        for byte in word:
            if not steps[state][classes[byte]]:
                steps[state][classes[byte]] = len(steps)
                steps.append([0] * len(steps[0]))
                says.append(0)
            state = steps[state][classes[byte]]
        says[state] |= bit
    behind, queue = [0] * len(steps), [state for state in steps[0] if state]
    for state in queue:  # it grows: states in the order of their length
        says[state] |= says[behind[state]]
        for code, after in enumerate(steps[state]):
            back = steps[behind[state]][code]
            if after:
                behind[after] = back
                queue.append(after)
            else:
                steps[state][code] = back
    return pages.Words(classes, np.array(steps, np.uint16), np.array(says, np.uint64), steps[0][classes[ord(" ")]])
