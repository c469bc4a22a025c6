"""YAML with the line of every key, so that an error can point at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from stratos.errors import SpecError

MOST_BYTES = 2**18
MOST_NODES = 20_000
Place = tuple[str | int, ...]

_INIT = "`stratos init` writes a spec to start from"
_NAME_ONE = "name a YAML file with --spec FILE"
_YAML = "tag:yaml.org,2002:"
_SCALARS = frozenset(_YAML + name for name in ("str", "int", "float", "bool", "null"))


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the line where it stands (from 1), the key, and what is wrong and would be right."""

    line: int
    place: Place
    words: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content, the line of each key and item, and the mistakes that its YAML already shows."""

    path: Path
    content: Any
    lines: dict[Place, int] = field(repr=False)
    problems: tuple[Problem, ...] = ()

    def line_of(self, place: Place) -> int:
        """The line of the place, or of the nearest thing around it that is in the file."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)


def key_of(place: Place) -> str:
    """The place as people write it: `targets[0].provider`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_printable(part)}" for part in place)
    return text.removeprefix(".") or "spec"


def read_yaml(path: Path) -> Document:
    """The file's one document. Raises SpecError where there is none: no text, no YAML, cycles, far too much of it."""
    text = _read(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise SpecError(f"{path}:1: the file is empty", hint=_INIT)
        builder = _Builder(path)
        content = builder.build(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = f"{path}:{mark.line + 1 if mark else 1}: not valid YAML: {error.problem or error.context}"
        raise SpecError(words, hint="check indentation, colons and quotes near that line") from None
    except yaml.reader.ReaderError as error:
        words = f"{path}:{_line_at(text, error.position)}: not valid YAML: it has the character {error.character:#04x}"
        raise SpecError(words, hint="a spec is plain text; remove that character") from None
    except RecursionError:
        raise SpecError(f"{path}:1: the file is nested too deeply for a spec", hint=_INIT) from None
    return Document(path, content, builder.lines, tuple(builder.problems))


def _read(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        hint = "`stratos init` writes a spec, `--spec FILE` names one"
        raise SpecError(f"{path}: there is no such file", hint=hint) from None
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}", hint=_NAME_ONE) from None
    except ValueError:
        raise SpecError(f"{str(path)!r} cannot be the name of a file", hint=_NAME_ONE) from None
    if len(data) > MOST_BYTES:
        raise SpecError(f"{path}: is larger than {MOST_BYTES:,} bytes", hint=_NAME_ONE)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError(f"{path}:{line}: is not UTF-8 text", hint="save it as UTF-8, or name another file") from None


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)


class _Builder:
    """Turns YAML's nodes into plain values, keeping lines; aliases may not make the document grow without end."""

    def __init__(self, path: Path) -> None:
        self.lines: dict[Place, int] = {}
        self.problems: list[Problem] = []
        self._path, self._built, self._open = path, 0, set[int]()
        self._scalars = yaml.SafeLoader("")

    def build(self, node: yaml.Node, place: Place) -> Any:
        self._count()
        line = self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        if id(node) in self._open:
            raise SpecError(f"{self._path}:{line}: {key_of(place)}: contains itself", hint="remove that alias (*…)")
        if node.tag not in (_YAML + "map", _YAML + "seq"):
            self._add(place, f"has the tag {_tag(node)}; remove the tag")
        self._open.add(id(node))
        content = self._mapping(node, place) if isinstance(node, yaml.MappingNode) else self._sequence(node, place)
        self._open.discard(id(node))
        return content

    def _count(self) -> None:
        self._built += 1
        if self._built > MOST_NODES:
            words = f"{self._path}:1: the file has more than {MOST_NODES:,} values"
            raise SpecError(words, hint="remove aliases that repeat each other")

    def _add(self, place: Place, words: str, line: int | None = None) -> None:
        self.problems.append(Problem(line or self.lines[place], place, words))

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Any:
        if node.tag == _YAML + "timestamp":
            return node.value
        if node.tag not in _SCALARS:
            self._add(place, f"has the tag {_tag(node)}; remove the tag")
        elif not _is_text(node.value):
            self._add(place, f"{node.value!a} has characters that are no text; write plain text")
        else:
            try:
                return self._scalars.construct_object(node)
            except ValueError:
                self._add(place, f"cannot be read as {_tag(node)}; write it shorter, or in quotes where it is text")
        return None

    def _sequence(self, node: yaml.Node, place: Place) -> list[Any]:
        return [self.build(item, (*place, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _YAML + "merge":
                continue
            name, line = self._key(key, place), key.start_mark.line + 1
            inner = (*place, name)
            if name in content:
                self._add(inner, f"is given twice, first on line {self.lines[inner]}; keep one of them", line)
                continue
            self.lines[inner] = line
            content[name] = self.build(value, inner)
        for name, value in self._merged(node, place):
            if name not in content:
                content[name] = self.build(value, (*place, name))
        return content

    def _key(self, key: yaml.Node, place: Place) -> str:
        if isinstance(key, yaml.ScalarNode) and _is_text(key.value):
            return str(key.value)
        line = key.start_mark.line + 1
        raise SpecError(f"{self._path}:{line}: {key_of(place)}: has a key that is not text", hint="write plain words")

    def _merged(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, yaml.Node]]:
        """The keys that `<<` brings, nearest first."""
        for key, value in node.value:
            if key.tag != _YAML + "merge":
                continue
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                self._count()
                if not isinstance(source, yaml.MappingNode) or id(source) in self._open:
                    self._add(place, "<< does not name another mapping; name one by its alias", key.start_mark.line + 1)
                    continue
                own = ((self._key(k, place), v) for k, v in source.value if k.tag != _YAML + "merge")
                yield from own
                self._open.add(id(source))
                yield from self._merged(source, place)
                self._open.discard(id(source))


def _is_text(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _tag(node: yaml.Node) -> str:
    return f"!!{node.tag.removeprefix(_YAML)}" if node.tag.startswith(_YAML) else str(node.tag)
