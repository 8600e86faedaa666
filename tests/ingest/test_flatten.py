"""Flattening loses nothing that a page shows, adds nothing, and does not hang."""

from __future__ import annotations

import html as html_module
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.configure import Limits
from pipeline.errors import PageError
from pipeline.ingest.elements import Tree
from pipeline.ingest.flatten import Flat, flatten_html, flatten_text


def shown(flat: Flat) -> list[str]:
    return flat.lines


def lines(html: str) -> list[str]:
    return shown(flatten_html(html))


# A reference: trees of elements, rendered once to HTML and once, by the plainest means, to lines.


@dataclass(frozen=True)
class Element:
    tag: str
    children: tuple[Element | str, ...]


BLOCKS = ("div", "section", "article", "blockquote", "h2", "ul", "main", "center")
INLINE = ("span", "b", "em", "i", "font", "a", "mark")
UNSEEN = ("script", "style", "template", "svg", "iframe")
WORDS = st.text(st.sampled_from("甲乙丙丁稀土關稅。，「」 \n\t&<>\"'aZ09é　𠮷"), max_size=8)


def inline(depth: int) -> st.SearchStrategy[Element | str]:
    if not depth:
        return WORDS
    inner = st.lists(inline(depth - 1), max_size=3).map(tuple)
    # A link inside a link is no tree of HTML; what is dropped holds text only.
    nested = st.builds(Element, st.sampled_from([tag for tag in INLINE if tag != "a"]), inner)
    dropped = st.builds(Element, st.sampled_from(UNSEEN), st.just(("function() { 'x' }",)))
    link = st.builds(Element, st.just("a"), st.lists(WORDS, max_size=2).map(tuple))
    return st.one_of(WORDS, WORDS, nested, link, dropped, st.just(Element("br", ())))


def block(depth: int) -> st.SearchStrategy[Element | str]:
    paragraph = st.builds(Element, st.just("p"), st.lists(inline(2), max_size=4).map(tuple))
    if not depth:
        return st.one_of(paragraph, inline(2))
    inner = st.lists(block(depth - 1), max_size=4).map(tuple)
    return st.one_of(paragraph, inline(1), st.builds(Element, st.sampled_from(BLOCKS), inner))


TREES = st.lists(block(3), max_size=5).map(lambda children: Element("div", tuple(children)))


def to_html(node: Element | str) -> str:
    if isinstance(node, str):
        return html_module.escape(node)
    if node.tag == "br":
        return "<br>"
    return f"<{node.tag}>{''.join(map(to_html, node.children))}</{node.tag}>"


def to_pieces(node: Element | str) -> Iterator[str | None]:
    """Text, and None where a line ends."""
    if isinstance(node, str):
        yield node
    elif node.tag not in UNSEEN:
        breaks = node.tag not in INLINE
        if breaks:
            yield None
        for child in node.children:
            yield from to_pieces(child)
        if breaks:
            yield None


def reference(tree: Element) -> list[str]:
    found, line = [], ""
    for piece in (*to_pieces(tree), None):
        if piece is None:
            found.append(line)
            line = ""
        else:
            line += piece
    return [squeezed for line in found if (squeezed := squeeze(line))]


def squeeze(text: str) -> str:
    return re.sub(r"\s", "", text)


@given(TREES)
@settings(max_examples=150)
@example(Element("div", (Element("a", ("甲",)), Element("a", ("乙",)))))
def test_every_line_that_a_tree_shows_is_there(tree: Element) -> None:
    assert [squeeze(line) for line in lines(to_html(tree))] == reference(tree)


@given(TREES)
def test_blocks_are_disjoint_lines_with_their_markup(tree: Element) -> None:
    flat = flatten_html(to_html(tree))
    last = -1
    for start, end in flat.spans:
        assert last < start < end <= len(flat.text)
        assert flat.text[last + 1 : start].strip() == ""
        assert flat.text[start:end] == flat.text[start:end].strip()
        last = end
    assert flat.text[last + 1 :] == ""


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<p>甲<br>乙<br/>丙", ["甲", "乙", "丙"]),
        ("<p>甲\n  乙\t丙", ["甲 乙 丙"]),
        ("<pre>甲\n  乙\n\n丙</pre>", ["甲", "乙", "丙"]),
        ("<table><tr><td>甲<td>乙<tr><th>丙</table>", ["甲", "乙", "丙"]),
        ("<p>甲&nbsp;&lt;b&gt;&amp;&#x4e59;&#20057;", ["甲\xa0<b>&乙乙"]),
        ("<p>甲&unknown;乙&", ["甲&unknown;乙&"]),
        ("<p>甲<a href=x>乙<b>丙</b></a>丁", ["甲乙丙丁"]),
        ("<a href=x>甲</a><a href=y>乙</a>", ["甲 乙"]),
        ("<p>甲<script>乙</script>丙<style>丁</style><!-- 戊 -->己", ["甲丙己"]),
        ("<template>甲</template><textarea>乙</textarea><select><option>丙</select>丁", ["丁"]),
        ("<title>甲</title><p>乙", ["乙"]),
        ("<ul><li>甲<li>乙<ul><li>丙</ul></ul>", ["甲", "乙", "丙"]),
        ("<dl><dt>甲<dd>乙</dl>", ["甲", "乙"]),
        ("<figure><img alt=圖><figcaption>甲</figcaption></figure>", ["甲"]),
        ("<details><summary>甲</summary>乙</details>", ["甲", "乙"]),
        ("<div>甲<p>乙</p>丙</div>", ["甲", "乙", "丙"]),
        ("<p>甲</body></html>乙", ["甲乙"]),
        ("甲<p></p><p> \n</p>乙", ["甲", "乙"]),
        ("", []),
        ("<!doctype html>", []),
        ("甲", ["甲"]),
        ("<", ["<"]),
    ],
)  # fmt: skip
def test_a_page_is_what_a_browser_shows(html: str, wanted: list[str]) -> None:
    assert lines(html) == wanted


def test_pre_keeps_the_lines_of_what_is_inside_it() -> None:
    assert lines("<pre><code>甲\n乙</code>\n<b>丙\n丁</b></pre>") == ["甲", "乙", "丙", "丁"]


def test_hidden_elements_are_marked_and_kept() -> None:
    html = "<p>甲<p hidden>乙<div style='color: red; DISPLAY : none'><p>丙</div><p style='display:block'>丁"
    flat = flatten_html(html)
    assert shown(flat) == ["甲", "乙", "丙", "丁"]
    assert flat.tree is not None
    assert flat.tree.hidden.tolist() == [False, True, True, False]


def test_links_are_measured() -> None:
    flat = flatten_html("<p><a href=x>甲乙</a>丙丁</p><p><a href=x>戊</a></p><p>己</p>")
    assert flat.tree is not None
    assert flat.tree.link_shares.tolist() == [0.5, 1.0, 0.0]


@given(TREES)
def test_an_element_knows_the_blocks_inside_it(tree: Element) -> None:
    flat = flatten_html(to_html(tree))
    assert flat.tree is not None
    inside: dict[int, list[int]] = {}
    for i, number in enumerate(flat.tree.here.tolist()):
        for element in above(flat.tree, number):
            inside.setdefault(element, []).append(i)
    for element, numbers in inside.items():
        # A line that begins outside an inline element counts as inside it where the element ends the line.
        row = flat.tree.table[element]
        assert row["begin"] <= numbers[0]
        assert numbers[-1] < row["end"] <= len(flat.edges)


def above(tree: Tree, number: int) -> list[int]:
    """An element and those round it, outwards."""
    found = []
    while number >= 0:
        found.append(number)
        number = tree.table["parent"][number]
    return found


def test_blocks_of_one_element_share_it() -> None:
    tree = flatten_html("<div><p>甲</p><p>乙</p></div><div class='B c' id=d><p>丙</p></div>").tree
    assert tree is not None
    chains = [above(tree, number) for number in tree.here]
    assert chains[0][1] == chains[1][1] != chains[2][1]
    assert [tree.makes[make] for make in tree.table["make"][chains[2]]] == [("p", ""), ("div", "b c d"), ("body", "")]
    assert tree.nearest(np.array([own != "" for _, own in tree.makes])).tolist() == [-1, -1, chains[2][1]]
    assert tree.standing.tolist() == tree.here.tolist()


PROSE = "港務公司昨天宣布，新碼頭下個月啟用。第一批貨櫃已經到港，工人說準備了三年！"


def test_an_article_in_noscript_is_shown_where_the_page_shows_nothing_else() -> None:
    assert lines(f"<p>請稍候</p><noscript><p>{PROSE}</p></noscript>") == ["請稍候", PROSE]
    assert lines(f"<p>{PROSE}{PROSE}</p><noscript><p>{PROSE}</p></noscript>") == [PROSE + PROSE]


def test_an_article_in_a_script_is_put_behind_what_the_page_shows() -> None:
    body = "".join(f"<p>{PROSE}</p>" for _ in range(4))
    state = json.dumps({"article": {"title": "新碼頭下月啟用", "content": body}})
    flat = flatten_html(f"<div id=app>載入中</div><script>window.__INITIAL_STATE__ = {state}</script>")
    assert shown(flat) == ["載入中", "新碼頭下月啟用", *[PROSE] * 4]
    assert flat.tree is not None
    assert flat.tree.makes[flat.tree.table["make"][flat.tree.here[-1]]][0] == "script"


def test_the_head_says_what_it_says() -> None:
    flat = flatten_html(
        "<html lang=zh-Hant><title> 甲\n 乙 </title>"
        "<meta property='OG:Title' content=' 丙 '><meta name=og:title content=丁>"
        "<link rel='alternate canonical' href=' /x '><script type='application/ld+json'>{\"a\": 1}</script><p>戊"
    )
    head = flat.head
    assert head is not None
    assert (head.title, head.metas, head.canonical, head.language) == ("甲 乙", {"og:title": "丙"}, "/x", "zh-Hant")
    assert head.json_ld == ('{"a": 1}',)


def test_a_lone_surrogate_is_the_replacement_character() -> None:
    assert lines("<p>甲\ud800乙<p>\udc00") == ["甲\ufffd乙", "\ufffd"]


def test_text_around_a_lone_surrogate_stays() -> None:
    assert [line[0] + line[-1] for line in lines("<p>甲\ud800乙<p>丙\udc00丁")] == ["甲乙", "丙丁"]


# Size and depth.


@pytest.mark.parametrize("depth", [500, 5_000])
def test_deep_pages_are_read(depth: int) -> None:
    begun = time.perf_counter()
    flat = flatten_html("<div>" * depth + "深" + "</div>" * depth + "<p>淺")
    assert shown(flat) == ["深", "淺"]
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("opening", ["<div>", "<b>", "<font color=red>"])
def test_pages_that_nest_without_end_are_rejected_at_once(opening: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(PageError, match="nest") as raised:
        flatten_html(opening * 200_000)
    assert raised.value.stage == "flatten"
    assert time.perf_counter() - begun < 5


def test_a_hundred_thousand_paragraphs_are_read_in_proportion() -> None:
    begun = time.perf_counter()
    flat = flatten_html("<p>段落。</p>" * 10_000)
    small = time.perf_counter() - begun
    assert len(flat.edges) == 10_000
    begun = time.perf_counter()
    assert len(flatten_html("<p>段落。</p>" * 100_000).edges) == 100_000
    assert time.perf_counter() - begun < 40 * small + 1


def test_a_hundred_thousand_unclosed_paragraphs_are_read() -> None:
    assert len(flatten_html("<p>段" * 60_000).edges) == 60_000


def test_a_long_text_node_is_read_whole() -> None:
    assert len(flatten_html("<p>" + "字" * 4_000_000).text) == 4_000_000


def test_too_many_blocks_are_rejected() -> None:
    with pytest.raises(PageError, match="blocks"):
        flatten_html("<p>段</p>" * 51, Limits(blocks=50))
    assert len(flatten_html("<p>段</p>" * 50, Limits(blocks=50)).edges) == 50


# Text that was flattened before.


@given(st.text(st.characters(), max_size=200))
@example("甲\r\n\r\n  乙　\x85丙\u2028丁")
def test_flattened_text_stays_as_it_is(text: str) -> None:
    flat = flatten_text(text)
    assert flat.text == text
    assert flat.head is None
    assert shown(flat) == [line.strip() for line in text.splitlines() if line.strip()]


def test_a_tag_of_many_attributes_is_refused_before_it_costs_seconds() -> None:
    many = " ".join(f"a{i}=1" for i in range(50_000))
    with pytest.raises(PageError, match="a tag with more than 10,000 attributes"):
        flatten_html(f"<p>甲</p><div {many}>乙</div>")
    with pytest.raises(PageError, match="a tag with more than 10,000 attributes"):
        flatten_html(f"<p>甲</p><div {many} < a>乙</div>")
    assert lines(f"<div {many[: len(many) // 6]}>乙</div>") == ["乙"]
    script = "if (a<b) {" + "x=1;" * 20_000 + "}"
    assert lines(
        f"<p>甲</p><style>{'a{b:c}' * 20_000}</style><p title='{'=' * 50_000}'>乙</p><p>丙<!-- {script} -->"
    ) == [
        "甲",
        "乙",
        "丙",
    ]
