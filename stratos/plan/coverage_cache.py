"""Coverage that was measured once, kept on this machine for every later plan of the same task and teacher."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path

from pydantic import ValidationError

from stratos import home
from stratos.catalog.sources import resolve
from stratos.plan.model import Coverage
from stratos.spec.model import TaskSpec, Teacher


def fingerprint(task: TaskSpec, teacher: Teacher) -> str:
    """SHA-256 of what a probe depends on: the task with its files, and the teacher with its files.

    Files count by name, size and time of change, so that another model in the same place is probed again.
    Raises SpecError where the teacher's source is unknown.
    """
    files = resolve(teacher.source)
    places = [getattr(task, "held_out", None)]
    if files.folder is not None:
        places.append(files.folder / files.gguf_file if files.gguf_file else files.folder)
    content = [task.model_dump_json(), teacher.model_dump_json(), *(_state(place) for place in places if place)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def load_coverage(key: str) -> Coverage | None:
    """The coverage measured for this fingerprint; None where there is none that can be read."""
    try:
        return Coverage.model_validate_json(_path(key).read_bytes())
    except (OSError, ValidationError):
        return None


def save_coverage(coverage: Coverage) -> None:
    """Keeps a measured coverage, whole or not at all."""
    path = _path(coverage.fingerprint)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{secrets.token_hex(6)}")
    temporary.write_text(coverage.model_dump_json(indent=1), encoding="utf-8")
    os.replace(temporary, path)


def _path(key: str) -> Path:
    return home.cache() / "coverage" / f"{key}.json"


def _state(place: Path) -> list[tuple[str, int, int]]:
    found = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
    return [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in found if path.exists()]
