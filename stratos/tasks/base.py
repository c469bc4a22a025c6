"""What a task is: examples, a verifier, and optionally a reverse synthesiser."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Example:
    """One question with its right answer; `slice` names the part of the domain it belongs to."""

    prompt: str
    answer: str
    slice: str = "all"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Examples that are never trained on. `validation` serves probe and training; `gate` is read once, by the gate."""

    validation: tuple[Example, ...]
    gate: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a domain writes its texts, for a tokenizer that is trained on them.

    `unit` is a regular expression for what should stay one token. `marks` are pairs of a regular expression that
    matches places (of no width) and an invisible control character that the tokenizer puts there: what the notation
    leaves to a later character, such as the suit of a tile, is then known at once. Decoding leaves the marks out.
    """

    unit: str
    marks: tuple[tuple[str, str], ...] = ()


class Task(Protocol):
    """A domain to learn. Implementations are pure: the same spec gives the same examples."""

    @property
    def name(self) -> str: ...

    @property
    def can_synthesise(self) -> bool:
        """Whether `synthesise` works (reverse synthesis, which Knowledge Injection needs)."""
        ...

    @property
    def spelling(self) -> Spelling | None:
        """How the tokenizer of a student trained from scratch should split texts; None for plain byte-level BPE."""
        ...

    def held_out(self) -> HeldOut: ...

    def training(self) -> Sequence[Example]:
        """Examples given by the user for training; empty where there are none."""
        ...

    def synthesise(self, rng: random.Random) -> Example:
        """A new example by reverse synthesis: from an answer to its question.

        Raises SpecError where the task has no synthesiser.
        """
        ...

    def verify(self, example: Example, completion: str) -> bool:
        """Whether `completion` answers `example.prompt`. Never raises on strange completions."""
        ...

    def teacher_prompt(self, prompt: str) -> str:
        """The prompt with the task's rules and worked examples, for a model that was not trained on the task."""
        ...

    def canonical(self, prompt: str) -> str:
        """A form that two prompts share only where one is a near duplicate of the other. Never raises."""
        ...
