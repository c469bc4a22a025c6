"""Reads a stratos.yaml; every mistake in it is told with file, line, key, what is wrong and what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stratos.errors import SpecError
from stratos.spec.lines import Document, Place, read_yaml
from stratos.spec.model import Spec

_PATH_SOURCE = re.compile(r"(\.{1,2}/|~/|/)|.*\.gguf$")


def load_spec(path: Path) -> Spec:
    """The spec in the file, its relative paths resolved against the file's folder. Raises SpecError."""
    document = read_yaml(path)
    if not isinstance(document.content, dict):
        raise SpecError(
            f"{path}:{document.line_of(())}: the file has to be a mapping of keys, such as name, task, teachers",
            hint="`stratos init` writes a spec to start from",
        )
    try:
        spec = Spec.model_validate(document.content)
    except ValidationError as error:
        problems = [_told(document, details) for details in error.errors(include_url=False)]
        raise SpecError("\n".join(problems), hint="`stratos schema` prints every key that a spec may have") from None
    return _resolved(spec, path.absolute().parent)


def _resolved(spec: Spec, folder: Path) -> Spec:
    """The spec with absolute paths where it names files."""
    changes: dict[str, Any] = {}
    if spec.task.kind == "jsonl":
        training = spec.task.training
        changes["task"] = spec.task.model_copy(
            update={
                "held_out": _absolute(spec.task.held_out, folder),
                "training": None if training is None else _absolute(training, folder),
            }
        )
    for key in ("teachers", "students"):
        models = getattr(spec, key)
        changes[key] = tuple(m.model_copy(update={"source": _source(m.source, folder)}) for m in models)
    return spec.model_copy(update=changes)


def _absolute(path: Path, folder: Path) -> Path:
    return Path(folder / path.expanduser()).resolve()


def _source(source: str | None, folder: Path) -> str | None:
    """Absolute where it is a path: one that looks like it, or one that is there."""
    if source is None or source.startswith(("package:", "run:")):
        return source
    if _PATH_SOURCE.match(source) or (folder / source).exists():
        return str(_absolute(Path(source), folder))
    return source


def _told(document: Document, details: ErrorDetails) -> str:
    """One mistake as `file:line: key: what is wrong; what would be right`."""
    place = _place(document.content, details["loc"])
    key = ".".join(str(part) for part in place) or "spec"
    return f"{document.path}:{document.line_of(place)}: {key}: {_words(place, details)}"


def _place(content: Any, loc: tuple[int | str, ...]) -> Place:
    """The place in the file: pydantic's own steps, such as a union's tag, are left out."""
    place: list[int | str] = []
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        inside = isinstance(content, dict) and (part in content or last)
        inside = inside or (isinstance(content, list) and isinstance(part, int) and part < len(content))
        if not inside or (last and isinstance(content, Mapping) and part not in content and _is_tag(part, loc)):
            continue
        place.append(part)
        content = content.get(part) if isinstance(content, dict) else content[part]
    return tuple(place)


def _is_tag(part: int | str, loc: tuple[int | str, ...]) -> bool:
    return (loc[:1] in (("task",), ("targets",)) and part in ("mahjong", "jsonl", "local")) or "[" in str(part)


def _words(place: Place, details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "missing":
        return "is missing; add it"
    if kind == "extra_forbidden":
        return f"is not a key that Stratos knows{_near(str(place[-1]), _siblings(place))}"
    if kind == "union_tag_not_found":
        return f"needs {context['discriminator']}; one of {_tags(place)}"
    if kind == "union_tag_invalid":
        return f"{context['tag']!r} is no {context['discriminator']}; use one of {context['expected_tags']}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        right = _PATTERNS.get(place[-1], f"it must match {context['pattern']}")
        return f"{details['input']!r} does not have the right form; {right}"
    return f"{_shown(details['input'])} is wrong; {_right(details)}"


_PATTERNS: Mapping[int | str, str] = {
    "name": "use lower-case letters, digits, dots, hyphens and underscores, at most 63",
    "verifier": "use exact, numeric, choice, or your own module:function",
    "synthesiser": "use module:function",
}
_TYPES = {
    "float": "a number",
    "int": "a whole number",
    "string": "text",
    "bool": "true or false",
    "model": "a mapping of keys",
    "tuple": "a list",
    "path": "a path",
}


def _right(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    bounds = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    for name, words in bounds.items():
        if name in context:
            return f"it must be {words} {context[name]}"
    if "expected" in context:
        return f"use {context['expected']}"
    if "min_length" in context:
        return f"give at least {context['min_length']}"
    for name, words in _TYPES.items():
        if details["type"].startswith(name):
            return f"it must be {words}"
    return details["msg"]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


def _near(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; it may be {', '.join(known)}" if known else "; remove it"


def _siblings(place: Place) -> list[str]:
    """The keys that may stand beside the place, from the spec's own schema."""
    schema = Spec.model_json_schema()
    found: list[str] = []
    for node in _nodes(schema, schema, place[:-1]):
        found += [name for name in node.get("properties", {}) if name not in found]
    return found


def _nodes(schema: dict[str, Any], node: dict[str, Any], place: Place) -> Iterator[dict[str, Any]]:
    """The schema's nodes at the place; several where it is a union."""
    if "$ref" in node:
        yield from _nodes(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], place)
        return
    for branch in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _nodes(schema, branch, place)
    if not place:
        yield node
    elif isinstance(place[0], int) and "items" in node:
        yield from _nodes(schema, node["items"], place[1:])
    elif place[0] in node.get("properties", {}):
        yield from _nodes(schema, node["properties"][place[0]], place[1:])


def _tags(place: Place) -> str:
    return (
        "mahjong, jsonl" if place[:1] == ("task",) else "local, aws, azure, gcp, lambdalabs, nebius, oci, runpod, verda"
    )
