"""Titles: where the head states one, where only lines stand, and what is none. All texts are made up."""

from __future__ import annotations

import pytest

from pipeline.article import Article, Page
from pipeline.ingest import clean
from pipeline.ingest.title import linked_data
from tests.ingest.test_metadata import BODY, TITLE, cleaned

MENU = ("首頁", "地方", "財經", "體育", "生活")


def page(head: str, *lines: str) -> Article:
    body = "".join(line if line.startswith("<") else f"<p>{line}</p>" for line in (*lines, *BODY))
    return clean(Page(id="1", html=f"<head>{head}</head><body><div>{body}</div>"))


@pytest.mark.parametrize(
    "above",
    [
        (TITLE, "2026-02-03 10:12"),
        (TITLE, "來源：石榕日報", "2026-02-03 10:12"),
        (TITLE, "2026-02-03 10:12", "分享", "評論(3)", "字號", "列印"),
        (*MENU, TITLE, "10:12", "2026/02/03", "分享"),
        ("石榕港輪渡恢復通航", TITLE, "記者林小滿／石榕報導"),
        (TITLE, "港務課：浮筒鬆脫，十二條鋼纜都要更換", "2026-02-03 10:12"),
        ("2026年2月3日", TITLE),
        ("港口消息", TITLE, "石榕記者", "2026-02-03 10:12"),
        (TITLE, "2026-02-03 10:12", "（原標題：石榕港輪渡停航三週後恢復）"),
    ],
)
def test_the_line_above_the_date_is_the_title(above: tuple[str, ...]) -> None:
    article = cleaned(*above, *BODY)
    assert article.title in (TITLE, "石榕港輪渡恢復通航") and article.title in above
    assert article.text.splitlines()[-len(BODY) :] == list(BODY)


@pytest.mark.parametrize(
    "line",
    [
        "2026年2月3日",
        "2026-02-03 10:12",
        "首頁 > 地方 > 石榕港",
        "來源：石榕港務課",
        "石榕港務課記者",
        "https://news.example/石榕港輪渡",
        "【列印】【關閉】【推薦石榕港】",
        "Ferry of Shirong",
        "港務課說，停航三週是因為碼頭的浮筒鬆脫；",
    ],
)
def test_a_line_of_another_kind_is_no_title(line: str) -> None:
    assert cleaned(line, *BODY).title == ""


def test_a_headline_with_two_marks_is_no_paragraph() -> None:
    title = "輪渡停了三週？石榕港碼頭十二條鋼纜全數更換，班次恢復！"
    article = cleaned(*MENU, title, "2026-02-03 10:12 來源：石榕日報", *BODY)
    assert (article.title, article.published, article.source) == (title, "2026-02-03T10:12", "石榕日報")
    assert article.text.splitlines() == list(BODY)


def test_a_first_paragraph_that_asks_is_no_title() -> None:
    asks = "你多久沒有搭過石榕港的輪渡了，還記得它幾點開船嗎？"
    article = cleaned(TITLE, "2026-02-03 10:12", asks, *BODY)
    assert article.title == TITLE
    assert article.text.splitlines() == [asks, *BODY]


def test_a_headline_may_stand_on_two_lines() -> None:
    article = page(f"<title>{TITLE}——寫在石榕港百年_石榕網</title>", TITLE, "——寫在石榕港百年")
    assert article.title == f"{TITLE}——寫在石榕港百年"
    assert article.text.splitlines() == list(BODY)
    article = page("<title>石榕港輪渡恢復通航碼頭鋼纜全數更換_石榕網</title>", "石榕港輪渡恢復通航", "碼頭鋼纜全數更換")
    assert article.title == "石榕港輪渡恢復通航 碼頭鋼纜全數更換"
    assert cleaned(TITLE, "——寫在石榕港百年", "2026-02-03 10:12", *BODY).title == f"{TITLE}——寫在石榕港百年"


@pytest.mark.parametrize("stated", ["石榕新聞網", "新聞動態--石榕港務學會官網", "首頁", "好望消息_(新聞)"])
def test_a_stated_title_that_names_the_site_is_none(stated: str) -> None:
    assert page(f"<title>{stated}</title>", f"<h1>{TITLE}</h1>", "2026-02-03 10:12").title == TITLE


def test_a_stated_title_that_no_line_shows_is_one() -> None:
    assert page(f"<title>{TITLE}_石榕新聞網</title>", "2026-02-03 10:12").title == TITLE


def test_a_heading_is_the_title_where_none_is_stated() -> None:
    article = page("", "石榕港輪渡公司的班次", f"<h1>{TITLE}</h1>", "分享", "石榕港的碼頭與老船長")
    assert article.title == TITLE


def test_the_title_where_it_ran_before_is_no_text() -> None:
    article = page(f"<title>{TITLE}_石榕網</title>", TITLE, "（原標題：石榕港輪渡停航三週後恢復，旅客稱便）")
    assert article.title == TITLE
    assert article.text.splitlines() == list(BODY)
    assert (
        cleaned("（原標題：石榕港輪渡停航三週後恢復）", "2026-02-03 10:12", *BODY).title == "石榕港輪渡停航三週後恢復"
    )


def test_linked_data_tells_the_author_only_if_it_is_a_person() -> None:
    told = '{"@type": "NewsArticle", "publisher": {"name": "石榕網"}, "author": %s}'
    person = '{"@type": "Person", "name": "%s"}'
    assert linked_data((told % (person % "林小滿"),))["author"] == "林小滿"
    assert linked_data((told % f"[{person % '石榕網'}, {person % '林小滿'}]",))["author"] == "林小滿"
    assert linked_data((told % '{"@type": "Organization", "name": "林小滿"}',))["author"] == ""
    assert linked_data((told % '"林小滿"',))["author"] == ""


def test_linked_data_that_is_broken_or_untyped_still_tells_the_time() -> None:
    assert linked_data(('{"@type": "NewsArticle", "datePublished": "2026-02-03T10:12:00", }',)) == {
        "datePublished": "2026-02-03T10:12:00"
    }
    assert linked_data(('{"title": "甲", "pubDate": "2026-02-03T10:12:00"}',)) == {"pubDate": "2026-02-03T10:12:00"}


@pytest.mark.parametrize("stamp", ["2026-02-03", "[2026/02/03]", "2026年2月3日"])
def test_a_date_behind_a_title_is_not_of_it(stamp: str) -> None:
    article = cleaned(f"{TITLE} {stamp}", "2026-02-03 10:12 25点热度 3条评论", *BODY)
    assert article.title == TITLE and article.published.startswith("2026-02-03")


def test_a_year_in_a_title_stays() -> None:
    assert cleaned("石榕港輪渡停航紀事 2026", "2026-02-03 10:12", *BODY).title == "石榕港輪渡停航紀事 2026"


STRANGE = "老船長終於等到好消息 孩子們先睹為快"
"""A headline that shares no two characters in a row with the text below it."""


@pytest.mark.parametrize(
    ("above", "wanted"),
    [
        ((STRANGE,), STRANGE),
        ((f"{STRANGE} (23:18)",), f"{STRANGE} (23:18)"),
        (("首頁 > 地方", "2026-02-03 10:12", STRANGE.replace(" ", "")), STRANGE.replace(" ", "")),
        ((STRANGE, "By 林小滿", "February 3, 2026"), STRANGE),
        (("批次：[地方] 老船長", f"標題[新聞] {STRANGE}", "時間Tue Feb  3 10:12:30 2026"), STRANGE),
        (("*作者為望湖大學 漁業系教授*",), ""),
        (("望湖農場 Harbour 供稿組",), ""),
        (("林小滿 校對 陳步青 發布",), ""),
        (("老船長終於等到好消息",), ""),
    ],
)
def test_a_headline_that_shares_no_word_with_the_text(above: tuple[str, ...], wanted: str) -> None:
    assert cleaned(*above, *BODY).title == wanted
