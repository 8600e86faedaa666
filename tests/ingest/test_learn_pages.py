"""Templates make pages whose truth is known."""

from __future__ import annotations

import random
import re

import pytest

from pipeline.ingest.flatten import flatten_html
from pipeline.ingest.learn_pages import fill, read_templates, without_classes
from tests.ingest.articles import HARBOUR_HANS, HARBOUR_TITLE, RIVER_HANT, RIVER_TITLE
from tests.sample import CORPORA

TEMPLATES = read_templates(CORPORA / "templates")
OTHERS = [{"title": RIVER_TITLE, "text": RIVER_HANT}]
ARTICLE = {"title": HARBOUR_TITLE, "text": HARBOUR_HANS * 3}


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_holds_the_whole_article_and_much_else(name: str) -> None:
    filled = fill(TEMPLATES[name], ARTICLE, OTHERS, random.Random(name))
    lines = filled.flat.lines
    assert len(lines) == len(filled.truth)
    kept = re.sub(r"\s", "", "".join(line for line, truth in zip(lines, filled.truth, strict=True) if truth == 1))
    for paragraph in HARBOUR_HANS.split("\n"):
        assert re.sub(r"\s", "", paragraph) in kept
    assert (filled.truth == 0).sum() >= 8
    assert (filled.truth == -1).any()
    assert "\ue010" not in filled.html
    assert "\ue011" not in filled.html


def test_the_same_dice_make_the_same_page() -> None:
    name = min(TEMPLATES)
    pages = [fill(TEMPLATES[name], ARTICLE, OTHERS, random.Random(7)).html for _ in range(2)]
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("<p>{{nonsense}}</p><!--each body-->{{p}}<!--end-->", "nonsense"),
        ("<!--each body 1-->{{p}}<!--end-->", "last paragraphs"),
        ("<!--keep-->甲<!--each body-->{{p}}<!--end-->", "not closed"),
    ],
)
def test_a_wrong_template_is_refused(template: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        fill(template, ARTICLE, OTHERS, random.Random(1))


def test_a_page_without_classes_shows_the_same() -> None:
    html = "<div class='a b' id=c><p role=\"x\" itemprop=y>甲</p></div>"
    plain = flatten_html(without_classes(html))
    assert plain.text == flatten_html(html).text
    assert plain.tree is not None
    assert {own for _, own in plain.tree.makes} == {""}
