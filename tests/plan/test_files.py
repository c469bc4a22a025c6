"""Plan files: what is read is what was written, and a changed file or spec is refused in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stratos.catalog.types import ModelCard, Offer
from stratos.errors import IntegrityError, SpecError
from stratos.plan.files import check_spec, load_plan, save_plan
from stratos.plan.model import Candidate, Dollars, Figure, Plan, Rejection
from stratos.spec.model import Spec


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    save_plan(_plan(), path)
    return path


def test_a_plan_comes_back_to_the_digit(saved: Path) -> None:
    assert load_plan(saved) == _plan()
    assert load_plan(saved).content_hash() == _plan().content_hash() == json.loads(saved.read_text())["sha256"]
    assert [path.name for path in saved.parent.iterdir()] == ["plan.json"]


def test_layout_of_the_file_does_not_matter(saved: Path) -> None:
    saved.write_text(json.dumps(json.loads(saved.read_text()), separators=(",", ":"), sort_keys=False))
    assert load_plan(saved) == _plan()


@pytest.mark.parametrize(
    "place", [("chosen", "cost_usd", "value"), ("spec", "constraints", "budget_usd"), ("considered",)]
)
def test_a_changed_figure_is_refused(saved: Path, place: tuple[str, ...]) -> None:
    content = json.loads(saved.read_text())
    inner = content["plan"]
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = 7
    saved.write_text(json.dumps(content))
    with pytest.raises(IntegrityError, match="was changed") as caught:
        load_plan(saved)
    assert "plan again" in caught.value.hint


def test_a_plan_with_something_missing_is_refused(saved: Path) -> None:
    content = json.loads(saved.read_text())
    del content["plan"]["chosen"]["dollars"]["hosting"]
    saved.write_text(json.dumps(content))
    with pytest.raises(IntegrityError, match=r"plan\.chosen\.dollars\.hosting"):
        load_plan(saved)


@pytest.mark.parametrize("text", ["", "name: mahjong\n", "[]", "3", '{"plan": {}}', '{"sha256": "0"}'])
def test_another_file_is_not_a_plan(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stratos.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match="is not a plan file") as caught:
        load_plan(path)
    assert "stratos plan --out" in caught.value.hint


def test_bytes_that_are_no_text_are_not_a_plan(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="is not a plan file"):
        load_plan(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nowhere\.json: cannot be read"):
        load_plan(tmp_path / "nowhere.json")


def test_another_version_says_to_plan_again(saved: Path) -> None:
    content = json.loads(saved.read_text())
    content["plan"]["schema_version"] = 2
    saved.write_text(json.dumps(content))
    with pytest.raises(SpecError, match="plan version 2") as caught:
        load_plan(saved)
    assert caught.value.hint == "plan again"


def test_a_folder_that_is_not_there_cannot_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be written"):
        save_plan(_plan(), tmp_path / "missing" / "plan.json")


def test_what_could_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(SpecError, match="cannot be written"):
        save_plan(_plan(), tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_files_are_utf_8_whatever_the_machine_speaks(saved: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from stratos.plan.files import load_plan, save_plan; "
        "plan = load_plan(Path(sys.argv[1])); save_plan(plan, Path(sys.argv[2]))"
    )
    again = saved.with_name("again.json")
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    subprocess.run([sys.executable, "-c", script, str(saved), str(again)], check=True, env=os.environ | ascii_only)
    assert again.read_bytes() == saved.read_bytes()


def test_the_same_spec_passes_and_a_changed_one_is_named() -> None:
    check_spec(_plan(), _spec())
    with pytest.raises(SpecError, match="has changed since the plan was made: constraints, weights"):
        check_spec(_plan(), _spec(constraints=_constraints(budget_usd=3), weights={"accuracy": 2}))


def _constraints(**changes: Any) -> dict[str, Any]:
    return {"budget_usd": 2, "latency_ms": 500, "min_accuracy": 0.5} | changes


def _spec(**changes: Any) -> Spec:
    content: dict[str, Any] = {
        "name": "waits",
        "task": {"kind": "mahjong"},
        "teachers": [{"name": "teacher", "source": "org/teacher"}],
        "students": [{"name": "small", "shape": {"layers": 2, "hidden": 32, "heads": 2}}],
        "constraints": _constraints(),
        "targets": [{"provider": "local", "price_usd_per_hour": 0.1}],
    }
    return Spec.model_validate(content | changes)


def _candidate() -> Candidate:
    offer = Offer(
        id="local/here/box",
        provider="local",
        region="here",
        instance="box",
        price_usd_per_hour=0.1,
        cpus=2,
        memory_gib=8,
        compute_tflops=0.18,
        memory_bandwidth_gb_per_s=20,
        as_of="2026-11-24",
    )
    third = Figure(value=1 / 3, low=0.1, high=0.7)
    return Candidate(
        offer=offer,
        teacher="teacher",
        student="small",
        mode="both",
        slice_modes={"usual": "alignment", "one-suit": "injection"},
        accuracy=third,
        latency_ms=third,
        training_time_s=third,
        cost_usd=third,
        dollars=Dollars(probe=0.1, labelling=0, training=0.2, gate=0, storage=0, hosting=1e-7),
        training_memory_gib=1.5,
        serving_memory_gib=1.1,
        steps=10,
        examples=2560,
        score=0.1 + 0.2,
    )


def _plan() -> Plan:
    card = ModelCard(
        name="small",
        params=20_000,
        layers=2,
        hidden=32,
        heads=2,
        kv_heads=2,
        head_size=16,
        intermediate=96,
        vocab_size=320,
        context=256,
        origin="scratch",
        source="made for a test",
    )
    spec, candidate = _spec(), _candidate()
    return Plan(
        stratos_version="0",
        created_at="2026-11-24T12:00:00+00:00",
        spec=spec,
        spec_hash=spec.content_hash(),
        teacher_card=card,
        student_card=card,
        coverage=None,
        chosen=candidate,
        other_mode=candidate.model_copy(update={"mode": "alignment"}),
        reasons=("because: “quotes” and → arrows survive",),
        considered=2,
        feasible=1,
        frontier=(candidate,),
        rejected=(
            Rejection(candidate=candidate, constraint="latency_ms", value=600, bound=500, reason="too slow for it"),
        ),
    )
