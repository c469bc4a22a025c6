"""What commands print with: tables, JSON, and the question before spending."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from stratos.errors import SpecError, StratosError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

_PIPE_WIDTH = 1_000


def console() -> Console:
    """Standard output, in colour only on a terminal and where NO_COLOR does not forbid it."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(width=width, highlight=False, soft_wrap=False)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Prints rows under headers; no line around them, so that pipes can read it."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, title=title, title_justify="left", show_header=any(headers), pad_edge=False)
    for header in headers:
        drawn.add_column(header, overflow="fold", no_wrap=not sys.stdout.isatty())
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    console().print(drawn)


def print_json(content: BaseModel | dict[str, Any]) -> None:
    """Prints one JSON document in ASCII, which every pipe and every file name survives."""
    plain = content if isinstance(content, dict) else content.model_dump(mode="json")
    click.echo(json.dumps(plain, indent=1))


def confirm(question: str, *, yes: bool) -> None:
    """Asks on stderr, unless `yes`. Raises StratosError on a no, and SpecError where there is nobody to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise SpecError("nobody is there to confirm this", hint="add --yes")
    if not click.confirm(question, err=True):
        raise StratosError("not confirmed; nothing more was done", hint="run the command again, or add --yes")
