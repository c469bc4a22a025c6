"""Injection: only verified, new, not held-out examples, the same ones for a seed, whatever kills it on the way."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from stratos.distill.inject import Wanted, inject, questions
from stratos.distill.teacher_cache import read_shards
from stratos.spec.model import JsonlTask, MahjongTask
from stratos.tasks import load_task
from stratos.tasks.base import Task
from stratos.tasks.leakage import HeldOutFilter

ALL = Wanted("injection", {"mixed": "injection", "one-suit": "injection"})

_SYNTH = '''
def make(rng):
    """Sums of numbers below 12 that are not 7, in two slices."""
    a, b = 3, 4
    while a + b == 7:
        a, b = rng.randrange(12), rng.randrange(12)
    return {"prompt": f"{a}+{b}=", "answer": str(a + b), "slice": "large" if a > 9 and b > 9 else "small"}

def accept(prompt, answer, completion):
    return completion == answer and completion != "7"
'''


@pytest.fixture(scope="module")
def mahjong() -> Task:
    return load_task(MahjongTask(kind="mahjong", gate_examples=64, validation_examples=32))


@pytest.fixture
def sums(tmp_path: Path) -> Task:
    (tmp_path / "sums_synth.py").write_text(_SYNTH)
    _write(tmp_path / "held.jsonl", [(1, 1), (2, 2), (3, 3), (11, 11)])
    _write(tmp_path / "given.jsonl", [(40, 2), (1, 1), (0, 7), (50, 8)])
    return load_task(
        JsonlTask(
            kind="jsonl",
            held_out=tmp_path / "held.jsonl",
            training=tmp_path / "given.jsonl",
            verifier="sums_synth:accept",
            synthesiser="sums_synth:make",
        )
    )


def _write(path: Path, pairs: list[tuple[int, int]]) -> None:
    lines = [{"prompt": f"{a}+{b}=", "answer": str(a + b), "slice": "small"} for a, b in pairs]
    path.write_text("\n".join(map(json.dumps, lines)))


def test_what_is_kept_is_verified_new_and_not_held_out(mahjong: Task, tmp_path: Path) -> None:
    held = mahjong.held_out()
    drawn = inject(mahjong, held, ALL, count=3000, seed=1, folder=tmp_path, shard_size=1000)
    assert len(drawn.examples) == 3000
    assert all(mahjong.verify(example, example.answer) for example in drawn.examples)
    assert len({example.prompt for example in drawn.examples}) == 3000
    forms = {mahjong.canonical(example.prompt) for example in (*held.validation, *held.gate)}
    assert not forms & {mahjong.canonical(example.prompt) for example in drawn.examples}
    records = read_shards(tmp_path)
    assert [record.prompt for record in records] == [example.prompt for example in drawn.examples]
    assert {(record.mode, record.distributions) for record in records} == {("injection", None)}


def test_it_goes_on_where_it_was_killed_and_ends_in_the_same(mahjong: Task, tmp_path: Path) -> None:
    held = mahjong.held_out()
    whole = inject(mahjong, held, ALL, count=2500, seed=1, folder=tmp_path / "whole", shard_size=500)
    asked = 0

    def killed() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    part = inject(mahjong, held, ALL, count=2500, seed=1, folder=tmp_path / "cut", shard_size=500, stop=killed)
    assert len(part.examples) == 1000
    made = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cut").iterdir()}
    again = inject(mahjong, held, ALL, count=2500, seed=1, folder=tmp_path / "cut", shard_size=500)
    assert again == whole
    assert all((tmp_path / "cut" / name).stat().st_mtime_ns == at for name, at in made.items())
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "cut" / path.name).read_bytes()
    other = inject(mahjong, held, ALL, count=500, seed=2, folder=tmp_path / "other", shard_size=500)
    assert other.examples != whole.examples[:500]


def test_only_injected_slices_are_drawn_and_balanced(mahjong: Task, tmp_path: Path) -> None:
    rare = Wanted("injection", {"mixed": "alignment", "one-suit": "injection"})
    drawn = inject(mahjong, mahjong.held_out(), rare, count=60, seed=0, folder=tmp_path / "rare", shard_size=60)
    assert {example.slice for example in drawn.examples} == {"one-suit"}
    both = Wanted("injection", {"mixed": "injection", "one-suit": "injection", "other": "alignment"})
    drawn = inject(mahjong, mahjong.held_out(), both, count=40, seed=0, folder=tmp_path / "both", shard_size=40)
    counts = Counter(example.slice for example in drawn.examples)
    assert counts.total() == 40
    assert counts["one-suit"] >= 8


def test_given_examples_come_first_and_every_drop_is_counted(sums: Task, tmp_path: Path) -> None:
    wanted = Wanted("injection", {"small": "injection", "large": "injection"})
    drawn = inject(sums, sums.held_out(), wanted, count=1000, seed=0, folder=tmp_path / "d", shard_size=400)
    prompts = [example.prompt for example in drawn.examples]
    assert prompts[:2] == ["40+2=", "50+8="]
    assert drawn.dropped["exact"] > 0
    assert drawn.dropped["rejected"] > 0
    assert drawn.dropped["repeat"] > 0
    assert not {"1+1=", "0+7=", "11+11="} & set(prompts)
    possible = {f"{a}+{b}=" for a in range(12) for b in range(12) if a + b != 7} | {"40+2=", "50+8="}
    left = possible - {
        example.prompt for part in (sums.held_out().validation, sums.held_out().gate) for example in part
    }
    assert set(prompts) == left
    again = inject(sums, sums.held_out(), wanted, count=1000, seed=0, folder=tmp_path / "d", shard_size=400)
    assert again == drawn


def test_questions_for_a_teacher_are_of_its_slices_only(sums: Task) -> None:
    wanted = Wanted("alignment", {"small": "alignment", "large": "injection"})
    asked = questions(sums, sums.held_out(), wanted, count=30, seed=0)
    assert len(asked.examples) == 30
    assert {example.slice for example in asked.examples} == {"small"}
    assert asked == questions(sums, sums.held_out(), wanted, count=30, seed=0)
    leakage = HeldOutFilter(sums, sums.held_out())
    assert all(leakage.check(example) == "new" for example in asked.examples)
    assert questions(sums, sums.held_out(), wanted, count=1, seed=0).examples == asked.examples[:1]
