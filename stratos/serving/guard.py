"""The endpoint's parent process: ends it when its time is over, even where no Stratos is left to do so.

python -m stratos.serving.guard --until UNIX_SECONDS -- COMMAND…
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from stratos.job import processes

GRACE_S = 3.0
_LOOK_EVERY_S = 0.5
_PARENT_DEATH_SIGNAL = 1


def guard(until_unix_s: float, command: Sequence[str]) -> int:
    """Runs the command until it ends, the time comes, or this process is asked to end; then nothing of it is left.

    Its processes are known by the tags that this one carries, too. Returns the exit code: the command's own, or 0.
    """
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: asked.append(number))
    child = subprocess.Popen(command, preexec_fn=_death_with_parent())
    while child.poll() is None and not asked and time.time() < until_unix_s:
        try:
            child.wait(min(_LOOK_EVERY_S, max(0.0, until_unix_s - time.time())))
        except subprocess.TimeoutExpired:
            continue
    return _end(child, asked, until_unix_s)


def _end(child: subprocess.Popen[bytes], asked: list[int], until_unix_s: float) -> int:
    code = child.poll()
    if code is None:
        why = "asked to" if asked else f"its time was over ({until_unix_s:.0f})"
        sys.stdout.write(f"stratos: ending the endpoint: {why}\n")
        sys.stdout.flush()
        child.terminate()
        try:
            child.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    processes.end(processes.tagged(os.environ[processes.RUN], os.environ[processes.ROLE]), GRACE_S)
    return code if code is not None and code >= 0 else 0 if code is None else 128 - code


def _death_with_parent() -> Callable[[], None] | None:
    """On Linux the command gets SIGTERM when this process dies, however it dies."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _main() -> int:
    parser = argparse.ArgumentParser(prog="stratos.serving.guard", description=__doc__)
    parser.add_argument("--until", type=float, required=True, metavar="UNIX_SECONDS")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    return guard(arguments.until, arguments.command)


if __name__ == "__main__":
    sys.exit(_main())
