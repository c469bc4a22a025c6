"""What a long command tells while it works; the CLI draws it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told what happens; knows nothing of why."""

    def say(self, text: str) -> None:
        """One line that stays."""
        ...

    def update(self, phase: str, done: int, total: int, note: str = "") -> None:
        """How far the present phase is; `total` 0 where it is not known."""
        ...


class Silent:
    """Tells nothing."""

    def say(self, text: str) -> None:
        del text

    def update(self, phase: str, done: int, total: int, note: str = "") -> None:
        del phase, done, total, note
