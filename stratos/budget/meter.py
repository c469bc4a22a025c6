"""Dollars spent by a run, from its heartbeats, its ledger and its endpoint; and the refusal to pass the budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stratos.errors import BudgetError
from stratos.job.contract import Endpoint, Heartbeat
from stratos.job.ledger import Event
from stratos.plan.model import Dollars

CHARGED = "charged"
DISTIL_JOB = "distil"


def spent(
    events: Iterable[Event],
    heartbeats: Mapping[str, Heartbeat],
    endpoint: Endpoint | None,
    price_usd_per_hour: float,
    now_unix_s: float,
) -> Dollars:
    """What the run has cost so far, by part.

    Workers report their own dollars by heartbeat; what has no worker (the gate, hosting that has ended) is in the
    ledger's `charged` events; hosting that goes on is counted from the endpoint's start.
    """
    charged = {"gate": 0.0, "hosting": 0.0}
    for event in events:
        if event.kind == CHARGED:
            charged[event.data["part"]] += float(event.data["usd"])
    by_job = {name: heartbeat.spent_usd for name, heartbeat in heartbeats.items()}
    training = by_job.pop(DISTIL_JOB, 0.0)
    return Dollars(
        probe=sum(by_job.values()),
        labelling=0.0,
        training=training,
        gate=charged["gate"],
        storage=0.0,
        hosting=charged["hosting"] + hosting_usd(endpoint, price_usd_per_hour, now_unix_s),
    )


def hosting_usd(endpoint: Endpoint | None, price_usd_per_hour: float, now_unix_s: float) -> float:
    """What an open endpoint has cost by now; hosting ends at its horizon."""
    if endpoint is None or not endpoint.open:
        return 0.0
    hours = max(0.0, min(now_unix_s, endpoint.until_unix_s) - endpoint.started_unix_s) / 3600
    return hours * price_usd_per_hour


def require(spent_usd: float, upcoming_usd: float, budget_usd: float, what: str) -> None:
    """Raises BudgetError where going on with `what` would pass the budget."""
    if spent_usd + upcoming_usd > budget_usd:
        raise BudgetError(
            f"{what} would cost ${upcoming_usd:.4f} more; ${spent_usd:.4f} of the budget of ${budget_usd:.4f} is spent",
            hint="raise constraints.budget_usd in a new run, or `stratos destroy` this one; nothing is lost",
        )
