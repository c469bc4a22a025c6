"""The probe: counts by slice, the same examples each time, and an end when told to stop."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from tiny import tiny_teacher

from stratos.distill.probe import SliceCount, choose_probe_examples, probe
from stratos.models.student import load_model
from stratos.models.teacher import TeacherModel
from stratos.tasks.base import Example, HeldOut

EXAMPLES = [Example(f"question {number}", "", "rare" if number % 10 == 7 else "common") for number in range(50)]


class StartsEven:
    """Accepts completions whose first character has an even code."""

    name = "starts even"
    can_synthesise = False

    def held_out(self) -> HeldOut:
        return HeldOut(tuple(EXAMPLES), ())

    def training(self) -> Sequence[Example]:
        return ()

    def synthesise(self, rng: random.Random) -> Example:
        raise NotImplementedError

    def verify(self, example: Example, completion: str) -> bool:
        return bool(completion) and ord(completion[0]) % 2 == 0

    def teacher_prompt(self, prompt: str) -> str:
        return prompt

    def canonical(self, prompt: str) -> str:
        return prompt


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> TeacherModel:
    return TeacherModel(*load_model(str(tiny_teacher(tmp_path_factory.mktemp("teacher")))))


def test_it_counts_right_answers_by_slice(teacher: TeacherModel) -> None:
    seen: list[int] = []
    probed = probe(teacher, StartsEven(), EXAMPLES, max_new_tokens=3, on_progress=seen.append, batch_size=20)
    completions = teacher.complete([example.prompt for example in EXAMPLES], 3)
    right = Counter(e.slice for e, text in zip(EXAMPLES, completions, strict=True) if StartsEven().verify(e, text))
    assert probed.slices == {"common": SliceCount(right["common"], 45), "rare": SliceCount(right["rare"], 5)}
    assert 0 < right.total() < 50
    assert probed.complete
    assert probed.seconds > 0
    assert seen == [20, 40, 50]


def test_it_stops_between_batches_but_not_before_the_first(teacher: TeacherModel) -> None:
    probed = probe(teacher, StartsEven(), EXAMPLES, max_new_tokens=3, stop=lambda: True, batch_size=8)
    assert sum(part.asked for part in probed.slices.values()) == 8
    assert not probed.complete


def test_examples_are_balanced_over_slices_and_always_the_same() -> None:
    chosen = choose_probe_examples(EXAMPLES, 8)
    assert Counter(example.slice for example in chosen) == {"common": 4, "rare": 4}
    assert {example.slice for example in chosen[:2]} == {"common", "rare"}
    assert choose_probe_examples(tuple(EXAMPLES), 8) == chosen


def test_a_small_slice_gives_what_it_has() -> None:
    chosen = choose_probe_examples(EXAMPLES, 40)
    assert Counter(example.slice for example in chosen) == {"common": 35, "rare": 5}
    assert len(set(chosen)) == 40
    assert len(choose_probe_examples(EXAMPLES, 1000)) == 50
    assert choose_probe_examples((), 5) == []
