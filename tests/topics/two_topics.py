"""Two topics as plain as can be, tea and rain, and a sentence that says each: what tests of learning learn."""

from __future__ import annotations

from pipeline.topics.taxonomy import Taxonomy, parse_taxonomy

__all__ = ["SAYS", "TAXONOMY", "two_topics"]

SAYS = {"tea": "茶農採茶，茶葉豐收。", "rain": "山區下雨，暴雨成災。"}


def two_topics(of_tea: str = "") -> Taxonomy:
    """Return the topics, with more TOML for tea."""
    return parse_taxonomy(
        f"""
schema = 1
[[topics]]
id = "tea"
names = {{ "zh-Hant" = "茶", "zh-Hans" = "茶", en = "Tea" }}
definition = "Tea."
[topics.terms]
leaf = ["茶叶", "采茶"]
{of_tea}
[[topics]]
id = "rain"
names = {{ "zh-Hant" = "雨", "zh-Hans" = "雨", en = "Rain" }}
definition = "Rain."
[topics.terms]
water = ["下雨", "暴雨"]
""",
        "test",
    )


TAXONOMY = two_topics()
