"""The Pareto frontier over accuracy, latency, training time and cost."""

from __future__ import annotations

from collections.abc import Sequence

import moocore
import numpy as np
import numpy.typing as npt

from stratos.plan.model import Candidate

Objectives = npt.NDArray[np.float64]


def objectives(candidates: Sequence[Candidate]) -> Objectives:
    """[N, 4], all to be made small: negated accuracy, latency_ms, training_time_s, cost_usd."""
    return np.array(
        [(-c.accuracy.value, c.latency_ms.value, c.training_time_s.value, c.cost_usd.value) for c in candidates]
    ).reshape(len(candidates), 4)


def on_frontier(points: Objectives) -> npt.NDArray[np.bool_]:
    """[N]: whether no other point is as good in all four objectives and better in one; equal points all are."""
    if not len(points):
        return np.zeros(0, dtype=bool)
    return np.asarray(moocore.is_nondominated(points, keep_weakly=True), dtype=bool)
