"""Intervals for shares: how sure one can be after a count."""

from __future__ import annotations

import math
from statistics import NormalDist

from stratos.plan.model import Figure


def wilson(right: int, asked: int, confidence: float = 0.95) -> Figure:
    """Share right/asked with its Wilson score interval (E. B. Wilson, JASA 22, 1927, 209-212).

    Raises ValueError where the counts are impossible.
    """
    if not 0 <= right <= asked or asked == 0:
        raise ValueError(f"{right} right of {asked} asked is no share")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = right / asked
    denominator = 1 + z**2 / asked
    centre = (share + z**2 / (2 * asked)) / denominator
    half = z / denominator * math.sqrt(share * (1 - share) / asked + z**2 / (4 * asked**2))
    low = 0.0 if right == 0 else max(0.0, centre - half)
    high = 1.0 if right == asked else min(1.0, centre + half)
    return Figure(value=share, low=low, high=high)
