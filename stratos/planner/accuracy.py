"""The accuracy that a student can be expected to reach, and what that expectation rests on."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from stratos.catalog.types import ModelCard
from stratos.plan.model import Coverage, Figure, SliceMode
from stratos.planner.coverage import share_of

_Z80 = 1.2816
_CENTRE = np.array([0.0, 0.3, 1.0])
_SPREAD = np.array([1.5, 0.3, 0.3])
_RESIDUAL = 0.35
_BETWEEN_TASKS = 1.5
_HIGHEST = 0.99
_PRETRAINING_IS_WORTH_EXAMPLES = 100_000
_BETWEEN_PRETRAINED = 1.5
_BEYOND_PILOTS = 10
_RETENTION_LOST_PER_DECADE = 0.10


@dataclass(frozen=True, slots=True)
class Pilot:
    """One measured run: what a student of this size reached after so many examples."""

    task: str
    params: int
    examples: int
    accuracy: float


@cache
def pilots() -> tuple[Pilot, ...]:
    """The measured runs that ship with Stratos."""
    lines = files("stratos.planner").joinpath("pilots.csv").read_text().splitlines()
    return tuple(
        Pilot(row["task"], int(row["params"]), int(row["examples"]), float(row["accuracy"]))
        for row in csv.DictReader(lines)
    )


@lru_cache(maxsize=4096)
def injected(task: str, params: int, examples: int, *, pretrained: bool = False) -> Figure:
    """Accuracy of a student injected with so many examples, with its 80 % interval.

    A Bayesian linear regression of logit(accuracy) on the logarithms of parameters and examples, fitted to the pilots,
    which were all trained from scratch. For a task without pilots the spread between tasks is added. A pretrained
    student is assumed to be as far as one from scratch after 100,000 examples, with a spread of its own. Parameters
    beyond ten times the largest pilot's are not counted on.
    """
    mean, covariance = _posterior()
    counted = min(params, _BEYOND_PILOTS * max(pilot.params for pilot in pilots()))
    at = _features(counted, examples + (_PRETRAINING_IS_WORTH_EXAMPLES if pretrained else 0))
    centre = float(at @ mean)
    variance = float(at @ covariance @ at) + _RESIDUAL**2 + (_BETWEEN_PRETRAINED**2 if pretrained else 0.0)
    if not any(pilot.task == task for pilot in pilots()):
        variance += _BETWEEN_TASKS**2
    reach = _Z80 * math.sqrt(variance)
    value, low, high = (min(_logistic(x), _HIGHEST) for x in (centre, centre - reach, centre + reach))
    return Figure(value=value, low=low, high=high)


def aligned(share: Figure, student_params: int, teacher_params: int) -> Figure:
    """Accuracy of a student that follows a teacher who is right on `share`; never above the teacher's.

    It is taken to lose a tenth of the teacher's accuracy for each factor of ten in size, and up to twice that.
    """
    decades = max(0.0, math.log10(teacher_params / student_params))
    lost = _RETENTION_LOST_PER_DECADE * (decades + 0.3)
    return Figure(
        value=share.value * max(0.0, 1 - lost), low=share.low * max(0.0, 1 - 2 * lost), high=min(1.0, share.high)
    )


def expected(
    task: str,
    slice_modes: Mapping[str, SliceMode],
    shares: Mapping[str, float],
    coverage: Coverage | None,
    student: ModelCard,
    teacher: ModelCard,
    examples: int,
) -> Figure:
    """The slices' accuracies, weighted by their shares of the task; an unprobed teacher may know all or nothing."""
    unknown = Figure(value=0.5, low=0.0, high=1.0)
    parts: list[tuple[float, Figure]] = []
    for name, mode in slice_modes.items():
        if mode == "injection":
            figure = injected(task, student.params, examples, pretrained=student.origin == "pretrained")
        else:
            measured = share_of(coverage, name) if coverage else unknown
            figure = aligned(measured, student.params, teacher.params)
        parts.append((shares.get(name, 0.0), figure))
    total = sum(weight for weight, _ in parts) or 1.0
    ends = ("value", "low", "high")
    value, low, high = (sum(weight * getattr(figure, end) for weight, figure in parts) / total for end in ends)
    return Figure(value=value, low=low, high=high)


def basis(task: str) -> str:
    """What the expectation for injection rests on, as a sentence."""
    own = sum(pilot.task == task for pilot in pilots())
    if own:
        return f"accuracy under injection is predicted from {own} measured runs of {task}"
    return f"accuracy under injection is predicted from {len(pilots())} measured runs of other tasks: take it with care"


@cache
def _posterior() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean [3] and covariance [3, 3] of (constant, log parameters, log examples)."""
    features = np.array([_features(pilot.params, pilot.examples) for pilot in pilots()])
    targets = np.array([math.log(pilot.accuracy / (1 - pilot.accuracy)) for pilot in pilots()])
    precision = np.diag(_SPREAD**-2.0) + features.T @ features / _RESIDUAL**2
    covariance = np.linalg.inv(precision)
    return covariance @ (_CENTRE / _SPREAD**2 + features.T @ targets / _RESIDUAL**2), covariance


def _features(params: int, examples: int) -> npt.NDArray[np.float64]:
    return np.array([1.0, math.log(params / 5e5), math.log(examples / 1e5)])


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))
