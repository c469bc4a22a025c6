"""The gate from end to end on a double of an endpoint: judged once, saved once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from endpoint_double import KEY, Double

from stratos.errors import IntegrityError, SpecError, StratosError
from stratos.gate.run import run_gate
from stratos.job import layout
from stratos.job.contract import TeacherAnswer, TeacherAnswers
from stratos.job.store import Store
from stratos.plan.verdict import Verdict
from stratos.spec.model import Constraints, JsonlTask, LocalTarget, Spec, Student, StudentShape, Teacher
from stratos.tasks.base import Example, HeldOut


class Upper:
    """The task of writing a word in capitals."""

    name = "upper"
    can_synthesise = False

    def __init__(self, gate: int = 120) -> None:
        self._gate = tuple(
            Example(f"word {number}", f"WORD {number}", "even" if number % 2 == 0 else "odd") for number in range(gate)
        )

    def held_out(self) -> HeldOut:
        return HeldOut(validation=(Example("other", "OTHER"),), gate=self._gate)

    def training(self) -> Sequence[Example]:
        return ()

    def synthesise(self, rng: random.Random) -> Example:
        raise SpecError("no synthesiser")

    def verify(self, example: Example, completion: str) -> bool:
        return completion == example.answer

    def teacher_prompt(self, prompt: str) -> str:
        return prompt

    def canonical(self, prompt: str) -> str:
        return prompt


SPEC = Spec(
    name="upper",
    task=JsonlTask(kind="jsonl", held_out=Path("held_out.jsonl")),
    teachers=(Teacher(name="teacher", source="nowhere"),),
    students=(Student(name="student", shape=StudentShape(layers=1, hidden=8, heads=1)),),
    constraints=Constraints(budget_usd=1, latency_ms=5000, deadline=timedelta(minutes=3), min_accuracy=0.9),
    targets=(LocalTarget(provider="local", price_usd_per_hour=0),),
)


def gate(endpoint: Double, folder: Path, task: Upper | None = None) -> Verdict:
    return run_gate(
        store=Store(str(folder)),
        spec=SPEC,
        slice_modes={"even": "injection", "odd": "injection"},
        task=task or Upper(),
        teacher_answers=TeacherAnswers(
            answers=tuple(TeacherAnswer(prompt=f"word {number}", completion="no idea") for number in range(40))
        ),
        url=endpoint.url,
        key=KEY,
        model="student",
        progress=lambda phase, done, total: None,
    )


def test_a_good_student_passes_and_its_verdict_is_saved(endpoint: Double, tmp_path: Path) -> None:
    verdict = gate(endpoint, tmp_path)
    assert verdict.passed
    assert (verdict.student.right, verdict.student.asked) == (120, 120)
    assert verdict.teacher is not None
    assert verdict.teacher.asked == 40
    assert set(verdict.student_slices) == {"even", "odd"}
    assert Store(str(tmp_path)).read_model(layout.VERDICT, Verdict) == verdict


def test_a_bad_student_misses_by_a_stated_amount(endpoint: Double, tmp_path: Path) -> None:
    endpoint.answer = lambda prompt: "WORD 1"
    verdict = gate(endpoint, tmp_path)
    assert not verdict.passed
    assert "misses min_accuracy 0.900" in verdict.shortfalls[0]


def test_the_split_is_read_once(endpoint: Double, tmp_path: Path) -> None:
    gate(endpoint, tmp_path)
    asked = len(endpoint.bodies)
    with pytest.raises(IntegrityError, match="judged already"):
        gate(endpoint, tmp_path)
    assert len(endpoint.bodies) == asked


def test_a_failing_endpoint_leaves_no_verdict(endpoint: Double, tmp_path: Path) -> None:
    endpoint.broken = lambda number: "drop" if number == 50 else ""
    with pytest.raises(StratosError, match="cannot be reached"):
        gate(endpoint, tmp_path)
    assert not Store(str(tmp_path)).exists(layout.VERDICT)


def test_the_key_is_not_in_the_verdict(endpoint: Double, tmp_path: Path) -> None:
    gate(endpoint, tmp_path)
    assert KEY not in (tmp_path / layout.VERDICT).read_text()


def test_a_task_without_held_out_examples_is_a_wrong_spec(endpoint: Double, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="holds out no examples"):
        gate(endpoint, tmp_path, Upper(gate=0))
