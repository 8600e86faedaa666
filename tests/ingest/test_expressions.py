"""Programs match what `re` matches."""

from __future__ import annotations

import re
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.expressions import OPERATIONS, Writer
from pipeline.native import pages
from pipeline.native.pages import ALTERNATIVE, HASHES, Matchers, match_rules

LETTERS = "aA分页 1中\n"
"""Of patterns and lines: a cased letter, a digit, a space, Han. A line has no line feed; a class may."""

_single = st.sampled_from(
    (
        *"aA分页1中",
        ".",
        r"\d",
        r"\D",
        r"\s",
        r"\S",
        r"\w",
        r"\W",
        "[^a]",
        "[a分]",
        "[^分1]",
        r"[\d页]",
        r"[^\w]",
        "[a-z]",
    )
)
_times = st.sampled_from(("?", "*", "+", "{0,2}", "{2}", "{1,3}", "??", "*?", "+?", "{0,2}?", "{1,}"))


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=4).map(lambda some: f"(?:{'|'.join(some)})"),
        st.builds(lambda one, times: f"(?:{one}){times}", inner, st.sampled_from(("?", "??", "{0,2}", "{1,2}", "{2}"))),
        st.builds(lambda one, times: f"(?:中{one}){times}", inner, st.sampled_from(("*", "+", "*?", "{2,}"))),
        st.builds(lambda look, one: f"({look}{one})", st.sampled_from(("?=", "?!")), inner),
        st.builds(lambda look, one: f"({look}{one})", st.sampled_from(("?<=", "?<!")), _single),
    )


_patterns = st.recursive(
    _single | st.builds("".join, st.tuples(_single, _times)) | st.sampled_from(("^", "$", r"\b")), _grown, max_leaves=8
)


def _found(patterns: list[str], line: str) -> list[bool]:
    """Return which patterns a line matches, as the kernel says."""
    writer = Writer()
    for pattern in patterns:
        writer.write(_parser.parse(pattern, re.IGNORECASE))
    made = writer.programs()
    none = np.zeros(0, np.int32)
    alternatives = np.array([(number, 0, 0, 1 << 30) for number in range(len(patterns))], ALTERNATIVE)
    symbols = np.repeat(made.symbols, np.diff(made.changes, append=0x110000))
    single, pair = np.zeros(0x110000, np.uint16), np.zeros(HASHES, np.uint16)
    needless = (single, pair, np.zeros(HASHES // 8, np.uint8), np.zeros(2, np.int32), none, none.astype(np.uint16))
    key = np.array([*map(ord, line), 0], np.uint32)
    matchers = Matchers(*needless, alternatives, made.code, made.starts, symbols, made.sets)
    bits = int(match_rules(key, np.array([[0, len(line)]]), matchers, len(patterns), 400)[0])
    return [bool(bits >> number & 1) for number in range(len(patterns))]


@settings(deadline=None, max_examples=30)
@given(st.lists(_patterns, min_size=20, max_size=60), st.text(LETTERS.replace("\n", ""), max_size=8))
def test_a_program_matches_what_the_standard_library_does(patterns: list[str], line: str) -> None:
    expected = [re.search(pattern, line, re.IGNORECASE) is not None for pattern in patterns]
    assert _found(patterns, line) == expected, [
        pattern for pattern, is_there in zip(patterns, expected, strict=True) if [is_there] != _found([pattern], line)
    ]


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?-i:a)", "(?:a?)*", "(?>a)b", r"(?<=a{1,2})b", r"a\B"])
def test_what_programs_do_not_know_is_refused(pattern: str) -> None:
    with pytest.raises((ValueError, re.error)):
        Writer().write(_parser.parse(pattern, re.IGNORECASE))


def test_the_kernel_has_the_same_operations() -> None:
    source = Path(pages.__file__ or "").with_name("rules.c").read_text("utf-8")
    told = re.search(r"enum \{ (MATCH[^}]*) \}", source)
    assert told is not None
    assert tuple(told[1].lower().split(", ")) == OPERATIONS
