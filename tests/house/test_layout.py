"""The rules of the house, read from the disk: the README's tree, docstrings, sizes, and what no file may hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import PACKAGES, ROOT, files, parsed, python_files

MOST_FILE_LINES = 350
MOST_FUNCTION_LINES = 60
TOP_LEVEL = {
    *("stratos", "stacks", "bentos", "policies", "tests", "examples", ".ci"),
    *("Pulumi.yaml", "pyproject.toml", "requirements.lock", "Makefile", "README.md", "LICENSE", ".gitignore"),
}
# Spelt in halves, so that this file does not name them either.
REGISTRIES = [
    "".join(halves)
    for halves in (
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("npm", "js.org"),
        ("npm", "js.com"),
        ("crates", ".io"),
        ("rubygems", ".org"),
        ("proxy.", "golang.org"),
        ("conda", ".anaconda.org"),
        ("download.py", "torch.org"),
    )
]
MACHINES = re.compile(r"(?<![\w./-])/(?:wo" + r"rk|ro" + r"ot|Us" + r"ers/\w+|ho" + r"me/\w+)(?![\w-])")


def _tree() -> dict[str, str]:
    """Each path of the README's tree and its purpose."""
    block = re.search(r"<!-- tree -->\n```\n(.*?)\n```\n<!-- /tree -->", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block, "README.md has no tree between its two marks"
    return {path: purpose.strip() for path, _, purpose in (line.partition(" ") for line in block[1].splitlines())}


def _top_level() -> set[str]:
    return {f"{path.parts[0]}/" if len(path.parts) > 1 else path.name for path in files()}


def _rooms() -> set[str]:
    """The folders right inside the package."""
    return {f"stratos/{path.parts[1]}/" for path in files() if path.parts[0] == "stratos" and len(path.parts) > 2}


def test_the_readmes_tree_is_what_lies_on_the_disk() -> None:
    tree = _tree()
    assert {path for path in tree if "/" not in path.rstrip("/")} == _top_level()
    assert {path for path in tree if path.startswith("stratos/") and path != "stratos/"} == _rooms()
    assert len(_rooms()) >= 12


def test_every_path_of_the_tree_has_a_purpose_in_one_line() -> None:
    assert len(_tree()) >= 20
    assert not [path for path, purpose in _tree().items() if len(purpose.split()) < 2]


def test_nothing_else_lies_on_the_top_level() -> None:
    assert {name.rstrip("/") for name in _top_level()} <= TOP_LEVEL


def test_every_python_file_says_its_purpose_first() -> None:
    found = python_files(*PACKAGES, "tests", "examples")
    assert len(found) > 100
    silent = [path for path in found if not (ROOT / path).read_text(encoding="utf-8").startswith('"""')]
    assert silent == []


def test_files_and_functions_fit_in_the_head() -> None:
    found = python_files(*PACKAGES)
    assert len(found) > 60
    sizes = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in found}
    assert {path: size for path, size in sizes.items() if size > MOST_FILE_LINES} == {}
    functions = {(str(path), node.name): size for path in found for node, size in _functions(path)}
    assert len(functions) > 300
    assert {name: size for name, size in functions.items() if size > MOST_FUNCTION_LINES} == {}


def _functions(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1


def _uses(path: Path) -> set[str]:
    """The attributes and names that a file takes from elsewhere."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Import):
            found |= {part for alias in node.names for part in alias.name.split(".")}
        elif isinstance(node, ast.ImportFrom):
            found |= {*(node.module or "").split("."), *(alias.name for alias in node.names)}
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


@pytest.mark.parametrize(
    ("forbidden", "why"),
    [
        ({"setattr", "delattr", "mock", "mocker", "patch_object"}, "our own code is never patched"),
        ({"skip", "skipif", "xfail", "importorskip"}, "every test runs everywhere"),
    ],
)
def test_no_test_uses(forbidden: set[str], why: str) -> None:
    found = python_files("tests")
    assert len(found) > 30
    assert {str(path): used for path in found if (used := _uses(path) & forbidden)} == {}, why


def test_nothing_is_pickled() -> None:
    found = python_files(*PACKAGES)
    unsafe = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    assert {str(path): used for path in found if (used := _uses(path) & unsafe)} == {}
    loads = [str(path) for path in found if re.search(r"torch\.(load|save)\(", (ROOT / path).read_text())]
    assert loads == []


def test_no_file_names_a_package_registry() -> None:
    texts = _texts()
    assert Path("requirements.lock") in texts
    naming = [(str(path), host) for path, text in texts.items() for host in REGISTRIES if host in text]
    assert naming == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    assert MACHINES.findall("in " + "/wo" + "rk/main or " + "/ro" + "ot")
    found = {str(path): MACHINES.findall(text) for path, text in _texts().items()}
    assert {path: names for path, names in found.items() if names} == {}


def _texts() -> dict[Path, str]:
    texts = {path: text for path in files() if (text := _text(path)) is not None}
    assert len(texts) > 150
    return texts


def _text(path: Path) -> str | None:
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
