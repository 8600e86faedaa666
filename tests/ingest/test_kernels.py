"""The kernels do what plain Python says of the same page, and nothing that is read makes them fall."""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from pipeline.article import Page, restore
from pipeline.ingest import clean, evidence, pieces, signs
from pipeline.ingest.blocks import describe, feature_names
from pipeline.ingest.elements import Tree
from pipeline.ingest.flatten import Flat, flatten_html, flatten_text
from pipeline.ingest.fluency import default_fluency, word_table
from pipeline.ingest.glance import OF_PHRASES, OF_PIECES, glance, judge
from pipeline.ingest.hints import CAPTION, GROUPS, find_hints, group_bits, kind_of
from pipeline.ingest.judge import ARRAYS, FAR, Judge
from pipeline.ingest.phrase_model import default_phrases
from pipeline.ingest.rules import rule_bits
from pipeline.native import folding, library, networks, pages, splices, tags
from pipeline.script.fold import code_points, fold

TAGS = (
    *("<p>", "</p>", "<div>", "</div>", "<a href=x>", "</a>", "<br>", "<b class='x y'>", "</b>", "<td>", "<table>"),
    *("<pre>", "</pre>", "<xmp>", "</xmp>", "<plaintext>", "<svg>", "</svg>", "<style>", "</style>", "<template>"),
    *("<noscript>", "</noscript>", "<!--", "-->", "<select>", "<option>", "<noembed>", "</noembed>", "<math><mi>"),
    *(
        "<div hidden>",
        "<span style='display:none'>",
        '<p ="甲>',
        "<p a='\"'>",
        "<input value='>'>",
        "<script>",
        "</script>",
    ),
)
TEXTS = ("甲乙", "。", "，", "　", "\n", " ", "&amp;", "&nbsp;", "a", '"', "=", "<", "中文句子。", "\x00", "\ud800")
SOUP = st.lists(st.sampled_from(TAGS + TEXTS), max_size=30).map("".join)
STRINGS = (
    "中国",
    "稀土",
    "\n",
    "a",
    "1",
    "tv5",
    "。",
    "，",
    "国家发改委表示",
    "电影在线观看",
    "關稅",
    "\ud800",
    "\x00",
    "𠮷",
)
WORDS = st.lists(st.sampled_from(STRINGS), max_size=120).map("".join)

SPACE = re.compile(r"[ \t\n\r\f]+")
UNSEEN = {"script", "style", "template", "noscript", "svg", "math", "select", "option", "input", "-comment"}
BREAKS = {"p", "div", "br", "td", "table", "tbody", "tr", "pre", "body"}
"""Of the elements in `TAGS`."""


def plainly(html: str) -> list[tuple[str, str, int]]:
    """What a page shows, by asking the parser for one node after the other: lines, elements, linked characters."""
    body = LexborHTMLParser(html.replace("\ud800", "\ufffd")).body
    told: list[tuple[str, str, int]] = []
    line: list[str] = []
    linked, owner = 0, ""

    def finish() -> None:
        nonlocal linked, owner
        text = SPACE.sub(" ", "".join(line)).strip()
        line.clear()
        if text and owner:
            told.append((text, owner, linked))
        linked, owner = 0, ""

    def walk(element: Any, pre: bool, link: bool) -> None:
        nonlocal linked, owner
        node = element.child
        while node is not None:
            tag = node.tag
            if tag == "-text":
                text = node.text_content
                if text and (line or not text.isspace()):
                    if not text.isspace():
                        owner = owner or element.tag
                        linked += link * len(text.strip())
                    first, *rest = text.split("\n") if pre else (text,)
                    line.append(first)
                    for more in rest:
                        finish()
                        owner = element.tag
                        line.append(more)
            elif tag not in UNSEEN:
                if line and tag in BREAKS:
                    finish()
                elif line and tag == "a" and linked and node.prev is not None and node.prev.tag == "a":
                    line.append(" ")
                if node.child is not None:
                    walk(node, pre or tag == "pre", link or tag == "a")
                    if line and tag in BREAKS:
                        finish()
            node = node.next

    if body is not None:
        walk(body, False, False)
        finish()
    return told


def names_above(tree: Tree) -> list[set[str]]:
    """Names of the elements round each block, its own among them."""
    names, parents = [tree.makes[make][0] for make in tree.table["make"]], tree.table["parent"].tolist()
    found: list[set[str]] = []
    for number in tree.here.tolist():
        found.append(set())
        while number >= 0:
            found[-1].add(names[number])
            number = parents[number]
    return found


def elements_of(flat: Flat) -> list[tuple[str, str]]:
    """Name and hints of the innermost element of each block."""
    assert flat.tree is not None
    return [flat.tree.makes[make] for make in flat.tree.table["make"][flat.tree.here].tolist()]


@given(SOUP)
@example('<p ="甲>乙<p>丙')
@example("<svg><style>a<b</style></svg>甲")
@example("<plaintext>甲</plaintext>乙")
@settings(max_examples=300)
def test_the_walk_shows_what_the_parser_tells_node_by_node(html: str) -> None:
    flat = flatten_html(html)
    assert flat.tree is not None
    shown = [
        (line, tag, share)
        for line, (tag, _), share in zip(flat.lines, elements_of(flat), flat.tree.link_shares.tolist(), strict=True)
    ]
    if shown and shown[-1][1] == "script":  # an article that it keeps in its scripts
        return
    told = plainly(html)
    if "<noscript>" in html and [text for text, _, _ in shown] != [text for text, _, _ in told]:
        return  # it shows hardly a sentence: what `noscript` holds is shown too
    assert shown == [(text, tag, round(min(1.0, linked / len(text)), 4)) for text, tag, linked in told]


HEADS = (
    *("<meta name=A content='b&amp;c'>", "<meta property='og:x' name=y content=' d '>", "<meta itemprop=e content=''>"),
    *(
        "<title>",
        "</title>",
        "<link rel='a canonical' href=' /f '>",
        "<link rel=canonical>",
        "<link rel=canonic href=g>",
    ),
    *("<script type='application/ld+json'>", "<body lang=x>", "<head>", "</head>", "<html lang='zh'>", "</body>"),
    *("<frameset>", *(tag for tag in TAGS if not re.search("svg|math|template", tag)), *TEXTS),
)


@given(st.lists(st.sampled_from(HEADS), max_size=30).map("".join))
@example("<body><template><meta name=a content=b></template><noscript><meta name=c content=d></noscript>")
@settings(max_examples=300)
def test_the_head_is_what_selectors_find(html: str) -> None:
    tree = LexborHTMLParser(html.replace("\ud800", "\ufffd").encode())
    metas: dict[str, str] = {}
    for meta in tree.css("meta"):
        told = meta.attributes
        name = told.get("property") or told.get("name") or told.get("itemprop")
        if name and (content := told.get("content")):
            metas.setdefault(name.lower().strip(), content.strip())
    title = tree.css_first("title")
    links = [node.attributes["href"] for node in tree.css('link[rel~="canonical"][href]')]
    head = flatten_html(html).head
    assert head is not None
    assert head.metas == metas
    assert head.title == (SPACE.sub(" ", title.text()).strip() if title is not None else "")
    assert head.canonical == ((links[0] or "").strip() if links else "")
    assert head.json_ld == tuple(node.text() for node in tree.css('script[type="application/ld+json"]'))
    assert head.language == ((tree.root.attributes.get("lang") or "") if tree.root is not None else "")


@given(SOUP | WORDS)
@settings(max_examples=200, deadline=None)
def test_nothing_makes_cleaning_fall(soup: str) -> None:
    for page in (Page(id="1", html=soup), Page(id="1", text=soup)):
        article = clean(page)
        assert restore(article.text, article.cuts) == article.page_text
        flat = flatten_html(soup)
        for element in flat.tree.table.tolist() if flat.tree is not None else ():
            assert element[1] <= element[2] <= len(flat.edges)


PAGE = (
    "<body class=home><nav><a href=1>首页</a> <a href=2>国际新闻</a></nav><article class='post'>"
    "<p>商务部今天公布了稀土出口的新规定，企业必须逐批申请许可。业内人士表示，影响还要观察几个月。</p>"
    "<p>磁材厂说，许可拿到之前只能先用库存，交期因此延长。买家已经开始在别国寻找货源，但是短期难以替代。</p>"
    "<p>来源：甲报</p><p>来源：甲报</p></article></body>"
)


def test_features_are_what_a_person_would_count() -> None:
    flat = flatten_html(PAGE)
    assert flat.tree is not None
    key = fold(flat.text)
    lines = flat.lines_of(key)
    features = describe(flat, key, rule_bits(key, flat.edges))
    told = dict(zip(feature_names(), features.T.tolist(), strict=True))
    count = len(lines)
    assert told["length"] == pytest.approx([np.log1p(len(line)) / 5 for line in lines])
    assert told["end"] == pytest.approx([np.log1p(line.count("。")) for line in lines])
    assert told["comma"] == pytest.approx([np.log1p(line.count("，") + line.count("：")) for line in lines])
    assert told["han"] == pytest.approx(
        [sum("\u4e00" <= c <= "\u9fff" for c in line) / len(line.replace(" ", "")) for line in lines]
    )
    assert told["copies"] == [(lines.count(line) - 1) / 4 for line in lines]
    assert told["twice"] == [0.0] * (count - 2) + [1.0, 1.0]
    assert told["position"] == pytest.approx([i / (count - 1) for i in range(count)])
    assert told["length_+1"] == pytest.approx([*told["length"][1:], 0.0])
    assert told["prose_-2"] == pytest.approx([0.0, 0.0, *told["prose"][:-2]])
    assert told["html"] == [1.0] * count
    assert told["link_share"] == pytest.approx(flat.tree.link_shares.tolist())
    assert told["over_article"] == [float("article" in tags) for tags in names_above(flat.tree)]
    assert told["over_nav"] == [float("nav" in tags) for tags in names_above(flat.tree)]
    assert told["make_count"][-1] == pytest.approx(np.log1p(4) / 4)
    assert told["at_home"] == told["over_article"]


@given(st.text("甲 \n\r\x0b\x1c\x85\u2028\u3000\u200b\ud800") | WORDS)
def test_lines_are_what_python_calls_lines(text: str) -> None:
    told = [text[start:end] for start, end in pages.lines(code_points(text)).tolist()]
    assert told == [line.strip() for line in text.splitlines() if line.strip()]


LINES = st.text("甲乙丙 \u3000\n\x00\ud800", max_size=12)


@given(st.lists(LINES, min_size=1, max_size=4), LINES)
def test_shares_are_of_the_pairs_without_white_space(lines: list[str], body: str) -> None:
    def pairs(text: str) -> list[tuple[str, str]]:
        return list(pairwise("".join(text.split())))

    ends = np.cumsum([len(line) for line in lines])
    told = pages.shares(code_points("".join(lines)), ends, code_points(body))
    assert told == [sum(pair in pairs(body) for pair in pairs(line)) / max(1, len(pairs(line))) for line in lines]


def test_the_features_of_flattened_text_have_no_markup() -> None:
    text = "首页\n商务部今天公布了稀土出口的新规定，企业必须逐批申请许可。"
    features = describe(flatten_text(text), text, [0, 0])
    told = dict(zip(feature_names(), features.T.tolist(), strict=True))
    assert not any(any(told[name]) for name in feature_names()[feature_names().index("html") :])


@pytest.mark.parametrize(("count", "units", "inner"), [(1, 3, 2), (5, 32, 16), (3, 20, 7)])
def test_the_judge_is_the_mean_of_its_networks(count: int, units: int, inner: int) -> None:
    rng = np.random.default_rng(7)
    width = len(feature_names())
    shapes = ((width,), (width,), (count, width, units), (count, 1, units), (count, units, inner), (count, 1, inner))
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in (*shapes, (count, inner, 1), (count, 1, 1))]
    arrays[1] = np.abs(arrays[1]) + np.float32(0.1)
    arrays[2] /= 20
    mean, scale, first, first_bias, second, second_bias, out, out_bias = arrays
    features = (rng.normal(size=(9, width)) * (rng.random((9, width)) < 0.4)).astype(np.float32)
    layer = np.maximum(np.clip((features - mean) / scale, -FAR, FAR) @ first + first_bias, 0)
    odds = (np.maximum(layer @ second + second_bias, 0) @ out + out_bias)[:, :, 0].mean(axis=0)
    kept = Judge(**dict(zip(ARRAYS, arrays, strict=True)), digest="").keep(features)
    assert kept == pytest.approx(1 / (1 + np.exp(-np.clip(odds, -30, 30))), abs=2e-3)


SENTENCES = (
    "商务部今天公布了稀土出口的新规定，电影在线观看企业必须逐批申请许可。业内人士电影在线观看表示，影响还要观察几个月。"
)


def plain_glance(text: str) -> dict[tuple[int, int], float]:
    """The spans of a clause that sit badly by their pairs alone, and what both seams gain."""
    model = default_fluency()
    symbols = [model.break_symbol, *model.symbols(text).tolist()]
    costs = [-16 * model.pairs_of(slice(a, a + 1))[0] for a in symbols]
    alone = (-16 * model.alone(np.array(symbols))).tolist()
    weak = [float(costs[i][symbols[i + 1]]) - alone[i + 1] for i in range(len(text))]
    found: dict[tuple[int, int], float] = {}
    for start, end in ((a, b) for a in range(len(text)) for b in range(a + 2, min(a + 23, len(text)))):
        inside = all(word_table()[ord(character)] or character in "-." for character in text[start:end])
        if inside and min(weak[start], weak[end]) > -8:
            joined = float(costs[end][symbols[end + 1]] - costs[start][symbols[end + 1]])
            gain = min(joined, 120) + min(weak[start], 60)
            if gain > 16:
                found[start, end] = gain / 16
    return found


@settings(deadline=None)
@given(WORDS)
@example(SENTENCES)
def test_a_glance_tells_of_the_spans_whose_pairs_do_not_fit(text: str) -> None:
    key = fold(text)
    shape = default_phrases().shape
    told = evidence.text_of(code_points(key), code_points(text))
    seen = glance(default_fluency(), shape, told)
    gains = plain_glance(key)
    long = sorted((gain for (a, b), gain in gains.items() if b - a >= evidence.SHORTEST), reverse=True)
    columns = dict(zip(OF_PHRASES, seen.phrases.T.tolist(), strict=True))
    assert sorted(columns["gain"], reverse=True) == long[:64]
    assert seen.spans == sorted(seen.spans)
    best = long[min(20, len(long)) - 1] if long else 0
    for k, (start, end) in enumerate(seen.spans):
        assert columns["gain"][k] == gains[start, end]
        assert columns["gain_more"][k] == gains[start, end] - best
        assert columns["again"][k] == min(3, [key[a:b] for a, b in seen.spans].count(key[start:end]) - 1)
        assert columns["latin"][k] == bool(re.search("[0-9A-Za-z]", key[start:end]))
        assert columns["joint_right"][k] == (not (word_table()[ord(key[end])] or key[end] in "-."))
        assert columns["page_spans"][k] == pytest.approx(len(long) / max(300, len(key)))
    short = [gain for (a, b), gain in gains.items() if b - a <= 5 and not set("-.") & set(key[a:b])]
    page = dict(zip(OF_PIECES, seen.pieces[0].tolist(), strict=True))
    assert page["density"] == pytest.approx(np.log1p(1000 * sum(g > 4 for g in short) / max(300, len(key))), abs=1e-4)
    assert page["length"] == pytest.approx(np.log(len(key) + 1), abs=1e-4)


@given(WORDS, st.sets(st.integers(0, 999), max_size=6))
@example(SENTENCES * 3, {0, 9, 17, 23})
def test_the_odds_of_a_glance_are_those_of_its_evidence(text: str, edges: set[int]) -> None:
    model = default_phrases()
    key = fold(text)
    told = evidence.text_of(code_points(key), code_points(text))
    seen = glance(default_fluency(), model.shape, told)
    places = sorted({edge % (len(text) + 1) for edge in edges})
    elements = list(zip(places[::2], places[1::2], strict=False))
    verdict = judge(default_fluency(), model, told, elements)
    assert verdict.phrases == pytest.approx(float(model.phrases.odds(seen.phrases).max(initial=-99)), abs=2e-3)
    assert verdict.pieces == pytest.approx(float(model.pieces.odds(seen.pieces)[0]), abs=2e-3)
    like = [key[a:b] for (a, b), is_like in zip(elements, verdict.like, strict=True) if is_like]
    assert not any(set(element) & set("。，\n") or len(element) < evidence.SHORTEST for element in like)
    if elements == [(0, 9), (17, 23)]:
        assert "电影在线观看" in like


@given(WORDS)
@example(SENTENCES * 3)
def test_candidates_are_the_spans_that_sit_badly(text: str) -> None:
    model, key = default_fluency(), fold(text)
    reading = model.read(key)
    shape = default_phrases().shape
    starts, ends, told = evidence.measure(reading, evidence.text_of(code_points(key), code_points(text)), shape)
    if not len(starts):
        return
    left, right = reading.seams(starts, ends)
    columns = dict(zip(evidence.FEATURES, told.T, strict=True))
    assert columns["left"] == pytest.approx(np.clip(left, -2, 6), abs=1e-3)
    assert columns["right"] == pytest.approx(np.clip(right, -4, 8), abs=1e-3)
    assert ((ends - starts >= evidence.SHORTEST) & (ends - starts <= evidence.LONGEST)).all()
    spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
    assert len(set(spans)) == len(spans)
    for (start, end), again in zip(spans, columns["again"].tolist(), strict=True):
        assert not set(key[start:end]) & set("，。\n")
        assert again <= min(3, text_count(key, key[start:end]))


def text_count(text: str, string: str) -> int:
    return sum(text.startswith(string, at) for at in range(len(text)))


@given(WORDS)
@example(SENTENCES * 3)
def test_joints_are_strings_that_recur(text: str) -> None:
    key = fold(text)
    reading = default_fluency().read(key)
    found = splices.joints(
        *(
            reading.language,
            evidence.text_of(code_points(key), code_points(key)),
            reading.told,
            splices.Weights(*pieces._WEIGHTS),
        ),
        *(pieces._LEAST, pieces.SHORTEST, pieces.LONGEST),
    )
    strings: dict[int, str] = {}
    for start, end, name in zip(found.starts.tolist(), found.ends.tolist(), found.strings.tolist(), strict=True):
        assert strings.setdefault(name, key[start:end]) == key[start:end]
        assert word_table()[code_points(key[start:end])].all()
    assert len(set(strings.values())) == len(strings)
    assert all(count > 1 for count in Counter(found.strings.tolist()).values())
    assert (found.values > pieces._LEAST).all()


def _plain_groups(hint: str) -> set[str]:
    """Return the groups that a hint names, as a reader would look for them."""

    def holds(word: str) -> bool:
        pattern = re.escape(word).replace("\\~", "~").replace("~", r"(?:(?<![^\W])(?=\w)|(?<=\w)(?![^\W]))")
        return re.search(pattern, hint) is not None

    found = {name for name, words in GROUPS.items() if any(map(holds, words.split()))}
    return found - {"body"} if "poster" in hint else found


_HINT = st.lists(
    st.sampled_from([*" ".join(GROUPS.values()).replace("~", "").split(), *"-_ 1xe文é", "poster", "app-", "aside"]),
    max_size=6,
).map("".join)


@given(st.lists(_HINT, min_size=1, max_size=5))
def test_hints_are_found_as_one_by_one(hints: list[str]) -> None:
    found = find_hints(hints)
    names = list(GROUPS)
    told = [{name for i, name in enumerate(names) if bits >> i & 1} for bits in group_bits(found).tolist()]
    assert told == [_plain_groups(hint) for hint in hints]
    assert [bits & CAPTION != 0 for bits in found.tolist()] == ["caption" in hint for hint in hints]


def test_hints_name_kinds_of_cut() -> None:
    assert [
        kind_of("div", bits) for bits in find_hints(["news-comment hot", "hot comment", "x", "app-box", "app"]).tolist()
    ] == [
        ("comments", "inside an element marked “comment”"),
        ("comments", "inside an element marked “comment”"),
        None,
        ("promotion", "inside an element marked “app-”"),
        None,
    ]
    assert kind_of("nav", 0) == ("navigation", "inside an element marked “nav”")


@st.composite
def pages_with_parts(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]], list[tuple[int, int]]]:
    text = draw(st.text("甲乙丙\n丁戊\ud800", min_size=1, max_size=40))
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=12)))
    parts = list(zip(edges[::2], edges[1::2], strict=False))
    for at in sorted(draw(st.sets(st.integers(0, len(parts)), max_size=3)), reverse=True):
        parts.insert(at, (-1, 0))
    places = st.integers(0, len(text) - 1)
    spans = {(min(a, b), max(a, b) + 1) for a, b in draw(st.lists(st.tuples(places, places), max_size=6))}
    return text, parts, sorted(spans)


@given(pages_with_parts())
def test_parts_are_joined_and_spans_are_placed_in_them(drawn: tuple[str, Any, Any]) -> None:
    text, parts, spans = drawn
    encoded = text.encode("utf-32-le", "surrogatepass")
    whole = "".join(text[a:b] if a >= 0 else "\n" for a, b in parts)
    told = splices.joined(encoded, encoded, splices.pairs(parts), len(whole))
    assert told.tolist() == [code_points(whole).tolist()] * 2
    standing: dict[int, int] = {}
    size = 0
    for a, b in parts:
        standing |= {at: size + at - a for at in range(a, b)} if a >= 0 else {}
        size += b - a
    expected = [(standing[a], standing[b - 1] + 1) for a, b in spans if a in standing and b - 1 in standing]
    assert splices.placed(splices.pairs(parts), spans) == expected


@given(
    st.lists(
        st.sampled_from(("甲", "zhòng", "（gāi）", "\u200b", "w w w.a", " . c o m", "ⓐⓑⓒ", "的(de)", " ", "x-", "\n"))
    )
)
@example(["。x i n w e n . c o m"])
def test_what_a_page_has_no_signs_of_is_not_in_it(strings: list[str]) -> None:
    text = "".join(strings)
    spans = flatten_text(text).spans
    worth, _ = signs.finders(text.encode("utf-32-le"), splices.pairs(spans))
    for find in (signs.find_invisible, signs.find_glosses, signs.find_watermarks):
        assert find in worth or not find(text, spans)


def test_a_page_of_one_script_is_told_from_one_of_both() -> None:
    for text, expected in (("这个国家", False), ("這個國家", False), ("這個国家", True), ("人口", False)):
        assert signs.finders(text.encode("utf-32-le"), splices.pairs([(0, len(text))]))[1] is expected


def test_structs_have_the_size_that_the_kernels_take_them_for() -> None:
    records: dict[str, type[ctypes.Structure]] = {
        "walk": pages._Walk,
        "rules": pages._Rules,
        "words": pages._Words,
        "page": pages._Page,
        "networks": networks.Networks,
        "language": splices.Language,
        "text": splices.Text,
        "shape": splices.Shape,
        "reading": splices.Reading,
        "sight": splices.Sight,
        "regression": splices.Regression,
        "seen": splices.Seen,
        "bounds": splices.Bounds,
        "candidates": splices._Candidates,
        "weights": splices.Weights,
        "joints": splices.Joints,
        "costs": splices.Costs,
        "folding": folding.Folding,
        "pairs": tags.Pairs,
        "terms": tags.Terms,
        "linear": tags.Linear,
    }
    rows = {"line": pages._LINE, "element": pages.ELEMENT, "inner": pages._INNER}
    rows |= {"alternative": pages.ALTERNATIVE, "make": pages.MAKE, "place": np.dtype((np.int64, 3))}
    told = {name: ctypes.sizeof(record) for name, record in records.items()}
    told |= {name: row.itemsize for name, row in rows.items()}
    kernels = library._library()
    assert told == {name: ctypes.c_int64.in_dll(kernels, f"tw_size_{name}").value for name in told}
    sources = "".join(path.read_text() for path in Path(library.__file__).parent.glob("*.c"))
    assert set(re.findall(r"tw_size_(\w+)", sources)) == set(told)


def test_kernels_of_other_sources_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "sources_digest", lambda: "another")
    with pytest.raises(ImportError, match=r"made from other sources.*Install taowen again"):
        library._library.__wrapped__()
    monkeypatch.setattr(library, "_HERE", tmp_path)
    with pytest.raises(ImportError, match=r"cannot be loaded.*Install taowen again"):
        library._library.__wrapped__()


def test_kernels_take_only_arrays_that_lie_in_one_piece() -> None:
    with pytest.raises(AssertionError):
        library.address(np.zeros((4, 4))[:, 1])


@st.composite
def joints(draw: st.DrawFn) -> splices.Joints:
    spans = sorted(draw(st.sets(st.tuples(st.integers(0, 150), st.integers(2, 4)), max_size=25)), key=sum)
    names = draw(st.lists(st.integers(0, 3), min_size=len(spans), max_size=len(spans)))
    values = draw(st.lists(st.floats(-1, 8, width=16), min_size=len(spans), max_size=len(spans)))
    starts, ends = np.array([a for a, _ in spans], np.int32), np.array([a + size for a, size in spans], np.int32)
    return splices.Joints(starts, ends, np.array(names, np.int32), np.array(values, np.float32))


def worth(found: splices.Joints, cycle: list[int], way: list[tuple[int, int]]) -> float:
    """What a way is worth, step by step."""
    total = 0.0
    for k, (row, place) in enumerate(way):
        total += float(found.values[row])
        if k:
            before, last = way[k - 1]
            missed = (place - last - 1) % len(cycle)
            gap = int(found.starts[row] - found.ends[before]) - pieces._FAR
            total += pieces._NEXT * (not missed) - pieces._SKIP * missed - pieces._FAR_COST * max(0, gap)
    return total


@given(joints(), st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_the_path_is_the_best_way_through_the_joints(found: splices.Joints, cycle: list[int]) -> None:
    total, way = splices.path(found, cycle, pieces._costs())
    assert worth(found, cycle, way) == pytest.approx(total, abs=1e-3)
    assert all(cycle[place] == found.strings[row] for row, place in way)
    assert all(found.ends[a] <= found.starts[b] for (a, _), (b, _) in pairwise(way))
    # The best by trying all: of each state, the best way that ends there.
    states = [(row, place) for row, name in enumerate(found.strings) for place, one in enumerate(cycle) if one == name]
    best: dict[tuple[int, int], float] = {}
    for row, place in states:
        came = [
            best[state] + worth(found, cycle, [state, (row, place)]) - float(found.values[state[0]])
            for state in best
            if found.ends[state[0]] <= found.starts[row]
        ]
        best[row, place] = max([float(found.values[row]), *came])
    assert total == pytest.approx(max(best.values(), default=0.0), abs=1e-3)


def test_the_order_of_a_cycle_is_that_in_which_it_was_dealt() -> None:
    begins = np.arange(0, 120, 10).astype(np.int32)
    names = (begins // 10 % 4).astype(np.int32)
    found = splices.Joints(begins, begins + np.int32(3), names, np.full(12, 5, np.float32))
    assert splices.order(found, 130, 0, pieces._costs()) == [0, 1, 2, 3]
    assert splices.order(found, 130, 2, pieces._costs()) == [2, 3, 0, 1]
    assert splices.order(found, 130, 9, pieces._costs()) == []
