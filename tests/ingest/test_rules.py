"""Every noise rule cuts what it says it cuts and keeps what it says it keeps, in both scripts."""

from __future__ import annotations

import json
import re
from itertools import chain
from pathlib import Path

import numpy as np
import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.configure import data_path
from pipeline.ingest.flatten import flatten_text
from pipeline.ingest.rules import Rule, _made_table, matches, rule_bits, rules
from pipeline.script.fold import fold

KINDS = {
    *(
        "list_teaser",
        "previous_next",
        "related",
        "hot_list",
        "donation",
        "advertisement",
        "promotion",
        "share",
        "player",
    ),
    *("comments", "copyright", "credit", "tag_line", "byline", "source", "date", "caption", "navigation"),
    *("template_residue", "error_page", "login_page"),
}
"""What a rule may name a cut; a new kind is told to those who read cuts (docs/adding.md)."""

TO_HANT, TO_HANS = opencc.OpenCC("s2t"), opencc.OpenCC("t2s")


def bit(rule: Rule) -> int:
    return 1 << [one.id for one in rules()].index(rule.id)


def scripts(line: str) -> set[str]:
    return {line, TO_HANT.convert(line), TO_HANS.convert(line)}


def cases(name: str) -> list[object]:
    return [pytest.param(rule, line, id=f"{rule.id}-{line[:20]}") for rule in rules() for line in getattr(rule, name)]


@pytest.mark.parametrize(("rule", "line"), cases("cuts"))
def test_a_rule_matches_what_it_cuts(rule: Rule, line: str) -> None:
    for written in scripts(line):
        assert matches(fold(written)) & bit(rule), written


@pytest.mark.parametrize(("rule", "line"), cases("keeps"))
def test_a_rule_does_not_match_what_it_keeps(rule: Rule, line: str) -> None:
    for written in scripts(line):
        assert not matches(fold(written)) & bit(rule), written


def test_rules_are_well_formed() -> None:
    names = [rule.id for rule in rules()]
    assert len(names) == len(set(names)) > 15
    for rule in rules():
        assert re.fullmatch("[a-z_]+", rule.id)
        assert rule.kind in KINDS, rule.kind
        assert rule.cuts, f"{rule.id} shows nothing that it cuts"
        assert rule.keeps, f"{rule.id} shows no near miss that it keeps"
        assert max(map(len, rule.cuts)) <= rule.longest
        assert not re.search(rule.pattern, "")


def test_patterns_are_written_in_the_script_of_the_key() -> None:
    assert [rule.id for rule in rules() if fold(rule.pattern) != rule.pattern] == []


def test_no_sentence_of_our_own_articles_is_furniture() -> None:
    """Rules stay away from prose: of the lines that tell something, hardly one matches."""
    folder = Path(__file__).resolve().parents[2] / "corpora"
    texts = chain.from_iterable(
        file.read_text("utf-8").splitlines() for file in sorted(folder.glob("articles-*.jsonl"))
    )
    lines = [line for text in texts for line in json.loads(text)["text"].splitlines()]
    told = [line for line in lines if line.rstrip("」』”").endswith(("。", "！", "？")) and len(line) >= 30]
    assert len(told) > 800
    hit = [(line[:40], [rule.id for rule in rules() if matches(fold(line)) & bit(rule)]) for line in told]
    wrong = [(line, names) for line, names in hit if set(names) - {"caption", "byline"}]
    assert len(wrong) <= len(told) / 200, wrong


def _by_hand(line: str) -> int:
    found = [len(line) <= r.longest and re.search(r.pattern, line, re.IGNORECASE) for r in rules()]
    return sum(1 << i for i, match in enumerate(found) if match)


@given(st.data())
@settings(max_examples=300)
def test_what_a_rule_needs_is_what_it_needs(data: st.DataObject) -> None:
    """The tables that pass over hopeless rules pass over no other: pieces of examples, put together, match the same."""
    texts = st.sampled_from(sorted({text for r in rules() for text in (*r.cuts, *r.keeps)}))
    pieces = [data.draw(texts) for _ in range(data.draw(st.integers(1, 3)))]
    cut = [piece[data.draw(st.integers(0, len(piece))) :] if data.draw(st.booleans()) else piece for piece in pieces]
    line = fold("".join(cut))[:400].strip()
    assert matches(line) == _by_hand(line)


def test_the_lines_of_a_page_match_as_each_alone() -> None:
    texts = [fold(text) for r in rules() for text in (*r.cuts, *r.keeps)] + ["。。", "x" * 500]
    page = "\n".join(texts)
    assert rule_bits(page, flatten_text(page).edges) == [_by_hand(line) * (len(line) <= 400) for line in texts]


def test_the_table_is_made_of_the_rules() -> None:
    """After a change of noise.toml: python -m pipeline.ingest.rules."""
    made = _made_table()
    with np.load(data_path("matchers.npz")) as told:
        assert set(told) == {"rules", *made}
        for name, array in made.items():
            assert np.array_equal(told[name], array), name


def test_every_example_matches_as_by_hand() -> None:
    for r in rules():
        for text in (*r.cuts, *r.keeps, *(cut.upper() for cut in r.cuts)):
            assert matches(fold(text)) == _by_hand(fold(text)), (r.id, text)
