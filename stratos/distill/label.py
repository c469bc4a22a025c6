"""Labelling: the teacher answers, the verifier keeps what is right, and shards remember it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stratos.distill.teacher_cache import Record, read_notes, write_shard
from stratos.models.teacher import TeacherModel
from stratos.tasks.base import Example, Task

_QUESTIONS, _ASKED, _ACCEPTED = "questions", "asked", "accepted"


@dataclass(frozen=True, slots=True)
class Labelled:
    """What labelling came to, over all its restarts."""

    asked: int
    accepted: int
    complete: bool

    @property
    def rejected(self) -> int:
        return self.asked - self.accepted


def label(
    teacher: TeacherModel,
    task: Task,
    examples: Sequence[Example],
    *,
    top_k: int,
    max_new_tokens: int,
    folder: Path,
    shard_size: int = 64,
    with_distributions: bool = True,
    on_progress: Callable[[int], None] = lambda _done: None,
    stop: Callable[[], bool] = lambda: False,
) -> Labelled:
    """Asks the teacher shard by shard and keeps, in `folder`, its completions that `task.verify` accepts.

    A shard that is there already for the same questions is not asked again, so that a killed labelling goes on where
    it was. `stop()` is asked before each shard that is yet to be asked. Without distributions (a student of other
    tokens than the teacher's) only the text is kept.
    """
    asked = accepted = 0
    for start in range(0, len(examples), shard_size):
        part = examples[start : start + shard_size]
        path = folder / f"shard-{start // shard_size:05}.parquet"
        questions = _hash(part, max_new_tokens, top_k if with_distributions else 0)
        notes = read_notes(path) if path.exists() else {}
        if notes.get(_QUESTIONS) != questions:
            if stop():
                return Labelled(asked, accepted, complete=False)
            records = _ask(teacher, task, part, max_new_tokens, top_k if with_distributions else 0)
            notes = {_QUESTIONS: questions, _ASKED: str(len(part)), _ACCEPTED: str(len(records))}
            write_shard(path, records, notes)
        asked += int(notes[_ASKED])
        accepted += int(notes[_ACCEPTED])
        on_progress(asked)
    return Labelled(asked, accepted, complete=True)


def _ask(
    teacher: TeacherModel, task: Task, examples: Sequence[Example], max_new_tokens: int, top_k: int
) -> list[Record]:
    """Records of the right answers; with distributions where top_k is above 0."""
    completions = teacher.complete([example.prompt for example in examples], max_new_tokens)
    right = [(e, text) for e, text in zip(examples, completions, strict=True) if task.verify(e, text)]
    if not top_k:
        return [Record(e.prompt, text, e.slice, "alignment") for e, text in right]
    held = teacher.top_k([e.prompt for e, _ in right], [text for _, text in right], top_k)
    return [Record(e.prompt, text, e.slice, "alignment", d) for (e, text), d in zip(right, held, strict=True)]


def _hash(examples: Sequence[Example], max_new_tokens: int, top_k: int) -> str:
    asked = [[example.prompt, example.answer, example.slice] for example in examples]
    return hashlib.sha256(json.dumps([max_new_tokens, top_k, asked]).encode()).hexdigest()
