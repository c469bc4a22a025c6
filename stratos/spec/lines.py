"""YAML with the line of every key, so that an error can point at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from stratos.errors import SpecError

MOST_BYTES = 2**20
MOST_NODES = 20_000
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content and the line (from 1) where each key or item stands."""

    path: Path
    content: Any
    lines: dict[Place, int] = field(repr=False)

    def line_of(self, place: Place) -> int:
        """The line of the place, or of the nearest thing around it that is in the file."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_yaml(path: Path) -> Document:
    """The file's one document. Raises SpecError for whatever is not plain YAML: syntax, repeated keys, odd tags."""
    text = _read(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise SpecError(f"{path}:1: the file is empty", hint="`stratos init` writes a spec to start from")
        builder = _Builder(path)
        content = builder.build(node, ())
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError(
            f"{path}:{line}: not valid YAML: {error.problem}", hint="check indentation and quotes"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError(
            f"{path}: not valid YAML: {str(error).splitlines()[0]}", hint="it has to be plain text"
        ) from error
    return Document(path, content, builder.lines)


def _read(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise SpecError(
            f"{path}: there is no such file", hint="`stratos init` writes a spec, `--spec FILE` names one"
        ) from None
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}", hint="name a YAML file with --spec FILE") from None
    if len(data) > MOST_BYTES:
        raise SpecError(f"{path}: is larger than {MOST_BYTES:,} bytes", hint="name a YAML file with --spec FILE")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise SpecError(f"{path}: is not UTF-8 text", hint="name a YAML file with --spec FILE") from None


class _Builder:
    """Turns YAML's nodes into plain values, keeping lines; aliases may not make the document grow without end."""

    def __init__(self, path: Path) -> None:
        self._path, self._nodes, self.lines = path, 0, dict[Place, int]()
        self._scalars = yaml.SafeLoader("")

    def build(self, node: yaml.Node, place: Place) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise SpecError(f"{self._path}: has more than {MOST_NODES:,} values", hint="remove aliases that repeat it")
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*place, index)) for index, item in enumerate(node.value)]
        return self._scalars.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in content:
                raise SpecError(f"{self._path}:{line}: {key}: is given twice", hint="keep one of them")
            self.lines[(*place, key)] = line
            content[key] = self.build(value_node, (*place, key))
        return content
