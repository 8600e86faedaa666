"""Fields: dates as exact as they are told, titles, bylines, sources, captions, tags, and nothing else."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.article import Article, Page
from pipeline.ingest import clean
from pipeline.ingest.dates import iso_date, url_date
from pipeline.ingest.flatten import flatten_text
from pipeline.ingest.metadata import find_fields
from pipeline.ingest.strip import Judged
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
        ("03/04/2025 - 13:48", "2025-04-03T13:48"),
        ("03.04.2025", "2025-04-03"),
        ("04/23/2025", "2025-04-23"),
        ("2025/04/03 PM 03:05", "2025-04-03T15:05"),
        ("2025年4月3日 晚間8:15", "2025-04-03T20:15"),
        ("2025-04-03 - 08:15", "2025-04-03T08:15"),
        ("民國114年4月3日", "2025-04-03"),
        ("中華民國 114 年 4 月 3 日", "2025-04-03"),
        ("114年4月3日", "2025-04-03"),
        ("發布時間：2025-04-03 08:15｜更新時間：2025-04-04 09:00", "2025-04-03T08:15"),
        ("2024-02-29", "2024-02-29"),
        ("March 19, 2024", "2024-03-19"),
        ("Mar 9, 2024 10:22 PM", "2024-03-09T22:22"),
        ("時間Tue Mar 19 12:30:11 2024", "2024-03-19T12:30:11"),
        ("19 March 2024, 08:15", "2024-03-19T08:15"),
        ("3月 19, 2024", "2024-03-19"),
        ("13月 19, 2024", ""),
        ("Marble 19, 2024", ""),
        ("March 32, 2024", ""),
        ("2024 03/19 16:05:30", "2024-03-19T16:05:30"),
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
        ("昨天", CRAWLED, "2026-02-02"),
        ("前天", "2026-02-03", "2026-02-01"),
        ("02-01 18:40", CRAWLED, "2026-02-01T18:40+08:00"),
        ("12月31日 18:40", CRAWLED, "2025-12-31T18:40+08:00"),
        ("12-3118:40", CRAWLED, "2025-12-31T18:40+08:00"),
        ("02-30 18:40", CRAWLED, ""),
        ("比分 3-4 20:15", "", ""),
        ("昨天的風浪", CRAWLED, ""),
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


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://n.example/2025/04/03/1.html", "2025-04-03"),
        ("https://n.example/2025-04/03/c_1.htm", "2025-04-03"),
        ("https://n.example/n1/2025/0403/c1-2.html", "2025-04-03"),
        ("https://n.example/20250403/1.html", "2025-04-03"),
        ("https://n.example/202504/t20250403_118.html", "2025-04-03"),
        ("https://n.example/a/20250403081512.html", "2025-04-03"),
        ("https://n.example/20250431/1.html", ""),
        ("https://n.example/20250403081512345.html", ""),
        ("https://n.example/920250403.html", ""),
        ("https://n.example/1?t=20250403", ""),
        ("", ""),
    ],
)
def test_dates_of_addresses(url: str, wanted: str) -> None:
    assert url_date(url) == wanted


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


def test_the_day_of_a_dateline_is_the_day_of_an_article_that_has_no_other() -> None:
    first = f"【嶼通社2026年02月02日訊】{BODY[0]}"
    assert cleaned(TITLE, first, *BODY[1:]).published == "2026-02-02"
    assert cleaned(TITLE, "2026-02-03 10:12", first, *BODY[1:]).published == "2026-02-03T10:12"
    told = f"【石榕港2026年02月02日起】{BODY[0]}"
    assert cleaned(TITLE, told, *BODY[1:]).published == ""


@pytest.mark.parametrize(
    ("lines", "byline"),
    [
        (("2026-02-03 10:12", "林小滿"), "林小滿"),
        (("林小滿", "2026-02-03 10:12"), "林小滿"),
        (("林小滿", "lin@example.com", "發布 / 2026年2月3日 10:12"), "林小滿"),
        (("2026-02-03 10:12", "港口輪渡"), ""),
        (("2026-02-03 10:12", "輪渡", "林小滿"), ""),
    ],
)
def test_a_name_beside_the_date_signs_the_article(lines: tuple[str, ...], byline: str) -> None:
    article = cleaned("首頁", TITLE, *lines, *BODY, "延伸閱讀", "果菜市場清晨大火 攤商損失待查")
    assert (article.byline, article.published) == (byline, "2026-02-03T10:12")


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("2026年02月03日 10:12 石榕日報", "石榕日報"),
        ("2026-02-03 10:12:09　　望湖新聞網", "望湖新聞網"),
        ("2026-02-03 10:12 本報", ""),
        ("2026年02月03日 石榕日報", ""),
        ("2026-02-03 10:12 石榕港", ""),
    ],
)
def test_a_paper_behind_the_clock_is_the_source(line: str, source: str) -> None:
    assert cleaned("首頁", TITLE, line, *BODY).source == source


def test_a_byline_is_no_title() -> None:
    article = cleaned("林小滿 陳步青 報導 / 石榕市", *BODY)
    assert (article.title, article.byline) == ("", "林小滿 陳步青 報導 / 石榕市")


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


@pytest.mark.parametrize("note", ["石榕港至清水埠（含跨海大橋）", "主持人：林小滿（石榕大學海洋學院）"])
def test_a_note_in_brackets_is_no_credit(note: str) -> None:
    article = cleaned(TITLE, note, *BODY)
    assert article.captions == ()


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


# Times: which of several is told.


def published(*lines: str, head: str = "", url: str = "", crawled: str = "") -> str:
    body = "".join(f"<p>{line}</p>" for line in (f"<h1>{TITLE}</h1>", *lines, *BODY))
    html = f"<head><title>{TITLE}_石榕網</title>{head}</head><body><div>{body}</div>"
    return clean(Page(id="1", html=html, url=url, crawled=crawled)).published


def meta(name: str, content: str) -> str:
    return f"<meta property='{name}' content='{content}'>"


@pytest.mark.parametrize(
    ("stated", "shown", "wanted"),
    [
        ("2026-02-03T10:12:30+08:00", "2026-02-03 10:12", "2026-02-03T10:12:30+08:00"),
        ("2026-02-03T02:12:30+00:00", "2026-02-03 10:12", "2026-02-03T02:12:30+00:00"),
        ("2026-02-03T11:40:00+08:00", "2026-02-03 10:12", "2026-02-03T10:12"),
        ("2026-02-03 11:12:00", "2026-02-03 10:12", "2026-02-03T10:12"),
        ("2026-02-03", "2026-02-03 10:12", "2026-02-03T10:12"),
        ("2026-02-03T10:12:30+08:00", "2026-02-04 08:00", "2026-02-03T10:12:30+08:00"),
        ("2026-02-03T10:12:30+08:00", "更新時間：2026-02-03 15:00", "2026-02-03T10:12:30+08:00"),
    ],
)
def test_the_clock_that_is_shown_goes_before_another_of_the_head(stated: str, shown: str, wanted: str) -> None:
    assert published(shown, head=meta("article:published_time", stated)) == wanted


def test_a_vague_time_of_the_head_goes_behind_the_one_shown() -> None:
    assert published("2026-02-03 10:12", head=meta("og:time", "2026-02-05 09:00:00")) == "2026-02-03T10:12"
    assert published("2026-02-03", head=meta("og:time", "2026-02-03 09:00:00")) == "2026-02-03T09:00:00"
    assert published(head=meta("dateUpdate", "2026-02-05 09:00:00")) == "2026-02-05T09:00:00"
    untyped = '<script type="application/ld+json">{"title": "甲", "pubDate": "2026-02-03T10:12:00"}</script>'
    assert published(head=untyped) == "2026-02-03T10:12:00"


@pytest.mark.parametrize(
    "lines",
    [
        ("發佈時間：2026-02-03 10:12",),
        ("更新時間：2026-02-04 08:00 發佈時間：2026-02-03 10:12",),
        ("NEWS.SHIRONG.EXAMPLE.COM 2026年2月3日10:12 石榕日報",),
        ("http://news.shirong.com.tw 2026年02月03日10:12 來源：[ 石榕日報 ]",),
        ("10:12", "2026/02/03"),
        ("2026/02/03", "10:12"),
        ("2026", "02/03", "10:12"),
        ("發佈時間：", "2026-02-03 10:12"),
        ("2026-02-03 10:12  出處：石榕網 作者：林小滿 編輯：陳步青   人氣： 5380 次    評論(18)",),
    ],
)
def test_one_time_in_many_shapes(lines: tuple[str, ...]) -> None:
    assert published(*lines) == "2026-02-03T10:12"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("3小時前", "2026-02-03T07:12+08:00"),
        ("昨天", "2026-02-02"),
        ("前天 18:40", "2026-02-01T18:40+08:00"),
        ("發佈時間：02-01 18:40", "2026-02-01T18:40+08:00"),
        ("昨天的風浪", ""),
    ],
)
def test_times_against_the_crawl(line: str, wanted: str) -> None:
    assert published(line, crawled=CRAWLED) == wanted
    assert published(line) == ""


def test_the_day_of_the_crawl_above_the_title_is_none_of_the_article() -> None:
    assert (
        cleaned("2026年2月5日 星期四", *("首頁", "地方"), TITLE, "2026-02-03 10:12", *BODY).published
        == "2026-02-03T10:12"
    )
    assert cleaned("2026年2月5日 星期四", *("首頁", "地方"), TITLE, "記者林小滿／石榕報導", *BODY).published == ""
    assert (
        cleaned("2026年2月5日", "第三版", TITLE, "記者林小滿／石榕報導", *BODY).published == "2026-02-05"
    )  # a newspaper's


def test_a_labelled_time_may_stand_far_below() -> None:
    below = ("贊 0", "分享", "閱讀 539", "收藏本文", "石榕網", "發佈日期：2026-02-03 10:12  所屬分類： 地方")
    assert published() == ""
    assert cleaned(TITLE, *BODY, *below).published == "2026-02-03T10:12"
    assert cleaned(TITLE, *BODY, *below[:-1], "2026-02-03 10:12").published == ""  # another article's


def test_the_canonical_address_tells_the_day() -> None:
    assert published(head="<link rel=canonical href='https://n.example/2026/02/03/1.html'>") == "2026-02-03"
    assert published(url="https://n.example/202602/t20260203_118.html") == "2026-02-03"


# Bylines: where they stand.


@pytest.mark.parametrize(
    ("above", "below", "wanted"),
    [
        (("記者林小滿／石榕報導",), (), "記者林小滿／石榕報導"),
        (("石榕日報記者 林小滿 陳步青",), (), "石榕日報記者 林小滿 陳步青"),
        (("2026-02-03 10:12 [ 林小滿 ] 來源：[ 石榕日報 ]",), (), "[ 林小滿 ]"),
        (("來源：石榕時報網作者：林小滿",), (), "作者：林小滿"),
        (("作者：", "林小滿"), (), "作者：林小滿"),
        (("林小滿", "ABC中文記者"), (), "林小滿 ABC中文記者"),
        ((), ("採寫：石榕日報記者 林小滿",), "採寫：石榕日報記者 林小滿"),
        ((), ("分享", "字號", "列印", "收藏", "評論", "撰文：林小滿"), "撰文：林小滿"),
        ((), ("（林小滿）",), "（林小滿）"),
        (("作者：佚名",), (), ""),
        (("專題報導",), (), ""),
        ((), ("責任編輯：林小滿",), ""),
        ((), ("相關新聞", "作者：陳步青"), ""),
    ],
)
def test_bylines_above_and_below(above: tuple[str, ...], below: tuple[str, ...], wanted: str) -> None:
    article = cleaned(TITLE, *above, *BODY, *below)
    assert article.byline == wanted


def test_a_byline_inside_a_paragraph_stays_in_the_text() -> None:
    first = f"【石榕訊】（記者林小滿）{BODY[0]}"
    assert cleaned(TITLE, "2026-02-03 10:12", first, *BODY[1:]).byline == "（記者林小滿）"
    assert cleaned(TITLE, "2026-02-03 10:12", first, *BODY[1:]).text.splitlines() == [first, *BODY[1:]]
    last = f"{BODY[3]}（文／圖 林小滿）"
    assert cleaned(TITLE, "2026-02-03 10:12", *BODY[:3], last).byline == "（文／圖 林小滿）"
    assert cleaned(TITLE, "2026-02-03 10:12", *BODY[:3], last).text.splitlines() == [*BODY[:3], last]


def test_a_menu_above_the_title_writes_nothing() -> None:
    assert cleaned("作者：陳步青", "專題報導", TITLE, "2026-02-03 10:12", *BODY).byline == ""


@pytest.mark.parametrize(
    ("author", "foot", "wanted"),
    [
        ("林小滿", "", "林小滿"),
        ("Anna Lim", "", "Anna Lim"),
        ("石榕網", "", ""),
        ("admin", "", ""),
        ("10386", "", ""),
        ("林小滿", "<p>責任編輯：林小滿</p>", ""),
    ],
)
def test_the_head_s_author_is_one_only_if_a_person(author: str, foot: str, wanted: str) -> None:
    body = "".join(f"<p>{line}</p>" for line in (f"<h1>{TITLE}</h1>", *BODY))
    assert clean(Page(id="1", html=f"<meta name=author content='{author}'><body>{body}{foot}")).byline == wanted


def test_the_line_of_the_source_names_the_source_alone() -> None:
    assert cleaned(TITLE, "來源：石榕時報網作者：林小滿", *BODY).source == "石榕時報網"
    assert cleaned(TITLE, "2026-02-03 10:12", "來源：", "石榕日報", *BODY).source == "石榕日報"
    assert cleaned(TITLE, "2026年2月3日10:12 來源：[ 石榕日報 ]", *BODY).source == "石榕日報"


def test_the_line_of_the_date_is_no_caption() -> None:
    article = cleaned(TITLE, "2026-02-03 10:12 來源：石榕網 評論(18)", *BODY)
    assert (article.published, article.captions) == ("2026-02-03T10:12", ())


@pytest.mark.parametrize("size", [30_000, 300_000])
def test_many_lines_take_no_longer_each(size: int) -> None:
    blocks = "\n".join((TITLE, "2026-02-03 10:12", *BODY, *(f"第{i}班" for i in range(size))))
    flat, key = flatten_text(blocks), fold(blocks)
    judged = Judged(
        np.ones(len(flat.edges)), flat.lines_of(key), [0] * len(flat.edges), tuple(range(len(flat.edges))), ""
    )
    start = time.process_time()
    assert find_fields(Page(id="1", text=blocks), flat, key, judged, key).title == TITLE
    assert time.process_time() - start < 1 + size / 30_000


def test_a_line_without_end_is_read_at_its_ends() -> None:
    text = "\n".join((TITLE, "2026-02-03 10:12", BODY[0] * 100_000 + "（記者林小滿）"))
    flat, key = flatten_text(text), fold(text)
    judged = Judged(np.ones(3), flat.lines_of(key), [0] * 3, (0, 1, 2), "")
    start = time.process_time()
    found = find_fields(Page(id="1", text=text), flat, key, judged, key)
    assert (found.title, found.byline, found.published) == (TITLE, "（記者林小滿）", "2026-02-03T10:12")
    assert time.process_time() - start < 2


def test_the_title_again_below_the_text_is_no_text() -> None:
    article = cleaned("首頁", TITLE, "2026-02-03 10:12", *BODY, TITLE, "延伸閱讀", "果菜市場清晨大火 攤商損失待查")
    assert article.title == TITLE
    assert article.text.splitlines() == list(BODY)


def test_brackets_round_tags_are_no_tags() -> None:
    article = cleaned("首頁", TITLE, "2026-02-03 10:12", *BODY, "（ 輪渡 石榕港 ）", "延伸閱讀", "果菜市場清晨大火")
    assert article.tags == ("輪渡", "石榕港")
