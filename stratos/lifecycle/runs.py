"""Runs on this machine: how they are named, made and found."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from stratos import home
from stratos.errors import SpecError
from stratos.job import layout, processes
from stratos.job.lease import holder
from stratos.job.ledger import Ledger
from stratos.job.store import Store
from stratos.spec.model import NAME_PATTERN, Frozen, Name, Spec

DESTROYING = "destroying"


class Identity(Frozen):
    """Who a run is. The id is unique on this machine, also among runs of one name in different homes."""

    name: Name
    id: Name
    created_unix_s: float
    spec: Spec


@dataclass(frozen=True, slots=True)
class Run:
    """A run and its store."""

    identity: Identity
    store: Store

    @property
    def name(self) -> str:
        return self.identity.name

    @property
    def id(self) -> str:
        return self.identity.id

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.store)

    @property
    def folder(self) -> Path:
        return self.store.local_path

    def log(self, part: str) -> Path:
        return self.folder / layout.LOGS / f"{part}.log"

    @property
    def spec(self) -> Spec:
        return self.identity.spec


def open_or_create(name: str, spec: Spec) -> Run:
    """The run of this name, made from the spec where there is none. Raises SpecError where its spec is another."""
    run = find(name) or _create(name, spec)
    if run.spec != spec and _has_begun_nothing(run):
        run.store.delete("")
        run = _create(name, spec)
    if run.spec != spec:
        raise SpecError(
            f"the spec has changed since run {name!r} began",
            hint=f"start another run with `--run OTHER`, or remove this one with `stratos destroy --run {name}`",
        )
    if run.ledger.last(DESTROYING) is not None:
        raise SpecError(
            f"run {name!r} is being destroyed",
            hint=f"run `stratos destroy --run {name}` until it says that all is gone",
        )
    return run


def find(name: str) -> Run | None:
    """The run of this name; None where there is none."""
    store = _store(name)
    if not store.exists(layout.IDENTITY):
        return None
    return Run(store.read_model(layout.IDENTITY, Identity), store)


def existing(name: str | None) -> Run:
    """The named run, or the only one. Raises SpecError where there is none, or no telling which."""
    if name is not None:
        run = find(name)
        if run is None:
            raise SpecError(f"there is no run named {name!r}", hint=_known())
        return run
    found = all_runs()
    if len(found) != 1:
        problem = "there are several runs" if found else "there is no run yet"
        raise SpecError(problem, hint=_known() if found else "start one with `stratos up`")
    return found[0]


def all_runs() -> list[Run]:
    """Every run on this machine, by name."""
    if not home.runs().is_dir():
        return []
    found = (find(path.name) for path in sorted(home.runs().iterdir()) if path.is_dir())
    return [run for run in found if run is not None]


def _has_begun_nothing(run: Run) -> bool:
    """Whether the run has no plan, as after a spec that was infeasible, and nobody works on it."""
    return not run.store.exists(layout.PLAN) and holder(run.store) is None and not processes.tagged(run.id)


def _create(name: str, spec: Spec) -> Run:
    store = _store(name)
    run_id = f"{name[:48]}-{secrets.token_hex(4)}"
    with contextlib.suppress(FileExistsError):
        store.create(layout.IDENTITY, Identity(name=name, id=run_id, created_unix_s=time.time(), spec=spec))
    return Run(store.read_model(layout.IDENTITY, Identity), store)


def _store(name: str) -> Store:
    if not re.fullmatch(NAME_PATTERN, name):
        raise SpecError(
            f"{name!r} cannot name a run", hint="use lower-case letters, digits, dots, hyphens and underscores"
        )
    return Store(str(home.runs() / name))


def _known() -> str:
    names = [run.name for run in all_runs()]
    return f"name one with --run: {', '.join(names)}" if names else "start one with `stratos up`"
