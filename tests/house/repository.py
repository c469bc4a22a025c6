"""The repository's own files, for tests that read them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("stratos", "stacks", "bentos", "policies")
_MADE = frozenset({".git", ".venv", "__pycache__", "dist", "build"})


def files() -> list[Path]:
    """Every file of the repository, relative to its root: what git tracks or would, or all of an unpacked archive."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0 and done.stdout:
        found = [Path(name) for name in done.stdout.split("\0") if name]
        return [path for path in found if (ROOT / path).is_file()]
    return list(_walked())


def python_files(*folders: str) -> list[Path]:
    """The Python files under these folders of the root."""
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in folders]


def parsed(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))


def _walked() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT)
        made = _MADE.intersection(inside.parts) or any(part.endswith(("_cache", ".egg-info")) for part in inside.parts)
        if path.is_file() and not made:
            yield inside
