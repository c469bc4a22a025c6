"""What a worker does: one job from its file in the store to its results there, through any number of restarts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
import transformers

from stratos.distill.distil import distil
from stratos.distill.probe import choose_probe_examples, probe
from stratos.distill.pulse import Pulse
from stratos.distill.work import Termination, Work
from stratos.errors import SpecError, StratosError
from stratos.job import layout
from stratos.job.contract import JobFile
from stratos.job.store import Store
from stratos.models.teacher import load_teacher
from stratos.tasks import load_task


def run_job(store_url: str, job_name: str) -> None:
    """Does the job, or goes on with it; a job that is done is left as it is.

    Raises SpecError where there is no such job, and StratosError where it fails, which its last heartbeat says too.
    SIGTERM ends it with SystemExit(143), everything being saved.
    """
    store = Store(store_url)
    job = _read_job(store, job_name)
    pulse = Pulse(store, job_name, job.price_usd_per_hour)
    if pulse.last is not None and pulse.last.phase == "done" and store.exists(_result(job, job_name)):
        return
    _settle_torch(job.threads)
    with Termination() as termination, pulse:
        try:
            task = load_task(job.task)
            work = Work(job, store, _folder(store), task, task.held_out(), pulse, termination)
            if job.kind == "probe":
                _probe(work, job_name)
            else:
                distil(work)
        except StratosError as error:
            pulse.note(f"{error} ({error.hint})" if error.hint else str(error))
            pulse.update("failed", 0, 0)
            raise
        pulse.update("done", 1, 1)


def _read_job(store: Store, name: str) -> JobFile:
    try:
        return store.read_model(layout.JOB.format(name=name), JobFile)
    except FileNotFoundError as error:
        raise SpecError(
            f"{store.url} has no job {name!r}", hint="a worker is started by `stratos up` or `stratos probe`"
        ) from error


def _result(job: JobFile, name: str) -> str:
    return layout.COVERAGE.format(name=name) if job.kind == "probe" else layout.MANIFEST


def _settle_torch(threads: int | None) -> None:
    """The same sums in the same order every time, and no progress bars in the log.

    Tensors that are overwritten anyway are not filled first.
    """
    transformers.utils.logging.disable_progress_bar()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads or os.cpu_count() or 1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _folder(store: Store) -> Path:
    folder = store.local_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _probe(work: Work, name: str) -> None:
    """Counts right answers of the teacher on validation examples, and writes them at layout.COVERAGE."""
    path = layout.COVERAGE.format(name=name)
    if work.store.exists(path):
        return
    work.pulse.update("loading", 0, 0)
    teacher = load_teacher(work.job.teacher, work.task)
    examples = choose_probe_examples(work.held_out.validation, work.job.examples)
    probed = probe(
        teacher,
        work.task,
        examples,
        max_new_tokens=work.job.latency_tokens,
        on_progress=work.pulse.counter("probing", len(examples)),
        stop=lambda: work.seconds_left() <= 0,
    )
    if not probed.complete:
        work.pulse.note(f"the probe ended early: {work.what_ends()}")
    slices = {name: {"right": count.right, "asked": count.asked} for name, count in probed.slices.items()}
    counts = {"slices": slices, "seconds": probed.seconds, "usd": work.pulse.spent_usd}
    work.store.write(path, json.dumps(counts, indent=1).encode())
