"""What the spec's own JSON Schema says about a place in it: the keys that may stand there, and what would be right."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from stratos.spec.duration import DURATION_PATTERN
from stratos.spec.lines import Place
from stratos.spec.model import CALLABLE_PATTERN, NAME_PATTERN, Spec

Node = Mapping[str, Any]

_FORMS = {
    NAME_PATTERN: "1 to 63 lower-case letters, digits, dots, hyphens and underscores, first a letter or digit",
    CALLABLE_PATTERN: "your own module:function",
    DURATION_PATTERN: "a duration such as 90s, 3m, 2h or 7d",
}
_BOUNDS = {"minimum": "of at least", "exclusiveMinimum": "above", "maximum": "up to", "exclusiveMaximum": "below"}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a whole spec."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_root()}


def keys_at(content: Any, place: Place) -> list[str]:
    """The keys that the mapping at the place may have, of the kind that the content says it is."""
    return [key for node in _at(content, place) for key in node.get("properties", {})]


def types_at(content: Any, place: Place) -> set[str]:
    """The JSON types that the value at the place may have; empty where the schema knows no such place."""
    found: set[str] = set()
    for node in _at(content, place):
        kinds = node.get("type", ())
        found |= {kinds} if isinstance(kinds, str) else set(kinds)
    return found


def choices_at(content: Any, place: Place) -> list[str]:
    """The words among which the value at the place is chosen; empty where it is free."""
    return [word for node in _at(content, place) for word in _choices(node)]


def meaning_at(content: Any, place: Place) -> str:
    """What a right value at the place is, such as `a number above 0`."""
    return _meaning(_at(content, place))


@functools.cache
def _root() -> dict[str, Any]:
    return Spec.model_json_schema()


def _at(content: Any, place: Place) -> list[Node]:
    """The schema's nodes for the value at the place; several where it may be of several kinds."""
    found = _branches(_root(), content)
    for part in place:
        inner = [_inner(node, part) for node in found]
        content = _value(content, part)
        found = [branch for node in inner if node is not None for branch in _branches(node, content)]
    return found


def _inner(node: Node, part: str | int) -> Node | None:
    inner: Node | None = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
    return inner


def _value(content: Any, part: str | int) -> Any:
    if isinstance(content, list) and isinstance(part, int) and part < len(content):
        return content[part]
    return content.get(part) if isinstance(content, dict) else None


def _branches(node: Node, content: Any) -> list[Node]:
    """The node without references, and its alternatives without null; the one that the content's tag names."""
    if "$ref" in node:
        return _branches(_root()["$defs"][node["$ref"].rsplit("/", 1)[-1]], content)
    if "discriminator" in node:
        tags = _tags(node)
        tag = content.get(node["discriminator"]["propertyName"]) if isinstance(content, dict) else None
        chosen = [tags[tag]] if isinstance(tag, str) and tag in tags else list(dict.fromkeys(tags.values()))
        return [branch for reference in chosen for branch in _branches({"$ref": reference}, content)]
    if "anyOf" in node:
        return [branch for one in node["anyOf"] if one.get("type") != "null" for branch in _branches(one, content)]
    return [node]


def _tags(node: Node) -> dict[str, str]:
    tags: dict[str, str] = node["discriminator"]["mapping"]
    return tags


def _choices(node: Node) -> list[str]:
    return [str(node["const"])] if "const" in node else [str(word) for word in node.get("enum", ())]


def _meaning(nodes: Iterable[Node]) -> str:
    nodes = list(nodes)
    if len(nodes) > 1 and all(node.get("type") == "object" for node in nodes):
        return f"a mapping with {', '.join(_shared_keys(nodes))}"
    choices = [word for node in nodes for word in _choices(node)]
    others = list(dict.fromkeys(_plain(node) for node in nodes if not _choices(node)))
    return ", or ".join(([f"one of {', '.join(choices)}"] if len(choices) > 1 else choices) + others)


def _shared_keys(nodes: list[Node]) -> list[str]:
    """The keys that each needs, with what they choose among, such as `kind (one of jsonl, mahjong)`."""
    keys = [key for key in nodes[0]["required"] if all(key in node["required"] for node in nodes)]
    return [f"{key} ({_meaning(node['properties'][key] for node in nodes)})" for key in keys]


def _plain(node: Node) -> str:
    if node.get("pattern") in _FORMS:
        return _FORMS[node["pattern"]]
    kind = node.get("type")
    if kind == "array":
        count = f" of {node['minItems']} or more" if "minItems" in node else ""
        return f"a list{count}, each {_meaning(_branches(node['items'], None))}"
    if kind == "object":
        return f"a mapping with {', '.join(node.get('required') or node['properties'])}"
    if kind in ("number", "integer"):
        return ("a number" if kind == "number" else "a whole number") + _range(node)
    if kind == "boolean":
        return "true or false"
    if node.get("format") == "path":
        return "a path"
    return "text that is not empty" if node.get("minLength") else "text"


def _range(node: Node) -> str:
    if "minimum" in node and "maximum" in node:
        return f" from {node['minimum']:g} to {node['maximum']:g}"
    bounds = [f" {words} {node[bound]:g}" for bound, words in _BOUNDS.items() if bound in node]
    return " and".join(bounds)
