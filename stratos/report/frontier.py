"""The picture of the frontier: accuracy against cost, latency by size and shade, the choice ringed."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from stratos.plan.model import Candidate, Plan
from stratos.report import svg
from stratos.report.words import interval, milliseconds, percent, usd

WIDTH, HEIGHT = 760, 420
NUMBERED = 12

_SMALLEST, _LARGEST = 4.5, 12.0
_OFFSETS = ((0, -15), (15, -9), (-15, -9), (17, 5), (-17, 5), (0, 23), (24, -22), (-24, -22), (28, 18), (-28, 18))


def frontier_svg(plan: Plan) -> str:
    """The picture as an SVG file of its own, light or dark with its reader's system."""
    return svg.markup(frontier_chart(plan), alone=True)


def frontier_chart(plan: Plan) -> Element:
    """The frontier's candidates as dots, the nearest misses as crosses; the numbers are those of `ranked`."""
    shown = ranked(plan)
    missed = [rejection.candidate for rejection in plan.rejected]
    root = svg.chart(WIDTH, HEIGHT, f"Frontier: {len(shown)} candidates by accuracy and cost; chosen {plan.chosen.id}")
    x, y = _scales([*shown, *missed], plan)
    svg.frame(root, x, y, ("total cost, US dollars", "predicted accuracy"), (usd, lambda share: f"{100 * share:.0f} %"))
    _bounds(root, plan, x, y)
    for candidate in missed:
        mark = svg.cross(root, x(candidate.cost_usd.value), y(candidate.accuracy.value))
        svg.tooltip(mark, f"missed: {_words(candidate)}")
    svg.path(root, _staircase(shown, x, y), "faint")
    _dots(root, shown, plan.chosen, x, y)
    _key(root, shown, bool(missed))
    return root


def ranked(plan: Plan) -> list[Candidate]:
    """The frontier with the choice first, then by score, best first."""
    others = [candidate for candidate in plan.frontier if candidate != plan.chosen]
    return [plan.chosen, *sorted(others, key=lambda candidate: -(candidate.score or 0.0))]


def _scales(candidates: Sequence[Candidate], plan: Plan) -> tuple[svg.Scale, svg.Scale]:
    costs = [candidate.cost_usd.value for candidate in candidates]
    wide = min(costs) > 0 and max(costs) / min(costs) > 10
    x = svg.scale(costs, 64, WIDTH - 20, log=wide)
    accuracies = [value for one in candidates for value in (one.accuracy.low, one.accuracy.high)]
    y = svg.scale([*accuracies, plan.spec.constraints.min_accuracy], HEIGHT - 88, 40)
    return x, svg.Scale(y.low, min(y.high, 1.0), y.start, y.end)


def _bounds(root: Element, plan: Plan, x: svg.Scale, y: svg.Scale) -> None:
    constraints = plan.spec.constraints
    level = y(constraints.min_accuracy)
    svg.line(root, (x.start, level), (x.end, level), "bound")
    label = f"min_accuracy {percent(constraints.min_accuracy)}"
    svg.text(root, x.end, level + 14, label, "soft small halo", anchor="end")
    if x.low < constraints.budget_usd < x.high:
        at = x(constraints.budget_usd)
        svg.line(root, (at, y.start), (at, y.end), "bound")
        near_left = at < x.start + 100
        anchor = "start" if near_left else "end"
        words = f"budget {usd(constraints.budget_usd)}"
        svg.text(root, at + (6 if near_left else -6), y.end + 10, words, "soft small halo", anchor)


def _staircase(candidates: Sequence[Candidate], x: svg.Scale, y: svg.Scale) -> list[tuple[float, float]]:
    """Along the candidates that no other beats in both cost and accuracy."""
    points: list[tuple[float, float]] = []
    best = -1.0
    for candidate in sorted(candidates, key=lambda one: (one.cost_usd.value, -one.accuracy.value)):
        if candidate.accuracy.value <= best:
            continue
        best = candidate.accuracy.value
        here = (x(candidate.cost_usd.value), y(best))
        points += [(here[0], points[-1][1]), here] if points else [here]
    return points


def _dots(root: Element, shown: Sequence[Candidate], chosen: Candidate, x: svg.Scale, y: svg.Scale) -> None:
    taken: list[tuple[float, float]] = []
    places = [(x(one.cost_usd.value), y(one.accuracy.value)) for one in shown]
    for candidate, (at, _) in reversed(list(zip(shown[:NUMBERED], places, strict=False))):
        svg.line(root, (at, y(candidate.accuracy.low)), (at, y(candidate.accuracy.high)), "whisker")
    for candidate, (at, level) in reversed(list(zip(shown, places, strict=True))):
        slowness = _slowness(candidate, shown)
        mark = svg.circle(root, at, level, _radius(slowness), "dot", opacity=1 - 0.65 * slowness)
        svg.tooltip(mark, _words(candidate))
        if candidate == chosen:
            svg.circle(root, at, level, _radius(slowness) + 4, "ring")
    for number, (at, level) in enumerate(places[:NUMBERED], start=1):
        _label(root, at, level, "1 chosen" if number == 1 else str(number), taken)


def _label(root: Element, at: float, level: float, words: str, taken: list[tuple[float, float]]) -> None:
    """Beside the dot, where no label stands yet; left out where there is no room."""
    for right, down in _OFFSETS:
        place = (at + right * (2.0 if len(words) > 2 and right else 1), level + down)
        if all(abs(place[0] - x) > 18 + 2 * len(words) or abs(place[1] - y) > 13 for x, y in taken):
            taken.append(place)
            strong = "strong halo" if len(words) > 2 else "small halo"
            svg.text(root, place[0], place[1] + 4, words, strong, anchor="middle")
            return


def _slowness(candidate: Candidate, among: Sequence[Candidate]) -> float:
    latencies = [one.latency_ms.value for one in among]
    spread = max(latencies) - min(latencies)
    return (candidate.latency_ms.value - min(latencies)) / spread if spread else 0.0


def _radius(slowness: float) -> float:
    return _SMALLEST + (_LARGEST - _SMALLEST) * slowness


def _key(root: Element, shown: Sequence[Candidate], missed: bool) -> None:
    latencies = [candidate.latency_ms.value for candidate in shown]
    level = HEIGHT - 14
    at = 64.0
    ends = [(0.0, f"{milliseconds(min(latencies))}, fastest"), (1.0, f"{milliseconds(max(latencies))}, slowest")]
    for slowness, words in ends if max(latencies) > min(latencies) else ends[:1]:
        svg.circle(root, at + 10, level - 4, _radius(slowness), "dot", opacity=1 - 0.65 * slowness)
        svg.text(root, at + 28, level, words, "soft small")
        at += 150
    svg.circle(root, at + 10, level - 4, 8, "ring")
    svg.text(root, at + 28, level, "chosen", "soft small")
    if missed:
        svg.cross(root, at + 106, level - 4)
        svg.text(root, at + 118, level, "breaks a constraint", "soft small")


def _words(candidate: Candidate) -> str:
    return (
        f"{candidate.id}: accuracy {interval(candidate.accuracy)}, latency {milliseconds(candidate.latency_ms.value)},"
        f" {usd(candidate.cost_usd.value)}"
    )
