"""What a probe makes of a plan, and that planning needs no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from planning_cases import coverage, plan

from stratos.lifecycle.deciding import decide

_SCRIPT = """
import sys
from stratos.cli.main import main
try:
    main()
finally:
    assert not {"torch", "transformers", "bentoml"} & set(sys.modules)
"""


def test_a_teacher_that_knows_the_task_turns_the_plan_to_alignment() -> None:
    made = plan()
    decided, reason = decide(made, coverage((40, 40), (40, 40)))
    assert decided.mode == "alignment"
    assert set(decided.slice_modes.values()) == {"alignment"}
    assert made.other_mode is not None
    assert (decided.cost_usd, decided.steps) == (made.other_mode.cost_usd, made.other_mode.steps)
    assert "80 of 80 right" in reason


def test_a_teacher_that_knows_nothing_leaves_the_plan_as_it_was() -> None:
    made = plan()
    decided, reason = decide(made, coverage((0, 40), (0, 40)))
    assert decided.mode == "injection"
    assert (decided.cost_usd, decided.accuracy) == (made.chosen.cost_usd, made.chosen.accuracy)
    assert "0 of 80 right" in reason


@pytest.fixture
def spec_file(tmp_path: Path) -> Path:
    teacher = tmp_path / "teacher"
    teacher.mkdir()
    shape = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 4}
    shape |= {"intermediate_size": 64, "vocab_size": 320, "max_position_embeddings": 256}
    (teacher / "config.json").write_text(json.dumps({"model_type": "llama", **shape}))
    content = {
        "name": "waits",
        "task": {"kind": "mahjong"},
        "teachers": [{"name": "teacher", "source": str(teacher)}],
        "students": [{"name": "small", "shape": {"layers": 2, "hidden": 48, "heads": 4}}],
        "constraints": {"budget_usd": 5, "latency_ms": 5000, "min_accuracy": 0.1},
        "targets": [{"provider": "lambdalabs"}],
    }
    path = tmp_path / "stratos.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_command_plans_without_torch_and_writes_what_it_shows(
    spec_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATOS_HOME", str(tmp_path / "home"))
    out = tmp_path / "plan.json"
    done = _stratos("plan", "--spec", str(spec_file), "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(out.read_text())["plan"]
    shown = _stratos("plan", "--spec", str(spec_file))
    assert json.loads(done.stdout)["chosen"]["offer"]["id"] in shown.stdout
    for word in ("frontier (80 % intervals)", "dollars by part", "hosting", "on the frontier by the weights"):
        assert word in shown.stdout


def test_nothing_feasible_ends_with_3_and_the_least_change(
    spec_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATOS_HOME", str(tmp_path / "home"))
    content = yaml.safe_load(spec_file.read_text())
    content["constraints"]["budget_usd"] = 0.01
    spec_file.write_text(yaml.safe_dump(content))
    done = _stratos("plan", "--spec", str(spec_file))
    assert done.returncode == 3
    assert "constraints.budget_usd at least" in done.stderr
    assert "Traceback" not in done.stderr


def _stratos(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", _SCRIPT, *arguments], capture_output=True, text=True, timeout=60)
