"""Draws progress on stderr: bars on a terminal, a line now and then where output is piped."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

from stratos.lifecycle.progress import Progress, Silent

_LINE_EVERY_S = 5.0


@contextlib.contextmanager
def shown(*, silent: bool = False) -> Iterator[Progress]:
    """Progress that suits where stderr goes; nothing at all where `silent`."""
    if silent:
        yield Silent()
    elif sys.stderr.isatty():
        with _Bars() as bars:
            yield bars
    else:
        yield _Lines()


class _Lines:
    """A line when a phase begins, and one every few seconds."""

    def __init__(self) -> None:
        self._phase, self._last = "", 0.0

    def say(self, text: str) -> None:
        print(f"• {text}", file=sys.stderr, flush=True)  # noqa: T201

    def update(self, phase: str, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        if phase == self._phase and now - self._last < _LINE_EVERY_S:
            return
        self._phase, self._last = phase, now
        counted = f" {done}/{total}" if total else ""
        print(f"  {phase}{counted}{f', {note}' if note else ''}", file=sys.stderr, flush=True)  # noqa: T201


class _Bars:
    """One rich bar, of the present phase."""

    def __enter__(self) -> _Bars:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Rich

        self._rich = Rich(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._rich.add_task("", total=None, note="", visible=False)
        self._rich.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._rich.stop()

    def say(self, text: str) -> None:
        self._rich.console.print(f"• {text}", markup=False, highlight=False)

    def update(self, phase: str, done: int, total: int, note: str = "") -> None:
        self._rich.update(self._task, description=phase, completed=done, total=total or None, note=note, visible=True)
