"""The student before its first step: its weights, its tokenizer, and whether it speaks the teacher's tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stratos.distill.teacher_cache import Record
from stratos.models.student import load_model, new_student
from stratos.models.teacher import TeacherModel
from stratos.models.tokenizer import train_tokenizer
from stratos.spec.model import Student
from stratos.tasks.base import Task

_COMPARED_TEXTS = 64


@dataclass(frozen=True, slots=True)
class Pupil:
    """A student to be trained."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    pretrained: bool

    @property
    def context(self) -> int:
        return int(self.model.config.max_position_embeddings)

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())


def load_pretrained(student: Student) -> Pupil | None:
    """The student that is fine-tuned; None for one that is trained from scratch. Raises as `load_model` does."""
    if student.source is None:
        return None
    return Pupil(*load_model(student.source), pretrained=True)


def speaks_as(student: Student, pretrained: Pupil | None, teacher: TeacherModel, texts: Sequence[str]) -> bool:
    """Whether the student's tokens are the teacher's, so that it can learn from the teacher's distributions.

    A pretrained student's are where both have the same vocabulary and end, and write `texts` alike.
    """
    if pretrained is None:
        return student.tokenizer == "teacher"
    mine, others = pretrained.tokenizer, teacher.tokenizer
    if mine.get_vocab() != others.get_vocab() or mine.eos_token_id != others.eos_token_id:
        return False
    return all(_tokens(mine, text) == _tokens(others, text) for text in texts[:_COMPARED_TEXTS])


def new_pupil(
    student: Student, task: Task, records: Sequence[Record], teacher: Callable[[], TeacherModel], seed: int
) -> Pupil:
    """A student from scratch, with a tokenizer trained on the records or with the teacher's own."""
    assert student.shape is not None
    if student.tokenizer == "teacher":
        tokenizer = teacher().tokenizer
    else:
        texts = chain.from_iterable((record.prompt, record.answer) for record in records)
        tokenizer = train_tokenizer(texts, student.shape.vocab_size, task.spelling)
    return Pupil(new_student(student.shape, tokenizer, seed), tokenizer, pretrained=False)


def _tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
