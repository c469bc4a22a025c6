"""Packs the artifact, starts its endpoint closed to all but the gate, judges it, and opens it only when it passed."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from pathlib import Path

from stratos import home
from stratos.budget import meter
from stratos.errors import GateError
from stratos.gate.run import run_gate
from stratos.job import layout
from stratos.job.contract import Endpoint, Manifest, TeacherAnswers
from stratos.lifecycle.progress import Progress
from stratos.lifecycle.runs import Run
from stratos.lifecycle.spending import read_endpoint
from stratos.plan.model import Candidate, Plan
from stratos.plan.verdict import Verdict
from stratos.serving import pack, process
from stratos.tasks import load_task


def ensure_verdict(run: Run, plan: Plan, decided: Candidate, manifest: Manifest, progress: Progress) -> Verdict:
    """The run's verdict: the saved one, or one measured now. The endpoint that it starts answers the gate only."""
    if run.store.exists(layout.VERDICT):
        return run.store.read_model(layout.VERDICT, Verdict)
    started = time.time()
    key = secrets.token_urlsafe(32)
    endpoint = _start(run, plan, manifest, key, opened=False, progress=progress)
    verdict = run_gate(
        store=run.store,
        spec=plan.spec,
        slice_modes=decided.slice_modes,
        task=load_task(plan.spec.task),
        teacher_answers=run.store.read_model(layout.TEACHER_ANSWERS, TeacherAnswers),
        url=endpoint.url,
        key=key,
        model=endpoint.model,
        progress=progress.update,
    )
    usd = (time.time() - started) / 3600 * decided.offer.price_usd_per_hour
    run.ledger.append(meter.CHARGED, {"part": "gate", "usd": usd})
    return verdict


def require_passed(run: Run, verdict: Verdict, price_usd_per_hour: float) -> None:
    """Stops the endpoint and raises GateError where the student missed its bar."""
    if verdict.passed:
        return
    close(run, price_usd_per_hour)
    raise GateError(
        f"the student missed its bar and is not served: {'; '.join(verdict.shortfalls)}",
        hint=f"its artifact is kept in {run.folder / layout.ARTIFACT}; `stratos report --run {run.name}` says more",
    )


def ensure_open(run: Run, plan: Plan, manifest: Manifest, progress: Progress) -> Endpoint:
    """The run's endpoint, living and open to the user's key; started anew where its process is gone."""
    key = _user_key(run)
    endpoint = read_endpoint(run)
    if endpoint is None or not process.is_alive(endpoint.pid, run.id):
        return _start(run, plan, manifest, key, opened=True, progress=progress)
    _allow(run, key)
    if endpoint.open:
        return endpoint
    opened = endpoint.model_copy(update={"open": True, "started_unix_s": time.time()})
    run.store.write(layout.ENDPOINT, opened)
    return opened


def close(run: Run, price_usd_per_hour: float) -> None:
    """Ends the run's endpoint and charges what its hosting has cost. May be called twice."""
    process.stop_endpoint(run.id)
    usd = meter.hosting_usd(read_endpoint(run), price_usd_per_hour, time.time())
    if usd:
        run.ledger.append(meter.CHARGED, {"part": "hosting", "usd": usd})
    run.store.delete(layout.ENDPOINT)


def key_file(run: Run) -> Path:
    """Where the user's key lies: outside the run's store, readable by the owner only."""
    return home.home() / "keys" / run.id


def _start(run: Run, plan: Plan, manifest: Manifest, key: str, *, opened: bool, progress: Progress) -> Endpoint:
    progress.update("packing", 0, 0)
    bento = pack.pack(run.folder / layout.ARTIFACT, run.folder / layout.BENTO)
    _allow(run, key)
    close(run, plan.chosen.offer.price_usd_per_hour)
    progress.update("starting the endpoint", 0, 0)
    started = time.time()
    until = started + plan.spec.constraints.hosting_horizon.total_seconds()
    ready = process.start_endpoint(
        bento,
        run=run.id,
        log=run.log("endpoint"),
        keys_file=run.folder / layout.KEYS,
        until_unix_s=until,
        threads=plan.spec.local_threads,
    )
    endpoint = Endpoint(
        url=ready.url, model=manifest.student, pid=ready.pid, started_unix_s=started, until_unix_s=until, open=opened
    )
    run.store.write(layout.ENDPOINT, endpoint)
    return endpoint


def _allow(run: Run, key: str) -> None:
    digest = hashlib.sha256(key.encode()).hexdigest()
    run.store.write(layout.KEYS, json.dumps({"sha256": [digest]}).encode())


def _user_key(run: Run) -> str:
    path = key_file(run)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{secrets.token_hex(4)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"sk-stratos-{secrets.token_urlsafe(32)}")
        os.replace(temporary, path)
    return path.read_text()
