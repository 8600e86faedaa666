"""HTML that no text can break: whatever is not markup of ours is escaped, and the page may load and run nothing.

Text of pages comes into the report as characters only. Nothing of it becomes an address, a name, a style or a script;
should an escape ever fail, the content security policy still forbids scripts, images, fonts, frames and requests.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from html import escape

from pipeline.records import visible

__all__ = ["Html", "element", "figure", "grouped", "page", "pointer", "table", "together"]

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; color: #111; background: #fff; line-height: 1.5;
  font-family: system-ui, "Noto Sans CJK TC", "Noto Sans TC", "PingFang TC", "Microsoft JhengHei", sans-serif; }
:lang(zh-Hans) {
  font-family: system-ui, "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 2px solid #111; }
h3 { font-size: 1rem; margin-bottom: .3rem; }
nav a { display: inline-block; margin-right: 1rem; color: #111; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { padding: .15rem .6rem; border-bottom: 1px solid #bbb; text-align: right; white-space: nowrap; }
.left { text-align: left; }
td.left { max-width: 22rem; overflow-wrap: break-word; white-space: normal; }
td.left:last-child { min-width: 16rem; } td svg { vertical-align: middle; }
th.group { border-top: 2px solid #777; text-align: left; overflow-wrap: anywhere; white-space: normal; }
.interval, span[data-figure] { white-space: nowrap; } .interval { color: #333; }
.row { display: flex; flex-wrap: wrap; gap: 0 2.5rem; align-items: flex-start; }
.note { color: #333; font-size: .9rem; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; } figcaption { font-size: .85rem; }
figure svg { max-width: 100%; height: auto; }
article { border: 1px solid #999; border-left: .4rem solid #111; padding: .5rem .8rem; margin: 1rem 0; }
article h3 { margin: 0; } article .note { margin: .1rem 0; } article > p:not(.note) { margin: .4rem 0; }
article .text { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .95rem; }
del { text-decoration: line-through; text-decoration-thickness: 2px; background: #eee; color: #333; }
del + .why, .why { font-size: .75rem; color: #333; }
mark { background: #ffe08a; color: #111; font-weight: 600; border-bottom: 3px double #111; }
mark .topic { font-size: .7rem; font-weight: 400; }
@media (max-width: 40rem) { body { padding: .6rem; } table { font-size: .8rem; } td svg { display: none; }
  th, td { padding: .15rem .2rem; white-space: normal; } td.left { max-width: 7rem; }
  td.left:last-child { min-width: 5rem; max-width: none; } td:not(.left) span[data-figure] { white-space: normal; }
  .interval { display: block; font-size: .7rem; } .spare, .aside .interval { display: none; }
  .row { gap: 0 1.5rem; } }
@media print { body { max-width: none; font-size: 10pt; } nav { display: none; }
  figure, tr, .curve { break-inside: avoid; } h2, h3, tr:has(> .group) { break-after: avoid; }
  .wide { overflow: visible; } mark { background: none; } del { background: none; } }
"""

_POLICY = (
    "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; require-trusted-types-for "
    "'script'; trusted-types 'none'"
)
"""Only the one style above is let in, by its digest: no inline style, script, image, font, frame or request."""


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that is safe to put into a page."""

    text: str


def _safe(child: Html | str) -> str:
    """Return markup as it is, and text escaped, with controls, bidi marks and invisible characters made visible."""
    return child.text if isinstance(child, Html) else escape(visible(child))


def together(*children: Html | str) -> Html:
    """Return markup and text one after the other."""
    return Html("".join(map(_safe, children)))


def element(name: str, /, *children: Html | str, **attributes: str | float) -> Html:
    """Return an element. Names are this room's own; `class_` stands for class, and _ in names for -."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(visible(str(value), breaks=False))}"'
        for key, value in attributes.items()
    )
    inside = "".join(map(_safe, children))
    return Html(f"<{name}{told}>" if name in ("meta", "br") else f"<{name}{told}>{inside}</{name}>")


def figure(value: float | int | None, path: str, form: str = "{:.3f}") -> Html:
    """Return a figure; `path` says where it stands in the JSON, so that a test can hold both together."""
    shown = "refused" if value is None else form.format(value)
    return element("span", shown, data_figure=path)


def pointer(*steps: str) -> str:
    """Return the place of a figure in JSON, as RFC 6901 writes it but for the first stroke."""
    return "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)


def table(
    head: list[str], rows: list[list[Html | str]], *, left: tuple[int, ...] = (0,), spare: tuple[int, ...] = ()
) -> Html:
    """Return a table that scrolls by itself where it is too wide; see `grouped`."""
    return grouped(head, [("", rows)], left=left, spare=spare)


def grouped(
    head: list[str],
    groups: list[tuple[Html | str, list[list[Html | str]]]],
    *,
    left: tuple[int, ...] = (0,),
    aside: tuple[int, ...] = (),
    spare: tuple[int, ...] = (),
) -> Html:
    """Return a table in parts, each under a line of its own.

    Args:
        head: names of the columns.
        groups: of each the line, "" for none, and the rows.
        left: columns of text.
        aside: columns whose intervals a narrow screen leaves out.
        spare: columns that a narrow screen leaves out.
    """
    classes = ["left" if n in left else "right" for n in range(len(head))]
    for name, columns in (("aside", aside), ("spare", spare)):
        for column in columns:
            classes[column] += f" {name}"

    def line(cells: list[Html | str], name: str) -> Html:
        return element("tr", *(element(name, cell, class_=kind) for cell, kind in zip(cells, classes, strict=True)))

    bodies = []
    for told, rows in groups:
        under = [element("tr", element("th", told, class_="group", colspan=len(head)))] if told != "" else []
        bodies.append(element("tbody", *under, *(line(row, "td") for row in rows)))
    return element("div", element("table", element("thead", line(list(head), "th")), *bodies), class_="wide")


def page(title: str, sections: list[tuple[str, str, Html]]) -> bytes:
    """Return a whole HTML file.

    Args:
        title: the heading.
        sections: of each its id, its heading and its content.
    """
    digest = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(digest=digest)}">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        Html(f"<style>{_STYLE}</style>"),
    )
    links = element("nav", *(element("a", heading, href=f"#{name}") for name, heading, _ in sections))
    parts = [element("section", element("h2", heading), content, id=name) for name, heading, content in sections]
    whole = element("html", head, element("body", element("h1", title), links, *parts), lang="en")
    return f"<!DOCTYPE html>\n{whole.text}\n".encode()
