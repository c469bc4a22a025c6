"""Runs the gate once: asks the served student the held-out prompts, loads it, judges, and saves the verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from stratos.errors import IntegrityError, SpecError
from stratos.gate.client import Completion, Served
from stratos.gate.judge import Judged, judge
from stratos.gate.measure import answers, load_times, sized_prompts
from stratos.job import layout
from stratos.job.contract import TeacherAnswers
from stratos.job.store import Store
from stratos.plan.model import SliceMode
from stratos.plan.verdict import LoadTimes, Verdict
from stratos.spec.model import Constraints, Spec
from stratos.tasks.base import Example, HeldOut, Task

CONCURRENCY = 8

Progress = Callable[[str, int, int], None]


def run_gate(
    *,
    store: Store,
    spec: Spec,
    slice_modes: Mapping[str, SliceMode],
    task: Task,
    teacher_answers: TeacherAnswers,
    url: str,
    key: str,
    model: str,
    progress: Progress,
) -> Verdict:
    """The verdict on the student served at `url`, saved at layout.VERDICT. `progress` is told (phase, done, total).

    The gate's split is read once: raises IntegrityError where the run has a verdict. Raises SpecError where the task
    holds nothing out, StratosError where the endpoint fails.
    """
    if store.exists(layout.VERDICT):
        raise _judged_already(store)
    held_out = task.held_out()
    if not held_out.gate:
        raise SpecError(f"task {task.name!r} holds out no examples for the gate", hint="add held-out examples")
    served = Served(url, key, model)
    completions, load = asyncio.run(_measure(served, held_out, spec.constraints, spec.training.seed, progress))
    verdict = judge(
        spec.constraints,
        slice_modes,
        _judged(task, held_out.gate, completions, teacher_answers),
        load,
        model=model,
        judged_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    try:
        store.create(layout.VERDICT, verdict)
    except FileExistsError as error:
        raise _judged_already(store) from error
    return verdict


async def _measure(
    served: Served, held_out: HeldOut, constraints: Constraints, seed: int, progress: Progress
) -> tuple[list[Completion], LoadTimes]:
    prompts = [example.prompt for example in held_out.gate]
    longest = constraints.load.completion_tokens
    completions = await answers(
        served, prompts, longest, CONCURRENCY, lambda done, total: progress("gate: answers", done, total)
    )
    others = [example.prompt for example in held_out.validation or held_out.gate]
    loads = sized_prompts(others, constraints.load.prompt_tokens, list(zip(prompts, completions, strict=True)))
    times = await load_times(
        served, loads, constraints, seed, lambda done, total: progress("gate: latency", done, total)
    )
    return completions, times


def _judged(
    task: Task, examples: Sequence[Example], completions: Sequence[Completion], teacher_answers: TeacherAnswers
) -> list[Judged]:
    taught = {answer.prompt: answer.completion for answer in teacher_answers.answers}
    judged = []
    for example, completion in zip(examples, completions, strict=True):
        teacher = taught.get(example.prompt)
        judged.append(
            Judged(
                prompt=example.prompt,
                expected=example.answer,
                slice=example.slice,
                student=completion.text,
                student_right=task.verify(example, completion.text),
                teacher=teacher,
                teacher_right=None if teacher is None else task.verify(example, teacher),
            )
        )
    return judged


def _judged_already(store: Store) -> IntegrityError:
    return IntegrityError(
        f"{store.url} was judged already, and the gate's split is read once",
        hint="`stratos report` shows the verdict; a new run has a gate of its own",
    )
