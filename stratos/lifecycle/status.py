"""Where a run stands, from its store alone."""

from __future__ import annotations

import time
from typing import Literal

from pydantic import Field

from stratos.job import layout
from stratos.job.contract import Endpoint, Heartbeat
from stratos.job.lease import holder
from stratos.job.ledger import Event
from stratos.lifecycle.runs import DESTROYING, Run
from stratos.lifecycle.spending import decided_candidate, read_endpoint, saved_plan, spent_by
from stratos.lifecycle.working import heartbeats
from stratos.plan.model import Dollars
from stratos.plan.verdict import Verdict
from stratos.serving import process
from stratos.spec.model import Frozen

State = Literal["planning", "working", "stopped", "served", "endpoint down", "gate failed", "destroying"]


class Status(Frozen):
    """A run at a glance."""

    run: str
    id: str
    state: State
    step: str = Field(description="The last step that began.")
    teacher: str | None
    student: str | None
    mode: str | None
    heartbeat: Heartbeat | None
    spent_usd: Dollars
    budget_usd: float
    endpoint: Endpoint | None
    gate_passed: bool | None


def status(run: Run) -> Status:
    """The run's present state."""
    plan = saved_plan(run)
    decided = decided_candidate(run) or (plan.chosen if plan else None)
    events = run.ledger.events()
    endpoint = read_endpoint(run)
    verdict = run.store.read_model(layout.VERDICT, Verdict) if run.store.exists(layout.VERDICT) else None
    beats = sorted(heartbeats(run.store).values(), key=lambda beat: beat.at_unix_s)
    price = decided.offer.price_usd_per_hour if decided else 0.0
    return Status(
        run=run.name,
        id=run.id,
        state=_state(run, events, plan is not None, endpoint, verdict),
        step=next((str(event.data["step"]) for event in reversed(events) if event.kind == "started"), ""),
        teacher=decided.teacher if decided else None,
        student=decided.student if decided else None,
        mode=decided.mode if decided else None,
        heartbeat=beats[-1] if beats else None,
        spent_usd=spent_by(run, price),
        budget_usd=run.spec.constraints.budget_usd,
        endpoint=endpoint,
        gate_passed=verdict.passed if verdict else None,
    )


def _state(run: Run, events: list[Event], planned: bool, endpoint: Endpoint | None, verdict: Verdict | None) -> State:
    if any(event.kind == DESTROYING for event in events):
        return "destroying"
    if verdict is not None and not verdict.passed:
        return "gate failed"
    if endpoint is not None and endpoint.open:
        alive = process.is_alive(endpoint.pid, run.id) and time.time() < endpoint.until_unix_s
        return "served" if alive else "endpoint down"
    if holder(run.store) is None:
        return "stopped"
    return "working" if planned else "planning"
