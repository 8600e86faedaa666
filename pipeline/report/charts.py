"""Charts as inline SVG, told apart by shape and place, never by colour."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.report.html import Html, element

__all__ = ["bar", "precision_recall", "range_bar", "reliability"]

_SIZE, _EDGE = 220, 44
"""Pixels of a chart's inside, and of the edge that axes stand in."""


def _place(x: float, y: float) -> tuple[float, float]:
    """Return where a point of the unit square stands in a chart."""
    return round(_EDGE + x * _SIZE, 1), round(8 + (1 - y) * _SIZE, 1)


def _frame(x_name: str, y_name: str, label: str, *inside: Html) -> Html:
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
            element("text", f"{share:.1f}", x=x, y=bottom + 14, text_anchor="middle"),
            element("text", f"{share:.1f}", x=left - 5, y=y + 4, text_anchor="end"),
        ]
    middle, under = _place(0.5, 0)
    lines.append(element("text", x_name, x=middle, y=under + 27, text_anchor="middle"))
    _, height = _place(0, 0.5)
    turned = f"rotate(-90 10 {height})"
    lines.append(element("text", y_name, x=10, y=height, text_anchor="middle", transform=turned))
    width, tall = _SIZE + _EDGE + 12, _SIZE + _EDGE + 12
    return element(
        "svg", *lines, *inside, role="img", aria_label=label, viewBox=f"0 0 {width} {tall}", width=width, height=tall
    )


def _line(points: Sequence[tuple[float, float]], dashes: str = "") -> Html:
    places = " ".join(f"{x},{y}" for x, y in (_place(*point) for point in points))
    more = {"stroke_dasharray": dashes} if dashes else {}
    return element("polyline", points=places, fill="none", stroke="#111", stroke_width=2, **more)


def precision_recall(topic: str, points: Sequence[Sequence[float]], at: Sequence[float] | None) -> Html:
    """Return precision over recall; a ring marks the tags as they are given.

    Args:
        topic: for the label.
        points: (threshold, recall, precision).
        at: (recall, precision) of the tags, or None.
    """
    inside = [_line([(recall, precision) for _, recall, precision in points])]
    if at is not None:
        x, y = _place(at[0], at[1])
        inside.append(element("circle", cx=x, cy=y, r=6, fill="#fff", stroke="#111", stroke_width=3))
    return _frame("recall", "precision", f"Precision over recall of {topic}", *inside)


def reliability(topic: str, bins: Sequence[Sequence[float]]) -> Html:
    """Return the share of articles that have the topic over the mean score of a bin; the dashes are what is said.

    Args:
        topic: for the label.
        bins: (mean score, share that has the topic, number of articles).
    """
    dots = []
    for mean, share, _ in bins:
        x, y = _place(mean, share)
        dots.append(element("rect", x=x - 3.5, y=y - 3.5, width=7, height=7, fill="#111"))
    line = _line([(mean, share) for mean, share, _ in bins])
    diagonal = _line([(0, 0), (1, 1)], "4 4")
    return _frame("score", "share that has it", f"Reliability of {topic}", diagonal, line, *dots)


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
