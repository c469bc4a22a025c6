"""Verified examples for training: the task's own and reverse-synthesised ones, none of them held out."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count as numbers
from itertools import islice
from pathlib import Path
from typing import Literal

from stratos.distill.teacher_cache import Record, read_notes, read_shard, write_shard
from stratos.tasks.base import Example, HeldOut, Task
from stratos.tasks.leakage import HeldOutFilter

SHARD_SIZE = 2048
_DRAWS_A_PLACE = 40
_REPEATS_TO_GIVE_UP = 2000

Mode = Literal["alignment", "injection"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which slices a mode takes, and whether each should have an equal share.

    A slice that nobody decided about is injected: what the verifier accepts is right, whatever the teacher knows.
    """

    mode: Mode
    slice_modes: dict[str, Mode]

    def takes(self, name: str) -> bool:
        return self.slice_modes.get(name, "injection") == self.mode

    @property
    def slices(self) -> int:
        return sum(mode == self.mode for mode in self.slice_modes.values())

    def most_of_a_slice(self, size: int) -> int:
        """Of `size` places. With every slice in one mode the task's own proportions stay."""
        if self.slices in (0, len(self.slice_modes)):
            return size
        return -(-size // self.slices)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Examples that may be trained on, and how many were left out: by `rejected`, `exact`, `near` and `repeat`."""

    examples: list[Example]
    dropped: Counter[str] = field(default_factory=Counter)

    def add(self, more: Drawn) -> None:
        self.examples.extend(more.examples)
        self.dropped.update(more.dropped)


def inject(
    task: Task,
    held_out: HeldOut,
    wanted: Wanted,
    *,
    count: int,
    seed: int,
    folder: Path,
    shard_size: int = SHARD_SIZE,
    on_progress: Callable[[int], None] = lambda _done: None,
    stop: Callable[[], bool] = lambda: False,
) -> Drawn:
    """`count` examples for injection, kept in `folder` shard by shard; fewer where the task has no more.

    The task's training examples come first. A shard is a pure function of the seed, its number and the shards before
    it, and one that is there is not made again. `stop()` is asked before each shard that is yet to be made.
    """
    leakage, given = HeldOutFilter(task, held_out), _given(task, wanted)
    made = 0

    def shard(number: int, draws: Iterable[Example], size: int) -> Drawn | None:
        nonlocal made
        path = folder / f"shard-{number:05}.parquet"
        if path.exists():
            part = _remembered(path, leakage)
        elif stop():
            return None
        else:
            part = _take(draws, task, leakage, wanted, size)
            write_shard(path, [Record(e.prompt, e.answer, e.slice, "injection") for e in part.examples], _notes(part))
        made += len(part.examples)
        on_progress(made)
        return part

    return _gather(_sources(task, given, wanted, seed, shard_size), max(count, len(given)), shard_size, shard)


def questions(
    task: Task, held_out: HeldOut, wanted: Wanted, *, count: int, seed: int, shard_size: int = SHARD_SIZE
) -> Drawn:
    """At most `count` examples whose prompts a teacher may be asked for training; always the same for a seed."""
    leakage = HeldOutFilter(task, held_out)
    sources = _sources(task, _given(task, wanted), wanted, seed, shard_size)
    return _gather(sources, count, shard_size, lambda _, draws, size: _take(draws, task, leakage, wanted, size))


def _given(task: Task, wanted: Wanted) -> list[Example]:
    return [example for example in task.training() if wanted.takes(example.slice)]


def _sources(
    task: Task, given: list[Example], wanted: Wanted, seed: int, size: int
) -> Iterator[tuple[Iterable[Example], bool]]:
    """What each shard draws from, and whether that is synthesised: the task's own examples first, then without end."""
    for start in range(0, len(given), size):
        yield given[start : start + size], False
    for number in numbers() if task.can_synthesise else ():
        rng = random.Random(f"{wanted.mode} {seed} {number}")
        yield islice(_synthesised(task, rng), _DRAWS_A_PLACE * size), True


def _gather(
    sources: Iterable[tuple[Iterable[Example], bool]],
    most: int,
    size: int,
    shard: Callable[[int, Iterable[Example], int], Drawn | None],
) -> Drawn:
    """Shards, until there are `most` examples, synthesis gives nothing new, or a shard is not made."""
    drawn = Drawn([])
    for number, (draws, synthesised) in enumerate(sources):
        part = shard(number, draws, min(size, most - len(drawn.examples)))
        if part is None:
            break
        drawn.add(part)
        if len(drawn.examples) >= most or (synthesised and not part.examples):
            break
    return drawn


def _synthesised(task: Task, rng: random.Random) -> Iterator[Example]:
    while True:
        yield task.synthesise(rng)


def _take(draws: Iterable[Example], task: Task, leakage: HeldOutFilter, wanted: Wanted, size: int) -> Drawn:
    """Up to `size` examples that are wanted, verified, not held out and new; gives up where only repeats come."""
    taken = Drawn([])
    by_slice: Counter[str] = Counter()
    most, repeats = wanted.most_of_a_slice(size), 0
    for example in draws:
        if len(taken.examples) == size or repeats == _REPEATS_TO_GIVE_UP:
            break
        if not wanted.takes(example.slice) or by_slice[example.slice] >= most:
            continue
        finding = leakage.check(example) if task.verify(example, example.answer) else "rejected"
        if finding != "new":
            taken.dropped[finding] += 1
            repeats += finding == "repeat"
            continue
        taken.examples.append(example)
        by_slice[example.slice] += 1
        repeats = 0
    return taken


def _notes(part: Drawn) -> dict[str, str]:
    return {name: str(count) for name, count in part.dropped.items()}


def _remembered(path: Path, leakage: HeldOutFilter) -> Drawn:
    """A shard that was made before; the filter is told of what it let through."""
    part = Drawn([Example(record.prompt, record.answer, record.slice) for record in read_shard(path)])
    for example in part.examples:
        leakage.check(example)
    part.dropped.update({name: int(count) for name, count in read_notes(path).items() if count.isdigit()})
    return part
