"""Which constraints a candidate breaks, and what the least change would be that lets one through."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stratos.errors import InfeasibleError
from stratos.plan.model import Candidate, Rejection
from stratos.planner.factors import factor
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
                "reason": f"{name}: {value:.6g} {unit} against {bound:.6g} {unit}".replace("  ", " ").strip(),
            }
        )
        for name, value, bound, unit in checks
        if (value < bound if name in _AT_LEAST else value > bound)
    ]


def distance(breaks: Sequence[Rejection]) -> tuple[int, float]:
    """How far a candidate is from feasible: how many constraints it breaks, and the largest relative miss."""
    return len(breaks), max(miss(one) for one in breaks)


def miss(one: Rejection) -> float:
    """By how much of itself the bound would have to give way."""
    return abs(one.value - one.bound) / max(abs(one.bound), 1e-9)


def infeasible(rejected: Sequence[Sequence[Rejection]]) -> InfeasibleError:
    """The error that names the tightest constraint and the least change that makes a candidate feasible."""
    nearest = min(rejected, key=lambda breaks: (distance(breaks), breaks[0].candidate.id))
    tightest = max(nearest, key=miss)
    changes = " and ".join(_change(one) for one in nearest)
    return InfeasibleError(
        f"no candidate meets the constraints; the tightest is {tightest.constraint}: the nearest candidate "
        f"({tightest.candidate.id}) comes to {_plain(tightest.value)}, the bound is {_plain(tightest.bound)}",
        hint=f"the least change that makes one feasible: {changes}",
    )


def _change(one: Rejection) -> str:
    if one.constraint == "memory":
        return f"a target with at least {_up(one.value)} GiB of memory"
    if one.constraint == "min_accuracy":
        return f"constraints.min_accuracy at most {math.floor(one.value * 1000) / 1000:g}"
    unit = "s" if one.constraint == "deadline" else ""
    return f"constraints.{one.constraint} at least {_up(one.value)}{unit}"


def _up(value: float) -> str:
    """Rounded up to three digits, so that the bound suffices."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    step = 10.0**-digits
    return f"{math.ceil(value / step - 1e-9) * step:.{max(digits, 0)}f}"


def _plain(value: float) -> str:
    return f"{value:.4g}"
