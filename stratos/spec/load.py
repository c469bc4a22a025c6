"""Reads a stratos.yaml; every mistake in it is told with file, line, key, what is wrong and what would be right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from stratos.errors import SpecError
from stratos.spec.lines import Document, Place, Problem, read_yaml
from stratos.spec.mistakes import misplaced_flags, spec_error
from stratos.spec.model import Spec, Student, Teacher

_Model = TypeVar("_Model", Teacher, Student)
_LOOKS_LIKE_PATH = re.compile(r"(\.{1,2}/|~|/)|.*\.gguf$")


def load_spec(path: Path) -> Spec:
    """The spec in the file, its relative paths resolved against the file's folder. Raises SpecError."""
    document = read_yaml(path)
    if not isinstance(document.content, dict):
        words = f"{path}:{document.line_of(())}: the file has to be a mapping of keys, such as name, task, teachers"
        raise SpecError(words, hint="`stratos init` writes a spec to start from")
    flags = misplaced_flags(document)
    try:
        spec = Spec.model_validate(document.content)
    except ValidationError as error:
        raise spec_error(document, error.errors(include_url=False), flags) from None
    if document.problems or flags:
        raise spec_error(document, more=flags)
    return _resolved(spec, document, path.absolute().parent)


def _resolved(spec: Spec, document: Document, folder: Path) -> Spec:
    """The spec with absolute paths where it names files."""
    changes: dict[str, Any] = {
        "teachers": tuple(
            _model(teacher, ("teachers", index, "source"), document, folder)
            for index, teacher in enumerate(spec.teachers)
        ),
        "students": tuple(
            _model(student, ("students", index, "source"), document, folder)
            for index, student in enumerate(spec.students)
        ),
    }
    if spec.task.kind == "jsonl":
        files = {key: getattr(spec.task, key) for key in ("held_out", "training")}
        update = {
            key: _absolute(file, ("task", key), document, folder) for key, file in files.items() if file is not None
        }
        changes["task"] = spec.task.model_copy(update=update)
    return spec.model_copy(update=changes)


def _model(model: _Model, place: Place, document: Document, folder: Path) -> _Model:
    """Its source absolute where it is a path: one that looks like it, or one that is there."""
    source = model.source
    if source is None or source.startswith(("package:", "run:")):
        return model
    if not _LOOKS_LIKE_PATH.match(source) and not _exists(folder / source):
        return model
    return model.model_copy(update={"source": str(_absolute(Path(source), place, document, folder))})


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _absolute(path: Path, place: Place, document: Document, folder: Path) -> Path:
    try:
        return (folder / path.expanduser()).resolve()
    except (OSError, RuntimeError) as error:
        words = f"cannot be a path: {getattr(error, 'strerror', None) or error}; name a file or folder"
        raise spec_error(document, more=[Problem(document.line_of(place), place, words)]) from None
