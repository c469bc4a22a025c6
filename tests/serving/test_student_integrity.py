"""An artifact is served only where every file is as its manifest says, and only to who holds a key."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_student import write_keys, write_manifest

from bentos.student.auth import Keys
from bentos.student.integrity import RefusedError, verify


def _change(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")


def _pickle(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"x")
    write_manifest(folder)


def _code(folder: Path) -> None:
    (folder / "modeling.py").write_text("")
    write_manifest(folder)


def _link(folder: Path) -> None:
    os.replace(folder / "config.json", folder.parent / "elsewhere.json")
    os.symlink(folder.parent / "elsewhere.json", folder / "config.json")


def _link_folder(folder: Path) -> None:
    os.symlink(folder.parent, folder / "more")


DAMAGE: list[tuple[Callable[[Path], None], str]] = [
    (_change, "model.safetensors is not what the manifest says"),
    (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
    (lambda folder: (folder / "extra.json").write_text("{}") and None, "extra.json is not in the manifest"),
    (_pickle, "pytorch_model.bin is not a kind of file"),
    (_code, "modeling.py is not a kind of file"),
    (_link, "config.json is a symbolic link"),
    (_link_folder, "more is a symbolic link"),
    (lambda folder: (folder / "manifest.json").unlink(), "manifest.json is missing"),
    (lambda folder: (folder / "manifest.json").write_text("[]") and None, "is not a manifest"),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGE)
def test_a_damaged_artifact_is_refused(
    artifact: Path, tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    copy = Path(shutil.copytree(artifact, tmp_path / "copy"))
    assert verify(copy).student == "tiny"
    damage(copy)
    with pytest.raises(RefusedError, match=reason):
        verify(copy)


def test_without_a_keys_file_nobody_gets_in(tmp_path: Path) -> None:
    assert not Keys(None).admit(b"")
    path = tmp_path / "keys.json"
    keys = Keys(path)
    assert not keys.admit(b"a")
    for content in ("", "[]", '{"sha256": []}', '{"sha256": 1}', '{"sha256": ["\u00fc"]}'):
        path.write_text(content)
        assert not keys.admit(b"a")
    write_keys(path, "a")
    assert keys.admit(b"a")
    assert not keys.admit(b"b")
