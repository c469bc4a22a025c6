"""`destroy`: ends every process of a run, removes all that it made, and proves that nothing is left."""

from __future__ import annotations

import secrets
import shutil
import socket
from pathlib import Path

import psutil
from pydantic import Field

from stratos import home
from stratos.errors import LeaseError, StratosError
from stratos.job import processes
from stratos.job.lease import holder, lease
from stratos.lifecycle.gating import key_file
from stratos.lifecycle.runs import DESTROYING, Run, find
from stratos.spec.model import Frozen


class Proof(Frozen):
    """What `destroy` looked for when it was done, and what it found: nothing, or it would have failed."""

    run: str
    id: str | None = Field(description="None where no run of this name was found.")
    ended_processes: tuple[int, ...] = ()
    removed: tuple[str, ...] = ()
    processes_left: tuple[int, ...] = ()
    paths_left: tuple[str, ...] = ()


def destroy(name: str) -> Proof:
    """Leaves nothing of the run. May be interrupted and called again. Raises StratosError where something is left."""
    run = find(name)
    if run is None:
        return _remove_remains(name)
    _stop_up(run)
    with lease(run.store, "destroy"):
        run.ledger.append(DESTROYING)
        ended = processes.tagged(run.id)
        processes.end(ended)
    made = [run.folder, key_file(run)]
    removed = tuple(str(path) for path in made if path.exists())
    key_file(run).unlink(missing_ok=True)
    _remove(run.folder)
    return _prove(name, run.id, tuple(process.pid for process in ended), removed, made)


def _remove_remains(name: str) -> Proof:
    """What a destroy that was interrupted between two removals left."""
    remains = [path for path in home.runs().glob(f"{name}.destroyed-*") if path.is_dir()]
    if (home.runs() / name).is_dir():
        remains.append(home.runs() / name)
    removed = tuple(str(path) for path in remains)
    for path in remains:
        shutil.rmtree(path)
    return Proof(run=name, id=None, removed=removed)


def _stop_up(run: Run) -> None:
    """Ends an `up` that works on the run on this machine. Raises LeaseError for one on another machine."""
    grant = holder(run.store)
    if grant is None:
        return
    if grant.host != socket.gethostname() or grant.purpose != "up":
        raise LeaseError(
            f"{grant.purpose} works on this run on {grant.host}, process {grant.pid}",
            hint="wait for it to end, or end it there",
        )
    processes.end([psutil.Process(grant.pid)])


def _remove(folder: Path) -> None:
    """Takes the folder away under its name at once, so that a half-removed run is never taken for a whole one."""
    doomed = folder.with_name(f"{folder.name}.destroyed-{secrets.token_hex(4)}")
    folder.rename(doomed)
    shutil.rmtree(doomed)


def _prove(name: str, run_id: str, ended: tuple[int, ...], removed: tuple[str, ...], made: list[Path]) -> Proof:
    proof = Proof(
        run=name,
        id=run_id,
        ended_processes=ended,
        removed=removed,
        processes_left=tuple(process.pid for process in processes.tagged(run_id)),
        paths_left=tuple(str(path) for path in made if path.exists()),
    )
    if proof.processes_left or proof.paths_left:
        raise StratosError(
            f"left of run {name!r}: processes {proof.processes_left}, paths {proof.paths_left}",
            hint=f"run `stratos destroy --run {name}` again",
        )
    return proof
