"""Paired comparison of two models on the same prompts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from stratos.plan.model import Figure, SliceMode
from stratos.plan.verdict import Pairing


def compare(mode: SliceMode, slices: Sequence[str], pairs: Sequence[tuple[bool, bool]]) -> Pairing:
    """Compares (student right, teacher right) pairs, one a prompt."""
    only_student = sum(student and not teacher for student, teacher in pairs)
    only_teacher = sum(teacher and not student for student, teacher in pairs)
    return Pairing(
        mode=mode,
        slices=tuple(slices),
        pairs=len(pairs),
        only_student_right=only_student,
        only_teacher_right=only_teacher,
        difference=agresti_min(only_student, only_teacher, len(pairs)),
        p_value=mcnemar(only_student, only_teacher),
    )


def mcnemar(only_student: int, only_teacher: int) -> float:
    """Exact one-sided p-value that the student is better: P(X >= only_student), X ~ Binomial(discordant, 1/2).

    Q. McNemar, Psychometrika 12, 1947, 153-157, with the exact binomial in place of its chi-square.
    """
    discordant = only_student + only_teacher
    tail = sum(math.comb(discordant, k) for k in range(only_student, discordant + 1))
    return float(tail / 2**discordant)


def agresti_min(only_student: int, only_teacher: int, pairs: int, confidence: float = 0.95) -> Figure:
    """Difference of two matched shares with the adjusted Wald interval: half a pair added to each of the four cells.

    A. Agresti and Y. Min, Statistics in Medicine 24, 2005, 729-740. Without pairs nothing is known: -1 to 1.
    """
    if pairs == 0:
        return Figure(value=0.0, low=-1.0, high=1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    total = pairs + 2
    better, worse = (only_student + 0.5) / total, (only_teacher + 0.5) / total
    centre = better - worse
    half = z * math.sqrt((better + worse - centre**2) / total)
    value = (only_student - only_teacher) / pairs
    return Figure(value=value, low=max(-1.0, min(value, centre - half)), high=min(1.0, max(value, centre + half)))
