"""The choice among feasible candidates by the user's weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stratos.planner.frontier import Objectives
from stratos.spec.model import Weights


def scores(points: Objectives, weights: Weights) -> npt.NDArray[np.float64]:
    """[N] in 0..1, higher is better: the weighted mean of each objective's place between the worst and the best.

    score = Σ w (worst - x) / (worst - best) / Σ w over [N, 4] points that are to be made small; an objective in which
    all are equal counts as best for all (additive weighting with min-max scaling; Hwang and Yoon 1981).
    """
    weight = np.array([weights.accuracy, weights.latency, weights.training_time, weights.cost])
    best, worst = points.min(axis=0), points.max(axis=0)
    span = np.where(worst > best, worst - best, 1.0)
    places = np.where(worst > best, (worst - points) / span, 1.0)
    return np.asarray(places @ weight / weight.sum())


def best(found: npt.NDArray[np.float64], names: Sequence[str]) -> int:
    """The place of the highest score; the first by name among equals."""
    top = found.max()
    return min((i for i, score in enumerate(found) if score >= top - 1e-12), key=lambda i: names[i])
