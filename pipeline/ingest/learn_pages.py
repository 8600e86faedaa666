"""Pages made up for teaching: own templates of scraped pages (`corpora/templates`), filled with articles.

A template is HTML with places for an article's parts and for the headlines of others; `corpora/templates/README.md` is
its language. Real pages with the truth of their lines are few; what a judge must know of noise it has never seen, it
learns here: comments longer than the article, second articles below it, appeals, short lines that belong to it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.flatten import Flat, flatten_html

__all__ = ["Filled", "fill", "read_templates", "without_classes"]

_KEEP, _NEUTRAL = "\ue010", "\ue011"
"""Private-use characters that mark, while a page is made, what belongs to the article and what counts for nothing."""
_EACH = re.compile(r"<!--each (\w+)(?: (\d+))?-->(.*?)<!--end-->", re.DOTALL)
_MARKED = re.compile(r"<!--(keep|neutral)-->(.*?)<!--/\1-->", re.DOTALL)
_TEXT = re.compile(r"((?:^|>|\n)\s*)(?=[^<\s])")
_PLACES = frozenset(("title", "author", "source", "date", "date_cn", "p", "headline", "teaser", "other"))
_CLASSES = re.compile(r"\s(?:class|id|role|itemprop)\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+)")
_SURNAMES, _NAMES = "王李张陈林黄吴刘周郑", "明华志伟淑芬建国雅婷宇轩思涵"
_OUTLETS = ("晨光社", "东岸日报", "综合报道", "北原通讯", "南港时报")
_MOST = 40
"""Paragraphs of an article that are used at most."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A page made of a template, and the truth of its blocks: 1 belongs to the article, 0 does not, -1 counts not."""

    html: str
    flat: Flat
    truth: NDArray[np.int8]


def read_templates(folder: Path) -> dict[str, str]:
    """Return the templates of a folder by name."""
    return {path.stem: path.read_text("utf-8") for path in sorted(folder.glob("*.html"))}


def without_classes(html: str) -> str:
    """Return the page without classes, ids, roles and itemprops: what a site with names of its own looks like."""
    return _CLASSES.sub("", html)


def fill(template: str, article: Mapping[str, str], others: Sequence[Mapping[str, str]], dice: random.Random) -> Filled:
    """Return the template filled with an article, and with headlines and texts of others.

    Args:
        template: the HTML of `corpora/templates`.
        article: `title` and `text`, a line a paragraph.
        others: articles for headlines, teasers and second articles; the more the better.
        dice: what chooses dates, names and others.

    Raises:
        ValueError: the template is wrong: marks inside marks, or text that is lost.
    """
    if unknown := set(re.findall("{{(.*?)}}", template)) - _PLACES:
        raise ValueError(f"places that nothing fills: {', '.join(sorted(unknown))}")
    left = [line.strip() for line in article["text"].split("\n") if line.strip()][:_MOST]
    stated = {
        "title": article["title"],
        "author": dice.choice(_SURNAMES) + "".join(dice.choices(_NAMES, k=2)),
        "source": dice.choice(_OUTLETS),
        **_dates(dice),
    }

    def each(match: re.Match[str]) -> str:
        what, count, inner = match[1], int(match[2] or 0), match[3]
        if what == "body":
            taken = left[: count or len(left)]
            del left[: len(taken)]
            return "".join(_put(inner, {"p": _KEEP + _escaped(line)}) for line in taken)
        if what == "other":
            lines = [line for line in dice.choice(others)["text"].split("\n") if line.strip()]
            return "".join(_put(inner, {"other": _escaped(line)}) for line in lines[:count])
        rows = []
        for _ in range(count):
            other = dice.choice(others)
            start = other["text"].replace("\n", "")[: dice.randint(50, 130)]
            teaser = start + dice.choice(("…", "...", "……", "[详细]", "")) if dice.random() < 0.7 else start + "。"
            told = {"headline": _escaped(other["title"]), "teaser": _escaped(teaser), **_dates(dice)}
            rows.append(_put(inner, told))
        return "".join(rows)

    def marked(match: re.Match[str]) -> str:
        sign = _KEEP if match[1] == "keep" else _NEUTRAL
        return _TEXT.sub(rf"\1{sign}", match[2])

    page = _put(_MARKED.sub(marked, _EACH.sub(each, template)), {k: _escaped(v) for k, v in stated.items()})
    plain = page.replace(_KEEP, "").replace(_NEUTRAL, "")
    signs, flat = flatten_html(page), flatten_html(plain)
    if len(signs.edges) != len(flat.edges):
        raise ValueError(f"{len(signs.edges)} lines with marks, {len(flat.edges)} without")
    if left or "<!--each" in page or "<!--keep" in page or "<!--neutral" in page:
        raise ValueError("a mark is not closed, or no `each body` takes the last paragraphs")
    truth = [1 if _KEEP in line else -1 if _NEUTRAL in line else 0 for line in signs.lines]
    return Filled(plain, flat, np.array(truth, dtype=np.int8))


def _put(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _dates(dice: random.Random) -> dict[str, str]:
    year, month, day = dice.randint(2003, 2026), dice.randint(1, 12), dice.randint(1, 28)
    clock = f"{dice.randint(0, 23):02d}:{dice.randint(0, 59):02d}"
    return {"date": f"{year}-{month:02d}-{day:02d} {clock}", "date_cn": f"{year}年{month:02d}月{day:02d}日 {clock}"}
