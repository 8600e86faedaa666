"""Articles in scripts: every shape gives the same article, whatever is not one gives nothing, and nothing hangs."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.embedded import Embedded, find_embedded

HANT = (
    "雲杉鎮圖書館的小火車閱覽室週六重新開放，第一天就來了三百多名孩子，隊伍一直排到郵局門口。",
    "館長簡若溪說，這節車廂停用了兩年，木地板全部換新，窗邊加裝了十六盞小燈，讀起書來像在旅行。",
    "鎮上的退休站長每週三下午會來講故事。他說：「火車不開了，故事還是要準點到站！」",
    "圖書館提醒，車廂一次只能坐二十四人，家長可以先在門口領號碼牌，等待時到旁邊的花園走走。",
)
HANS = (
    "柳溪村的风筝工坊上周搬进了旧粮仓，老师傅带着七个徒弟，把三百多只风筝一只一只挂上了房梁。",
    "工坊负责人乔知远说，粮仓又高又干燥，竹骨不容易变形，来参观的人抬头就能看见一片彩色的天空。",
    "周末开放的体验课要先预约，每个孩子可以画一只自己的燕子风筝，晾干之后到河滩上试飞。",
    "村里打算明年春天办一场夜间风筝会，给风筝装上小灯。你猜，最大的那只会有多长？",
)
TITLE = "小火車閱覽室重新開放 三百多名孩子排隊上車"
TITLE_HANS = "旧粮仓里的风筝工坊 七个徒弟学扎燕子"
BOTH = pytest.mark.parametrize(("title", "body"), [(TITLE, HANT), (TITLE_HANS, HANS)], ids=["hant", "hans"])
OTHERS = (
    (
        "南坡茶園請山羊除草",
        "南坡茶園今年請了四十隻山羊除草。園主說，羊只吃草，不吃茶葉，省下一半工錢，遊客也多了。" * 3,
    ),
    ("港口燈塔換上新鏡片", "港口的燈塔換上了新鏡片。守塔人說，光照得更遠，夜裡回港的漁船，老遠就能看見家的方向。" * 3),
    (
        "山城的豆花店開了百年",
        "山城的豆花店今年滿一百歲。老闆娘說，石磨還是那一副，黃豆要泡六個小時，糖水用桂花熬。" * 3,
    ),
)


def html(body: Sequence[str]) -> str:
    return "".join(f"<p>　　{p}</p>\n" for p in body)


def dump(value: Any, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, **options)


def state(title: str = TITLE, body: Any = "", **more: Any) -> dict[str, Any]:
    return {"id": 7, "title": title, "content": body or html(HANT), "publishTime": "2025-04-03 08:15", **more}


def check(found: Embedded | None, body: Sequence[str] = HANT, title: str | None = None) -> None:
    assert found is not None
    assert found.text.split("\n") == list(body)
    if title is not None:
        assert found.title == title


def linked(title: str, body: Sequence[str], **more: Any) -> dict[str, Any]:
    return {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": title,
        "articleBody": "\n".join(body),
        "datePublished": "2025-04-03T08:15:00+08:00",
        "author": [{"@type": "Person", "name": "石小滿"}, {"@type": "Person", "name": "林禾"}],
        "publisher": {"@type": "Organization", "name": "雲杉日報"},
        **more,
    }


# JSON-LD.


@BOTH
@pytest.mark.parametrize(
    "kind", ["Article", "NewsArticle", "ReportageNewsArticle", "BlogPosting", ["Thing", "NewsArticle"]]
)
def test_json_ld(title: str, body: tuple[str, ...], kind: object) -> None:
    found = find_embedded([dump(linked(title, body) | {"@type": kind})])
    assert found == Embedded(title, "\n".join(body), "2025-04-03T08:15:00+08:00", "石小滿、林禾")


def test_json_ld_graph_list_and_main_entity() -> None:
    crumbs = {"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "name": "首頁"}]}
    article = linked(TITLE, HANT)
    check(find_embedded([dump({"@graph": [crumbs, article]})]), title=TITLE)
    check(find_embedded([dump([crumbs, article], indent=2)]), title=TITLE)
    check(find_embedded([dump({"@type": "WebPage", "mainEntity": article})]), title=TITLE)
    check(find_embedded([dump(crumbs), dump(article)]), title=TITLE)


def test_json_ld_that_is_not_quite_json() -> None:
    good = dump(linked(TITLE, HANT))
    raw = good.replace("\\n", "\n")
    trailing = good[:-1] + ",}"
    for script in (
        raw,
        trailing,
        raw.replace("\n", "\r\n\t"),
        f"<!-- {raw} -->",
        f"<!--\n{raw}\n-->",
        f"<![CDATA[{raw}]]>",
        f"//<![CDATA[\n{raw}\n//]]>",
        f"/*<![CDATA[*/ {raw} /*]]>*/",
        f"<!--//--><![CDATA[//><!--\n{raw}\n//--><!]]>",
        f"\ufeff{raw};",
        good.replace('"', "&quot;"),
        good[:-1],
        good.replace('"publisher"', '/* who */ "publisher"'),
        good.replace('"name": "石小滿"', '"name": "石小滿", "nick": "她說"好"了"'),
    ):
        check(find_embedded([script]), title=TITLE)


def test_a_body_that_is_broken_or_cut_off_is_no_article() -> None:
    good = dump(linked(TITLE, HANT))
    assert find_embedded([good.replace("故事還是", '"故事"還是')]) is None
    assert find_embedded([good[: good.index("家長可以")]]) is None


def test_a_description_is_no_article() -> None:
    article = linked(TITLE, HANT)
    article["description"] = article.pop("articleBody")
    assert find_embedded([dump(article)]) is None


@pytest.mark.parametrize("kind", ["Product", "Recipe", "Organization", "Comment", "JobPosting", "FAQPage", "Answer"])
def test_other_linked_data_is_no_article(kind: str) -> None:
    text = "".join(HANT)
    assert (
        find_embedded([dump({"@type": kind, "name": TITLE, "headline": TITLE, "text": text, "articleBody": text})])
        is None
    )


# State of frameworks, variables.


@BOTH
def test_next_data(title: str, body: tuple[str, ...]) -> None:
    data = {"props": {"pageProps": {"article": state(title, html(body))}}, "page": "/a/[id]", "query": {"id": "7"}}
    found = find_embedded([dump(data)])
    assert found == Embedded(title, "\n".join(body), "2025-04-03T08:15", "")


@BOTH
@pytest.mark.parametrize(
    "code",
    [
        "window.__NUXT__={};",
        "window.__INITIAL_STATE__ = {};(function(){var s;(s=document.currentScript).parentNode.removeChild(s);}());",
        'window["__PRELOADED_STATE__"]={}',
        "var article = {}\nvar other = 3\n",
        "let a=1,article={},b='x';",
        "(window.__STATE__ = window.__STATE__ || []).push({});",
        "globalThis.app=Object.freeze({});",
        "requirejs(['main'], function (main) { main.start({}); });",
        "// it's a comment\nif (a/b > c/d) { x = /[\"'/]/.test(y) }\nwindow.s = {};",
        "try{window.s={}}catch(e){console.log('it\\'s broken')}",
        'const article = {} as const; /* " */',
    ],
)
def test_state_in_code(title: str, body: tuple[str, ...], code: str) -> None:
    data = {"app": {"locale": "zh"}, "detail": {"loading": False, "article": state(title, html(body))}}
    check(
        find_embedded([code.replace("{}", dump(data), 1) if "main" not in code else code.replace("{}", dump(data))]),
        body,
        title,
    )


def test_javascript_is_more_than_json() -> None:
    check(
        find_embedded(
            [
                "var article = {\n  title: '" + TITLE + "', // the title\n  'content': `" + html(HANT) + "`,\n"
                "  time: new Date('2025-04-03'), ok: !0, n: -1.5e3, f: function(a){return a+'。'},\n"
                "  g: x => x, get h(){},\n};"
            ]
        ),
        title=TITLE,
    )
    joined = " +\n ".join(f"'{p}<br/>'" for p in HANT)
    check(find_embedded([f"var news = {{ title: '{TITLE}', body: {joined} }}"]), title=TITLE)
    check(find_embedded([f"var title = '{TITLE}', content = {joined};"]), title=TITLE)
    check(
        find_embedded([f"var title = '{TITLE}', text = {joined};var page = {{title: title, content: text}}"]),
        title=TITLE,
    )
    check(find_embedded([f"page.title='{TITLE}';\npage.content={joined}\npage.draw()"]), title=TITLE)


def test_nuxt_function() -> None:
    body = dump(html(HANT)).replace("/", "\\u002F").replace("<", "\\u003C")
    for call in ("}({}))", "})({}))", "})({})"):
        code = (
            'window.__NUXT__=(function(a,b,c,d){return {layout:"default",data:[{detail:{title:b,content:d,time:a,'
            "isTop:c}}],error:null,serverRendered:!0}"
            + call.replace("{}", f'"2025-04-03",{dump(TITLE)},false,{body}')
            + ";"
        )
        found = find_embedded([code])
        check(found, title=TITLE)
        assert found is not None and found.published == "2025-04-03"


def test_nuxt_shared_objects() -> None:
    code = (
        'window.__NUXT__=(function(a,b,c){c[0]="圖書館";b.title=a;b.content=BODY;b.tags=c;'
        "return {data:[{article:b}],state:{current:b}}}(TITLE,{},Array(1)));"
    )
    check(find_embedded([code.replace("BODY", dump(html(HANT))).replace("TITLE", dump(TITLE))]), title=TITLE)


def test_names_that_are_not_known_are_left_out() -> None:
    assert (
        find_embedded([f"var article={{title:'{TITLE}',content:text}};other('{html(HANT)}')".replace("\n", "")]) is None
    )


def test_nuxt_3_payload() -> None:
    flat = [
        ["ShallowReactive", 1], {"data": 2, "state": 8}, ["ShallowReactive", 3], {"article-7": 4},
        {"title": 5, "content": 6, "published_at": 7}, TITLE, html(HANT), "2025-04-03T00:15:00Z", {},
    ]  # fmt: skip
    found = find_embedded([dump(flat)])
    assert found == Embedded(TITLE, "\n".join(HANT), "2025-04-03T00:15:00+00:00", "")


def flight(*rows: str, size: int = 700) -> list[str]:
    data = "".join(rows)
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    first = "(self.__next_f=self.__next_f||[]).push([0]);self.__next_f.push([2,null])"
    return [first, *(f"self.__next_f.push([1,{dump(piece)}])" for piece in pieces)]


@pytest.mark.parametrize("size", [11, 700])
def test_flight_chunks(size: int) -> None:
    module = '1:"$Sreact.fragment"\n2:I[4711,["99","static/chunks/app.js"],"Article"]\n'
    page = dump(["$", "$L2", None, {"article": state()}])
    check(find_embedded(flight(module, f"0:{page}\n", size=size)), title=TITLE)
    body = html(HANT)
    page = dump(["$", "$L2", None, {"article": state(body="$1a")}])
    text = f"1a:T{len(body.encode()):x},{body}"
    check(find_embedded(flight(module, f"0:{page}\n", text, "1b:[]\n", size=size)), title=TITLE)
    check(find_embedded(flight(module, text, f"0:{page}\n", size=size)), title=TITLE)


def test_react_elements_as_content() -> None:
    children: list[Any] = [["$", "p", str(i), {"className": "p", "children": text}] for i, text in enumerate(HANT)]
    children[1][3]["children"] = [HANT[1][:9], ["$", "strong", None, {"children": HANT[1][9:13]}], HANT[1][13:]]
    children.insert(2, ["$", "img", None, {"alt": "插圖：車廂裡的小燈。真好看！"}])
    page = ["$", "$L2", None, {"title": TITLE, "content": children}]
    check(find_embedded(flight(f"0:{dump(page)}\n")), title=TITLE)


def test_apollo_state() -> None:
    blocks = {f"Paragraph:{i}": {"__typename": "Paragraph", "type": "P", "text": text} for i, text in enumerate(HANT)}
    article = {
        "__typename": "Article",
        "title": TITLE,
        'content({"format":"BLOCKS"})': {"paragraphs": [{"__ref": name} for name in blocks]},
        "publishedAt": 1743639300000,
    }
    cache = {"ROOT_QUERY": {'article({"id":7})': {"__ref": "Article:7"}}, "Article:7": article, **blocks}
    found = find_embedded([f"window.__APOLLO_STATE__={dump(cache)};"])
    assert found == Embedded(TITLE, "\n".join(HANT), "2025-04-03T00:15:00+00:00", "")


def test_encoded_twice() -> None:
    data = dump({"article": state()})
    check(find_embedded([f"window.__STATE__ = JSON.parse({dump(data)});"]), title=TITLE)
    check(
        find_embedded([f"window.__STATE__ = JSON.parse({json.dumps(json.dumps({'article': state()}))});"]), title=TITLE
    )
    check(find_embedded([f"window.s=JSON.parse(decodeURIComponent('{quote(data)}'))"]), title=TITLE)
    check(find_embedded([f"start(JSON.parse({dump(data)}))"]), title=TITLE)
    check(find_embedded([f"var s = {dump(data)};"]), title=TITLE)
    check(find_embedded([dump({"props": {"initialState": data}})]), title=TITLE)
    blocks = dump([{"type": "text", "content": text} for text in HANT])
    check(find_embedded([dump({"props": state(body=blocks)})]), title=TITLE)


# Bodies.

BLOCKS: dict[str, Any] = {
    "lines": "\n\n".join(f"　　{p}" for p in HANT),
    "br": "<br /><br>".join(HANT),
    "lines with inline tags": "\n".join(f"{p[:6]}<b>{p[6:]}</b>" for p in HANT),
    "escaped html": html(HANT).replace("<", "&lt;").replace(">", "&gt;"),
    "html with more": "<style>p{}</style><p hidden>訂閱我們。</p>" + html(HANT) + "<script>var a='。'</script>",
    "strings": list(HANT),
    "typed": [{"type": "p", "text": p} for p in HANT],
    "typed content": [{"type": "text", "content": p} for p in HANT]
    + [{"type": "image", "content": "說明。說明！", "url": "x"}],
    "kinds": [{"kind": "paragraph", "value": html([p])} for p in HANT],
    "paragraphs": {"paragraphs": [{"text": p} for p in HANT]},
    "html in object": {"rendered": html(HANT), "protected": False},
    "draft": {
        "blocks": [
            {"key": "a", "text": p, "type": "unstyled", "depth": 0, "inlineStyleRanges": [], "data": {}} for p in HANT
        ],
        "entityMap": {},
    },
    "quill": {
        "ops": [
            {"insert": HANT[0][:10], "attributes": {"bold": True}},
            {"insert": HANT[0][10:] + "\n" + HANT[1] + "\n"},
            {"insert": {"image": "https://images.example/1.jpg"}},
            {"insert": "\n" + HANT[2] + "\n\n" + HANT[3] + "\n"},
        ]
    },
    "portable": [
        {
            "_type": "block",
            "style": "normal",
            "children": [{"_type": "span", "text": p[:5]}, {"_type": "span", "text": p[5:]}],
        }
        for p in HANT
    ],
    "slate": [{"type": "paragraph", "children": [{"text": p[:5]}, {"text": p[5:], "bold": True}]} for p in HANT],
    "slate with links": [
        {"type": "p", "children": [{"text": p[:5]}, {"type": "link", "url": "/", "children": [{"text": p[5:]}]}]}
        for p in HANT
    ],
    "old slate": {
        "document": {
            "nodes": [
                {"object": "block", "type": "paragraph", "nodes": [{"object": "text", "leaves": [{"text": p}]}]}
                for p in HANT
            ]
        }
    },
    "prosemirror": {
        "type": "doc",
        "content": [
            {
                "type": "paragraph",
                "content": [{"type": "text", "text": p[:7]}, {"type": "text", "marks": [], "text": p[7:]}],
            }
            for p in HANT
        ],
    },
    "lexical": {
        "root": {
            "type": "root",
            "children": [{"type": "paragraph", "children": [{"type": "text", "text": p}]} for p in HANT],
        }
    },
    "editor.js": {"time": 1, "blocks": [{"type": "paragraph", "data": {"text": p}} for p in HANT], "version": "2"},
    "contentful": {
        "nodeType": "document",
        "content": [{"nodeType": "paragraph", "content": [{"nodeType": "text", "value": p}]} for p in HANT],
    },
    "hast": {
        "type": "root",
        "children": [{"type": "element", "tagName": "p", "children": [{"type": "text", "value": p}]} for p in HANT],
    },
}


@pytest.mark.parametrize("name", BLOCKS)
def test_bodies(name: str) -> None:
    check(find_embedded([dump({"data": state(body=BLOCKS[name])})]), title=TITLE)
    check(find_embedded([json.dumps({"data": state(body=BLOCKS[name])})]), title=TITLE)


@pytest.mark.parametrize(
    "key",
    [
        "articleBody",
        "content",
        "body",
        "html",
        "text",
        "detail",
        "contentHtml",
        "news_content",
        "bodyText",
        "正文",
        "內容",
    ],
)
def test_names_of_bodies(key: str) -> None:
    check(find_embedded([dump({"data": {"標題": TITLE, key: html(HANT)}})]), title=TITLE)


def test_the_title_may_stand_beside_or_above() -> None:
    check(find_embedded([dump({"page": {"info": {"title": TITLE}, "content": html(HANT)}})]), title=TITLE)
    check(find_embedded([dump({"page": {"title": TITLE, "data": {"content": html(HANT)}}})]), title=TITLE)
    check(find_embedded([dump({"newsDetail": {"content": html(HANT)}})]), title="")


def test_escapes() -> None:
    body = [*HANT[:3], "最後一班車\U00020000在傍晚開，車尾的燈一閃一閃🚂，孩子們揮手說再見！"]
    data = json.dumps({"article": state(body=html(body))}).replace("<", "\\u003c").replace(">", "\\u003E")
    assert "\\ud840\\udc00" in data
    check(find_embedded([data]), body, TITLE)
    check(find_embedded(["window.s=" + data]), body, TITLE)
    lone = data.replace("\\ud840\\udc00", "\\ud840").replace("\\ud83d\\ude82", "\\u{1F682}")
    check(find_embedded([lone]), [p.replace("\U00020000", "\ufffd") for p in body], TITLE)


# Which one.


def listed(**first: Any) -> list[dict[str, Any]]:
    return [{"title": t, "content": f"<p>{text}</p>", **first} for t, text in OTHERS]


def test_the_article_beside_teasers() -> None:
    teasers = [{"title": t, "content": text[:44]} for t, text in OTHERS]
    check(find_embedded([dump({"article": state(), "list": teasers})]), title=TITLE)
    check(find_embedded([dump({"items": [state(body=html(HANT * 4)), *listed()]})]), HANT * 4, TITLE)


def test_the_article_of_the_title_of_the_page() -> None:
    articles = [*listed(), state()]
    assert find_embedded([dump({"articles": articles})]) is None
    check(find_embedded([dump({"articles": articles})], f"{TITLE} - 雲杉日報"), title=TITLE)
    assert find_embedded([dump({"articles": articles})], "雲杉日報") is None


def test_articles_under_the_names_of_others_are_not_the_article() -> None:
    for key in (
        "related",
        "relatedNews",
        "recommendList",
        "hotArticles",
        "prevArticle",
        "next_article",
        "相關新聞",
        "ads",
    ):
        assert find_embedded([dump({key: listed()[0]})]) is None
        check(find_embedded([dump({"detail": state() | {key: listed()}})]), title=TITLE)


def test_the_same_article_twice() -> None:
    flat = linked(TITLE, HANT) | {"articleBody": "".join(HANT)}
    check(find_embedded([dump(flat), dump({"article": state(author="石小滿")})]), title=TITLE)
    found = find_embedded([dump(flat), dump({"article": {"content": html(HANT)}})])
    check(found, title=TITLE)
    assert found is not None and found.byline == "石小滿、林禾"
    check(find_embedded([dump(state(contentText="".join(HANT), summary=HANT[0]))]), title=TITLE)


# Near misses.

LONG = "".join(HANT)
NOTHING: dict[str, Any] = {
    "comments": {"title": TITLE, "comments": [{"user": "小滿", "content": LONG}, {"user": "禾", "content": HANT[0]}]},
    "comments by their ids": {"title": TITLE, "list": [{"commentId": 5, "content": LONG, "title": "回覆"}]},
    "comments without a name": {"list": [{"nickname": "小滿", "content": LONG}]},
    "interface": {"i18n": {"zh-TW": {"title": "提示", "content": LONG, "text": "確定要離開嗎？尚未儲存。"}}},
    "interface, flat": {
        "ok": "確定",
        "cancel": "取消",
        "error.text": "出錯了，請稍後再試。",
        "text": "載入中。請稍候！",
    },
    "interface, long": {"messages": {"welcome": LONG, "content": LONG}},
    "headlines": {"title": "要聞", "content": [title for title, _ in OTHERS] * 20},
    "headlines in html": {"title": "要聞", "content": "".join(f"<li><a>{t}</a></li>" for t, _ in OTHERS * 20)},
    "articles": {"news": listed()},
    "advertisements": {"ads": [{"title": "週年慶", "content": LONG}], "slots": [{"id": "top", "text": "廣告"}]},
    "notice": {"article": {"title": "用戶服務協議", "content": LONG}},
    "privacy": {"privacyPolicy": {"title": "我們怎麼用資料", "content": LONG}},
    "author": {"author": {"title": "專欄作家", "detail": LONG}},
    "summary": {"title": TITLE, "summary": LONG, "description": LONG, "digest": LONG},
    "short": {"article": {"title": TITLE, "content": HANT[0]}},
    "one sentence": {"article": {"title": TITLE, "content": LONG.translate(dict.fromkeys(map(ord, "。！？"), "，"))}},
    "unmarked": {"article": {"title": TITLE, "content": "雲杉鎮圖書館小火車閱覽室重新開放" * 30 + "。。"}},
    "english": {"article": {"title": "News", "content": "The reading room opened again. It is small, but warm. " * 20}},
    "code": {"article": {"title": TITLE, "content": "function f(){ return a.b(c) } // 。！" * 30}},
    "no evidence": {"data": {"x": {"content": LONG}}},
    "other keys": {"title": TITLE, "seo": LONG, "alt": LONG, "slogan": LONG},
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_is_no_article(name: str) -> None:
    assert find_embedded([dump(NOTHING[name])]) is None
    assert find_embedded([f"window.__INITIAL_STATE__={dump(NOTHING[name])};"]) is None


@pytest.mark.parametrize(
    "code",
    [
        "function show(){ alert(TEXT); return TEXT }",
        "document.write(TEXT);",
        "var article = cond ? TEXT : other;",
        "el.innerHTML = TEXT;",
        "var title = 'x'; var content = a + TEXT;",
        "var title = 'x', content = TEXT.replace('a', 'b');",
        "var article = {title: 'x', content: f(TEXT)};",
        "var article = {title: 'x', content: `${a}TEXTBODY`};",
        "/* var article = {title: 'x', content: TEXT} */",
        "// var article = {title: 'x', content: TEXT}",
        "switch(x){case 'content': return TEXT}",
    ],
)
def test_strings_of_code_are_no_article(code: str) -> None:
    assert find_embedded([code.replace("TEXTBODY", LONG).replace("TEXT", dump(LONG))]) is None


def test_nothing() -> None:
    assert find_embedded([]) is None
    assert find_embedded(["", " ", "{}", "[]", "null", "<!--", "var a='", "中"]) is None


# Hostile.

MEGA = 1_000_000
HAN = "中。"
HOSTILE = {
    "open brackets": HAN + "[" * MEGA,
    "open braces": HAN + "{" * MEGA,
    "round brackets": HAN + "(" * MEGA,
    "closing brackets": HAN + "]" * MEGA,
    "pairs": HAN + "[]" * (MEGA // 2),
    "mixed": HAN + "[}{](" * (MEGA // 5),
    "nested": '{"content":' * 90_000 + '"中。"' + "}" * 90_000,
    "nested lists": "[" * 100_000 + '"中。"' + "]" * 100_000,
    "nested content": ('{"content":[' * 9_000 + dump(LONG) + "]}" * 9_000),
    "quotes": HAN + '"' * MEGA,
    "escaped quotes": HAN + '\\"' * (MEGA // 2),
    "backslashes": HAN + '"' + "\\" * MEGA,
    "slashes": HAN + "=/[" * (MEGA // 3),
    "comments": HAN + "/*" * (MEGA // 2),
    "wrappers": "<!--" * (MEGA // 4) + HAN,
    "spaces": " " * MEGA + HAN,
    "lines": "self.__next_f.push([1," + json.dumps("\n" * (MEGA // 2)) + "])",
    "rows": "self.__next_f.push([1," + json.dumps("1:[]\n" * (MEGA // 30) + "2:Tffffffff,") + "])",
    "backticks": HAN + "`${" * (MEGA // 3),
    "names": HAN + "a=" * (MEGA // 2),
    "assignments": HAN + "a.content='中。';" * (MEGA // 15),
    "calls": HAN + "JSON.parse(" * (MEGA // 11),
    "functions": HAN + "(function(a){" * (MEGA // 13),
    "tags": dump(state(body="中。，" * 100 + "<a" * (MEGA // 2))),
    "escapes": '"' + "\\u4e2d" * (MEGA // 6) + '"',
    "keys": "{" + ",".join(f'"content{i}":"中。"' for i in range(MEGA // 25)) + "}",
    "sums": "var a=" + "'中。'+" * (MEGA // 6),
    "articles": dump({"news": [state(t, text) for t, text in OTHERS] * 600}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_scripts_end_in_time(name: str) -> None:
    script = HOSTILE[name]
    start = time.process_time()
    find_embedded([script])
    taken = time.process_time() - start
    assert taken < 5, f"{taken:.1f} s"  # of a megabyte, on a busy machine; alone it takes under one


def test_cycles_end() -> None:
    flat = [{"article": 1}, {"title": 2, "content": 3}, "循環", [1, 3, 3, 3, 3, 4, 4], "中。" * 50]
    find_embedded([dump(flat)])
    find_embedded(["window.__NUXT__=(function(a){a.title='循環';a.content=a;return {article:a}}({中:1}))"])
    chain = dump(["$", "$L2", None, {"article": {"title": "循環", "content": ["$0"] * 9}}])
    find_embedded(flight(f"0:{chain}\n"))


def test_reading_goes_on_behind_a_script_that_is_broken() -> None:
    for name in ("open brackets", "quotes", "mixed", "backticks", "calls"):
        check(find_embedded([HOSTILE[name][:9_999], dump({"article": state()})]), title=TITLE)


TOKENS = st.sampled_from(
    (
        *"\"'`{}[](),:;=+/\\\n1a中\ud840",
        *(
            "=>",
            "//",
            "/*",
            "*/",
            "function",
            "content",
            '"content":',
            '"title":"題目"',
            "JSON.parse",
            "return",
            "null",
        ),
        *(
            "self.__next_f.push([1,",
            "1:T5,",
            "$1",
            "${",
            dump(LONG),
            "\\ud840",
            "\\u{110000}",
            "<p>",
            "&lt;",
            "<script>",
        ),
        *("new", '"@type":"Article"', '"author":"\\ud840"'),
    )
)


@given(st.lists(st.lists(TOKENS, max_size=30).map("".join), max_size=3))
def test_any_script_is_read(scripts: list[str]) -> None:
    found = find_embedded(scripts)
    if found is not None:
        assert found.text == "\n".join(line.strip() for line in found.text.splitlines() if line.strip())
        found.text.encode()
        (found.title + found.byline + found.published).encode()
        assert find_embedded(scripts) == found
