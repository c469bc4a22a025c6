"""The wheel carries everything that the checkout has, all of it inside `stratos`, and works from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from feasible import loosen
from repository import ROOT, files

BESIDE = ("bentos", "stacks", "policies")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, unpacked as an installer would."""
    built = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(built / "site")
    return built / "site"


def _run(site: Path, folder: Path, *arguments: str) -> str:
    """What Python prints with the unpacked wheel in the place of the checkout."""
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_each_file_of_the_packages_and_no_other(installed: Path) -> None:
    held = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    expected = {path for path in files() if path.parts[0] == "stratos"}
    expected |= {"stratos" / path for path in files() if path.parts[0] in BESIDE}
    assert {path for path in held if not path.parts[0].endswith(".dist-info")} == expected
    named = {path.as_posix() for path in expected}
    assert named >= {"stratos/py.typed", "stratos/spec/starter.yaml", "stratos/catalog/snapshot/snapshot.yaml"}
    assert named >= {f"stratos/{folder}/__init__.py" for folder in ("bentos/student", "stacks", "policies")}


def test_nothing_but_stratos_lands_beside_other_packages(installed: Path) -> None:
    names = {path.name for path in installed.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"stratos"}
    assert len(names) == 2


def test_without_extras_no_engine_is_installed(installed: Path) -> None:
    (metadata,) = installed.glob("*.dist-info/METADATA")
    required = [line for line in metadata.read_text().splitlines() if line.startswith("Requires-Dist: ")]
    plain = [line.removeprefix("Requires-Dist: ") for line in required if "extra ==" not in line]
    assert any(line.startswith("pydantic") for line in plain)
    assert not [line for line in plain if line.startswith(("torch", "transformers", "bentoml", "pulumi"))]
    assert any(line.startswith("torch") for line in (one.removeprefix("Requires-Dist: ") for one in required))


def test_the_installed_package_finds_what_it_carries(installed: Path, tmp_path: Path) -> None:
    code = "from stratos.home import resource\nfor name in ('bentos', 'stacks', 'policies'): print(resource(name))"
    found = [Path(line) for line in _run(installed, tmp_path, "-c", code).splitlines()]
    assert found == [installed / "stratos" / name for name in BESIDE]


def test_the_installed_command_plans(installed: Path, tmp_path: Path) -> None:
    assert "wrote stratos.yaml" in _run(installed, tmp_path, "-m", "stratos", "init")
    assert json.loads(_run(installed, tmp_path, "-m", "stratos", "schema"))["properties"]["teachers"]
    loosen(tmp_path / "stratos.yaml")
    plan = json.loads(_run(installed, tmp_path, "-m", "stratos", "plan", "--json"))
    assert plan["spec"]["name"] == "my-student"
