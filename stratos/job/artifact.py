"""An artifact's manifest: the SHA-256 of each of its files, written last and checked before anything is trusted."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import ValidationError

from stratos.errors import IntegrityError
from stratos.job import layout
from stratos.job.contract import ArtifactFile, Manifest

HARMLESS = frozenset({".safetensors", ".json", ".txt", ".jinja", ".model", ".md"})
MANIFEST_NAME = PurePosixPath(layout.MANIFEST).name
_HINT = "the artifact is not trusted: make it again with `stratos up`, or fetch it anew"


def write_manifest(
    folder: Path,
    *,
    run: str,
    student: str,
    teacher: str,
    steps: int,
    parameters: int,
    max_new_tokens: int,
    prompt: Literal["raw", "task"] = "raw",
    stopped_early: str = "",
) -> Manifest:
    """Lists every file below `folder` with its hash; the manifest replaces an older one as a whole.

    Raises IntegrityError where the folder holds something that an artifact may not hold.
    """
    names = _names(folder)
    manifest = Manifest(
        run=run,
        student=student,
        teacher=teacher,
        prompt=prompt,
        steps=steps,
        parameters=parameters,
        max_new_tokens=max_new_tokens,
        stopped_early=stopped_early,
        files=tuple(
            ArtifactFile(path=name, sha256=_sha256(folder / name), bytes=(folder / name).stat().st_size)
            for name in names
        ),
    )
    _replace(folder / MANIFEST_NAME, manifest.model_dump_json(indent=1).encode())
    return manifest


def verify_artifact(folder: Path) -> Manifest:
    """The manifest of a folder whose every file is as it says.

    Raises IntegrityError for files that are missing, changed or not listed, for paths that lead outside, for links and
    for kinds of files that are not plain data.
    """
    manifest = _read(folder)
    listed = {_inside(file.path): file for file in manifest.files}
    found = set(_names(folder))
    if len(listed) != len(manifest.files):
        raise IntegrityError(f"{folder}: its manifest lists a file twice", hint=_HINT)
    for path in sorted(listed.keys() - found):
        raise IntegrityError(f"{folder}: {path} is in the manifest and is missing", hint=_HINT)
    for path in sorted(found - listed.keys()):
        raise IntegrityError(f"{folder}: {path} is not in the manifest", hint=_HINT)
    for path, file in listed.items():
        if (folder / path).stat().st_size != file.bytes or _sha256(folder / path) != file.sha256:
            raise IntegrityError(f"{folder}: {path} is not what the manifest says", hint=_HINT)
    return manifest


def _read(folder: Path) -> Manifest:
    path = folder / MANIFEST_NAME
    if path.is_symlink() or not path.is_file():
        raise IntegrityError(f"{path} is missing or not a plain file", hint=_HINT)
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise IntegrityError(f"{path} is not a manifest: {where}: {first['msg']}", hint=_HINT) from error


def _inside(path: str) -> str:
    """The path, where it is relative, plain and leads nowhere else."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
        raise IntegrityError(f"the manifest lists {path!r}, which is no path inside the artifact", hint=_HINT)
    if PurePosixPath(path).as_posix() != path:
        raise IntegrityError(f"the manifest lists {path!r}, which is not written plainly", hint=_HINT)
    return path


def _names(folder: Path) -> list[str]:
    """Relative paths of all files but the manifest, sorted. Raises IntegrityError for what may not be there."""
    if folder.is_symlink() or not folder.is_dir():
        raise IntegrityError(f"{folder} is no folder", hint=_HINT)
    names = []
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root) / name
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise IntegrityError(f"{path} is a link or a special file, which no artifact holds", hint=_HINT)
        names += [(Path(root) / name).relative_to(folder).as_posix() for name in files]
    names = sorted(name for name in names if name != MANIFEST_NAME)
    for name in names:
        if PurePosixPath(name).suffix not in HARMLESS:
            raise IntegrityError(f"{folder / name} is not a kind of file that an artifact holds", hint=_HINT)
    return names


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace(path: Path, content: bytes) -> None:
    temporary = path.parent / f".{path.name}.{secrets.token_hex(6)}"
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
