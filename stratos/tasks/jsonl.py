"""The JSONL task: the user's own prompts and answers, verifier and synthesiser."""

from __future__ import annotations

import hashlib
import json
import random
import re
import unicodedata
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from stratos.errors import SpecError, StratosError
from stratos.spec.model import JsonlTask
from stratos.tasks.base import Example, HeldOut
from stratos.tasks.user_code import user_synthesiser, user_verifier
from stratos.tasks.verifiers import BUILT_IN

_HINT = 'Each line is a JSON object such as {"prompt": "2+2=", "answer": "4", "slice": "sums"}; slice is optional.'
_PUNCTUATION = ".,;:?!\"'`…¿¡"
_STRAIGHT_QUOTES = str.maketrans("‘’“”", "''\"\"")
_AROUND_OPERATOR = re.compile(r" ?([-+*/=<>%]) ?")


class Jsonl:
    """Prompts and answers from files. Everything is read and validated when the task is made."""

    name = "jsonl"
    spelling = None

    def __init__(self, spec: JsonlTask) -> None:
        """Raises SpecError with the file and line where one is wrong, and where a function cannot be had."""
        self._spec = spec
        beside = spec.held_out.parent
        self._verifier = BUILT_IN.get(spec.verifier) or user_verifier(spec.verifier, beside)
        self._synthesiser = user_synthesiser(spec.synthesiser, beside) if spec.synthesiser else None
        self._held_out = self._split(self._read(spec.held_out))
        self._training = tuple(self._read(spec.training)) if spec.training else ()

    @property
    def can_synthesise(self) -> bool:
        return self._synthesiser is not None

    def held_out(self) -> HeldOut:
        """Each prompt once. A hash of the prompt orders and splits them, so that the order of the lines is nothing."""
        return self._held_out

    def training(self) -> Sequence[Example]:
        return self._training

    def synthesise(self, rng: random.Random) -> Example:
        """An example by the user's function. Raises StratosError where its own answer does not pass the verifier."""
        if self._synthesiser is None:
            raise SpecError(
                "this task has no synthesiser", hint="Set task.synthesiser to module:function, or align instead."
            )
        function = f"synthesiser {self._spec.synthesiser}"
        example = _as_example(self._synthesiser(rng), function)
        if not self.verify(example, example.answer):
            raise StratosError(
                f"{function}: the {self._spec.verifier} verifier rejects its answer {example.answer[:80]!r} "
                f"to {example.prompt[:80]!r}",
                hint="Mend the synthesiser, or choose the verifier that fits its answers.",
            )
        return example

    def verify(self, example: Example, completion: str) -> bool:
        return self._verifier(example.prompt, example.answer, completion)

    def teacher_prompt(self, prompt: str) -> str:
        instructions = self._spec.instructions.strip()
        return f"{instructions}\n\n{prompt}" if instructions else prompt

    def canonical(self, prompt: str) -> str:
        """Without case, without punctuation at the edges of words, without white space beyond single spaces.

        Digits, operators, brackets and what stands inside a word stay: 12+13, 12-13 and 12+14 differ.
        """
        text = unicodedata.normalize("NFC", prompt).casefold().translate(_STRAIGHT_QUOTES)
        words = " ".join(filter(None, map(_without_punctuation, text.split())))
        return _AROUND_OPERATOR.sub(r"\1", words) or text.strip()

    def _read(self, file: Path) -> list[Example]:
        """The examples of one file. With a built-in verifier, each answer is one that it can read."""
        examples = []
        for number, line in enumerate(_lines(file), 1):
            if line.strip():
                where = f"{file}:{number}"
                example = _parse(line, where)
                self._check_answer(example, where)
                examples.append(example)
        if not examples:
            raise SpecError(f"{file} holds no examples", hint=_HINT)
        return examples

    def _check_answer(self, example: Example, where: str) -> None:
        if self._spec.verifier in BUILT_IN and not self.verify(example, example.answer):
            wanted = {"numeric": "a number", "choice": "a letter from A to J"}.get(self._spec.verifier, "an answer")
            raise SpecError(
                f"{where}: the answer {example.answer[:80]!r} is not {wanted}",
                hint=f"The {self._spec.verifier} verifier needs one; task.verifier names others.",
            )

    def _split(self, examples: Sequence[Example]) -> HeldOut:
        """Near duplicates stay on one side, so that no choice made on validation can know the gate."""
        groups: dict[str, dict[str, Example]] = {}
        for example in examples:
            key = hashlib.sha256(self.canonical(example.prompt).encode()).hexdigest()
            groups.setdefault(key, {}).setdefault(example.prompt, example)
        if len(groups) < 2:
            raise SpecError(
                f"{self._spec.held_out} holds {len(groups)} prompt that is no duplicate; at least 2 are needed, "
                "one for validation and one for the gate",
                hint="Add held-out examples: a few hundred give intervals of a few per cent.",
            )
        ordered = [tuple(groups[key][prompt] for prompt in sorted(groups[key])) for key in sorted(groups)]
        cut = min(max(round(len(ordered) * self._spec.validation_fraction), 1), len(ordered) - 1)
        return HeldOut(validation=tuple(chain(*ordered[:cut])), gate=tuple(chain(*ordered[cut:])))


def _lines(file: Path) -> list[bytes]:
    try:
        return file.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise SpecError(
            f"{file} cannot be read: {error.strerror}", hint="Name a JSON Lines file in the task."
        ) from error


def _parse(line: bytes, where: str) -> Example:
    try:
        record = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise SpecError(f"{where}: byte {error.start + 1} is not UTF-8", hint="Save the file as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise SpecError(f"{where}: not JSON at column {error.colno}: {error.msg}", hint=_HINT) from error
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{where}: not JSON that can be read: {error}", hint=_HINT) from error
    if not isinstance(record, dict):
        raise SpecError(f"{where}: a JSON {type(record).__name__}, not an object", hint=_HINT)
    return _as_example(record, where)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _as_example(record: object, where: str) -> Example:
    """An example from a dict, or from a tuple in the order prompt, answer, slice. Raises SpecError."""
    if isinstance(record, tuple) and len(record) in (2, 3):
        record = dict(zip(("prompt", "answer", "slice"), record, strict=False))
    if not isinstance(record, dict):
        raise SpecError(f"{where}: {record!r:.80} is no dict and no tuple of prompt, answer and slice", hint=_HINT)
    answer = record.get("answer")
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        record = {**record, "answer": str(answer)}
    for key in ("prompt", "answer"):
        if key not in record:
            raise SpecError(f"{where}: the key {key!r} is missing", hint=_HINT)
    part = record.get("slice")
    return Example(
        prompt=_text(record["prompt"], "prompt", where),
        answer=_text(record["answer"], "answer", where),
        slice="all" if part is None else _text(part, "slice", where),
    )


def _text(value: object, key: str, where: str) -> str:
    if not isinstance(value, str):
        also = " or a number" if key == "answer" else ""
        raise SpecError(f"{where}: {key} is {value!r:.80}; it must be text{also}", hint=_HINT)
    if not value.strip():
        raise SpecError(f"{where}: {key} is empty", hint=_HINT)
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise SpecError(f"{where}: {key} holds half of a surrogate pair", hint="Escape such characters as a pair.")
    return value


def _without_punctuation(word: str) -> str:
    """The word without punctuation at its edges, but for the point of .5 and the mark of 5!."""
    opened = word.lstrip(_PUNCTUATION)
    core = opened.rstrip(_PUNCTUATION)
    before, behind = word[: len(word) - len(opened)], opened[len(core) :]
    point = "." if before.endswith(".") and core[:1].isdigit() else ""
    mark = "!" if behind.startswith("!") and core[-1:].isdigit() else ""
    return f"{point}{core}{mark}"
