"""From measured answers to the verdict: every check of the bar, decided by pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stratos.gate.paired import compare
from stratos.plan.intervals import wilson
from stratos.plan.model import SliceMode
from stratos.plan.verdict import Check, LoadTimes, Pairing, Sample, Score, Verdict
from stratos.spec.model import Constraints

__all__ = ["Judged", "Verdict", "judge"]

SIGNIFICANCE = 0.05
SAMPLES = 12
_LONGEST_SAMPLE = 2000


@dataclass(frozen=True, slots=True)
class Judged:
    """One prompt of the gate with both completions, as the task's verifier judged them."""

    prompt: str
    expected: str
    slice: str
    student: str
    student_right: bool
    teacher: str | None = None
    teacher_right: bool | None = None


def judge(
    constraints: Constraints,
    slice_modes: Mapping[str, SliceMode],
    answers: Sequence[Judged],
    load: LoadTimes,
    *,
    model: str,
    judged_at: str,
) -> Verdict:
    """The verdict on a student. Slices that the plan does not name are judged as injected, the stricter test.

    The bar: the lower end of the student's interval reaches min_accuracy; on the prompts that both answered the
    student beats its teacher where it was injected (McNemar, p < 0.05) and is not worse by more than the margin where
    it was aligned (lower end of the difference), the slices of a mode taken together; every request is answered, and
    in time. Raises ValueError without answers.
    """
    student = _score([answer.student_right for answer in answers])
    asked_both = [answer for answer in answers if answer.teacher_right is not None]
    pairings = _pairings(slice_modes, answers)
    checks = (
        _accuracy_check(student, constraints.min_accuracy),
        *(_teacher_check(pairing, constraints.alignment_margin) for pairing in pairings),
        _answered_check(load),
        _latency_check(load, constraints.latency_ms),
    )
    return Verdict(
        judged_at=judged_at,
        model=model,
        passed=all(check.passed for check in checks),
        checks=checks,
        student=student,
        student_slices=_by_slice(answers, lambda answer: answer.student_right),
        teacher=_score([bool(answer.teacher_right) for answer in asked_both]) if asked_both else None,
        teacher_slices=_by_slice(asked_both, lambda answer: bool(answer.teacher_right)),
        pairings=pairings,
        load=load,
        samples=tuple(_sample(answer) for answer in (asked_both or answers)[:SAMPLES]),
    )


def _score(right: Sequence[bool]) -> Score:
    return Score(right=sum(right), asked=len(right), accuracy=wilson(sum(right), len(right)))


def _by_slice(answers: Sequence[Judged], right: Callable[[Judged], bool]) -> dict[str, Score]:
    names = sorted({answer.slice for answer in answers})
    return {name: _score([right(answer) for answer in answers if answer.slice == name]) for name in names}


def _pairings(slice_modes: Mapping[str, SliceMode], answers: Sequence[Judged]) -> tuple[Pairing, ...]:
    modes: dict[SliceMode, list[Judged]] = {}
    for answer in answers:
        modes.setdefault(slice_modes.get(answer.slice, "injection"), []).append(answer)
    return tuple(_pairing(mode, modes[mode]) for mode in sorted(modes))


def _pairing(mode: SliceMode, answers: Sequence[Judged]) -> Pairing:
    pairs = [(answer.student_right, answer.teacher_right) for answer in answers if answer.teacher_right is not None]
    return compare(mode, sorted({answer.slice for answer in answers}), pairs)


def _accuracy_check(student: Score, min_accuracy: float) -> Check:
    low = student.accuracy.low
    missed = f"lower end {low:.3f} misses min_accuracy {min_accuracy:.3f} by {min_accuracy - low:.3f}"
    return _check(
        "accuracy",
        f"lower end of the 95 % interval ≥ {min_accuracy:.3f}",
        low,
        min_accuracy,
        low >= min_accuracy,
        missed,
    )


def _teacher_check(pairing: Pairing, margin: float) -> Check:
    if pairing.mode == "alignment":
        return _not_worse_check(pairing, margin)
    missed = (
        f"not surely better than the teacher on {_pairs(pairing)}: p {pairing.p_value:.3g} misses {SIGNIFICANCE}"
        f" by {pairing.p_value - SIGNIFICANCE:.3g} (only the student right {pairing.only_student_right} times,"
        f" only the teacher {pairing.only_teacher_right})"
    )
    return _check(
        "better than the teacher",
        f"one-sided McNemar test on {_pairs(pairing)}: p < {SIGNIFICANCE}",
        pairing.p_value,
        SIGNIFICANCE,
        pairing.p_value < SIGNIFICANCE,
        missed,
    )


def _not_worse_check(pairing: Pairing, margin: float) -> Check:
    low = pairing.difference.low
    missed = (
        f"may be worse than the teacher by {-low:.3f} on {_pairs(pairing)}, which passes alignment_margin"
        f" {margin:.3f} by {-margin - low:.3f}"
    )
    return _check(
        "not worse than the teacher",
        f"lower end of the difference on {_pairs(pairing)} ≥ −{margin:.3f}",
        low,
        -margin,
        low >= -margin,
        missed,
    )


def _answered_check(load: LoadTimes) -> Check:
    missed = f"{load.failed} of {load.requests} requests under load failed ({load.first_failure})"
    return _check("requests answered", "no request fails under the load", load.failed, 0, load.failed == 0, missed)


def _latency_check(load: LoadTimes, bound_ms: float) -> Check:
    value = load.latency_ms.value
    missed = f"p{load.percentile:g} of {value:.1f} ms passes latency_ms {bound_ms:g} by {value - bound_ms:.1f} ms"
    return _check(
        "latency",
        f"p{load.percentile:g} of whole answers at {load.requests_per_second:g} requests/s ≤ {bound_ms:g} ms",
        value,
        bound_ms,
        value <= bound_ms,
        missed,
    )


def _check(name: str, requirement: str, measured: float, bound: float, passed: bool, missed: str) -> Check:
    return Check(
        name=name,
        requirement=requirement,
        measured=measured,
        bound=bound,
        passed=passed,
        shortfall="" if passed else missed,
    )


def _pairs(pairing: Pairing) -> str:
    if pairing.slices == ("all",):
        return f"{pairing.pairs} prompts"
    few = len(pairing.slices) <= 3
    return f"{pairing.pairs} prompts of {', '.join(pairing.slices) if few else f'{len(pairing.slices)} slices'}"


def _sample(answer: Judged) -> Sample:
    return Sample(
        prompt=answer.prompt[:_LONGEST_SAMPLE],
        expected=answer.expected[:_LONGEST_SAMPLE],
        slice=answer.slice,
        student=answer.student[:_LONGEST_SAMPLE],
        student_right=answer.student_right,
        teacher=None if answer.teacher is None else answer.teacher[:_LONGEST_SAMPLE],
        teacher_right=answer.teacher_right,
    )
