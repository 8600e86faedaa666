"""Charts as inline SVG, told apart by shape and place, never by colour; each also as a file of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.report.html import Html, element

__all__ = [
    "EDGE",
    "SIZE",
    "TOP",
    "as_png",
    "as_svg",
    "bar",
    "confusion_matrix",
    "precision_recall",
    "range_bar",
    "reliability",
]

SIZE, EDGE, TOP = 280, 46, 26
"""Pixels of a chart's inside, of the edge that axes stand in, and of the heading."""
_NONE = "no topic"
_FONT: dict[str, str | float] = {
    "font_family": "system-ui, 'Noto Sans', 'DejaVu Sans', Arial, sans-serif",
    "font_size": 12,
}


def _place(x: float, y: float) -> tuple[float, float]:
    """Return where a point of the unit square stands in a chart."""
    return round(EDGE + x * SIZE, 1), round(TOP + (1 - y) * SIZE, 1)


def _picture(width: float, height: float, heading: str, *inside: Html) -> Html:
    return element(
        "svg",
        element("rect", x=0, y=0, width=width, height=height, fill="#fff"),
        element("text", heading, x=EDGE, y=16, font_weight="bold"),
        *inside,
        role="img",
        aria_label=heading,
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        **_FONT,
    )


def _frame(x_name: str, y_name: str, heading: str, *inside: Html) -> Html:
    """Return a chart of the unit square with its axes."""
    lines: list[Html] = []
    for step in range(6):
        share = step / 5
        x, bottom = _place(share, 0)
        left, y = _place(0, share)
        right, top = _place(1, 1)
        lines += [
            element("line", x1=x, y1=bottom, x2=x, y2=top, stroke="#ddd"),
            element("line", x1=left, y1=y, x2=right, y2=y, stroke="#ddd"),
            element("text", f"{share:.1f}", x=x, y=bottom + 15, text_anchor="middle"),
            element("text", f"{share:.1f}", x=left - 5, y=y + 4, text_anchor="end"),
        ]
    middle, under = _place(0.5, 0)
    lines.append(element("text", x_name, x=middle, y=under + 31, text_anchor="middle"))
    _, height = _place(0, 0.5)
    turned = f"rotate(-90 12 {height})"
    lines.append(element("text", y_name, x=12, y=height, text_anchor="middle", transform=turned))
    return _picture(SIZE + EDGE + 16, SIZE + TOP + 38, heading, *lines, *inside)


def _line(points: Sequence[tuple[float, float]], dashes: str = "") -> Html:
    places = " ".join(f"{x},{y}" for x, y in (_place(*point) for point in points))
    more = {"stroke_dasharray": dashes} if dashes else {}
    return element("polyline", points=places, fill="none", stroke="#111", stroke_width=2, **more)


def precision_recall(topic: str, points: Sequence[Sequence[float]], at: Sequence[float] | None) -> Html:
    """Return precision over recall; a ring marks the tags as they are given.

    Args:
        topic: for the heading.
        points: (threshold, recall, precision).
        at: (recall, precision) of the tags, or None.
    """
    inside = [_line([(recall, precision) for _, recall, precision in points])]
    if at is not None:
        x, y = _place(at[0], at[1])
        inside.append(element("circle", cx=x, cy=y, r=6, fill="#fff", stroke="#111", stroke_width=3))
    return _frame("recall", "precision", f"{topic}: precision over recall", *inside)


def reliability(topic: str, bins: Sequence[Sequence[float]]) -> Html:
    """Return the share of articles that have the topic over the mean score of a bin; the dashes are what is said.

    Args:
        topic: for the heading.
        bins: (mean score, share that has the topic, number of articles, ends of the share's interval).
    """
    dots = []
    for mean, share, _, low, high in bins:
        (x, y), (_, under), (_, over) = _place(mean, share), _place(mean, low), _place(mean, high)
        dots.append(element("line", x1=x, y1=under, x2=x, y2=over, stroke="#111"))
        dots.append(element("rect", x=round(x - 3.5, 1), y=round(y - 3.5, 1), width=7, height=7, fill="#111"))
    line = _line([(mean, share) for mean, share, *_ in bins])
    diagonal = _line([(0, 0), (1, 1)], "4 4")
    return _frame("score", "share that has it", f"{topic}: reliability of scores", diagonal, line, *dots)


def confusion_matrix(pairs: Sequence[Mapping[str, Any]], topics: Sequence[str]) -> Html:
    """Return how many articles lack the topic of a row and have that of a column wrongly; the area of a square says it.

    Args:
        pairs: `has`, `got` ("" is no topic) and `articles`.
        topics: in the order of rows and columns.
    """
    names = [*topics, ""]
    count = {(pair["has"], pair["got"]): int(pair["articles"]) for pair in pairs}
    most = max(count.values(), default=1)
    cell, left, top = 76, 150, TOP + 34
    right, bottom = left + cell * len(names), top + cell * len(names)
    drawn = [element("text", "wrongly given", x=round((left + right) / 2, 1), y=TOP + 10, text_anchor="middle")]
    for n, name in enumerate(names):
        middle = round((n + 0.5) * cell, 1)
        shown = _short(name or _NONE)
        drawn.append(element("text", shown, x=left + middle, y=top - 6, text_anchor="middle", font_size=10))
        drawn.append(element("text", shown, x=left - 8, y=top + middle + 4, text_anchor="end"))
    for n in range(len(names) + 1):
        drawn.append(element("line", x1=left, y1=top + n * cell, x2=right, y2=top + n * cell, stroke="#bbb"))
        drawn.append(element("line", x1=left + n * cell, y1=top, x2=left + n * cell, y2=bottom, stroke="#bbb"))
    for row, has in enumerate(names):
        for column, got in enumerate(names):
            number = count.get((has, got), 0)
            if number:
                x, y = left + (column + 0.5) * cell, top + (row + 0.5) * cell
                side = round(56 * (number / most) ** 0.5, 1)
                corner = {"x": round(x - side / 2, 1), "y": round(y - side / 2, 1)}
                drawn.append(element("rect", **corner, width=side, height=side, fill="#ccc"))
                under = 4 if side > 26 else round(side / 2 + 12, 1)  # inside, or where it does not fit below
                drawn.append(element("text", f"{number:,}", x=x, y=y + under, text_anchor="middle"))
    y = round((top + bottom) / 2, 1)
    drawn.append(element("text", "missing", x=14, y=y, text_anchor="middle", transform=f"rotate(-90 14 {y})"))
    return _picture(right + 16, bottom + 10, "Confused topics: articles", *drawn)


def _short(name: str) -> str:
    return name if len(name) <= 16 else f"{name[:15]}…"


def as_svg(chart: Html) -> bytes:
    """Return a chart as an SVG file."""
    return chart.text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).encode() + b"\n"


def as_png(chart: Html) -> bytes | None:
    """Return a chart as a PNG file, two pixels for one, in a font of the system; None where resvg is not installed."""
    try:
        import resvg_py
    except ImportError:
        return None
    return resvg_py.svg_to_bytes(svg_string=as_svg(chart).decode(), zoom=2)


def range_bar(value: float, low: float, high: float) -> Html:
    """Return a figure in [0, 1] with its interval as a small bar."""
    width = 100
    return element(
        "svg",
        element("line", x1=0, y1=7, x2=width, y2=7, stroke="#bbb"),
        element("line", x1=round(low * width, 1), y1=7, x2=round(high * width, 1), y2=7, stroke="#111", stroke_width=3),
        element("rect", x=round(value * width - 2.5, 1), y=1, width=5, height=12, fill="#111"),
        role="img",
        aria_label=f"{value:.3f}, from {low:.3f} to {high:.3f}",
        viewBox=f"-3 0 {width + 6} 14",
        width=width + 6,
        height=14,
    )


def bar(share: float) -> Html:
    """Return a share as a bar."""
    return element(
        "svg",
        element("rect", x=0.5, y=1.5, width=100, height=9, fill="none", stroke="#999"),
        element("rect", x=0.5, y=1.5, width=round(100 * share, 1), height=9, fill="#555"),
        role="img",
        aria_label=f"{share:.1%}",
        viewBox="0 0 102 12",
        width=102,
        height=12,
    )
