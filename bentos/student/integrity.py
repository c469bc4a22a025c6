"""Whether the artifact on disk is, file by file, the one that was packed."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
HARMLESS = frozenset({".safetensors", ".json", ".txt", ".jinja", ".model", ".md"})


class RefusedError(Exception):
    """The artifact must not be served; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A folder whose every file was found to be as its manifest says."""

    folder: Path
    student: str
    max_new_tokens: int
    fingerprint: str


def verify(folder: Path) -> Artifact:
    """Reads the manifest and every file under `folder`.

    Raises RefusedError for a file that is missing, not listed, changed, a link, or of a kind that is not plain data.
    """
    manifest, digest = _manifest(folder)
    expected = {str(entry["path"]): str(entry["sha256"]) for entry in manifest["files"]}
    found = _files(folder)
    _same_names(set(expected), found)
    for name in sorted(found):
        if Path(name).suffix not in HARMLESS:
            raise RefusedError(f"{name} is not a kind of file that an artifact may hold")
        if _sha256(folder / name) != expected[name]:
            raise RefusedError(f"{name} is not what the manifest says: its SHA-256 differs")
    return Artifact(folder, str(manifest["student"]), int(manifest["max_new_tokens"]), digest)


def _manifest(folder: Path) -> tuple[dict[str, Any], str]:
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        raise RefusedError(f"{path} is missing or not a plain file")
    content = path.read_bytes()
    try:
        manifest = json.loads(content)
        _ = [(entry["path"], entry["sha256"]) for entry in manifest["files"]]
        _ = str(manifest["student"]), int(manifest["max_new_tokens"])
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedError(f"{path} is not a manifest: {error!r}") from error
    return manifest, hashlib.sha256(content).hexdigest()


def _files(folder: Path) -> set[str]:
    found: set[str] = set()
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if (Path(root) / name).is_symlink():
                raise RefusedError(f"{name} is a symbolic link")
        found.update((Path(root) / name).relative_to(folder).as_posix() for name in files)
    return found - {MANIFEST}


def _same_names(expected: set[str], found: set[str]) -> None:
    if missing := sorted(expected - found):
        raise RefusedError(f"{missing[0]} is missing, which the manifest lists")
    if extra := sorted(found - expected):
        raise RefusedError(f"{extra[0]} is not in the manifest")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
