from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.script.fold import fold
from pipeline.topics.features import key, read_batch
from pipeline.topics.taxonomy import parse_taxonomy, read_taxonomy
from pipeline.topics.terms import TermFinder

TAXONOMY = read_taxonomy()
SMALL = """
schema = 1
[[topics]]
id = "tea"
names = { "zh-Hant" = "茶", "zh-Hans" = "茶", en = "Tea" }
definition = "Tea."
[topics.terms]
leaf = ["茶叶"]
"""


def test_the_shipped_topics() -> None:
    assert TAXONOMY.ids == ("rare_earths", "trade_war", "geopolitics")
    assert {entry.id for topic in TAXONOMY.topics for entry in topic.iptc} == {
        "20000318", "20000376", "20000384", "20000377", "20000642", "20000638", "20000639",
    }  # fmt: skip
    for topic in TAXONOMY.topics:
        assert topic.inside and topic.outside and fold(topic.names["zh-Hant"]) == topic.names["zh-Hans"]


def test_terms_are_written_once_as_they_are_matched() -> None:
    for group in TAXONOMY.groups:
        wrong = [term for term in group.terms if key(term) != term]
        assert not wrong, f"{group.topic} {group.name}: write these in Simplified, lower case: {wrong}"


def test_every_term_finds_itself() -> None:
    finder = TermFinder(TAXONOMY)
    for number, group in enumerate(TAXONOMY.groups):
        for term in group.terms:
            found = finder.find(read_batch([term])).terms
            assert len(found) == 1 and number in finder.groups_of(int(found[0])), (group.name, term)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("schema = 1", "schema = 2"), "reads 1"),
        (('id = "tea"', 'id = "Tea Time"'), "lower-case"),
        (('en = "Tea"', 'de = "Tee"'), "'names'"),
        (('definition = "Tea."', ""), "definition"),
        (('leaf = ["茶叶"]', ""), "no terms"),
        (('["茶叶"]', '["茶叶", "茶叶"]'), "twice"),
        (('["茶叶"]', '["茶叶 "]'), "blanks"),
        (('["茶叶"]', "3"), "list of strings"),
        (("[[topics]]", "[topic"), "not valid TOML"),
        (('definition = "Tea."', 'definition = "Tea."\niptc = [{ id = "x", match = "close" }]'), "iptc"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(change: tuple[str, str], message: str) -> None:
    assert parse_taxonomy(SMALL, "x.toml").ids == ("tea",)
    with pytest.raises(UsageError, match=message) as caught:
        parse_taxonomy(SMALL.replace(*change), "x.toml")
    assert "x.toml" in str(caught.value)


def test_a_topic_twice_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="twice"):
        parse_taxonomy(SMALL + SMALL.replace("schema = 1", ""), "x.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_taxonomy(tmp_path / "none.toml")
