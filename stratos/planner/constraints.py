"""Which constraints a candidate breaks, and what the least change would be that lets one through."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stratos.errors import InfeasibleError
from stratos.plan.model import Candidate, Rejection
from stratos.planner.factors import factor
from stratos.planner.latency import OVERLOADED_MS, highest_rate, queued_ms
from stratos.planner.memory import room_gib
from stratos.spec.model import Constraints

_AT_LEAST = frozenset({"min_accuracy"})


def broken(candidate: Candidate, constraints: Constraints) -> list[Rejection]:
    """Each constraint that the candidate breaks.

    Dollars count by the high end of their interval, because the budget is a promise. Accuracy counts by its high end
    too, because the gate measures it: a plan is refused only where the bar is out of sight. The rest is as predicted.
    """
    needed_gib = max(candidate.training_memory_gib, candidate.serving_memory_gib)
    seconds = candidate.training_time_s.value + factor("gate_s").value
    checks = (
        ("budget_usd", candidate.cost_usd.high, constraints.budget_usd, "USD"),
        ("latency_ms", candidate.latency_ms.value, constraints.latency_ms, "ms"),
        ("deadline", seconds, constraints.deadline.total_seconds(), "s"),
        ("min_accuracy", candidate.accuracy.high, constraints.min_accuracy, ""),
        ("memory", needed_gib, room_gib(candidate.offer), "GiB"),
    )
    return [
        Rejection.model_validate(
            {
                "candidate": candidate,
                "constraint": name,
                "value": value,
                "bound": bound,
                "reason": _reason(name, value, bound, unit),
            }
        )
        for name, value, bound, unit in checks
        if (value < bound if name in _AT_LEAST else value > bound)
    ]


def unlikely(candidate: Candidate, constraints: Constraints) -> Rejection | None:
    """The rejection of a candidate that might pass the gate but is not expected to; for where others are."""
    value, bound = candidate.accuracy.value, constraints.min_accuracy
    if value >= bound:
        return None
    reason = f"min_accuracy: {value:.3g} is expected against {bound:.3g}, and others are expected to reach it"
    return Rejection(candidate=candidate, constraint="min_accuracy", value=value, bound=bound, reason=reason)


def distance(breaks: Sequence[Rejection]) -> tuple[int, float]:
    """How far a candidate is from feasible: how many constraints it breaks, and the largest relative miss."""
    return len(breaks), max(miss(one) for one in breaks)


def miss(one: Rejection) -> float:
    """By how much of itself the bound would have to give way."""
    return abs(one.value - one.bound) / max(abs(one.bound), 1e-9)


def infeasible(
    rejected: Sequence[Sequence[Rejection]], constraints: Constraints, otherwise: str = ""
) -> InfeasibleError:
    """The error that names the tightest constraint and the least change that helps; its hint ends with `otherwise`."""
    nearest = min(rejected, key=lambda breaks: (distance(breaks), breaks[0].candidate.id))
    tightest = max(nearest, key=miss)
    changes = " and ".join(_change(one, constraints) for one in nearest)
    return InfeasibleError(
        f"no candidate meets the constraints; the tightest is {tightest.constraint}: the nearest candidate "
        f"({tightest.candidate.id}) breaks {tightest.reason}",
        hint=f"the least change that makes one feasible: {changes}{otherwise}",
    )


def _reason(name: str, value: float, bound: float, unit: str) -> str:
    if name == "latency_ms" and value >= OVERLOADED_MS:
        return f"latency_ms: the load asks for {value / OVERLOADED_MS:.3g} times what the machine can answer"
    return f"{name}: {value:.6g} {unit} against {bound:.6g} {unit}".replace("  ", " ").strip()


def _change(one: Rejection, constraints: Constraints) -> str:
    if one.constraint == "memory":
        return f"a target with at least {_up(one.value)} GiB of memory"
    if one.constraint == "min_accuracy":
        return f"constraints.min_accuracy at most {_down(one.value)}"
    if one.constraint == "latency_ms" and one.value >= OVERLOADED_MS:
        return _lighter_load(one.value / OVERLOADED_MS, constraints)
    unit = "s" if one.constraint == "deadline" else ""
    return f"constraints.{one.constraint} at least {_up(one.value)}{unit}"


def _lighter_load(utilisation: float, constraints: Constraints) -> str:
    """The rate of requests at which the answers are in time; where even a lone one is late, at half of the machine."""
    service_ms = utilisation / constraints.load.requests_per_second * 1000
    rate, percentile, bound = 500 / service_ms, constraints.latency_percentile, constraints.latency_ms
    least_ms = queued_ms(service_ms, rate, percentile)
    if service_ms >= bound:
        change = f" and constraints.latency_ms at least {_up(least_ms)}"
    else:
        rate, change = highest_rate(service_ms, percentile, bound), ""
    return f"constraints.load.requests_per_second at most {_down(rate)}{change}"


def _down(value: float) -> str:
    """Rounded down to three digits."""
    digits = 2 - math.floor(math.log10(value)) if value > 0 else 0
    return f"{math.floor(value * 10.0**digits) / 10.0**digits:.{max(digits, 0)}f}"


def _up(value: float) -> str:
    """Rounded up to three digits, so that the bound suffices."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    step = 10.0**-digits
    return f"{math.ceil(value / step - 1e-9) * step:.{max(digits, 0)}f}"
