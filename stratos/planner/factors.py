"""The estimates' factors, each with its 80 % interval and source, from one data file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import yaml

from stratos.plan.model import Figure


class Span(NamedTuple):
    """A figure while it is computed with: tens of them are made for each candidate."""

    value: float
    low: float
    high: float

    def figure(self) -> Figure:
        return Figure(value=self.value, low=self.low, high=self.high)


@cache
def factors() -> Mapping[str, Span]:
    """Every factor by name."""
    content = yaml.safe_load(files("stratos.planner").joinpath("factors.yaml").read_text())
    return {name: Span(entry["value"], entry["low"], entry["high"]) for name, entry in content.items()}


def factor(name: str) -> Span:
    """One factor."""
    return factors()[name]
