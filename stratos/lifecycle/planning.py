"""Gathers what the planner needs: offers, cards, the task's slices and the coverage that is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from stratos.catalog.cards import card_of_student, card_of_teacher
from stratos.catalog.offers import survey
from stratos.catalog.types import ModelCard
from stratos.plan.coverage_cache import fingerprint, load_coverage
from stratos.plan.model import Coverage, Plan
from stratos.planner.make import make_plan
from stratos.spec.model import Spec
from stratos.tasks import Task, load_task


def plan_from_spec(spec: Spec, now: datetime) -> Plan:
    """The plan for the spec with today's offers and what was probed before. Raises InfeasibleError, SpecError."""
    task = load_task(spec.task)
    found = survey(spec.targets)
    return make_plan(
        spec,
        found.offers,
        _cards(spec),
        _known_coverage(spec),
        slice_shares(task),
        now,
        can_inject=can_inject(task),
        distinct_examples=None if task.can_synthesise else len(task.training()),
        gate_examples=len(task.held_out().gate),
        notes=found.notes,
    )


def slice_shares(task: Task) -> Mapping[str, float]:
    """The share of each slice in the task's held-out examples."""
    held_out = task.held_out()
    counts = Counter(example.slice for example in (*held_out.validation, *held_out.gate))
    total = sum(counts.values())
    return {name: count / total for name, count in sorted(counts.items())}


def can_inject(task: Task) -> bool:
    """Whether there is anything to inject: a reverse synthesiser, or training examples with their answers."""
    return task.can_synthesise or bool(task.training())


def _cards(spec: Spec) -> dict[str, ModelCard]:
    teachers = {teacher.name: card_of_teacher(teacher) for teacher in spec.teachers}
    first = next(iter(teachers.values()))
    return teachers | {student.name: card_of_student(student, first) for student in spec.students}


def _known_coverage(spec: Spec) -> dict[str, Coverage]:
    found = {teacher.name: load_coverage(fingerprint(spec.task, teacher)) for teacher in spec.teachers}
    return {name: coverage for name, coverage in found.items() if coverage is not None}
