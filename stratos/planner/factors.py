"""The estimates' factors, each with its 80 % interval and source, from one data file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

from stratos.plan.model import Figure


@cache
def factors() -> Mapping[str, Figure]:
    """Every factor by name."""
    content = yaml.safe_load(files("stratos.planner").joinpath("factors.yaml").read_text())
    return {name: Figure(value=entry["value"], low=entry["low"], high=entry["high"]) for name, entry in content.items()}


def factor(name: str) -> Figure:
    """One factor."""
    return factors()[name]
