"""What a run leaves to learn from: its entry in the history, and its report."""

from __future__ import annotations

from stratos.history.records import record
from stratos.job import layout
from stratos.job.contract import DataReport, Losses
from stratos.job.store import Model
from stratos.lifecycle.runs import Run
from stratos.lifecycle.spending import decided_candidate, saved_plan, spent_by
from stratos.lifecycle.working import heartbeats
from stratos.plan.model import Candidate, Plan
from stratos.plan.verdict import Verdict
from stratos.report.write import Material, write_report


def record_outcome(run: Run, plan: Plan, decided: Candidate, verdict: Verdict) -> None:
    """Adds the run's predicted and measured figures to the history, once."""
    price = decided.offer.price_usd_per_hour
    hosting_usd = decided.dollars.hosting
    spent = spent_by(run, price)
    record(
        run.id,
        plan,
        decided,
        verdict,
        training_time_s=worked_s(run),
        cost_usd=spent.total - spent.hosting + hosting_usd,
    )


def worked_s(run: Run) -> float:
    """Machine-seconds of probe and training."""
    return sum(beat.worked_s for beat in heartbeats(run.store).values())


def material(run: Run) -> Material:
    """Everything that the run has to show so far."""
    plan = saved_plan(run)
    verdict = _read(run, layout.VERDICT, Verdict)
    return Material(
        run=run.name,
        plan=plan,
        decided=decided_candidate(run),
        losses=_read(run, layout.LOSSES, Losses),
        data=_read(run, layout.DATA_REPORT, DataReport),
        verdict=verdict,
        training_time_s=worked_s(run) if run.store.exists(layout.MANIFEST) else None,
        spent=spent_by(run, plan.chosen.offer.price_usd_per_hour if plan else 0.0),
        events=run.ledger.events(),
    )


def save_report(run: Run) -> Material:
    """Writes the run's report to layout.REPORT and returns what it was made from."""
    shown = material(run)
    run.store.write(layout.REPORT, write_report(shown).encode())
    return shown


def _read(run: Run, path: str, kind: type[Model]) -> Model | None:
    return run.store.read_model(path, kind) if run.store.exists(path) else None
