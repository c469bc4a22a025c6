"""One job as its phases see it: what to do, where, and how long it may still take."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from stratos.distill.pulse import Pulse
from stratos.job.contract import JobFile
from stratos.job.store import Store
from stratos.tasks.base import HeldOut, Task

EXIT_CODE_TERMINATED = 143


class Termination:
    """What SIGTERM does while this is entered: the process exits with 143; while it is `held` off, `asked` is set."""

    def __init__(self) -> None:
        self.asked = False
        self._held = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Puts the exit off to the end of this block, for what would be lost by it."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self.asked:
            raise SystemExit(EXIT_CODE_TERMINATED)

    def __enter__(self) -> Termination:
        self._before: Any = signal.signal(signal.SIGTERM, self._on)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGTERM, self._before)

    def _on(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        if not self._held:
            raise SystemExit(EXIT_CODE_TERMINATED)


@dataclass(frozen=True, slots=True)
class Work:
    """A job with everything that its phases share."""

    job: JobFile
    store: Store
    folder: Path
    task: Task
    held_out: HeldOut
    pulse: Pulse
    termination: Termination

    def seconds_left(self) -> float:
        """Until the deadline, or until the budget is spent."""
        return min(self._until_deadline_s(), self._until_budget_s())

    def what_ends(self) -> str:
        """Which of the two comes first, in words."""
        if self._until_deadline_s() <= self._until_budget_s():
            return "the deadline is reached"
        return f"the budget of ${self.job.budget_usd:.4f} for this job is spent"

    def _until_deadline_s(self) -> float:
        return self.job.deadline_unix_s - time.time()

    def _until_budget_s(self) -> float:
        if not self.job.price_usd_per_hour:
            return math.inf
        return (self.job.budget_usd - self.pulse.spent_usd) / self.job.price_usd_per_hour * 3600
