"""The worker's pulse: a heartbeat a second, dollars and seconds counted over restarts, and plain lines for the log."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from stratos.job import layout
from stratos.job.contract import Heartbeat
from stratos.job.store import Store

INTERVAL_S = 1.0


class Pulse:
    """Heartbeats of one job, written in the background while the pulse is entered."""

    def __init__(self, store: Store, name: str, price_usd_per_hour: float) -> None:
        """Goes on from the seconds and dollars of the job's last heartbeat, where there is one."""
        self._store, self._path = store, layout.HEARTBEAT.format(name=name)
        self._price_usd_per_hour = price_usd_per_hour
        self.last = store.read_model(self._path, Heartbeat) if store.exists(self._path) else None
        self._worked_before_s = self.last.worked_s if self.last else 0.0
        self._spent_before_usd = self.last.spent_usd if self.last else 0.0
        self._started = time.monotonic()
        self._shown: dict[str, Any] = {"phase": "starting", "done": 0, "total": 0}
        self._note = ""
        self._said_at = 0.0
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._write()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._write()

    @property
    def spent_usd(self) -> float:
        """By this job, over all its restarts."""
        return self._spent_usd(time.monotonic() - self._started)

    def update(
        self,
        phase: str,
        done: int,
        total: int,
        *,
        loss: float | None = None,
        tokens_per_second: float | None = None,
        seconds_left: float | None = None,
    ) -> None:
        """What the next heartbeats say. A new phase is written at once."""
        begins = phase != self._shown["phase"]
        self._shown = {
            "phase": phase,
            "done": done,
            "total": total,
            "loss": loss,
            "tokens_per_second": tokens_per_second,
            "seconds_left": seconds_left,
        }
        if begins:
            self._write()
        if begins or time.monotonic() - self._said_at >= INTERVAL_S:
            self._said_at = time.monotonic()
            self.say(_line(self._shown))

    def counter(self, phase: str, total: int) -> Callable[[int], None]:
        """For functions that tell how many units are done."""
        self.update(phase, 0, total)
        return lambda done: self.update(phase, done, total)

    def note(self, text: str) -> None:
        """What the user should be told, in this and all later heartbeats."""
        self._note = text
        self.say(text)

    def say(self, text: str) -> None:
        """A line for the log."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def _beat_on(self) -> None:
        while not self._ended.wait(INTERVAL_S):
            self._write()

    def _write(self) -> None:
        with self._writing:
            elapsed_s = time.monotonic() - self._started
            beat = Heartbeat(
                **self._shown,
                spent_usd=self._spent_usd(elapsed_s),
                worked_s=self._worked_before_s + elapsed_s,
                at_unix_s=time.time(),
                pid=os.getpid(),
                note=self._note,
            )
            self._store.write(self._path, beat)

    def _spent_usd(self, elapsed_s: float) -> float:
        return self._spent_before_usd + elapsed_s / 3600 * self._price_usd_per_hour


def _line(shown: dict[str, Any]) -> str:
    parts = [f"{shown['phase']} {shown['done']}/{shown['total']}" if shown["total"] else str(shown["phase"])]
    if shown.get("loss") is not None:
        parts.append(f"loss {shown['loss']:.3f}")
    if shown.get("tokens_per_second") is not None:
        parts.append(f"{shown['tokens_per_second']:,.0f} tokens/s")
    if shown.get("seconds_left") is not None:
        parts.append(f"{shown['seconds_left']:.0f} s left")
    return ", ".join(parts)
