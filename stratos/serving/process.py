"""A Bento's endpoint on this machine: a real `bentoml serve` on a free loopback port, guarded, found by its tags."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil

from stratos.errors import StratosError
from stratos.job import processes

ENDPOINT = "endpoint"
HOST = "127.0.0.1"
_PORTS_TRIED = 5
_LINES_SHOWN = 8
_TIMEOUTS = ("--timeout-keep-alive", "75", "--timeout-graceful-shutdown", "2")
_REFUSAL = "refusing to serve"
_LOOK_EVERY_S = 0.1


class Started(NamedTuple):
    """A ready endpoint: its root URL, without /v1, and the process id of its guard."""

    url: str
    pid: int


def start_endpoint(
    bento: Path,
    *,
    run: str,
    log: Path,
    keys_file: Path,
    until_unix_s: float,
    threads: int | None = None,
    port: int | None = None,
    timeout_s: float = 120.0,
) -> Started:
    """Serves the Bento until `until_unix_s`, whether or not this process lives; returns when it is ready.

    Output is added to `log`. `port` is tried first, then free ones, while the chosen one is taken. Raises StratosError,
    with the last lines of the log, where it does not become ready; nothing of it is left then.
    """
    for wanted in (port, *[None] * _PORTS_TRIED):
        port = wanted or _free_port()
        before = log.stat().st_size if log.exists() else 0
        pid = processes.start(
            run, ENDPOINT, _arguments(bento, port, until_unix_s), log, _extra(log, keys_file, threads)
        )
        try:
            wait_ready(port, run=run, pid=pid, timeout_s=timeout_s)
        except StratosError as error:
            stop_endpoint(run)
            output = _since(log, before)
            if "address already in use" in output.lower():
                continue
            raise StratosError(f"{error}: {_last_lines(output)}", hint=f"the whole log: {log}") from error
        return Started(f"http://{HOST}:{port}", pid)
    raise StratosError(
        f"each of {_PORTS_TRIED} free ports was taken before the endpoint could use it", hint="try again"
    )


def wait_ready(port: int, *, run: str, pid: int, timeout_s: float) -> None:
    """Returns when the run's own endpoint answers /readyz. Raises StratosError when its guard ends or time is over."""
    deadline = time.monotonic() + timeout_s
    with httpx.Client(trust_env=False, timeout=1.0) as client:
        while time.monotonic() < deadline:
            if not is_alive(pid, run):
                raise StratosError("the endpoint ended before it was ready")
            if _answers(client, port) and _listens(run, port):
                return
            time.sleep(_LOOK_EVERY_S)
    raise StratosError(f"the endpoint was not ready within {timeout_s:g} s")


def is_alive(pid: int, run: str) -> bool:
    """Whether that process lives and is the run's endpoint, and not one that got its process id later."""
    if processes.exit_code(pid) is not None:
        return False
    try:
        environment = psutil.Process(pid).environ()
    except (psutil.Error, OSError):
        return False
    return (environment.get(processes.RUN), environment.get(processes.ROLE)) == (run, ENDPOINT)


def stop_endpoint(run: str, grace_s: float = 8.0) -> tuple[int, ...]:
    """Ends every process of the run's endpoint and returns their ids; none where there is none.

    Raises StratosError where one cannot be ended.
    """
    ended: list[int] = []
    for _ in range(_PORTS_TRIED):
        found = processes.tagged(run, ENDPOINT)
        if not found:
            return tuple(ended)
        processes.end(found, grace_s)
        ended += [process.pid for process in found]
    left = [process.pid for process in processes.tagged(run, ENDPOINT)]
    raise StratosError(f"processes {left} of the endpoint do not end", hint="end them by hand: kill -9 PID")


def _arguments(bento: Path, port: int, until_unix_s: float) -> list[str]:
    serve = ["-m", "bentoml", "serve", str(bento), "--host", HOST, "--port", str(port)]
    guard = ["-m", "stratos.serving.guard", "--until", repr(until_unix_s), "--"]
    return [*guard, sys.executable, *serve, *_TIMEOUTS]


def _extra(log: Path, keys_file: Path, threads: int | None) -> dict[str, str]:
    """What the service's processes find in their environment. Their temporary files stay beside the log."""
    home = log.absolute().with_suffix(".home")
    home.mkdir(parents=True, exist_ok=True)
    limits = {"STRATOS_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)} if threads else {}
    return {
        "BENTOML_HOME": str(home),
        "BENTOML_DO_NOT_TRACK": "True",
        "TMPDIR": str(home),
        "STRATOS_KEYS_FILE": str(keys_file.absolute()),
        **limits,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _answers(client: httpx.Client, port: int) -> bool:
    try:
        return client.get(f"http://{HOST}:{port}/readyz").is_success
    except httpx.HTTPError:
        return False


def _listens(run: str, port: int) -> bool:
    """Whether it is a process of the run that listens there, and not one that took the port first."""
    for process in processes.tagged(run, ENDPOINT):
        with contextlib.suppress(psutil.Error):
            if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in process.net_connections("tcp4")):
                return True
    return False


def _since(log: Path, offset: int) -> str:
    with log.open("rb") as file:
        file.seek(offset)
        return file.read().decode("utf-8", "replace")


def _last_lines(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    refusals = [line[line.index(_REFUSAL) :] for line in lines if _REFUSAL in line]
    return " / ".join(refusals[:1] or lines[-_LINES_SHOWN:]) or "it said nothing"
