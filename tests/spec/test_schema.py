"""The JSON Schema that editors are given accepts the specs that load, and rejects ones that do not."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from stratos.catalog.sources import resolve
from stratos.spec.load import load_spec
from stratos.spec.model import Constraints, MahjongTask, Spec
from stratos.spec.schema import choices_at, json_schema, keys_at, meaning_at

ROOT = Path(__file__).parents[2]
STARTER = ROOT / "stratos" / "spec" / "starter.yaml"
SPECS = [STARTER, *sorted(ROOT.glob("examples/*/stratos.yaml"))]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.parent.name)
def test_shipped_specs_load_and_fit_the_schema(path: Path) -> None:
    assert load_spec(path).content_hash()
    jsonschema.validate(yaml.safe_load(path.read_text()), json_schema())


def test_there_are_examples() -> None:
    assert len(SPECS) >= 3


def test_the_starter_is_a_mahjong_job_on_this_machine_whose_teacher_is_installed() -> None:
    spec = load_spec(STARTER)
    assert isinstance(spec.task, MahjongTask)
    assert [target.provider for target in spec.targets] == ["local"]
    assert resolve(spec.teachers[0].source).gguf_file


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "My Student"),
        ("task", {"kind": "majhong"}),
        ("teachers", []),
        ("budget_usd", 1),
        ("constraints", {"budget_usd": 0, "latency_ms": 1, "min_accuracy": 0.5}),
        ("constraints", {"budget_usd": 1, "latency_ms": 1, "min_accuracy": 0.5, "deadline": "soon"}),
        ("targets", [{"provider": "moon"}]),
    ],
)
def test_the_schema_rejects_what_does_not_load(key: str, value: object) -> None:
    broken: dict[str, Any] = copy.deepcopy(yaml.safe_load(STARTER.read_text()))
    broken[key] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, json_schema())


def test_the_schema_is_itself_a_right_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_keys_are_those_of_the_kind_that_the_spec_names() -> None:
    assert "gate_examples" in keys_at({"task": {"kind": "mahjong"}}, ("task",))
    assert "gate_examples" not in keys_at({"task": {"kind": "jsonl"}}, ("task",))
    assert set(keys_at({"task": {}}, ("task",))) >= {"kind", "gate_examples", "held_out"}
    assert set(keys_at({}, ())) == set(Spec.model_fields)
    assert keys_at({}, ("nowhere", 0)) == []


def test_every_constraint_has_words_for_what_is_right() -> None:
    for key in Constraints.model_fields:
        assert meaning_at({}, ("constraints", key)).startswith(("a number", "a duration", "a mapping with"))
    assert choices_at({}, ("training", "optimizer")) == ["muon", "adamw"]
