"""Durations as people write them: 90s, 3m, 2h, 7d."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
DURATION_PATTERN = rf"^{_FORM.pattern}$"


def parse_duration(value: object) -> timedelta:
    """`90s`, `3m`, `2h`, `7d` or a number of seconds. Raises ValueError for anything else."""
    if isinstance(value, timedelta):
        return value
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return timedelta(seconds=value)
        match = _FORM.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is not None:
            return timedelta(**{_UNITS[match[2]]: float(match[1])})
    except (OverflowError, ValueError):
        pass
    raise ValueError("must be a duration such as 90s, 3m, 2h or 7d")


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    Field(gt=timedelta(0)),
    PlainSerializer(timedelta.total_seconds, return_type=float),
    WithJsonSchema({"type": ["string", "number"], "pattern": DURATION_PATTERN, "exclusiveMinimum": 0}),
]
