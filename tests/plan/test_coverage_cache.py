"""Coverage is kept for the same task and the same teacher's files, and for nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stratos.errors import SpecError
from stratos.plan.coverage_cache import fingerprint, load_coverage, save_coverage
from stratos.plan.intervals import wilson
from stratos.plan.model import Coverage, SliceCoverage
from stratos.spec.model import JsonlTask, MahjongTask, Teacher

MAHJONG = MahjongTask(kind="mahjong")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATOS_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_what_was_saved_is_loaded_by_its_fingerprint(folder: Path) -> None:
    coverage = _coverage(fingerprint(MAHJONG, Teacher(name="t", source=str(folder))))
    save_coverage(coverage)
    assert load_coverage(coverage.fingerprint) == coverage
    assert load_coverage("f" * 64) is None


def test_other_weights_under_the_same_name_are_probed_again(folder: Path) -> None:
    teacher = Teacher(name="t", source=str(folder))
    before = fingerprint(MAHJONG, teacher)
    assert fingerprint(MAHJONG, teacher) == before
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert fingerprint(MAHJONG, teacher) != before


def test_another_task_or_prompt_is_probed_again(folder: Path) -> None:
    teacher = Teacher(name="t", source=str(folder))
    keys = {
        fingerprint(MAHJONG, teacher),
        fingerprint(MahjongTask(kind="mahjong", seed=1), teacher),
        fingerprint(MAHJONG, Teacher(name="t", source=str(folder), prompt="raw")),
    }
    assert len(keys) == 3


def test_other_held_out_examples_are_probed_again(folder: Path, tmp_path: Path) -> None:
    held_out = tmp_path / "held_out.jsonl"
    held_out.write_text('{"prompt": "1", "answer": "1"}\n')
    task = JsonlTask(kind="jsonl", held_out=held_out)
    teacher = Teacher(name="t", source=str(folder))
    before = fingerprint(task, teacher)
    held_out.write_text('{"prompt": "1", "answer": "12"}\n')
    assert fingerprint(task, teacher) != before


def test_a_broken_cache_file_counts_as_none(folder: Path, tmp_path: Path) -> None:
    coverage = _coverage(fingerprint(MAHJONG, Teacher(name="t", source=str(folder))))
    save_coverage(coverage)
    (saved,) = (tmp_path / "home" / "cache" / "coverage").iterdir()
    saved.write_text(saved.read_text()[:40])
    assert load_coverage(coverage.fingerprint) is None


def test_a_teacher_that_is_not_there_is_an_error_of_the_spec(tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        fingerprint(MAHJONG, Teacher(name="t", source=str(tmp_path / "missing")))


def _coverage(key: str) -> Coverage:
    part = SliceCoverage(right=3, asked=48, share=wilson(3, 48))
    return Coverage(teacher="t", fingerprint=key, slices={"all": part}, overall=part, seconds=12.5, usd=0.0003)
