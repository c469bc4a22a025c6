"""Unit conversions: the synthesiser and the verifier of this example."""

from __future__ import annotations

import random
import re
from fractions import Fraction

UNITS = {
    "length": {"mm": 1, "cm": 10, "m": 1000, "km": 1_000_000},
    "mass": {"mg": 1, "g": 1000, "kg": 1_000_000, "t": 1_000_000_000},
    "time": {"s": 1, "min": 60, "h": 3600, "d": 86_400},
}
LARGEST = 10_000_000
AMOUNT = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*([a-z]+)\s*")


def synthesise(rng: random.Random) -> dict[str, str]:
    """From an answer to its question: the amount in the smallest unit is whole in both of the two units drawn."""
    kind = rng.choice(sorted(UNITS))
    units = UNITS[kind]
    given, wanted = rng.sample(sorted(units), 2)
    amount = rng.randint(1, 999) * max(units[given], units[wanted])
    if amount // min(units[given], units[wanted]) > LARGEST:
        return synthesise(rng)
    return {
        "prompt": f"Convert {amount // units[given]} {given} to {wanted}.",
        "answer": f"{amount // units[wanted]} {wanted}",
        "slice": kind,
    }


def check(_prompt: str, answer: str, completion: str) -> bool:
    """The same amount of the same unit: 1500 m, 1500m and 1500.0 m are one answer."""
    given, right = AMOUNT.fullmatch(completion), AMOUNT.fullmatch(answer)
    if given is None or right is None:
        return False
    return Fraction(given[1]) == Fraction(right[1]) and given[2] == right[2]
