"""Keeps held-out examples, and what is nearly one of them, out of training."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from stratos.tasks.base import Example, HeldOut, Task

Finding = Literal["new", "exact", "near", "repeat"]

_GRAM_WORDS = 5
_PROSE_WORDS = 8
_NEAR_JACCARD = 0.8
_BOILERPLATE_SHARE = 0.1
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")


class HeldOutFilter:
    """Asked of every example before it may enter training."""

    def __init__(self, task: Task, held_out: HeldOut) -> None:
        prompts = [example.prompt for example in (*held_out.validation, *held_out.gate)]
        self._canonical = task.canonical
        self._exact = frozenset(prompts)
        forms = dict.fromkeys(map(task.canonical, prompts))
        self._near = frozenset(forms)
        self._prose = _ProseIndex(forms)
        self._seen: set[str] = set()

    def check(self, example: Example) -> Finding:
        """`exact`: a held-out prompt. `near`: its canonical form is a held-out one's, or as prose it nearly is one.
        `repeat`: it was found new before. `new`: it may be trained on, and is remembered."""
        prompt = example.prompt
        if prompt in self._exact:
            return "exact"
        form = self._canonical(prompt)
        if form in self._near or (form.count(" ") >= _PROSE_WORDS - 1 and self._prose.holds_near(form)):
            return "near"
        if prompt in self._seen:
            return "repeat"
        self._seen.add(prompt)
        return "new"


class _ProseIndex:
    """Word 5-grams of the held-out prompts that have at least 8 words, inverted.

    Grams of more than a tenth of these prompts (and of more than two) are a template's wording: they are counted for
    none. Prompts with different numbers ask different things, however alike their words.
    """

    def __init__(self, forms: Iterable[str]) -> None:
        grams = {form: _grams(form) for form in forms if form.count(" ") >= _PROSE_WORDS - 1}
        holders = Counter(gram for of_one in grams.values() for gram in of_one)
        most = max(2, len(grams) * _BOILERPLATE_SHARE)
        self._boilerplate = frozenset(gram for gram, count in holders.items() if count > most)
        self._prompts: list[tuple[tuple[str, ...], int]] = []
        self._holders: dict[str, list[int]] = {}
        for form, of_one in grams.items():
            telling = of_one - self._boilerplate
            for gram in telling:
                self._holders.setdefault(gram, []).append(len(self._prompts))
            self._prompts.append((_numbers(form), len(telling)))

    def holds_near(self, form: str) -> bool:
        """Whether the Jaccard index with one of the prompts reaches 0.8."""
        telling = _grams(form) - self._boilerplate
        shared = Counter(at for gram in telling for at in self._holders.get(gram, ()))
        if not shared:
            return False
        numbers = _numbers(form)
        for at, count in shared.items():
            of_prompt, size = self._prompts[at]
            if of_prompt == numbers and count >= _NEAR_JACCARD * (len(telling) + size - count):
                return True
        return False


def _grams(form: str) -> frozenset[str]:
    words = form.split(" ")
    return frozenset(" ".join(words[at : at + _GRAM_WORDS]) for at in range(len(words) - _GRAM_WORDS + 1))


def _numbers(form: str) -> tuple[str, ...]:
    return tuple(_NUMBER.findall(form))
