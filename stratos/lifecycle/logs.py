"""A run's logs, whole or as they grow."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from stratos.lifecycle.runs import Run
from stratos.lifecycle.status import status

_POLL_S = 0.3
_GOING_ON = ("planning", "working")


def lines(run: Run, parts: Sequence[str], *, follow: bool) -> Iterator[str]:
    """Each whole line of the parts' logs, marked with its part where there are several.

    With `follow` it goes on until the run is served, stopped or gone.
    """
    tails = [_Tail(run.log(part), f"{part:<8} " if len(parts) > 1 else "") for part in parts]
    going_on = True
    while going_on:
        going_on = follow and run.folder.exists() and status(run).state in _GOING_ON
        for tail in tails:
            yield from tail.new_lines()
        if going_on:
            time.sleep(_POLL_S)
    for tail in tails:
        yield from tail.rest()


class _Tail:
    """What was added to a file since the last look."""

    def __init__(self, path: Path, mark: str) -> None:
        self._path, self._mark, self._at, self._partial = path, mark, 0, b""

    def new_lines(self) -> Iterator[str]:
        if not self._path.exists():
            return
        with open(self._path, "rb") as file:
            file.seek(self._at)
            added = file.read()
        self._at += len(added)
        *whole, self._partial = (self._partial + added).split(b"\n")
        for line in whole:
            yield self._mark + line.decode(errors="replace")

    def rest(self) -> Iterator[str]:
        if self._partial:
            yield self._mark + self._partial.decode(errors="replace")
