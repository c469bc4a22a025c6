"""The distillation job, phase by phase: the teacher's answers, data, student, training, artifact."""

from __future__ import annotations

import functools
import os
import shutil
import time

import torch

from stratos.distill import data
from stratos.distill.answers import answer_gate
from stratos.distill.checkpoint import TrainState
from stratos.distill.encode import Encoded, encode
from stratos.distill.evaluate import accuracy
from stratos.distill.pupil import Pupil, load_pretrained, new_pupil, speaks_as
from stratos.distill.train import Limits, Trained, train
from stratos.distill.work import Work
from stratos.errors import IntegrityError, SpecError
from stratos.job import layout
from stratos.job.artifact import verify_artifact, write_manifest
from stratos.job.contract import Losses
from stratos.models.student import save_model
from stratos.models.teacher import TeacherModel, load_teacher

VALIDATION_PROMPTS = 64

_LOSSES_EVERY_S = 2.0
_SLOW_FLOPS_PER_SECOND = 2e10
_SLOW_DISK_BYTES_PER_SECOND = 2e8


def distil(work: Work) -> None:
    """From a job to an artifact whose hashes hold. Whatever is there already and whole is not made again.

    Raises StratosError and its kinds; SystemExit(143) where SIGTERM asked for it, everything being saved.
    """
    if _is_packed(work):
        return
    teacher = functools.cache(functools.partial(_load_teacher, work))
    answer_gate(work, teacher)
    pupil, encoded = _pupil_and_data(work, teacher)
    teacher.cache_clear()
    trained = _train(work, pupil, encoded)
    _pack(work, pupil, trained)


def _is_packed(work: Work) -> bool:
    if not work.store.exists(layout.MANIFEST):
        return False
    try:
        verify_artifact(work.folder / layout.ARTIFACT)
    except IntegrityError as error:
        work.pulse.say(f"packing again: {error}")
        return False
    return True


def _load_teacher(work: Work) -> TeacherModel:
    work.pulse.update("loading", 0, 0)
    return load_teacher(work.job.teacher, work.task)


def _pupil_and_data(work: Work, teacher: functools._lru_cache_wrapper[TeacherModel]) -> tuple[Pupil, Encoded]:
    """The student before training, and the data in its tokens. Raises SpecError for a job without a student."""
    student = work.job.student
    if student is None:
        raise SpecError(f"the job of run {work.job.run} names no student", hint="a `distil` job needs one")
    pretrained = load_pretrained(student)
    spoken = [text for example in work.held_out.validation for text in (example.prompt, example.answer)]
    shares = data.aligns(work) and speaks_as(student, pretrained, teacher(), spoken)
    if data.aligns(work) and not shares:
        work.pulse.note("the student has other tokens than the teacher: it learns from its answers, not its logits")
    records = data.prepare(work, teacher, with_distributions=shares)
    work.pulse.update("loading", 0, 0)
    pupil = pretrained or new_pupil(student, work.task, records, teacher, work.job.training.seed)
    encoded = encode(records, pupil.tokenizer, pupil.context, len(pupil.tokenizer))
    work.pulse.say(
        f"{len(encoded)} examples of {encoded.lengths.mean():.1f} tokens, {encoded.too_long} too long; "
        f"student of {pupil.parameters:,} parameters and {len(pupil.tokenizer)} tokens"
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    pupil.model.to(device)
    return pupil, encoded


def _train(work: Work, pupil: Pupil, encoded: Encoded) -> Trained:
    job = work.job
    sample = work.held_out.validation[:VALIDATION_PROMPTS]
    reserve_s = 2.0 + 4 * pupil.parameters / _SLOW_DISK_BYTES_PER_SECOND
    limits = Limits(
        seconds_left=lambda: work.seconds_left() - reserve_s,
        what_ends=work.what_ends,
        interrupted=lambda: work.termination.asked,
    )
    with work.termination.held():
        trained = train(
            pupil.model,
            encoded,
            job.training,
            pretrained=pupil.pretrained,
            checkpoints=work.folder / layout.CHECKPOINTS,
            limits=limits,
            validate=lambda: accuracy(pupil.model, pupil.tokenizer, work.task, sample, job.latency_tokens),
            validation_s=2 * pupil.parameters * len(sample) * job.latency_tokens / _SLOW_FLOPS_PER_SECOND,
            on_step=_Curve(work),
        )
    if trained.stopped_early:
        work.pulse.note(f"training stopped early: {trained.stopped_early}")
    work.store.write(layout.LOSSES, Losses(points=trained.points, stopped_early=trained.stopped_early))
    return trained


class _Curve:
    """Tells the pulse of every step, and keeps the curve so far in the store."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._written_at = 0.0

    def __call__(self, state: TrainState, tokens_per_second: float, seconds_left: float) -> None:
        self._work.pulse.update(
            "training",
            state.step,
            state.total or 0,
            loss=state.loss,
            tokens_per_second=tokens_per_second,
            seconds_left=max(0.0, seconds_left),
        )
        if time.monotonic() - self._written_at >= _LOSSES_EVERY_S:
            self._written_at = time.monotonic()
            self._work.store.write(layout.LOSSES, Losses(points=state.points))


def _pack(work: Work, pupil: Pupil, trained: Trained) -> None:
    """The artifact, built aside and moved into its place as a whole."""
    work.pulse.update("packing", 0, 0)
    building, target = work.folder / f".{layout.ARTIFACT}", work.folder / layout.ARTIFACT
    shutil.rmtree(building, ignore_errors=True)
    pupil.model.eval().to("cpu")
    save_model(pupil.model, pupil.tokenizer, building)
    assert work.job.student is not None
    write_manifest(
        building,
        run=work.job.run,
        student=work.job.student.name,
        teacher=work.job.teacher.name,
        steps=trained.steps,
        parameters=pupil.parameters,
        max_new_tokens=work.job.latency_tokens,
        stopped_early=trained.stopped_early,
    )
    verify_artifact(building)
    shutil.rmtree(target, ignore_errors=True)
    os.replace(building, target)
