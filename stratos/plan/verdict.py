"""The gate's verdict: what was measured, every check with its bound, and whether the student may be served."""

from __future__ import annotations

from pydantic import Field, model_validator

from stratos.plan.model import Figure, SliceMode
from stratos.spec.model import Fraction, Frozen


class Score(Frozen):
    """Right answers among those asked, with the Wilson 95 % interval of their share."""

    right: int = Field(ge=0)
    asked: int = Field(ge=1)
    accuracy: Figure


class Pairing(Frozen):
    """Student against teacher on the prompts that both answered, over the slices of one mode."""

    mode: SliceMode
    slices: tuple[str, ...]
    pairs: int = Field(ge=0)
    only_student_right: int = Field(ge=0)
    only_teacher_right: int = Field(ge=0)
    difference: Figure = Field(description="Student's accuracy less the teacher's; Agresti-Min 95 % interval.")
    p_value: Fraction = Field(description="Exact one-sided McNemar test that the student is better.")


class LoadTimes(Frozen):
    """Whole-answer times over HTTP under the spec's load."""

    percentile: float
    latency_ms: Figure = Field(description="At the percentile, with its 95 % order-statistic interval.")
    median_ms: float
    requests: int = Field(ge=1)
    failed: int = Field(ge=0)
    first_failure: str = ""
    requests_per_second: float = Field(description="Rate of the Poisson arrivals.")
    prompt_tokens: float = Field(ge=0, description="Mean that the endpoint counted; 0 where it does not count.")
    completion_tokens: float = Field(ge=0, description="Mean that the endpoint counted; 0 where it does not count.")


class Check(Frozen):
    """One requirement, as measured."""

    name: str
    requirement: str
    measured: float
    bound: float
    passed: bool
    shortfall: str = Field("", description="By how much it was missed, in words; empty where it passed.")


class Sample(Frozen):
    """One held-out prompt with what teacher and student said."""

    prompt: str
    expected: str
    slice: str
    student: str
    student_right: bool
    teacher: str | None
    teacher_right: bool | None


class Verdict(Frozen):
    """What the gate measured and decided, once."""

    judged_at: str = Field(description="UTC, ISO 8601.")
    model: str
    passed: bool
    checks: tuple[Check, ...] = Field(min_length=1)
    student: Score
    student_slices: dict[str, Score]
    teacher: Score | None = Field(description="None where the teacher answered none of the gate's prompts.")
    teacher_slices: dict[str, Score]
    pairings: tuple[Pairing, ...]
    load: LoadTimes
    samples: tuple[Sample, ...]

    @model_validator(mode="after")
    def _passed_is_all_checks(self) -> Verdict:
        if self.passed != all(check.passed for check in self.checks):
            raise ValueError("passed does not agree with the checks")
        return self

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """What was missed and by how much, one sentence a check."""
        return tuple(check.shortfall for check in self.checks if not check.passed)
