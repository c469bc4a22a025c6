"""Imports point down, and the laptop's side loads no engine: planning needs no torch, no pulumi, no bentoml."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from importlinter.cli import lint_imports
from repository import ROOT, python_files

ENGINES = {"torch", "transformers", "pulumi", "pulumi_aws", "pulumi_gcp", "pulumi_policy", "bentoml", "peft"}
WORKERS_SIDE = ("stratos.models", "stratos.distill")


def _modules() -> list[str]:
    names = (".".join(path.with_suffix("").parts) for path in python_files("stratos"))
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def _loaded_by(code: str, *arguments: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after running the code."""
    printed = f"import sys\n{code}\nsys.stderr.write('\\nLOADED ' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", printed, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stderr.partition("LOADED ")[2].split()}


def test_the_contracts_of_import_linter_hold(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    told = capsys.readouterr().out
    assert status == 0, told
    assert "0 broken" in told


def test_the_laptops_modules_load_no_engine() -> None:
    modules = [name for name in _modules() if not name.startswith(WORKERS_SIDE)]
    assert len(modules) > 60
    assert {"stratos.planner.make", "stratos.cli.plan", "stratos.lifecycle.up", "stratos.gate.judge"} <= set(modules)
    loaded = _loaded_by("\n".join(f"import {name}" for name in modules))
    assert "pydantic" in loaded
    assert not loaded & ENGINES


def test_a_plan_is_made_without_any_engine() -> None:
    """Feasible or not: a busy machine is measured as a slow one."""
    run = "from stratos.cli.main import main\ntry: main(sys.argv[1:])\n"
    code = f"{run}except SystemExit as end: assert end.code in (0, 3)"
    loaded = _loaded_by(code, "plan", "--json", "--spec", str(ROOT / "examples" / "mahjong" / "stratos.yaml"))
    assert {"yaml", "pydantic", "moocore"} <= loaded
    assert not loaded & ENGINES


def test_rules_can_be_imported_without_starting_a_pack() -> None:
    loaded = _loaded_by(f"sys.path.insert(0, {str(ROOT)!r})\nimport policies.rules")
    assert "policies" in loaded
    assert not loaded & {"pulumi_policy", "torch"}


def test_the_package_under_test_is_this_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import stratos; print(stratos.__file__)"], capture_output=True, text=True, check=True
    )
    assert os.path.samefile(done.stdout.strip(), ROOT / "stratos" / "__init__.py")
