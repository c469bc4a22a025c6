"""The bar: each requirement passed and missed, and what the verdict says about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from stratos.gate.judge import SAMPLES, Judged, judge
from stratos.plan.model import Figure, SliceMode
from stratos.plan.verdict import Check, LoadTimes, Verdict
from stratos.spec.model import Constraints

CONSTRAINTS = Constraints(
    budget_usd=1, latency_ms=100, deadline=timedelta(minutes=3), min_accuracy=0.6, alignment_margin=0.05
)
GOOD_LOAD = LoadTimes(
    percentile=95,
    latency_ms=Figure(value=80, low=70, high=130),
    median_ms=50,
    requests=60,
    failed=0,
    requests_per_second=1,
    prompt_tokens=20,
    completion_tokens=5,
)


def answers(right: int, wrong: int, teacher: str = "", where: str = "all") -> list[Judged]:
    """Right answers, then wrong ones; `teacher` is y or n for each prompt that the teacher answered."""
    judged = []
    for number, is_right in enumerate([True] * right + [False] * wrong):
        said = teacher[number] if number < len(teacher) else None
        judged.append(
            Judged(
                prompt=f"{where}{number}",
                expected="e",
                slice=where,
                student="s",
                student_right=is_right,
                teacher=None if said is None else "t",
                teacher_right=None if said is None else said == "y",
            )
        )
    return judged


def verdict_on(judged: list[Judged], modes: dict[str, SliceMode] | None = None, load: LoadTimes = GOOD_LOAD) -> Verdict:
    return judge(CONSTRAINTS, modes or {"all": "injection"}, judged, load, model="m", judged_at="2026-01-01")


def check(verdict: Verdict, name: str) -> Check:
    (found,) = [one for one in verdict.checks if one.name == name]
    return found


def test_a_good_injected_student_passes() -> None:
    verdict = verdict_on(answers(300, 100, "n" * 64))
    assert verdict.passed
    assert verdict.shortfalls == ()
    assert [one.name for one in verdict.checks] == [
        "accuracy",
        "better than the teacher",
        "requests answered",
        "latency",
    ]
    assert verdict.teacher is not None
    assert (verdict.teacher.right, verdict.teacher.asked) == (0, 64)


def test_the_lower_end_counts_and_not_the_value() -> None:
    verdict = verdict_on(answers(62, 38, "n" * 64))
    assert not verdict.passed
    assert verdict.student.accuracy.value > CONSTRAINTS.min_accuracy
    assert verdict.shortfalls == ("lower end 0.522 misses min_accuracy 0.600 by 0.078",)


def test_injection_needs_significance() -> None:
    as_good = verdict_on(answers(300, 100, "y" * 60 + "n" * 4))
    assert not check(as_good, "better than the teacher").passed
    assert "p 0.0625 misses 0.05" in as_good.shortfalls[0]
    assert check(verdict_on(answers(300, 100, "y" * 59 + "n" * 5)), "better than the teacher").passed


def test_alignment_allows_the_margin_and_no_more() -> None:
    even = verdict_on(answers(300, 100, "y" * 300 + "n" * 100), {"all": "alignment"})
    assert check(even, "not worse than the teacher").passed
    assert check(even, "not worse than the teacher").bound == -CONSTRAINTS.alignment_margin
    worse = verdict_on(answers(300, 100, "y" * 320 + "n" * 80), {"all": "alignment"})
    assert not worse.passed
    assert "passes alignment_margin 0.050 by" in worse.shortfalls[0]


def test_each_slice_is_judged_by_its_own_mode() -> None:
    known = answers(90, 10, "y" * 90 + "n" * 10, "known")
    unknown = answers(80, 20, "n" * 30, "unknown")
    verdict = verdict_on([*known, *unknown], {"known": "alignment", "unknown": "injection"})
    assert verdict.passed
    assert {(one.mode, one.slices, one.pairs) for one in verdict.pairings} == {
        ("alignment", ("known",), 100),
        ("injection", ("unknown",), 30),
    }
    crossed = verdict_on([*known, *unknown], {"known": "injection", "unknown": "alignment"})
    assert not check(crossed, "better than the teacher").passed


def test_a_slice_that_the_plan_does_not_name_is_judged_as_injected() -> None:
    verdict = verdict_on(answers(90, 10, "y" * 90 + "n" * 10, "new"), {"old": "alignment"})
    assert verdict.pairings[0].mode == "injection"
    assert not verdict.passed


def test_slices_are_reported_apart() -> None:
    verdict = verdict_on([*answers(20, 20, "n" * 10, "one-suit"), *answers(280, 80, "n" * 54, "usual")])
    assert verdict.student_slices["one-suit"].accuracy.value == 0.5
    assert verdict.student_slices["usual"].asked == 360
    assert verdict.teacher_slices["one-suit"].asked == 10
    assert verdict.student.asked == 400


def test_without_teacher_answers_nothing_is_better_than_it() -> None:
    verdict = verdict_on(answers(400, 0))
    assert verdict.teacher is None
    assert not check(verdict, "better than the teacher").passed


def test_slow_and_failing_endpoints_fail() -> None:
    slow = GOOD_LOAD.model_copy(update={"latency_ms": Figure(value=112.5, low=90, high=140)})
    assert verdict_on(answers(300, 100, "n" * 64), load=slow).shortfalls == (
        "p95 of 112.5 ms passes latency_ms 100 by 12.5 ms",
    )
    failing = GOOD_LOAD.model_copy(update={"failed": 2, "first_failure": "503"})
    assert verdict_on(answers(300, 100, "n" * 64), load=failing).shortfalls == (
        "2 of 60 requests under load failed (503)",
    )


def test_every_shortfall_is_named() -> None:
    slow = GOOD_LOAD.model_copy(update={"latency_ms": Figure(value=200, low=190, high=240), "failed": 1})
    assert len(verdict_on(answers(10, 90, "y" * 64), load=slow).shortfalls) == 4


def test_samples_are_few_and_show_both() -> None:
    verdict = verdict_on(answers(300, 100, "n" * 64))
    assert len(verdict.samples) == SAMPLES
    assert all(sample.teacher == "t" for sample in verdict.samples)


def test_the_verdict_survives_json_and_refuses_a_forged_pass() -> None:
    verdict = verdict_on(answers(10, 90, "n" * 64))
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict
    with pytest.raises(ValidationError, match="passed does not agree"):
        Verdict.model_validate_json(verdict.model_dump_json().replace('"passed":false', '"passed":true', 1))


def test_no_answers_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="is no share"):
        verdict_on([])
