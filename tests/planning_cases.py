"""Small offers, cards and specs for the planner's tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from stratos.catalog.types import ModelCard, Offer
from stratos.plan.intervals import wilson
from stratos.plan.model import Coverage, Plan, SliceCoverage
from stratos.planner.make import make_plan
from stratos.spec import Spec

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SHARES = {"easy": 0.75, "hard": 0.25}


def offer(name: str = "small", **changes: Any) -> Offer:
    content: dict[str, Any] = {
        "id": f"cloud/here/{name}",
        "provider": "cloud",
        "region": "here",
        "instance": name,
        "price_usd_per_hour": 1.0,
        "cpus": 8,
        "memory_gib": 32.0,
        "compute_tflops": 0.4,
        "memory_bandwidth_gb_per_s": 40.0,
        "as_of": "2026-11-24",
    }
    return Offer(**content | changes)


def card(name: str, params: int = 500_000, layers: int = 4) -> ModelCard:
    return ModelCard(
        name=name,
        params=params,
        layers=layers,
        hidden=96,
        heads=4,
        kv_heads=4,
        head_size=24,
        intermediate=256,
        vocab_size=384,
        context=128,
        origin="scratch",
        source="test",
    )


def spec(**changes: Any) -> Spec:
    """`changes` replace keys of the constraints, or of the spec itself where it has them."""
    content: dict[str, Any] = {
        "name": "case",
        "task": {"kind": "mahjong"},
        "teachers": [{"name": "teacher", "source": "somewhere/teacher"}],
        "students": [
            {"name": "little", "shape": {"layers": 2, "hidden": 64, "heads": 4}},
            {"name": "large", "shape": {"layers": 8, "hidden": 256, "heads": 4}},
        ],
        "constraints": {
            "budget_usd": 20.0,
            "latency_ms": 5000.0,
            "deadline": "2h",
            "min_accuracy": 0.3,
            "hosting_horizon": "2h",
        },
        "targets": [{"provider": "local", "price_usd_per_hour": 0.1}],
        "training": {"max_duration": "10m"},
    }
    for key, value in changes.items():
        (content if key in content or key == "weights" else content["constraints"])[key] = value
    return Spec.model_validate(content)


CARDS = {
    "teacher": card("teacher", 135_000_000, 30),
    "little": card("little", 200_000, 2),
    "large": card("large", 8_000_000, 8),
}


def coverage(easy: tuple[int, int], hard: tuple[int, int]) -> Coverage:
    def part(right: int, asked: int) -> SliceCoverage:
        return SliceCoverage(right=right, asked=asked, share=wilson(right, asked))

    return Coverage(
        teacher="teacher",
        fingerprint="0" * 64,
        slices={"easy": part(*easy), "hard": part(*hard)},
        overall=part(easy[0] + hard[0], easy[1] + hard[1]),
        seconds=9.0,
        usd=0.001,
    )


def plan(
    offers: list[Offer] | None = None, known: Coverage | None = None, *, can_inject: bool = True, **changes: Any
) -> Plan:
    return make_plan(
        spec(**changes),
        offers or [offer()],
        CARDS,
        {"teacher": known} if known else {},
        SHARES,
        NOW,
        can_inject=can_inject,
    )
