"""What a run works to, and what it has cost so far."""

from __future__ import annotations

import time

from stratos.budget import meter
from stratos.job import layout
from stratos.job.contract import Endpoint
from stratos.lifecycle.runs import Run
from stratos.lifecycle.working import heartbeats
from stratos.plan.model import Candidate, Dollars, Plan


def saved_plan(run: Run) -> Plan | None:
    """The plan that the run works to; None before it has one."""
    return run.store.read_model(layout.PLAN, Plan) if run.store.exists(layout.PLAN) else None


def decided_candidate(run: Run) -> Candidate | None:
    """The plan's choice in the mode that the coverage decided; None before it is decided."""
    return run.store.read_model(layout.DECIDED, Candidate) if run.store.exists(layout.DECIDED) else None


def read_endpoint(run: Run) -> Endpoint | None:
    """The run's endpoint as it was last recorded; None where there is none."""
    return run.store.read_model(layout.ENDPOINT, Endpoint) if run.store.exists(layout.ENDPOINT) else None


def spent_by(run: Run, price_usd_per_hour: float) -> Dollars:
    """What the run has cost so far, by part."""
    beats = heartbeats(run.store)
    return meter.spent(run.ledger.events(), beats, read_endpoint(run), price_usd_per_hour, time.time())
