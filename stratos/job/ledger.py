"""The run's ledger: events that are only ever added, each an object created exclusively."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from stratos.errors import IntegrityError
from stratos.job import layout
from stratos.job.store import Store
from stratos.spec.model import Frozen

_TRIES = 100


class Event(Frozen):
    """One thing that happened to a run."""

    number: int
    kind: str
    at: str
    data: dict[str, Any] = Field(default_factory=dict)


class Ledger:
    """Events in the order in which they were added. Two appenders never lose one: the second takes the next number."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, kind: str, data: Mapping[str, Any] | None = None) -> Event:
        """Adds one event. Raises IntegrityError where a hundred other appenders were always quicker."""
        number = self._next_number()
        for _ in range(_TRIES):
            event = Event(number=number, kind=kind, at=datetime.now(UTC).isoformat(), data=dict(data or {}))
            try:
                self._store.create(_path(number), event)
            except FileExistsError:
                number += 1
            else:
                return event
        raise IntegrityError(f"could not add {kind!r} to the ledger of {self._store.url}: it is always being written")

    def events(self) -> list[Event]:
        """Every event, oldest first."""
        paths = (f"{layout.LEDGER}/{name}" for name in self._store.list(layout.LEDGER))
        return [self._store.read_model(path, Event) for path in paths]

    def last(self, kind: str) -> Event | None:
        """The newest event of this kind."""
        return next((event for event in reversed(self.events()) if event.kind == kind), None)

    def _next_number(self) -> int:
        names = self._store.list(layout.LEDGER)
        return int(names[-1].removesuffix(".json")) + 1 if names else 1


def _path(number: int) -> str:
    return f"{layout.LEDGER}/{number:08d}.json"
