"""The parts of a chart as SVG elements: scales, ticks, a frame, marks, and the style that all charts share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

STYLE = """
.chart { --ink: #1c2024; --soft: #5c6670; --line: #d9dee3; --paper: #ffffff; --main: #1f66c1; --other: #b4541a;
  font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) {
  .chart { --ink: #e8ebee; --soft: #a3adb7; --line: #353c44; --paper: #15181c; --main: #6aa9f4; --other: #eb9356; }
}
.chart text { fill: var(--ink); }
.chart .soft { fill: var(--soft); }
.chart .small { font-size: 11px; }
.chart .strong { font-weight: 600; }
.chart .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .bound { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 5 4; }
.chart .whisker { stroke: var(--soft); stroke-width: 1; opacity: 0.55; }
.chart .dot { fill: var(--main); stroke: var(--paper); stroke-width: 1.5; }
.chart .ring { fill: none; stroke: var(--ink); stroke-width: 2; }
.chart .cross { stroke: var(--soft); stroke-width: 1.6; fill: none; }
.chart .path { fill: none; stroke: var(--main); stroke-width: 2; stroke-linejoin: round; }
.chart .faint { fill: none; stroke: var(--soft); stroke-width: 1; opacity: 0.6; }
.chart .band { fill: var(--main); opacity: 0.25; }
.chart .bar { fill: var(--main); }
.chart .actual { fill: var(--other); stroke: var(--paper); stroke-width: 1.5; }
.chart .actual-line { stroke: var(--other); stroke-width: 2.5; }
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps low..high to the pixels start..end, evenly or by the logarithm."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        bounded = min(max(value, self.low), self.high)
        if self.log:
            share = math.log(bounded / self.low) / math.log(self.high / self.low)
        else:
            share = (bounded - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round values within the scale, some `about` of them."""
        return _log_ticks(self.low, self.high, about) if self.log else _even_ticks(self.low, self.high, about)


def scale(values: Sequence[float], start: float, end: float, *, log: bool = False) -> Scale:
    """A scale with some room around the values; logarithmic only where asked and all values are above 0."""
    low, high = min(values), max(values)
    if log and low > 0:
        room = max((high / low) ** 0.08, 1.15)
        return Scale(low / room, high * room, start, end, log=True)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return Scale(max(0.0, low - room) if low >= 0 else low - room, high + room, start, end)


def chart(width: int, height: int, label: str) -> Element:
    """An empty chart that scales with its place; `label` says in words what it shows."""
    return Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "class": "chart",
            "role": "img",
            "aria-label": label,
        },
    )


def frame(
    root: Element, x: Scale, y: Scale, titles: tuple[str, str], shows: tuple[Callable[[float], str], ...]
) -> None:
    """Grid, tick labels and axis titles for the two scales."""
    for tick in y.ticks():
        line(root, (x.start, y(tick)), (x.end, y(tick)), "grid")
        text(root, x.start - 8, y(tick) + 4, shows[1](tick), "soft", anchor="end")
    for tick in x.ticks():
        line(root, (x(tick), y.start), (x(tick), y.start + 5), "grid")
        text(root, x(tick), y.start + 19, shows[0](tick), "soft", anchor="middle")
    line(root, (x.start, y.start), (x.end, y.start), "grid")
    text(root, (x.start + x.end) / 2, y.start + 38, titles[0], "soft", anchor="middle")
    text(root, x.start - 44, y.end - 12, titles[1], "soft")


def line(root: Element, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
    ends = {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]}
    _add(root, "line", kind, ends)


def path(root: Element, points: Sequence[tuple[float, float]], kind: str) -> None:
    """A line through the points."""
    if points:
        steps = " L".join(f"{_number(x)} {_number(y)}" for x, y in points)
        SubElement(root, "path", {"class": kind, "d": f"M{steps}"})


def circle(root: Element, x: float, y: float, radius: float, kind: str, opacity: float = 1.0) -> Element:
    mark = _add(root, "circle", kind, {"cx": x, "cy": y, "r": radius})
    if opacity < 1:
        mark.set("fill-opacity", _number(opacity))
    return mark


def box(root: Element, x: float, y: float, width: float, height: float, kind: str) -> None:
    _add(root, "rect", kind, {"x": x, "y": y, "width": max(0.0, width), "height": height, "rx": 2})


def cross(root: Element, x: float, y: float, half: float = 4.0) -> Element:
    shape = f"M{_number(x - half)} {_number(y - half)} l{2 * half} {2 * half} m0 {-2 * half} l{-2 * half} {2 * half}"
    return SubElement(root, "path", {"class": "cross", "d": shape})


def text(root: Element, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
    written = SubElement(root, "text", {"class": kind, "x": _number(x), "y": _number(y), "text-anchor": anchor})
    written.text = words


def tooltip(mark: Element, words: str) -> None:
    """What a pointer over the mark, or a screen reader, tells."""
    SubElement(mark, "title").text = words


def markup(root: Element, *, alone: bool = False) -> str:
    """The chart as text; `alone` carries its own style, otherwise the page has it."""
    if alone:
        style = Element("style")
        style.text = STYLE
        root.insert(0, style)
    return tostring(root, encoding="unicode")


def _add(root: Element, tag: str, kind: str, numbers: dict[str, float]) -> Element:
    return SubElement(root, tag, {"class": kind, **{name: _number(value) for name, value in numbers.items()}})


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _even_ticks(low: float, high: float, about: int) -> list[float]:
    rough = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    return [round(number * step, 12) for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float, about: int) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5, 7), tuple(range(1, 10))):
        ticks = [factor * 10.0**decade for decade in decades for factor in factors]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) >= min(3, about):
            return inside[:: math.ceil(len(inside) / (about + 2))]
    return _even_ticks(low, high, about)
