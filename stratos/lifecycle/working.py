"""Runs one job of a worker to its end: starts or adopts the worker, follows its heartbeat, starts it again."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from stratos.errors import StratosError
from stratos.job import layout
from stratos.job.contract import Heartbeat, JobFile
from stratos.job.store import Store
from stratos.lifecycle.progress import Progress
from stratos.provision import local

_STARTS = 3
_POLL_S = 0.25


def work(store: Store, run_id: str, name: str, job: JobFile, log: Path, progress: Progress) -> Heartbeat:
    """Does the job, or goes on with it where a worker before left it, and returns its last heartbeat.

    The first job file counts: a run that is taken up again works to the budget and deadline that it began with.
    Raises StratosError where the worker failed, or died three times.
    """
    with contextlib.suppress(FileExistsError):
        store.create(layout.JOB.format(name=name), job)
    for _ in range(_STARTS):
        finished = last_heartbeat(store, name)
        if finished is not None and finished.phase == "done":
            return finished
        pid = local.ensure_worker(run_id, store.url, name, log)
        ended = _follow(store, name, pid, progress)
        if ended is not None:
            return ended
        progress.say(f"the worker ended without a result; starting it again (log: {log})")
    raise StratosError(f"the worker of job {name!r} died {_STARTS} times:\n{_tail(log)}", hint=f"read {log}")


def last_heartbeat(store: Store, name: str) -> Heartbeat | None:
    """The job's newest heartbeat; None before its first."""
    try:
        return store.read_model(layout.HEARTBEAT.format(name=name), Heartbeat)
    except FileNotFoundError:
        return None


def heartbeats(store: Store) -> dict[str, Heartbeat]:
    """The newest heartbeat of each job."""
    names = (name.removesuffix(".json") for name in store.list(Path(layout.HEARTBEAT).parent.name))
    return {name: beat for name in names if (beat := last_heartbeat(store, name)) is not None}


def _follow(store: Store, name: str, pid: int, progress: Progress) -> Heartbeat | None:
    """The last heartbeat of a worker that finished; None where the worker died."""
    while True:
        alive = local.is_alive(pid)
        beat = last_heartbeat(store, name)
        if beat is not None and beat.pid == pid:
            if beat.phase == "done":
                return beat
            if beat.phase == "failed":
                raise StratosError(f"the worker failed: {beat.note}")
            progress.update(beat.phase, beat.done, beat.total, describe(beat))
        if not alive:
            return None
        time.sleep(_POLL_S)


def describe(beat: Heartbeat) -> str:
    """A heartbeat's loss, speed and time left in a few words."""
    parts = [
        f"loss {beat.loss:.3f}" if beat.loss is not None else "",
        f"{beat.tokens_per_second:,.0f} tokens/s" if beat.tokens_per_second else "",
        f"{beat.seconds_left:.0f} s left" if beat.seconds_left is not None else "",
        beat.note,
    ]
    return ", ".join(part for part in parts if part)


def _tail(log: Path, lines: int = 12) -> str:
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
