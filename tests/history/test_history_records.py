"""The history: one record a run, first come, read back whole."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from stratos.catalog.types import ModelCard, Offer
from stratos.errors import IntegrityError
from stratos.history.records import Record, read_all, record
from stratos.plan.intervals import wilson
from stratos.plan.model import Candidate, Dollars, Figure, Plan
from stratos.plan.verdict import Check, LoadTimes, Score, Verdict
from stratos.spec.model import Constraints, LocalTarget, MahjongTask, Spec, Student, StudentShape, Teacher

OFFER = Offer(
    id="local/here/this-machine",
    provider="local",
    region="here",
    instance="this-machine",
    price_usd_per_hour=0.1,
    cpus=2,
    memory_gib=16,
    compute_tflops=0.1,
    memory_bandwidth_gb_per_s=20,
    as_of="2026-01-01",
)
CARD = ModelCard(
    name="student",
    params=1000,
    layers=1,
    hidden=8,
    heads=1,
    kv_heads=1,
    head_size=8,
    intermediate=24,
    vocab_size=320,
    context=64,
    origin="scratch",
    source="the spec's shape",
)
SPEC = Spec(
    name="waits",
    task=MahjongTask(kind="mahjong"),
    teachers=(Teacher(name="teacher", source="nowhere"),),
    students=(Student(name="student", shape=StudentShape(layers=1, hidden=8, heads=1)),),
    constraints=Constraints(budget_usd=1, latency_ms=500, deadline=timedelta(minutes=3), min_accuracy=0.6),
    targets=(LocalTarget(provider="local", price_usd_per_hour=0.1),),
)
FIGURE = Figure(value=1, low=0.5, high=2)
CANDIDATE = Candidate(
    offer=OFFER,
    teacher="teacher",
    student="student",
    mode="injection",
    slice_modes={"all": "injection"},
    accuracy=Figure(value=0.7, low=0.6, high=0.8),
    latency_ms=FIGURE,
    training_time_s=FIGURE,
    cost_usd=FIGURE,
    dollars=Dollars(probe=0, labelling=0, training=0, gate=0, storage=0, hosting=0),
    training_memory_gib=1,
    serving_memory_gib=1,
    steps=10,
    examples=100,
)
PLAN = Plan(
    stratos_version="0.1.0",
    created_at="2026-01-01T00:00:00+00:00",
    spec=SPEC,
    spec_hash=SPEC.content_hash(),
    teacher_card=CARD,
    student_card=CARD,
    coverage=None,
    chosen=CANDIDATE,
    reasons=("the only one",),
    considered=1,
    feasible=1,
    frontier=(CANDIDATE,),
    rejected=(),
)
VERDICT = Verdict(
    judged_at="2026-01-01T00:03:00+00:00",
    model="student",
    passed=True,
    checks=(Check(name="accuracy", requirement="", measured=0.7, bound=0.6, passed=True),),
    student=Score(right=75, asked=100, accuracy=wilson(75, 100)),
    student_slices={},
    teacher=None,
    teacher_slices={},
    pairings=(),
    load=LoadTimes(
        percentile=95,
        latency_ms=Figure(value=71, low=66, high=83),
        median_ms=48,
        requests=60,
        failed=0,
        requests_per_second=1,
        prompt_tokens=24,
        completion_tokens=6,
    ),
    samples=(),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STRATOS_HOME", str(tmp_path))
    return tmp_path


def add(run: str, cost_usd: float = 0.01) -> Record:
    return record(run, PLAN, CANDIDATE, VERDICT, training_time_s=113.0, cost_usd=cost_usd)


def test_without_runs_the_history_is_empty() -> None:
    assert read_all() == []


def test_a_record_holds_predicted_and_actual() -> None:
    added = add("a-1")
    assert read_all() == [added]
    assert added.predicted.accuracy == CANDIDATE.accuracy
    assert added.actual.accuracy == VERDICT.student.accuracy
    assert added.actual.latency_ms.value == 71
    assert (added.actual.training_time_s.value, added.actual.cost_usd.value) == (113.0, 0.01)


def test_a_run_is_recorded_once() -> None:
    first = add("a-1")
    assert add("a-1", cost_usd=9.0) == first
    assert len(read_all()) == 1


def test_runs_stand_side_by_side() -> None:
    for run in ("b-2", "a-1", "c-3"):
        add(run)
    assert {entry.run for entry in read_all()} == {"a-1", "b-2", "c-3"}


def test_a_damaged_record_is_told(home: Path) -> None:
    add("a-1")
    (home / "history" / "a-1.json").write_text("{}")
    with pytest.raises(IntegrityError, match="is not a Record"):
        read_all()
