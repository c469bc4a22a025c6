"""From a plan and its coverage to a job file, and from the job to an artifact whose hashes hold."""

from __future__ import annotations

from stratos.budget import meter
from stratos.job import layout
from stratos.job.artifact import verify_artifact
from stratos.job.contract import JobFile, Manifest
from stratos.lifecycle.progress import Progress
from stratos.lifecycle.runs import Run
from stratos.lifecycle.working import work
from stratos.plan.model import Candidate, Plan
from stratos.planner.estimate import LABELLED_MOST

INJECTED_TEACHER_ANSWERS = 64
ALIGNED_TEACHER_ANSWERS = 10_000
SERVING_RESERVE_S = 30.0


def distil(run: Run, plan: Plan, decided: Candidate, spent_usd: float, progress: Progress) -> Manifest:
    """Trains the student of the plan and checks what came back. Raises StratosError, IntegrityError."""
    if not run.store.exists(layout.MANIFEST):
        job = job_file(run, plan, decided, spent_usd)
        work(run.store, run.id, meter.DISTIL_JOB, job, run.log("worker"), progress)
    return verify_artifact(run.folder / layout.ARTIFACT)


def job_file(run: Run, plan: Plan, decided: Candidate, spent_usd: float) -> JobFile:
    """What the worker has to do. Its budget is what is left when gate, storage and hosting are paid."""
    spec = plan.spec
    kept_back = decided.dollars.gate + decided.dollars.storage + decided.dollars.hosting
    deadline = run.identity.created_unix_s + spec.constraints.deadline.total_seconds()
    return JobFile(
        run=run.id,
        kind="distil",
        task=spec.task,
        teacher=next(teacher for teacher in spec.teachers if teacher.name == decided.teacher),
        student=next(student for student in spec.students if student.name == decided.student),
        slice_modes=decided.slice_modes,
        training=spec.training,
        examples=_examples(decided),
        gate_examples=_teacher_answers(decided),
        latency_tokens=spec.constraints.load.completion_tokens,
        threads=spec.local_threads,
        price_usd_per_hour=decided.offer.price_usd_per_hour,
        budget_usd=max(spec.constraints.budget_usd - spent_usd - kept_back, 1e-9),
        deadline_unix_s=deadline - SERVING_RESERVE_S,
    )


def _examples(decided: Candidate) -> int:
    """Examples to prepare: what the steps read, but no more than the plan reckons a teacher to label."""
    return min(decided.examples, LABELLED_MOST) if _aligns(decided) else decided.examples


def _teacher_answers(decided: Candidate) -> int:
    """How many of the gate's prompts the teacher answers: few settle that a student is better than a teacher that
    does not know the domain; to show that it is not worse than one that does takes all of them."""
    return ALIGNED_TEACHER_ANSWERS if _aligns(decided) else INJECTED_TEACHER_ANSWERS


def _aligns(decided: Candidate) -> bool:
    return "alignment" in decided.slice_modes.values()
