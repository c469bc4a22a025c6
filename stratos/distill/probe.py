"""The probe: how often the teacher is right on each slice of the task, as counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stratos.models.teacher import BATCH_ROWS, TeacherModel
from stratos.tasks.base import Example, Task


@dataclass(frozen=True, slots=True)
class SliceCount:
    """Right answers out of those asked for."""

    right: int
    asked: int


@dataclass(frozen=True, slots=True)
class Probed:
    """Counts of each slice that was asked about, and how long asking took."""

    slices: dict[str, SliceCount]
    seconds: float
    complete: bool


def choose_probe_examples(validation: Sequence[Example], n: int) -> list[Example]:
    """At most n examples, always the same ones: the first of every slice in turn, then the second ones, and so on."""
    by_slice: dict[str, list[Example]] = {}
    for example in validation:
        by_slice.setdefault(example.slice, []).append(example)
    turns = sorted(
        (place, name, example) for name, members in by_slice.items() for place, example in enumerate(members)
    )
    return [example for _, _, example in turns[:n]]


def probe(
    teacher: TeacherModel,
    task: Task,
    examples: Sequence[Example],
    *,
    max_new_tokens: int,
    on_progress: Callable[[int], None] = lambda _done: None,
    stop: Callable[[], bool] = lambda: False,
    batch_size: int = BATCH_ROWS,
) -> Probed:
    """Asks the teacher batch by batch; after the first one, `stop()` ends it with what was measured so far."""
    started = time.monotonic()
    judged: list[tuple[str, bool]] = []
    for start in range(0, len(examples), batch_size):
        if judged and stop():
            break
        batch = examples[start : start + batch_size]
        completions = teacher.complete([example.prompt for example in batch], max_new_tokens)
        judged += [(e.slice, task.verify(e, text)) for e, text in zip(batch, completions, strict=True)]
        on_progress(len(judged))
    return Probed(_count(judged), time.monotonic() - started, complete=len(judged) == len(examples))


def _count(judged: list[tuple[str, bool]]) -> dict[str, SliceCount]:
    names = sorted({name for name, _ in judged})
    verdicts = {name: [right for slice_name, right in judged if slice_name == name] for name in names}
    return {name: SliceCount(right=sum(found), asked=len(found)) for name, found in verdicts.items()}
