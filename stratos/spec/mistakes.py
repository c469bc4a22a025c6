"""Says what is wrong in a spec: pydantic's findings and YAML's own, as lines, keys and plain words."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import ErrorDetails

from stratos.errors import SpecError
from stratos.spec.lines import Document, Place, Problem, key_of
from stratos.spec.schema import choices_at, keys_at, meaning_at, types_at

_SHOWN = 40


def spec_error(document: Document, findings: Iterable[ErrorDetails] = (), more: Iterable[Problem] = ()) -> SpecError:
    """All that is wrong as one error: `file:line: key: what is wrong; what would be right`, one line each."""
    found = [*document.problems, *_problems(document, findings), *more]
    first: dict[tuple[int, Place], Problem] = {}
    for problem in found:
        first.setdefault((problem.line, problem.place), problem)
    lines = (
        f"{document.path}:{one.line}: {key_of(one.place)}: {one.words}"
        for one in sorted(first.values(), key=lambda one: one.line)
    )
    return SpecError("\n".join(lines), hint="`stratos schema` prints every key that a spec may have")


def misplaced_flags(document: Document) -> list[Problem]:
    """Each true or false (yes, no, on and off are such too) where a number stands, which pydantic would count as 1."""
    return [
        Problem(document.line_of(place), place, _wrong(document.content, place, value))
        for place, value in _walk(document.content, ())
        if isinstance(value, bool) and types_at(document.content, place) & {"number", "integer"}
    ]


def _walk(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    yield place, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, one in inner:
        yield from _walk(one, (*place, part))


def _problems(document: Document, findings: Iterable[ErrorDetails]) -> Iterator[Problem]:
    for details in findings:
        place = _place(document.content, details["loc"])
        if details["type"] in ("union_tag_not_found", "union_tag_invalid"):
            place = (*place, details["ctx"]["discriminator"].strip("'"))
        if details["type"] == "too_short" and details["input"]:
            continue  # said of a list whose items are wrong, each of which has its own line
        yield Problem(document.line_of(place), place, _words(document.content, place, details))


def _place(content: Any, loc: tuple[int | str, ...]) -> Place:
    """Where pydantic's finding stands in the file: without the steps that name a branch of a union."""
    tag = 1 if loc[0:1] == ("task",) else 2 if loc[0:1] == ("targets",) else len(loc)
    place: Place = ()
    inner = content
    for part in (*loc[:tag], *loc[tag + 1 :]):
        if isinstance(inner, list) and isinstance(part, int):
            inner = inner[part]
        elif isinstance(inner, dict) and (part in inner or part in keys_at(content, place)):
            inner = inner.get(part)
        else:
            break
        place = (*place, part)
    return place


def _words(content: Any, place: Place, details: ErrorDetails) -> str:
    kind, value = details["type"], details["input"]
    if kind in ("missing", "union_tag_not_found"):
        return f"is missing; add {meaning_at(content, place)}"
    if kind == "extra_forbidden":
        return _unknown(str(place[-1]), keys_at(content, place[:-1]))
    if kind == "union_tag_invalid":
        return _wrong(content, place, details["ctx"]["tag"])
    if kind == "value_error" and types_at(content, place) & {"object", "array"}:
        return str(details["ctx"]["error"])
    return _wrong(content, place, value)


def _wrong(content: Any, place: Place, value: object) -> str:
    close = difflib.get_close_matches(str(value), choices_at(content, place), n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    text_alone = types_at(content, place) == {"string"} and isinstance(value, bool | int | float)
    quotes = " (put it in quotes)" if text_alone else ""
    endless = ", and finite" if isinstance(value, float) and not math.isfinite(value) else ""
    return f"{_shown(value)} is wrong; {guess}it must be {meaning_at(content, place)}{endless}{quotes}"


def _unknown(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    right = f"did you mean {close[0]}?" if close else f"it may be {', '.join(known)}"
    return f"is not a key that Stratos knows; {right}"


def _shown(value: object) -> str:
    """The value as the file has it."""
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list" if value else "an empty list"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value:f}"
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}…"
