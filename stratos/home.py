"""Where Stratos keeps runs and caches on this machine: $STRATOS_HOME, or ~/.stratos."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    return Path(os.environ.get("STRATOS_HOME") or Path.home() / ".stratos")


def runs() -> Path:
    return home() / "runs"


def cache() -> Path:
    return home() / "cache"


def resource(name: str) -> Path:
    """The folder `bentos`, `stacks` or `policies`: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name
