"""Bylines: shapes of the Chinese press, each with near misses; all names and papers are made up."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest import bylines
from pipeline.ingest.bylines import LONGEST_BYLINE, dateline, is_byline, is_label, is_name, person, signature
from pipeline.script.fold import fold

BYLINES = (
    "记者 林小满",
    "記者林小滿",
    "記者：林小滿",
    "記者﹕林小滿",
    "本报记者 林小满 陈步青",
    "□ 本报记者 林小满",
    "本报记者林小满发自石榕",
    "本报记者 王 芳 陈步青",
    "石榕日报记者 林小满",
    "石榕新闻·望湖晚报记者林小满/文",
    "整合 石榕日报·望湖记者 林小满",
    "石榕网望湖频道  记者  林小满  陈步青",
    "石榕晚报特约记者 林小满 实习生 陈步青",
    "记者 林小满 通讯员 陈步青 吴听雨",
    "石榕早报记者 林小满 编辑 陈步青 校对 吴听雨",
    "记者 林小满 摄影报道",
    "记者 多吉次仁",
    "采写：石榕晚报见习记者 林小满",
    "《石榕》作者 林小满",
    "【文/石榕网专栏作者 林小满】",
    "記者林小滿／石榕報導",
    "〔記者林小滿∕石榕報導〕",
    "林小滿／石榕報導",
    "社會中心／綜合報導",
    "即時中心／林小滿報導",
    "編譯林小滿／綜合外電報導",
    "嶼通社記者林小滿石榕3日電",
    "作者：林小满",
    "作者 | 林小满",
    "作者林小满",
    "作者：芦苇荡小船",
    "作者：约翰·史密斯",
    "撰文：林小滿",
    "撰文 : 林小滿 Harbour Money Club 創辦人",
    "【撰文：林小滿（望湖人）】",
    "文／林小滿",
    "文：林小滿",
    "图文/林小满",
    "(文/图 林小满 陈步青)",
    "执笔人：林小满 陈步青 吴听雨",
    "执笔/船家姐、林小满&小飞燕",
    "譯者：林小滿／核稿：陳步青",
    "林小满编译",
    "林小满/石榕日报",
    "林小满 石榕报道",
    "林小满 ABC中文记者",
    "By Anna Lim",
    "By 林小满",
    "石榕新聞組／石榕8日電",
    "林小滿 陳步青 報導 / 望湖市",
    "石榕網 林小滿 綜合報導",
    "新頭嶼news 林小滿 綜合報導",
    "作者 林 小满",
    "作者：湖边的老渔夫",
    "撰文者：林小滿",
    "撰稿編輯：林小滿",
)
NO_BYLINES = (
    "",
    "记者",
    "记者：",
    "作者：",
    "作者：未知",
    "作者：佚名",
    "作者：本文的编辑",
    "轮渡恢复 港务课 综合报道",
    "石榕港／3日電價調整",
    "作者：网络整理",
    "作者：石榕网编辑部",
    "作者：望湖村党支部",
    "作者最新文章",
    "作者為中學生",
    "该作者其他文章",
    "专题报道",
    "体育报道",
    "国际/体育报道",
    "热点/专题报道",
    "图文/报道",
    "文化/教育",
    "记者调查",
    "记者 提问",
    "记者：提问",
    "记者节",
    "记者证查询",
    "记者从石榕市政府获悉",
    "记者了解到 输渡已经恢复",
    "中国作者协会",
    "本网记者 林小满 摄",
    "图/记者林小满摄",
    "編輯：林小滿",
    "責任編輯：林小滿",
    "來源：石榕日報",
    "口述：一个船家女儿的三十年水上人生",
    "縣長在啟程前對記者發表講話，但沒有透露細節",
    "記者與斜槓族",
    "石榕港輪渡恢復通航 碼頭鋼纜全數更換",
)


@pytest.mark.parametrize("line", BYLINES)
def test_bylines_are_read(line: str) -> None:
    assert is_byline(fold(line))


@pytest.mark.parametrize("line", NO_BYLINES)
def test_near_misses_are_not(line: str) -> None:
    assert not is_byline(fold(line))


@pytest.mark.parametrize(
    ("paragraph", "wanted"),
    [
        ("班次今後每小時一班。（記者 林小滿）", "（記者 林小滿）"),
        ("班次今後每小時一班（記者林小滿）。", "（記者林小滿）"),
        ("班次今后每小时一班。(文/图 林小满 陈步青)", "(文/图 林小满 陈步青)"),
        ("班次今后每小时一班。（林小满）", "（林小满）"),
        ("班次今后每小时一班。(林小满 陈步青 )", "(林小满 陈步青 )"),
        ("（林小满）", "（林小满）"),
        ("班次今後每小時一班。（林小滿／石榕報導）", "（林小滿／石榕報導）"),
        ("班次今后每小时一班。（林小满 石榕报道）", "（林小满 石榕报道）"),
        ("班次今后每小时一班。（石榕晚报记者 林小满）《石榕晚报》", "（石榕晚报记者 林小满）"),
        ("班次今後每小時一班。（譯者：林小滿／編輯：陳步青）1150203", "（譯者：林小滿／編輯：陳步青）"),
        ("班次今后每小时一班。（林小满摄）", ""),
        ("班次今后每小时一班。（完）", ""),
        ("班次今后每小时一班。（路透）", ""),
        ("班次今后每小时一班。（温州）", ""),
        ("班次今后每小时一班。（石榕县发改局）", ""),
        ("班次今后每小时一班。【编辑：林小满】", ""),
        ("船长是老师傅的徒弟（林小满）", ""),
        ("班次今后每小时一班，林小满说。", ""),
        ("", ""),
    ],
)
def test_signatures(paragraph: str, wanted: str) -> None:
    span = signature(fold(paragraph))
    assert (paragraph[span[0] : span[1]] if span else "") == wanted


@pytest.mark.parametrize(
    ("paragraph", "wanted"),
    [
        ("新华社石榕2月3日电（记者林小满）石榕港的轮渡", "（记者林小满）"),
        ("据嶼通社石榕电（记者 多吉次仁）记者近日从", "（记者 多吉次仁）"),
        ("本报讯（记者 林小满 通讯员 陈步青）石榕港的轮渡", "（记者 林小满 通讯员 陈步青）"),
        ("本站讯（职工通讯员 林小满）石榕港的轮渡", "（职工通讯员 林小满）"),
        ("（嶼通社記者林小滿石榕3日電）石榕港的輪渡", "（嶼通社記者林小滿石榕3日電）"),
        ("〔記者林小滿／石榕報導〕石榕港的輪渡", "〔記者林小滿／石榕報導〕"),
        ("本报记者 林小满 报道 石榕港的轮渡", "本报记者 林小满 报道"),
        ("本报记者林小满发自石榕：港口的轮渡", "本报记者林小满发自石榕"),
        ("▲石榕港。（圖／嶼通社） 記者林小滿／石榕報導 石榕港的輪渡", "記者林小滿／石榕報導"),
        ("记者了解到，石榕港的轮渡昨天恢复", ""),
        ("（嶼通社石榕3日綜合外電報導）石榕港的輪渡", ""),
        ("石榕港的轮渡（记者注：即旧渡）昨天恢复", ""),
        ("据石榕日报记者报道，轮渡昨天恢复", ""),
        ("石榕港的轮渡昨天恢复通航，第一班船载了四十名旅客，比平常晚了二十分钟，旅客都没有怨言（记者林小满）。", ""),
    ],
)
def test_datelines(paragraph: str, wanted: str) -> None:
    span = dateline(fold(paragraph))
    assert (paragraph[span[0] : span[1]] if span else "") == wanted


def test_names() -> None:
    assert all(map(is_name, ("林小满", "王芳", "欧阳听雨")))
    assert not any(map(is_name, ("林", "石榕港口", "新华社", "温州", "高级", "本报", "小满", "Anna", "更多", "编辑")))
    assert person("Anna Lim")
    assert not any(map(person, ("Harbour News", "admin", "石榕网", "12345", "")))


def test_labels() -> None:
    assert all(map(is_label, ("作者：", "撰文：", "【记者:", "文/")))
    assert not any(map(is_label, ("作者", "来源：", "作者：林小满", "编辑：")))


@given(st.from_regex(bylines._DEEDED))
def test_what_ends_with_a_deed_is_looked_at_closer(line: str) -> None:
    assert bylines._may_end_with_deed(line.rstrip("\n"))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("本文来自微信公众号“湖边观察”（ID：hubian），作者：阿岚，某站经授权发布。", "作者：阿岚"),
        ("本文轉自石榕週刊，作者：林小滿。", "作者：林小滿"),
        ("本文来自微信公众号“湖边观察”。", ""),
        ("文章来自读者来信，作者不愿署名，编辑部核实过。", ""),
        ("本文来自微信公众号“湖边观察”，作者：编辑部，转载请联系。", ""),
    ],
)
def test_the_author_of_a_reprint(line: str, wanted: str) -> None:
    span = bylines.taken_from(fold(line))
    assert (line[span[0] : span[1]] if span else "") == wanted


@pytest.mark.parametrize(
    "unit",
    ["记者", "记者 王", "、", "王 ", "记者、", "（记者", "文/", "作者：", "报道/", "A. ", "·", "》作者", "等3日"],
)
def test_no_line_takes_long(unit: str) -> None:
    line = (unit * 10_000)[:9_999] + "！"
    start = time.process_time()
    for text in (line, line[:LONGEST_BYLINE], line[-LONGEST_BYLINE:], f"（{line[:38]}）"):
        is_byline(text)
        signature(text)
        dateline(text)
    assert time.process_time() - start < 1.0  # 2 ms; an earlier expression took minutes
