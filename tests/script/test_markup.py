from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.script.convert import Converted, convert, convert_with_offsets
from pipeline.script.markup import convert_markup, text_of_markup
from pipeline.script.offsets import Offsets


def to_hans(text: str) -> Converted:
    return convert_with_offsets(text, "zh-Hans", names=True)


PIECES = [
    *(
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<br/>",
        '<a title="軟體>" href=x>',
        "<!-- 軟體 -->",
        "<!DOCTYPE html>",
        "<?xml 體?>",
    ),
    *("<script>a<b;'軟體'</script>", "<STYLE>體</style >", "<textarea>軟體</TEXTAREA>", "<", "&lt;", "&#36575;", "\n"),
    *(
        "<title>軟體",
        "</title>",
        "網路",
        "川普",
        "新台幣",
        "與",
        "<a b='",
        "\ud800",
        "<!--",
        "<script>",
        "<![CDATA[體]]>",
    ),
]


_HAN = re.compile("&#36575;|[\u3400-\u9fff]")


@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_markup_stays_and_text_is_what_conversion_gives(pieces: list[str]) -> None:
    page = "".join(pieces)
    same = convert_markup(page, lambda text: Converted(text, Offsets()))
    assert same.replace("&#36575;", "軟") == page.replace("&#36575;", "軟")
    converted = convert_markup(page, to_hans)
    assert text_of_markup(converted) == convert(text_of_markup(page), "zh-Hans", names=True)
    assert _HAN.sub("", converted) == _HAN.sub("", page)


@pytest.mark.parametrize(
    ("page", "converted"),
    [
        ('<p title="軟體">川<b>普</b>說：<i>飛</i>彈</p>', '<p title="軟體">特朗普<b></b>说：<i>导弹</i></p>'),
        ("<p>頭<b>髮</b>與發<p>展", "<p>头<b>发</b>与发<p>展"),
        ("<a href='x>軟體'>體</a>", "<a href='x>軟體'>体</a>"),
        ("<script>'體</p>'</script>體", "<script>'體</p>'</script>体"),
        ("a < b 與 &#36575;&#x9ad4;&amp;&#38;", "a < b 与 软件&amp;&#38;"),
        ("體<p title='未完 體", "体<p title='未完 體"),
        ("<p><![CDATA[體]]>體", "<p><![CDATA[體]]>体"),
        (
            '<?xml version="1.0"?><rss><title><![CDATA[體<b>體]]>',
            '<?xml version="1.0"?><rss><title><![CDATA[体<b>体]]>',
        ),
    ],
)
def test_pages(page: str, converted: str) -> None:
    assert convert_markup(page, to_hans) == converted


def test_hostile_pages_take_linear_time() -> None:
    for piece in ("<", "<a", '<a ="', "<!--", "<a b='\"", "</", "<script>", "&#", "<![CDATA["):
        start = time.process_time()
        convert_markup("體" + piece * (400_000 // len(piece)), to_hans)
        assert time.process_time() - start < 3, piece
