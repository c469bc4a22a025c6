"""The history of measured runs: one exclusively created object a run."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field

from stratos.catalog.types import ModelCard, Offer
from stratos.home import home
from stratos.job.store import Store
from stratos.plan.model import Candidate, Figure, Mode, Plan
from stratos.plan.verdict import Verdict
from stratos.spec.model import Frozen, Load, Name, Training

FOLDER = "history"


class Outcome(Frozen):
    """The four objectives of a run, predicted or measured; measured time and cost carry no interval."""

    accuracy: Figure
    latency_ms: Figure
    training_time_s: Figure
    cost_usd: Figure


class Record(Frozen):
    """What one run predicted and what it measured, with what the predictions were made from."""

    run: Name
    recorded_at: str = Field(description="UTC, ISO 8601.")
    stratos_version: str
    spec_hash: str
    offer: Offer
    teacher_card: ModelCard
    student_card: ModelCard
    mode: Mode
    load: Load
    training: Training
    steps: int
    examples: int
    passed: bool
    predicted: Outcome
    actual: Outcome


def record(
    run: str, plan: Plan, decided: Candidate, verdict: Verdict, *, training_time_s: float, cost_usd: float
) -> Record:
    """Adds the run to the history under $STRATOS_HOME; a run that is there already stays as it was first recorded."""
    entry = Record(
        run=run,
        recorded_at=datetime.now(UTC).isoformat(timespec="seconds"),
        stratos_version=plan.stratos_version,
        spec_hash=plan.spec_hash,
        offer=decided.offer,
        teacher_card=plan.teacher_card,
        student_card=plan.student_card,
        mode=decided.mode,
        load=plan.spec.constraints.load,
        training=plan.spec.training,
        steps=decided.steps,
        examples=decided.examples,
        passed=verdict.passed,
        predicted=Outcome(
            accuracy=decided.accuracy,
            latency_ms=decided.latency_ms,
            training_time_s=decided.training_time_s,
            cost_usd=decided.cost_usd,
        ),
        actual=Outcome(
            accuracy=verdict.student.accuracy,
            latency_ms=verdict.load.latency_ms,
            training_time_s=_exact(training_time_s),
            cost_usd=_exact(cost_usd),
        ),
    )
    store = _store()
    try:
        store.create(f"{run}.json", entry)
    except FileExistsError:
        return store.read_model(f"{run}.json", Record)
    return entry


def read_all() -> list[Record]:
    """Every recorded run, oldest first. Raises IntegrityError where a record is not one."""
    store = _store()
    records = [store.read_model(name, Record) for name in store.list("") if name.endswith(".json")]
    return sorted(records, key=lambda entry: (entry.recorded_at, entry.run))


def _exact(value: float) -> Figure:
    return Figure(value=value, low=value, high=value)


def _store() -> Store:
    return Store(str(home() / FOLDER))
