"""Fields: dates as exact as they are told, titles, bylines, sources, captions, tags, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.article import Article, Page
from pipeline.ingest import clean
from pipeline.ingest.dates import iso_date
from pipeline.script.fold import fold

BODY = (
    "石榕港的輪渡昨天恢復通航，第一班船載了四十名旅客和六輛機車，比平常晚了二十分鐘。",
    "港務課說，停航三週是因為碼頭的浮筒鬆脫，潛水員換了十二條鋼纜，費用由縣府負擔。",
    "住在對岸的老師傅等了一個早上，他說，沒有輪渡的日子，進城要繞半座山，貨也送不過去。",
    "輪渡公司表示，石榕港的班次今後每小時一班，颱風季節以前還要再檢查一次碼頭。",
)
TITLE = "石榕港輪渡恢復通航 碼頭鋼纜全數更換"


def cleaned(*lines: str, **record: Any) -> Article:
    return clean(Page(id="1", text="\n".join(lines), **record))


CRAWLED = "2026-02-03T10:12:00+08:00"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2025年4月3日", "2025-04-03"),
        ("2025年04月03日 08:15", "2025-04-03T08:15"),
        ("2025年4月3日8時15分", "2025-04-03T08:15"),
        ("2025年4月3日 08:15:59", "2025-04-03T08:15:59"),
        ("2025年4月3日 星期四 08:15", "2025-04-03T08:15"),
        ("2025年4月3日(星期四) 08:15", "2025-04-03T08:15"),
        ("2025年4月3日 下午3:05", "2025-04-03T15:05"),
        ("2025-04-03 03:05 PM", "2025-04-03T15:05"),
        ("2025年4月3日 下午12:10", "2025-04-03T12:10"),
        ("2025年4月3日 凌晨2:05", "2025-04-03T02:05"),
        ("2025-04-03", "2025-04-03"),
        ("2025/4/3 8:15", "2025-04-03T08:15"),
        ("2025.04.03", "2025-04-03"),
        ("２０２５年４月３日", "2025-04-03"),
        ("25-04-03", "2025-04-03"),
        ("2025-04-03T08:15:00+08:00", "2025-04-03T08:15:00+08:00"),
        ("2025-04-03T08:15:00.123Z", "2025-04-03T08:15:00+00:00"),
        ("2025-04-03 08:15:09 +0800", "2025-04-03T08:15:09+08:00"),
        ("2025-04-03T08:15:00-0330", "2025-04-03T08:15:00-03:30"),
        ("20:51 2023/03/31", "2023-03-31T20:51"),
        ("民國114年4月3日", "2025-04-03"),
        ("中華民國 114 年 4 月 3 日", "2025-04-03"),
        ("114年4月3日", "2025-04-03"),
        ("發布時間：2025-04-03 08:15｜更新時間：2025-04-04 09:00", "2025-04-03T08:15"),
        ("2024-02-29", "2024-02-29"),
        ("2023-02-29", ""),
        ("2025-13-01", ""),
        ("2025年4月31日", ""),
        ("1879年4月3日", ""),
        ("2025年4月", ""),
        ("4月3日 08:15", ""),
        ("08:15", ""),
        ("昨天", ""),
        ("3小時前", ""),
        ("12025-04-034", ""),
        ("", ""),
    ],
)
def test_dates(text: str, wanted: str) -> None:
    assert iso_date(fold(text)) == wanted


@pytest.mark.parametrize(
    ("text", "crawled", "wanted"),
    [
        ("3小時前", CRAWLED, "2026-02-03T07:12+08:00"),
        ("30 分鐘前", CRAWLED, "2026-02-03T09:42+08:00"),
        ("11小时之前", CRAWLED, "2026-02-02T23:12+08:00"),
        ("2天前", CRAWLED, "2026-02-01"),
        ("1週前", CRAWLED, "2026-01-27"),
        ("昨天 18:40", CRAWLED, "2026-02-02T18:40+08:00"),
        ("前天 7:05", "2026-03-01T00:10:00Z", "2026-02-27T07:05+00:00"),
        ("今天 09:00", CRAWLED, "2026-02-03T09:00+08:00"),
        ("昨天 18:40", "2026-02-03", "2026-02-02T18:40"),
        ("2天前", "2026-02-03", "2026-02-01"),
        ("昨天 25:00", CRAWLED, ""),
        ("3小時前", "yesterday", ""),
        ("3小時前", "", ""),
        ("2025-04-03", CRAWLED, "2025-04-03"),
    ],
)
def test_dates_against_the_time_of_the_crawl(text: str, crawled: str, wanted: str) -> None:
    assert iso_date(fold(text), crawled) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2025年4月3日 上午12:10", "2025-04-03T00:10"),
        ("2025-04-03 12:10 AM", "2025-04-03T00:10"),
        ("2025年4月3日 中午1:10", "2025-04-03T13:10"),
        ("2025-04-03T08:15+99:99", "2025-04-03T08:15"),
        ("2025-04-03 25:10", "2025-04-03"),
    ],
)
def test_noon_midnight_and_impossible_times(text: str, wanted: str) -> None:
    assert iso_date(fold(text)) == wanted


def test_hours_before_a_day_are_not_the_day_before() -> None:
    assert iso_date("3小时前", "2026-02-03") in ("", "2026-02-03")


def test_a_time_before_time_is_no_date() -> None:
    assert cleaned("3小時前", *BODY, crawled="0001-01-01T00:00:00").published == ""


@given(
    st.datetimes(datetime(1980, 1, 1), datetime(2099, 12, 31)),
    st.sampled_from(
        ("{:%Y-%m-%d %H:%M:%S}", "{:%Y/%m/%dT%H:%M:%S}", "{:%Y年%m月%d日 %H:%M:%S}", "{:%Y.%m.%d, %H:%M:%S}")
    ),
    st.sampled_from(("", "發布：", "記者王一明 ", "本報訊｜")),
)
def test_any_moment_is_read_back(moment: datetime, form: str, before: str) -> None:
    moment = moment.replace(microsecond=0)
    assert iso_date(fold(before + form.format(moment) + " 閱讀 12")) == moment.isoformat()


@given(st.text(st.sampled_from("0123456789-/年月日時:：.TZ+ 民國下午AMpm小前昨天周個分鐘\u0664"), max_size=24))
def test_what_is_read_is_a_date(text: str) -> None:
    found = iso_date(fold(text), CRAWLED)
    if found and "+" not in text:  # offsets are not checked: see above
        assert timedelta() < datetime(2101, 1, 1) - datetime.fromisoformat(found).replace(tzinfo=None)


# Fields of a page.


def test_title_byline_and_date_above_the_text_become_fields() -> None:
    article = cleaned(TITLE, "記者林小滿／石榕報導", "2026-02-03 10:12", *BODY)
    assert (article.title, article.byline, article.published) == (TITLE, "記者林小滿／石榕報導", "2026-02-03T10:12")
    assert article.text.splitlines() == list(BODY)
    assert [cut.kind for cut in article.cuts] == ["title", "byline", "date"]


def test_one_line_may_say_everything() -> None:
    article = cleaned(TITLE, "2026年2月3日 10:12　來源：石榕日報　作者：林小滿　瀏覽：2317", *BODY)
    assert (article.published, article.source) == ("2026-02-03T10:12", "石榕日報")
    assert "林小滿" in article.byline
    assert article.text.splitlines() == list(BODY)


def test_the_record_s_own_fields_are_taken_at_their_word() -> None:
    article = cleaned(*BODY, title="別的標題", date="2026-02-01", url="https://news.example/a/2026/02/05/1.html")
    assert (article.title, article.published) == ("別的標題", "2026-02-01")
    assert article.text.splitlines() == list(BODY)


def test_the_more_exact_of_two_times_of_a_day_is_kept() -> None:
    assert cleaned("2026-02-03 10:12", *BODY, date="2026-02-03").published == "2026-02-03T10:12"
    assert cleaned("2026-02-03 10:12", *BODY, date="2026-02-01").published == "2026-02-01"


@pytest.mark.parametrize("date", ["昨天", "Tue, 03 Feb", "\x00"])
def test_a_record_s_date_that_is_none_is_left_out(date: str) -> None:
    assert cleaned(*BODY, date=date).published == ""


def test_the_address_tells_the_day_where_nothing_else_does() -> None:
    assert cleaned(*BODY, url="https://news.example/2026/02/05/1.html").published == "2026-02-05"
    assert cleaned(*BODY, url="https://news.example/20260205-1.html").published == "2026-02-05"
    assert cleaned(*BODY, url="https://news.example/20261305.html").published == ""
    assert cleaned(*BODY, url="https://news.example/?d=2026/02/05").published == ""


@pytest.mark.parametrize("way", ["url", "canonical", "both"])
def test_a_broken_address_is_no_address(way: str) -> None:
    url = "http://[" if way != "canonical" else "https://news.example/1"
    link = "<link rel=canonical href='/1'>" if way == "both" else "<link rel=canonical href='http://['>"
    html = f"{link if way != 'url' else ''}{''.join(f'<p>{line}</p>' for line in BODY)}"
    article = clean(Page(id="1", html=html, url=url))
    assert article.status == "article"
    assert article.published == ""


def test_a_date_inside_a_sentence_is_no_date_of_the_article() -> None:
    article = cleaned("2011年3月11日的地震之後，這座碼頭重建過一次，老船長至今記得那天的水位。", *BODY)
    assert article.published == ""
    assert article.text.startswith("2011年3月11日")


def test_the_head_of_a_page_fills_the_fields() -> None:
    head = (
        f"<title>{TITLE}_地方_石榕新聞網</title><meta name=author content=林小滿>"
        "<meta property='article:published_time' content='2026-02-03T10:12:00+08:00'><link rel=canonical href=/a/1>"
    )
    body = f"<h1>{TITLE}</h1>" + "".join(f"<p>{line}</p>" for line in BODY)
    article = clean(Page(id="1", html=f"<head>{head}</head><body><article>{body}</article>", url="https://n.example/x"))
    assert (article.title, article.byline) == (TITLE, "林小滿")
    assert (article.published, article.canonical_url) == ("2026-02-03T10:12:00+08:00", "https://n.example/a/1")
    assert article.text.splitlines() == list(BODY)


def test_the_site_s_name_is_taken_off_a_title() -> None:
    html = f"<title>{TITLE}_地方_好望新聞網</title>" + "".join(f"<p>{line}</p>" for line in BODY)
    assert clean(Page(id="1", html=html)).title == TITLE


def test_linked_data_tells_title_and_time() -> None:
    data = f'{{"@graph": [{{"@type": "NewsArticle", "headline": "{TITLE}", "datePublished": "2026-02-03T10:12:00Z"}}]}}'
    html = f"<script type='application/ld+json'>{data}</script>" + "".join(f"<p>{line}</p>" for line in BODY)
    article = clean(Page(id="1", html=html))
    assert (article.title, article.published) == (TITLE, "2026-02-03T10:12:00+00:00")


@pytest.mark.parametrize(
    "data", ["{", "[" * 5000, "null", '{"@type": 3}', '{"@type": "NewsArticle", "headline": []}', "9" * 5000]
)
def test_broken_linked_data_is_none(data: str) -> None:
    html = f"<script type='application/ld+json'>{data}</script>" + "".join(f"<p>{line}</p>" for line in BODY)
    assert clean(Page(id="1", html=html)).text.splitlines() == list(BODY)


@pytest.mark.parametrize(
    "line", ["關鍵字：石榕港、輪渡、碼頭", "标签: 石榕港 輪渡 碼頭", "#石榕港 #輪渡 #碼頭", "石榕港 輪渡 碼頭"]
)
def test_tags_behind_the_text_become_a_field(line: str) -> None:
    article = cleaned(TITLE, *BODY, line)
    assert tuple(tag.lstrip("#") for tag in article.tags) == ("石榕港", "輪渡", "碼頭")
    assert line not in article.text
    assert article.text.splitlines() == list(BODY)


def test_captions_become_a_field_once() -> None:
    caption = "▲旅客在石榕港排隊登船。（圖／記者林小滿攝）"
    article = cleaned(TITLE, BODY[0], caption, caption, *BODY[1:])
    assert article.captions == (caption,)
    assert article.text.splitlines() == list(BODY)


def test_both_scripts_have_the_same_fields() -> None:
    lines = (TITLE, "記者林小滿／石榕報導", "民國115年2月3日", *BODY, "關鍵字：石榕港、輪渡")
    hant, hans = cleaned(*lines), cleaned(*map(fold, lines))
    assert fold(hant.title) == hans.title != ""
    assert fold(hant.byline) == hans.byline != ""
    assert tuple(map(fold, hant.tags)) == hans.tags != ()
    assert hant.published == hans.published == "2026-02-03"
    assert [(c.start, c.end, c.kind) for c in hant.cuts] == [(c.start, c.end, c.kind) for c in hans.cuts]
