"""Labelling: what the verifier accepts is kept with its distributions, shard by shard, never asked twice."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from tiny import tiny_teacher

from stratos.distill.label import Labelled, label
from stratos.distill.teacher_cache import Record, read_notes, read_shard, read_shards, write_shard
from stratos.errors import IntegrityError
from stratos.models.student import load_model
from stratos.models.teacher import TeacherModel, TokenDistributions
from stratos.models.text import encode_answer
from stratos.tasks.base import Example, HeldOut

EXAMPLES = [Example(f"{number} is", str(number), f"slice {number % 2}") for number in range(20)]


class Parity:
    """Accepts completions whose characters' codes add up to an even number: about half of a random model's."""

    name = "parity"
    can_synthesise = False

    def held_out(self) -> HeldOut:
        return HeldOut((), ())

    def training(self) -> Sequence[Example]:
        return EXAMPLES

    def synthesise(self, rng: random.Random) -> Example:
        raise NotImplementedError

    def verify(self, example: Example, completion: str) -> bool:
        return sum(map(ord, completion)) % 2 == 0

    def teacher_prompt(self, prompt: str) -> str:
        return f"Go on: {prompt}"

    def canonical(self, prompt: str) -> str:
        return prompt


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> TeacherModel:
    return TeacherModel(*load_model(str(tiny_teacher(tmp_path_factory.mktemp("teacher")))), Parity().teacher_prompt)


def _label(teacher: TeacherModel, folder: Path, **settings) -> Labelled:
    return label(teacher, Parity(), EXAMPLES, **{"top_k": 5, "max_new_tokens": 6, "folder": folder, **settings})


def test_it_keeps_what_the_verifier_accepts(teacher: TeacherModel, tmp_path: Path) -> None:
    seen: list[int] = []
    labelled = _label(teacher, tmp_path, shard_size=8, on_progress=seen.append)
    records = read_shards(tmp_path)
    completions = teacher.complete([example.prompt for example in EXAMPLES], 6)
    right = [(e, text) for e, text in zip(EXAMPLES, completions, strict=True) if Parity().verify(e, text)]
    assert 0 < len(right) < len(EXAMPLES)
    assert [(r.prompt, r.answer, r.slice) for r in records] == [(e.prompt, text, e.slice) for e, text in right]
    assert {record.mode for record in records} == {"alignment"}
    assert labelled == Labelled(asked=20, accepted=len(right), complete=True)
    assert labelled.rejected == 20 - len(right)
    assert seen == [8, 16, 20]


def test_distributions_come_back_as_the_teacher_gave_them(teacher: TeacherModel, tmp_path: Path) -> None:
    _label(teacher, tmp_path, shard_size=20)
    records = read_shards(tmp_path)
    expected = teacher.top_k([r.prompt for r in records], [r.answer for r in records], 5)
    for record, plain in zip(records, expected, strict=True):
        held = record.distributions
        assert held is not None
        assert held.ids.shape == (len(encode_answer(teacher.tokenizer, record.answer)), 5)
        assert torch.equal(held.ids, plain.ids)
        torch.testing.assert_close(held.logprobs, plain.logprobs)
        torch.testing.assert_close(held.tail_logprob, plain.tail_logprob)


def test_a_stopped_labelling_goes_on_and_ends_in_the_same_shards(teacher: TeacherModel, tmp_path: Path) -> None:
    whole = _label(teacher, tmp_path / "whole", shard_size=6)
    answers = iter([False, False, True])
    part = _label(teacher, tmp_path / "parts", shard_size=6, stop=lambda: next(answers))
    assert (part.asked, part.complete) == (12, False)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").iterdir()}
    assert _label(teacher, tmp_path / "parts", shard_size=6) == whole
    assert {path: path.stat().st_mtime_ns for path in before} == before
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "parts").iterdir())
    for name in names:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_a_finished_labelling_asks_nothing(teacher: TeacherModel, tmp_path: Path) -> None:
    whole = _label(teacher, tmp_path)
    seen: list[int] = []
    assert _label(teacher, tmp_path, on_progress=seen.append, stop=lambda: True) == whole
    assert seen == [20]


def test_shards_of_other_questions_are_asked_again(teacher: TeacherModel, tmp_path: Path) -> None:
    _label(teacher, tmp_path, max_new_tokens=2)
    _label(teacher, tmp_path)
    assert {len(encode_answer(teacher.tokenizer, r.answer)) for r in read_shards(tmp_path)} != {3}
    assert len(list(tmp_path.iterdir())) == 1


def test_text_alone_for_a_student_of_other_tokens(teacher: TeacherModel, tmp_path: Path) -> None:
    _label(teacher, tmp_path / "text", with_distributions=False)
    _label(teacher, tmp_path / "full")
    text, full = read_shards(tmp_path / "text"), read_shards(tmp_path / "full")
    assert [(r.prompt, r.answer) for r in text] == [(r.prompt, r.answer) for r in full]
    assert all(record.distributions is None for record in text)


def test_a_shard_without_records_is_read_as_such(tmp_path: Path) -> None:
    write_shard(tmp_path / "empty.parquet", [], {"asked": "3"})
    assert read_shards(tmp_path) == []
    assert read_notes(tmp_path / "empty.parquet") == {"asked": "3"}
    assert read_shards(tmp_path / "nowhere") == []


def test_records_of_both_modes_share_a_shard(tmp_path: Path) -> None:
    held = TokenDistributions(
        torch.tensor([[3, 1]], dtype=torch.int32), torch.tensor([[-0.5, -1.0]]), torch.tensor([-torch.inf])
    )
    records = [Record("東?", "13m", "a", "injection"), Record("q", "", "b", "alignment", held)]
    write_shard(tmp_path / "s.parquet", records)
    first, second = read_shard(tmp_path / "s.parquet")
    assert first == records[0]
    assert second.distributions is not None
    assert second.distributions.tail_logprob.item() == -torch.inf
    assert second.distributions.ids.tolist() == [[3, 1]]


def test_damaged_and_foreign_shards_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    write_shard(path, [Record("q", "a", "all", "injection")], {"stratos.teacher_cache": "7"})
    assert read_shard(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(IntegrityError, match="not a readable shard"):
        read_shard(path)


def test_another_schema_version_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"prompt": ["q"]}).replace_schema_metadata({"stratos.teacher_cache": "99"})
    pq.write_table(table, tmp_path / "new.parquet")
    with pytest.raises(IntegrityError, match="schema version 99"):
        read_shards(tmp_path)
