"""The pictures: well-formed SVG whose marks stand where the numbers say."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element, fromstring

import pytest
from report_builders import make_candidate, make_plan

from stratos.job.contract import LossPoint
from stratos.plan.model import Plan
from stratos.report.charts import losses_chart
from stratos.report.frontier import NUMBERED, frontier_chart, frontier_svg, ranked
from stratos.report.svg import Scale, scale
from stratos.report.words import duration, milliseconds, usd

SVG = "{http://www.w3.org/2000/svg}"


def with_class(root: Element, tag: str, kind: str) -> list[Element]:
    return [mark for mark in root.iter(tag) if kind in (mark.get("class") or "").split()]


def crowded(points: int) -> Plan:
    plan = make_plan()
    extra = [make_candidate("w64", 0.5 + 0.4 * n / points, 20 + n, 0.01 * 1.2**n, f"m{n}") for n in range(points)]
    return plan.model_copy(update={"frontier": (plan.chosen, *extra)})


def test_the_frontier_is_an_svg_file_of_its_own() -> None:
    root = fromstring(frontier_svg(make_plan()))
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}style") is not None
    assert root.get("aria-label")


def test_every_candidate_is_marked_and_the_choice_ringed() -> None:
    plan = make_plan()
    root = frontier_chart(plan)
    told = [title.text or "" for title in root.iter("title")]
    assert sum(plan.chosen.id in words for words in told) == 1
    assert len(told) == len(plan.frontier) + len(plan.rejected)
    (ring, _in_the_key) = with_class(root, "circle", "ring")
    (label,) = [text for text in root.iter("text") if text.text == "1 chosen"]
    assert abs(float(ring.get("cx", 0)) - float(label.get("x", 0))) < 60


def test_slower_is_larger_and_paler_and_dearer_is_further_right() -> None:
    plan = make_plan()
    dots = {
        (mark.findtext("title") or "").split(":")[0]: mark
        for mark in with_class(frontier_chart(plan), "circle", "dot")
        if mark.find("title") is not None
    }
    fast, slow = (dots[candidate.id] for candidate in (plan.frontier[1], plan.frontier[2]))
    assert float(fast.get("r", 0)) < float(slow.get("r", 0))
    assert float(fast.get("fill-opacity", 1)) > float(slow.get("fill-opacity", 1))
    assert float(fast.get("cx", 0)) < float(slow.get("cx", 0))
    assert float(fast.get("cy", 0)) > float(slow.get("cy", 0))


@pytest.mark.parametrize("points", [1, 40])
def test_crowded_and_lonely_frontiers_stay_inside_the_picture(points: int) -> None:
    root = frontier_chart(crowded(points))
    for mark in root.iter("circle"):
        assert 0 <= float(mark.get("cx", -1)) <= 760
        assert 0 <= float(mark.get("cy", -1)) <= 420
    numbers = [text.text for text in root.iter("text") if (text.text or "").isdigit()]
    assert len(numbers) < NUMBERED


def test_a_frontier_of_the_choice_alone_and_free_of_charge() -> None:
    plan = make_plan()
    free = make_candidate("w96", 0.7, 50, 0.0)
    frontier_chart(plan.model_copy(update={"frontier": (free,), "chosen": free, "rejected": ()}))


def test_the_choice_ranks_first() -> None:
    order = ranked(make_plan())
    assert order[0] == make_plan().chosen
    assert [one.score for one in order[1:]] == sorted((one.score or 0 for one in order[1:]), reverse=True)


def test_a_single_step_and_thousands_of_steps_are_drawn() -> None:
    losses_chart([LossPoint(step=1, loss=2.0)])
    losses_chart([LossPoint(step=0, loss=0.0, validation_accuracy=0.0)])
    root = losses_chart([LossPoint(step=step, loss=1 / step) for step in range(1, 20_001)])
    (curve,) = with_class(root, "path", "path")
    assert (curve.get("d") or "").count("L") <= 501


def test_scales_map_ends_to_ends_and_ticks_are_round() -> None:
    even = Scale(0, 50, 100, 200)
    assert (even(0), even(25), even(50), even(99)) == (100, 150, 200, 200)
    assert even.ticks() == [0, 10, 20, 30, 40, 50]
    log = Scale(0.01, 100, 0, 4, log=True)
    assert log(1) == pytest.approx(2)
    assert log.ticks() == pytest.approx([0.01, 0.1, 1, 10, 100])
    assert all(math.isfinite(scale([0.0, 0.0], 0, 1)(value)) for value in (0.0, 1.0))


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (usd(0), "$0"),
        (usd(0.000123), "$0.00012"),
        (usd(0.35), "$0.35"),
        (usd(12.3), "$12.30"),
        (usd(12345), "$12,345"),
        (milliseconds(3.14159), "3.14 ms"),
        (milliseconds(640), "640 ms"),
        (milliseconds(12_300), "12.3 s"),
        (duration(0.25), "0.25 s"),
        (duration(45), "45 s"),
        (duration(110), "1 min 50 s"),
        (duration(7500), "2 h 5 min"),
        (duration(86400), "1 d"),
    ],
)
def test_numbers_read_well(shown: str, words: str) -> None:
    assert shown == words
