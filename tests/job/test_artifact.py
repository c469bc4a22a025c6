"""An artifact is trusted only where every file is there, plain and unchanged, and no other."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stratos.errors import IntegrityError
from stratos.job.artifact import verify_artifact, write_manifest
from stratos.job.contract import Manifest


def _write(folder: Path) -> Manifest:
    return write_manifest(
        folder, run="r", student="s", teacher="t", steps=7, parameters=12, max_new_tokens=16, stopped_early="why"
    )


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    folder = tmp_path / "artifact"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights" * 1000)
    (folder / "config.json").write_text("{}")
    (folder / "sub" / "notes.md").write_text("said")
    _write(folder)
    return folder


def _change_manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_whole_artifact_is_as_it_was_written(artifact: Path) -> None:
    found = verify_artifact(artifact)
    assert found == _write(artifact) == verify_artifact(artifact)
    assert [file.path for file in found.files] == ["config.json", "model.safetensors", "sub/notes.md"]
    assert (found.steps, found.prompt, found.stopped_early) == (7, "raw", "why")
    assert found.files[1].bytes == 7000


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: (f / "config.json").unlink(), "config.json is in the manifest and is missing"),
        (lambda f: (f / "config.json").write_text("[]"), "config.json is not what"),
        (lambda f: (f / "config.json").write_text("{} "), "config.json is not what"),
        (lambda f: (f / "more.json").write_text("{}"), "more.json is not in the manifest"),
        (lambda f: (f / "evil.pkl").write_text(""), "not a kind of file"),
        (lambda f: (f / "sub" / "manifest.json").write_text("{}"), "sub/manifest.json is not in the manifest"),
        (lambda f: (f / "link.json").symlink_to("config.json"), "is a link"),
        (lambda f: (f / "folder").symlink_to("sub"), "is a link"),
        (lambda f: os.mkfifo(f / "pipe.json"), "special file"),
        (lambda f: (f / "manifest.json").unlink(), "missing or not a plain file"),
        (lambda f: (f / "manifest.json").write_text("{"), "is not a manifest"),
        (lambda f: (f / "manifest.json").write_text("{}"), "is not a manifest"),
    ],
)
def test_damage_is_refused(artifact: Path, damage: Callable[[Path], None], said: str) -> None:
    damage(artifact)
    with pytest.raises(IntegrityError, match=said):
        verify_artifact(artifact)


@pytest.mark.parametrize(
    "path", ["/etc/hosts.json", "../artifact/config.json", "sub/../config.json", "./config.json", ""]
)
def test_paths_that_are_not_plainly_inside_are_refused(artifact: Path, path: str) -> None:
    _change_manifest(artifact, lambda manifest: manifest["files"][0].update(path=path))
    with pytest.raises(IntegrityError, match="which is n"):
        verify_artifact(artifact)


def test_a_file_that_is_listed_twice_is_refused(artifact: Path) -> None:
    _change_manifest(artifact, lambda manifest: manifest["files"].append(manifest["files"][0]))
    with pytest.raises(IntegrityError, match="twice"):
        verify_artifact(artifact)


def test_a_linked_manifest_is_refused(artifact: Path) -> None:
    (artifact / "manifest.json").rename(artifact.parent / "elsewhere.json")
    (artifact / "manifest.json").symlink_to(artifact.parent / "elsewhere.json")
    with pytest.raises(IntegrityError, match="not a plain file"):
        verify_artifact(artifact)


@pytest.mark.parametrize("name", ["model.bin", "weights.pt", "code.py", "no-suffix"])
def test_no_manifest_is_written_over_what_may_run_code(artifact: Path, name: str) -> None:
    (artifact / name).write_text("")
    with pytest.raises(IntegrityError, match="not a kind of file"):
        _write(artifact)
