"""The report's other pictures: the training curve, and what was predicted against what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from stratos.job.contract import LossPoint
from stratos.plan.model import Figure
from stratos.report import svg
from stratos.report.words import interval, percent

WIDTH = 760
_MOST_POINTS = 500


@dataclass(frozen=True, slots=True)
class Comparison:
    """One objective: what was predicted, what was measured where it was, and the bound that it has to keep."""

    name: str
    predicted: Figure
    actual: Figure | None
    bound: float | None
    show: Callable[[float], str]
    most: float | None = None


def losses_chart(points: Sequence[LossPoint]) -> Element:
    """Loss by step, and below it the validation accuracy where it was measured. `points` holds at least one."""
    measured = [(point.step, point.validation_accuracy) for point in points if point.validation_accuracy is not None]
    height = 400 if measured else 260
    root = svg.chart(WIDTH, height, f"Training loss over {points[-1].step} steps, last {points[-1].loss:.4g}")
    x = svg.scale([0, *(point.step for point in points)], 64, WIDTH - 20)
    x = svg.Scale(0, points[-1].step or 1, x.start, x.end)
    y = svg.scale([0, *(point.loss for point in points)], 210, 36)
    titles = ("" if measured else "step", "training loss")
    svg.frame(root, x, y, titles, (lambda step: f"{step:,.0f}", lambda loss: f"{loss:g}"))
    svg.path(root, [(x(point.step), y(point.loss)) for point in _thinned(points)], "path")
    if measured:
        _accuracy_panel(root, x, measured)
    return root


def comparisons_chart(rows: Sequence[Comparison]) -> Element:
    """A row an objective on its own scale from 0: band and tick predicted, dot and bar measured, dashes the bound."""
    root = svg.chart(WIDTH, 62 * len(rows) + 34, "Predicted against actual: " + "; ".join(map(_words, rows)))
    for number, row in enumerate(rows):
        _comparison(root, row, 62.0 * number + 10)
    _comparison_key(root, 62 * len(rows) + 22)
    return root


def _thinned(points: Sequence[LossPoint]) -> Sequence[LossPoint]:
    every = -(-len(points) // _MOST_POINTS)
    thin = list(points[::every])
    return thin if thin[-1] is points[-1] else [*thin, points[-1]]


def _accuracy_panel(root: Element, x: svg.Scale, measured: Sequence[tuple[int, float]]) -> None:
    y = svg.Scale(0.0, 1.0, 350, 270)
    svg.frame(root, x, y, ("step", "validation accuracy"), (lambda step: f"{step:,.0f}", lambda share: f"{share:.0%}"))
    places = [(x(step), y(accuracy)) for step, accuracy in measured]
    svg.path(root, places, "path")
    for (step, accuracy), (at, level) in zip(measured, places, strict=True):
        svg.tooltip(svg.circle(root, at, level, 3.5, "dot"), f"step {step:,}: {percent(accuracy)}")
    at, level = places[-1]
    svg.text(root, at, level - 9 if level > 285 else level + 18, percent(measured[-1][1]), "strong halo", anchor="end")


def _comparison(root: Element, row: Comparison, top: float) -> None:
    values = [row.predicted.high, *([row.actual.high] if row.actual else []), *([row.bound] if row.bound else [])]
    x = svg.Scale(0.0, row.most or max(values) * 1.08 or 1.0, 130, WIDTH - 24)
    svg.text(root, 0, top + 20, row.name, "strong")
    svg.line(root, (x.start, top + 36), (x.end, top + 36), "grid")
    svg.box(root, x(row.predicted.low), top + 4, x(row.predicted.high) - x(row.predicted.low), 12, "band")
    svg.box(root, x(row.predicted.value) - 1.5, top + 2, 3, 16, "bar")
    if row.actual is not None:
        svg.line(root, (x(row.actual.low), top + 27), (x(row.actual.high), top + 27), "actual-line")
        svg.circle(root, x(row.actual.value), top + 27, 5, "actual")
    if row.bound is not None:
        svg.line(root, (x(row.bound), top - 2), (x(row.bound), top + 40), "bound")
    for tick in x.ticks(4):
        svg.text(root, x(tick), top + 50, row.show(tick), "soft small", anchor="middle")


def _comparison_key(root: Element, level: float) -> None:
    svg.box(root, 130, level - 8, 22, 10, "band")
    svg.text(root, 158, level + 1, "predicted (80 %)", "soft small")
    svg.circle(root, 284, level - 3, 5, "actual")
    svg.text(root, 295, level + 1, "measured (95 %)", "soft small")
    svg.line(root, (414, level - 10), (414, level + 4), "bound")
    svg.text(root, 422, level + 1, "bound", "soft small")


def _words(row: Comparison) -> str:
    actual = interval(row.actual, row.show) if row.actual else "not measured"
    return f"{row.name} predicted {interval(row.predicted, row.show)}, actual {actual}"
