"""Measures a teacher's coverage by a worker, within its share of the budget, and keeps it for every later plan."""

from __future__ import annotations

import time
from pathlib import Path

from pydantic import Field

from stratos import home
from stratos.budget import meter
from stratos.catalog.offers import offers
from stratos.catalog.types import Offer
from stratos.errors import IntegrityError, SpecError
from stratos.job import layout, processes
from stratos.job.contract import JobFile
from stratos.job.lease import lease
from stratos.job.store import Store
from stratos.lifecycle.progress import Progress
from stratos.lifecycle.working import work
from stratos.plan.coverage_cache import fingerprint, load_coverage, save_coverage
from stratos.plan.intervals import wilson
from stratos.plan.model import Coverage, SliceCoverage
from stratos.spec.model import Frozen, Spec, Teacher

EXAMPLES = 48
BUDGET_SHARE = 0.05
DEADLINE_SHARE = 0.2
_PARENT_OF_JOBS = str(Path(layout.JOB).parent)
_PARENT_OF_HEARTBEATS = str(Path(layout.HEARTBEAT).parent)


class Counts(Frozen):
    """What a worker's probe writes."""

    class Slice(Frozen):
        """One slice of the task."""

        right: int = Field(ge=0)
        asked: int = Field(ge=1)

    slices: dict[str, Slice] = Field(min_length=1)
    seconds: float = Field(ge=0)
    usd: float = Field(ge=0)


def ensure_coverage(
    store: Store, run_id: str, log: Path, spec: Spec, teacher: Teacher, offer: Offer, progress: Progress
) -> Coverage:
    """The teacher's coverage: the cached one, or one measured now on this machine. Raises BudgetError, StratosError."""
    key = fingerprint(spec.task, teacher)
    cached = load_coverage(key)
    if cached is not None:
        return cached
    name = f"probe-{teacher.name}"
    job = _job(run_id, spec, teacher, offer)
    meter.require(0.0, job.budget_usd, spec.constraints.budget_usd, f"the probe of {teacher.name}")
    work(store, run_id, name, job, log, progress)
    coverage = _coverage(store.read_model(layout.COVERAGE.format(name=name), Counts), teacher, key)
    save_coverage(coverage)
    return coverage


def probe_all(spec: Spec, progress: Progress) -> list[Coverage]:
    """The coverage of each of the spec's teachers, outside any run. Raises SpecError without a local target."""
    here = next((offer for offer in offers(spec.targets) if offer.provider == "local"), None)
    if here is None:
        raise SpecError("a probe runs on this machine", hint="add a `local` target to the spec")
    folder = home.cache() / "probes" / spec.content_hash()[:16]
    store = Store(str(folder))
    run_id = f"probe-{folder.name}"
    with lease(store, "probe"):
        if not processes.tagged(run_id):
            store.delete(_PARENT_OF_JOBS)
            store.delete(_PARENT_OF_HEARTBEATS)
        return [
            ensure_coverage(store, run_id, folder / "worker.log", spec, teacher, here, progress)
            for teacher in spec.teachers
        ]


def _job(run_id: str, spec: Spec, teacher: Teacher, offer: Offer) -> JobFile:
    constraints = spec.constraints
    return JobFile(
        run=run_id,
        kind="probe",
        task=spec.task,
        teacher=teacher,
        student=None,
        examples=EXAMPLES,
        latency_tokens=constraints.load.completion_tokens,
        threads=spec.local_threads,
        price_usd_per_hour=offer.price_usd_per_hour,
        budget_usd=constraints.budget_usd * BUDGET_SHARE / len(spec.teachers),
        deadline_unix_s=time.time() + constraints.deadline.total_seconds() * DEADLINE_SHARE / len(spec.teachers),
    )


def _coverage(counts: Counts, teacher: Teacher, key: str) -> Coverage:
    slices = {name: _slice(part.right, part.asked) for name, part in counts.slices.items()}
    if any(part.right > part.asked for part in counts.slices.values()):
        raise IntegrityError(f"the probe of {teacher.name} counts more right answers than questions")
    return Coverage(
        teacher=teacher.name,
        fingerprint=key,
        slices=slices,
        overall=_slice(sum(p.right for p in slices.values()), sum(p.asked for p in slices.values())),
        seconds=counts.seconds,
        usd=counts.usd,
    )


def _slice(right: int, asked: int) -> SliceCoverage:
    return SliceCoverage(right=right, asked=asked, share=wilson(right, asked))
