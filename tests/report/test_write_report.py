"""The report: self-contained, escaped, whole for a finished run and honest about an unfinished one."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import pytest
from report_builders import make_plan, make_verdict

from stratos.job.contract import DataReport, Losses, LossPoint
from stratos.job.ledger import Event
from stratos.plan.model import Dollars, Plan
from stratos.plan.verdict import Verdict
from stratos.report.write import Material, write_report

HOSTILE = "</pre><script>alert('x')</script><img src=http://evil.example/a.png>\x00\x1b[31m\ud800"
VOID = {"meta", "br", "img", "line", "circle", "rect", "path"}
NOTHING = Dollars(probe=0, labelling=0, training=0, gate=0, storage=0, hosting=0)
LOSSES = Losses(
    points=tuple(
        LossPoint(step=step, loss=math.exp(-step / 50), validation_accuracy=step / 200 if step % 50 == 0 else None)
        for step in range(1, 101)
    ),
    stopped_early="the deadline came",
)
DATA = DataReport(
    injected=1234,
    aligned=0,
    dropped_exact_duplicates_of_held_out=7,
    dropped_near_duplicates_of_held_out=3,
    dropped_repeats=11,
    rejected_by_verifier=0,
    by_slice={"usual": 1200, "one-suit": 34},
)


class Page(HTMLParser):
    """Collects tags, attributes and text, and sees that every tag is closed where it must be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def material(
    plan: Plan | None = None,
    verdict: Verdict | None = None,
    losses: Losses | None = None,
    data: DataReport | None = None,
) -> Material:
    return Material(
        run="waits",
        plan=plan,
        decided=None,
        losses=losses,
        data=data,
        verdict=verdict,
        training_time_s=113.0 if losses else None,
        spent=NOTHING.model_copy(update={"training": 0.0031}),
        events=[Event(number=1, kind="started", at="2026-01-01T00:00:00+00:00", data={"step": HOSTILE[:60]})],
    )


def finished() -> Material:
    return material(make_plan(escaped=HOSTILE[:-1]), make_verdict(teacher_words=HOSTILE), LOSSES, DATA)


def test_a_finished_run_shows_everything() -> None:
    page = Page(write_report(finished()))
    for words in (
        "passed its gate",
        "The choice, and why",
        "The frontier",
        "Nearest misses",
        "p95 640 ms passes latency_ms 500",
        "Predicted against actual",
        "1 min 53 s",
        "Stopped early: the deadline came",
        "1,234",
        "lower end of the 95 % interval ≥ 0.600",
        "300 of 400",
        "teacher",
        "started",
    ):
        assert words in page.text
    assert page.tags.count("svg") == 3


def test_nothing_is_loaded_or_run() -> None:
    text = write_report(finished())
    page = Page(text)
    assert not {"script", "img", "link", "iframe", "object", "base"} & set(page.tags)
    assert not {"src", "href", "onclick", "onload"} & {name for name, _ in page.attributes}
    assert "default-src 'none'" in text
    assert "url(" not in text
    assert "@import" not in text


def test_what_models_say_is_escaped_and_can_be_saved() -> None:
    text = write_report(finished())
    text.encode("utf-8")
    assert "&lt;script&gt;alert(" in text
    assert "\x00" not in text
    assert "\x1b" not in text
    assert "␛[31m" in text


@pytest.mark.parametrize(
    ("so_far", "missing"),
    [
        (material(), ["no plan yet", "No training step", "No training data", "not judged yet"]),
        (material(make_plan()), ["not measured yet", "No training step", "No training data", "not judged yet"]),
        (material(make_plan(), None, LOSSES, DATA), ["not measured yet", "The student was not judged yet"]),
    ],
)
def test_an_unfinished_run_says_what_is_missing(so_far: Material, missing: list[str]) -> None:
    page = Page(write_report(so_far))
    for words in missing:
        assert words in page.text


def test_a_missed_bar_is_named() -> None:
    verdict = make_verdict()
    missed = verdict.checks[0].model_copy(update={"passed": False, "shortfall": "lower end misses by 0.1"})
    failed = verdict.model_copy(update={"passed": False, "checks": (missed, *verdict.checks[1:])})
    page = Page(write_report(material(make_plan(), failed)))
    assert "missed its bar, not served" in page.text
    assert "lower end misses by 0.1" in page.text


def test_a_plan_without_coverage_or_rejections_is_reported() -> None:
    plan = make_plan().model_copy(update={"coverage": None, "rejected": ()})
    page = Page(write_report(material(plan)))
    assert "not probed" in page.text
    assert "No candidate broke a constraint" in page.text


def test_what_was_decided_after_the_plan_is_what_is_shown() -> None:
    plan = make_plan()
    other = plan.chosen.model_copy(update={"mode": "alignment"})
    so_far = Material("waits", plan, other, None, None, None, None, NOTHING, ())
    assert "through alignment" in Page(write_report(so_far)).text
