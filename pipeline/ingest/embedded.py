"""Articles that a page keeps only inside its scripts: JSON-LD, the state of Next and Nuxt, variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from html import unescape
from itertools import islice
from typing import Any

from pipeline.errors import PageError
from pipeline.ingest.dates import iso_date
from pipeline.ingest.literals import CHINESE, Script, flight_rows, hydrate, is_json

__all__ = ["Embedded", "find_embedded"]


@dataclass(frozen=True, slots=True)
class Embedded:
    """An article found in scripts: `text` has a line a paragraph, `published` is ISO 8601; "" where not known."""

    title: str
    text: str
    published: str
    byline: str


# Choosing, by evidence: names of keys, sentences, length.

_WORD = re.compile(r"i18n|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[\u4e00-\u9fff]{2}")
_BODY = re.compile(
    r"(?:article|news|post|story|main|full|rich|raw|html|doc|page|detail|web|mobile|pc|app|plain|new|c|n|s){0,2}"
    r"(?:body|contents?|text|html|txt|paragraphs?|details?|blocks|zhengwen|neirong|正文|内容|內容|内文|內文|全文)"
    r"(?:html|text|raw|body|content|blocks|list|data|json|str|detail|full){0,2}|(?:文章|新闻|新聞)(?:正文|内容|內容)"
)
_TITLE = re.compile(r"(?:article|news|post|page|doc|story|main|full|content)?(?:headline|title|subject|标题|標題)")
_TIME = re.compile(
    r"(?:article|news|post)?(?:p|pub|publish|published|release|issue|display|show|create|created|c)"
    r"(?:date|time|at|on|timestamp){1,2}|(?:date|time)(?:published|created)?|published|(?:发布|發布)(?:时间|時間|日期)"
)
_BYLINE = re.compile(r"(?:article|news)?(?:authors?|byline|writers?|reporters?)(?:names?)?|作者|记者|記者")
_ARTICLE_TYPE = re.compile(r"(?:Article|BlogPosting|Report)$")
_STORY = re.compile(r"articles?|news|post|story|details?|文章|新[闻聞]|正文")
_ASIDE = re.compile(  # words of keys under which no article of the page stands
    r"comments?|repl(?:y|ies)|reviews?|relate[ds]?|relevant|recommend(?:s|ed|ations?)?|similar|guess|hot|rank(?:ing)?"
    r"|latest|more|others?|ads?|advert(?:s|isements?)?|promo(?:tion)?|i18n|locales?|langs?|language|messages"
    r"|translations?|dictionary|templates?|tpl|faqs?|privacy|agreement|terms|copyright|policy|cookies?|modal|dialog"
    r"|popup|toast|tips?|footer|header|nav|menu|sidebar|prev|previous|next|authors?|users?|editor|profile|bio|about"
    r"|help|disclaimer|share|[评評][论論]|相[关關]|推[荐薦]|[热熱][门門]|[广廣]告"
)
_LANGUAGE = re.compile(r"(?:zh|en|ja|ko)(?:cn|tw|hk|hans|hant|us|gb)?")
_NOTICE = re.compile(r"(?:协议|協議|条款|條款|隐私|隱私|声明|聲明|须知|須知|说明|說明|关于我们|關於我們|政策)$|Cookie")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_END = re.compile(r"[。！？!?…]")
_PAUSE = re.compile(r"[，。！？、；：,!?]")
_LEAST = 80  # Han characters of an article: a news flash has about a hundred
_BY_FAR = 3  # how many times longer than any other text of the kind the article is, where no title tells
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--")
_BREAK = re.compile(r"<(?:p|br|div|li|h\d|section|article|tr|blockquote|pre)\b", re.IGNORECASE)
_SCRIPT = re.compile(r"<(/?)script", re.IGNORECASE)
_BLANK = re.compile(r"[\W_]+")
_DROPPED = re.compile(
    r"images?|img|picture|photo|video|audio|figure|embed|iframe|ads?|advertisement|(?:fig)?caption|gallery|script|style"
    r"|related|recommend|atomic|slideshow"
)
_INLINE = re.compile(r"(?:text|span|link|a|strong|em|b|i|u|s|code|mark|sub|sup|font|mention|hashtag|inline|leaf)?")
_PARAGRAPH = re.compile(r"p|paragraph|heading|block|element|h[1-6]|li|quote|blockquote")
# Where a block holds its text or its own blocks: Draft.js, Editor.js, Quill, Slate, ProseMirror, React.
_INNER = (
    *("text", "html", "__html", "dangerouslySetInnerHTML", "rendered", "content", "contents", "children", "nodes"),
    *("leaves", "value", "insert", "data", "paragraphs", "blocks", "ops", "root", "document", "doc", "body", "p"),
)


@lru_cache(maxsize=4096)
def _read_key(key: str) -> tuple[str, bool, bool]:
    """Return a key in small letters without signs, whether it names an article, whether something beside one."""
    short = key.partition("(")[0][:60]
    words = [word.lower() for word in _WORD.findall(short)]
    name = "".join(c for c in short.lower() if c.isalnum())
    aside = not key.startswith("__") and any(map(_ASIDE.fullmatch, words))
    return name, any(map(_STORY.fullmatch, words)), aside or _LANGUAGE.fullmatch(name) is not None


class _Search:
    def __init__(self, refs: dict[str, Any], budget: int) -> None:
        self.refs = refs
        self.budget = budget  # characters that may still be rendered: candidates inside candidates stay linear
        self.kept: list[Any] = []  # decoded values, alive so that identities stay unique
        self.found: list[tuple[int, str, Embedded]] = []  # Han characters, text without signs and blanks, article

    def walk(self, roots: list[Any]) -> None:
        """Collect the candidates of all objects, outermost first."""
        stack: list[tuple[Any, dict[str, Any], bool, int]] = [(root, {}, False, 0) for root in reversed(roots)]
        seen: set[int] = set()
        while stack:
            node, parent, story, coded = stack.pop()
            if is_json(node) and coded < 3:
                node, coded = self._decoded(node), coded + 1
            if not isinstance(node, dict | list) or id(node) in seen or "commentId" in node or "comment_id" in node:
                continue
            seen.add(id(node))
            if isinstance(node, list):
                hydrate(node)
                stack += [(value, {}, story, coded) for value in reversed(node)]
                continue
            self.refs.update((k, v) for k, v in node.items() if ":" in k and isinstance(v, dict))
            stated = node.get("@type")
            types = stated if isinstance(stated, list) else [stated]
            typed = any(isinstance(t, str) and _ARTICLE_TYPE.search(t) for t in types)
            story = typed or (story and stated is None)
            for key, value in reversed(node.items()):
                name, told, aside = _read_key(key)
                if aside:
                    continue
                deeper = coded
                if is_json(value) and coded < 3:
                    value, deeper = self._decoded(value) or value, coded + 1
                evident = story or told or name == "articlebody"
                body = self.text(value) if (typed or stated is None) and _BODY.fullmatch(name) else ""
                if not self._offer(body, node, parent, evident) and isinstance(value, dict | list):
                    stack.append((value, node, story or told, deeper))

    def _decoded(self, value: str) -> Any:
        self.kept.append(Script([]).read(value))
        return self.kept[-1][0] if len(self.kept[-1]) == 1 else None

    def text(self, value: Any, key: str = "", owner: str = "", depth: int = 0) -> str:
        """Return the text of a body: a string of text or HTML, or blocks of whatever editor."""
        if isinstance(value, dict) and isinstance(value.get("__ref"), str):
            value = self.refs.get(value["__ref"])
        elif type(value) is str and value[:1] == "$":
            value = self.refs.get(value, "" if value[1:].isalnum() else value)
        self.budget -= len(value) if type(value) is str else 10
        if self.budget < 0 or depth > 40 or not value:
            return ""
        if type(value) is str:
            return _plain(value)
        if isinstance(value, list):
            if _is_element(value):
                return "" if _DROPPED.fullmatch(value[1]) else self.text(value[3], "", value[1], depth + 1)
            inline = key in ("children", "ops", "nodes", "leaves") or _PARAGRAPH.fullmatch(owner)
            glue = "" if inline and all(map(_is_inline, value)) else "\n"
            return glue.join(self.text(v, key, owner, depth + 1) for v in value)
        tag = _kind(value) or owner if isinstance(value, dict) else "ad"
        if _DROPPED.fullmatch(tag) or any(isinstance(value.get(t), str) and value[t] for t in ("title", "headline")):
            return ""  # the latter is an article of its own, among others
        inner = (self.text(value[k], k, tag, depth + 1) for k in _INNER if k in value)
        return next(filter(None, inner), "\n" if tag in ("br", "hardbreak") else "")

    def _offer(self, text: str, node: dict[str, Any], parent: dict[str, Any], evident: bool) -> bool:
        """Note a text as a candidate if it is prose and something says that it is an article."""
        text = "\n".join(line for raw in text.splitlines() if (line := raw.strip()))
        han = len(_HAN.findall(text))
        if han < max(_LEAST, 0.4 * len("".join(text.split()))):
            return False
        if len(_END.findall(text)) < 2 or len(_PAUSE.findall(text)) * 30 < han:
            return False
        inside = [v for k, v in islice(node.items(), 100) if isinstance(v, dict) and not _read_key(k)[2]]
        near = [node, *inside, parent]
        title = next(_fields(_TITLE, near), "")
        if not (title or evident) or _NOTICE.search(title):
            return False
        published = next(filter(None, map(_time, _fields(_TIME, near))), "")
        article = Embedded(title, text, published, next(_fields(_BYLINE, near), ""))
        self.found.append((han, _BLANK.sub("", text), article))
        return True


def _kind(block: Mapping[str, Any]) -> str:
    names = (block.get(k) for k in ("tagName", "_type", "nodeType", "type", "tag"))
    return next((name.lower() for name in names if isinstance(name, str)), "")


def _is_element(value: Any) -> bool:
    """Whether it is an element of React: "$", tag, key, properties."""
    return isinstance(value, list) and len(value) > 3 and value[0] == "$" and isinstance(value[1], str)


def _is_inline(value: Any) -> bool:
    tag = _kind(value) if isinstance(value, dict) else value[1] if _is_element(value) else ""
    return isinstance(value, str | dict | list) and _INLINE.fullmatch(tag) is not None


def _plain(text: str) -> str:
    """Return text or HTML as lines; surrogate pairs are put together, lone ones become U+FFFD."""
    from pipeline.ingest.flatten import flatten_html

    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    for _ in range(2):  # HTML is often escaped once more
        if not _TAG.search(text):
            text = unescape(text)
            continue
        html = text if _BREAK.search(text) else "<br>".join(text.splitlines())
        try:  # a script inside the value is no place to look for articles again
            flat = flatten_html(_SCRIPT.sub(r"<\1template", html))
        except PageError:
            return ""
        hidden = flat.tree.hidden.tolist() if flat.tree is not None else ()
        text = "\n".join(line for line, hides in zip(flat.lines, hidden, strict=True) if not hides)
    return text


def _fields(pattern: re.Pattern[str], near: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the short values under such keys: strings, Unix times, or the names in objects and lists of them."""
    for key, value in (entry for holder in near for entry in islice(holder.items(), 100)):
        if pattern.fullmatch(_read_key(key)[0]):
            values = value if isinstance(value, list) else [value]
            named = [v.get("name") or v.get("rendered") if isinstance(v, dict) else v for v in values[:20]]
            short = [str(v) for v in named if (type(v) is str and len(v) < 300) or (type(v) is int and v > 10**9)]
            if texts := [text for v in short if (text := " ".join(_plain(v).split()))]:
                yield "、".join(texts)


def _time(stated: str) -> str:
    if re.fullmatch(r"1\d{9}(?:\d{3})?", stated):
        return datetime.fromtimestamp(int(stated[:10]), UTC).isoformat()
    return iso_date(stated)


def find_embedded(scripts: Sequence[str], title: str = "") -> Embedded | None:
    """Return the article that the data in a page's scripts holds; None where there is none, or in doubt which.

    Args:
        scripts: the texts of the page's script elements, in order: JSON-LD, JSON, inline code.
        title: what the page calls itself, where known: of several articles the one of this title is meant.
    """
    flight: list[str] = []
    roots: list[Any] = []
    for script in scripts:
        if CHINESE.search(script):
            roots += Script(flight).read(script)
    rows, refs = flight_rows(flight)
    search = _Search(refs, 100_000 + 3 * sum(map(len, scripts)))
    search.walk(rows + roots)
    groups: list[list[tuple[int, str, Embedded]]] = []
    for found in sorted(search.found, key=lambda f: -f[0])[:50]:
        for group in groups:
            if found[1][:60] in group[0][1] or (found[2].title and found[2].title == group[0][2].title):
                group.append(found)  # the same again: in state and JSON-LD, as text and as HTML
                break
        else:
            groups.append([found])
    page = _BLANK.sub("", title)
    meant = [g for g in groups if any(len(t := _BLANK.sub("", a.title)) > 5 and t in page for _, _, a in g)]
    best, *others = meant or groups or [[]]
    if not best or (others and best[0][0] < _BY_FAR * others[0][0][0]):
        return None
    whole = [article for han, _, article in best if han >= 0.9 * best[0][0]]
    text = max((a.text for a in whole), key=lambda t: t.count("\n"))
    published, byline = (
        next(filter(None, told), "") for told in ([a.published for a in whole], [a.byline for a in whole])
    )
    return Embedded(next((a.title for a in whole if a.title), ""), text, published, byline)
