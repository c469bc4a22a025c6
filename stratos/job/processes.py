"""The processes of a run on this machine: tagged by their environment before they start, so that they can be found."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

RUN = "STRATOS_RUN"
ROLE = "STRATOS_ROLE"
# Threads that wait for each other sleep soon: spinning ones, torch's default, take a step from 0.15 s to over 1 s
# as soon as another program wants a core.
_PATIENT = {"GOMP_SPINCOUNT": "1000"}


def start(run_id: str, role: str, arguments: Sequence[str], log: Path, extra: Mapping[str, str] | None = None) -> int:
    """Starts a Python program in a session of its own that outlives this process, its output added to `log`.

    `arguments` follow the interpreter (`["-m", "stratos", …]`). Returns the process id.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = _PATIENT | os.environ | {RUN: run_id, ROLE: role} | dict(extra or {})
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    _Children.kept[process.pid] = process
    return process.pid


def tagged(run_id: str, role: str | None = None) -> list[psutil.Process]:
    """Every living process of this user that carries the run's tag, and the role where one is given."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            wanted = environment.get(RUN) == run_id and role in (None, environment.get(ROLE))
            if wanted and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end(processes: Sequence[psutil.Process], grace_s: float = 10.0) -> None:
    """Asks the processes to stop, then kills those that have not; returns when all are gone."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=grace_s)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=grace_s)


def exit_code(pid: int) -> int | None:
    """How a process that this one started ended; None while it runs, or where it is not this one's child."""
    child = _Children.kept.get(pid)
    return child.poll() if child is not None else None


class _Children:
    """Keeps the handles of started processes, so that the ended ones are reaped."""

    kept: dict[int, subprocess.Popen[bytes]] = {}  # noqa: RUF012
