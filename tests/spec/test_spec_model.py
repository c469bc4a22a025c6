"""The spec as an object: frozen, with durations as people write them and a hash that follows its content."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from stratos.spec.duration import parse_duration
from stratos.spec.model import LocalTarget, Spec, StudentShape

CONTENT = {
    "name": "a",
    "task": {"kind": "mahjong"},
    "teachers": [{"name": "t", "source": "org/t"}],
    "students": [{"name": "s", "shape": {"layers": 2, "hidden": 64, "heads": 4}}],
    "constraints": {"budget_usd": 1, "latency_ms": 100, "min_accuracy": 0.5, "deadline": "90s"},
    "targets": [{"provider": "local", "electricity": {"watts": 100, "usd_per_kwh": 0.3}}],
}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("3m", 180), ("2h", 7200), ("1.5 h", 5400), ("7d", 604800), (5, 5), (0.5, 0.5)],
)
def test_durations_as_people_write_them(written: object, seconds: float) -> None:
    assert parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written", ["", "soon", "3 weeks", "-3m", "1h30m", True, None, float("nan"), float("inf"), 1e300]
)
def test_what_is_no_duration_is_refused_in_words(written: object) -> None:
    with pytest.raises(ValueError, match="must be a duration such as 90s, 3m, 2h or 7d"):
        parse_duration(written)


def test_a_spec_never_changes() -> None:
    spec = Spec.model_validate(CONTENT)
    with pytest.raises(ValidationError, match="frozen"):
        spec.name = "b"  # type: ignore[misc]


def test_the_hash_follows_the_content_and_not_its_spelling() -> None:
    spec = Spec.model_validate(CONTENT)
    minutes = CONTENT | {"constraints": {**CONTENT["constraints"], "deadline": "1.5m"}}  # type: ignore[dict-item]
    dearer = CONTENT | {"constraints": {**CONTENT["constraints"], "budget_usd": 2}}  # type: ignore[dict-item]
    assert Spec.model_validate(minutes).content_hash() == spec.content_hash()
    assert Spec.model_validate(dearer).content_hash() != spec.content_hash()


def test_a_spec_survives_json() -> None:
    spec = Spec.model_validate(CONTENT)
    assert Spec.model_validate_json(spec.model_dump_json()) == spec


def test_electricity_becomes_an_hourly_price() -> None:
    target = Spec.model_validate(CONTENT).targets[0]
    assert isinstance(target, LocalTarget)
    assert target.usd_per_hour == pytest.approx(0.03)


def test_heads_divide_what_they_share() -> None:
    with pytest.raises(ValidationError, match="multiple of kv_heads"):
        StudentShape(layers=1, hidden=48, heads=6, kv_heads=4)
