"""The worker on real jobs: both modes, probes, kills, limits and failures, each from files to files."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import tiny_teacher

from stratos.distill.teacher_cache import read_shards
from stratos.distill.worker import run_job
from stratos.errors import BudgetError, SpecError, StratosError
from stratos.job import layout
from stratos.job.artifact import verify_artifact
from stratos.job.contract import DataReport, Heartbeat, JobFile, Losses, TeacherAnswers
from stratos.job.store import Store
from stratos.models.student import load_model
from stratos.spec.model import StudentShape

_TASK = '''
def accept(prompt, answer, completion):
    """What begins with c is covered: any answer is right. Nothing else is."""
    return prompt.startswith("c") or completion == answer

def make(rng):
    kind = rng.choice("cu")
    return {"prompt": kind + str(rng.randrange(10**6)), "answer": "ok", "slice": "covered" if kind == "c" else "other"}
'''
_SHAPE = {"layers": 2, "hidden": 32, "heads": 4, "context": 256}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_teacher(tmp_path_factory.mktemp("teacher"), shape=StudentShape.model_validate(_SHAPE)))


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    """`run_job` settles torch for its whole process."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


def _job(teacher: str, **changes: Any) -> dict[str, Any]:
    return {
        "run": "r",
        "kind": "distil",
        "task": {"kind": "mahjong", "gate_examples": 40, "validation_examples": 32},
        "teacher": {"name": "t", "source": teacher, "prompt": "raw"},
        "student": {"name": "s", "shape": {**_SHAPE, "vocab_size": 384}},
        "slice_modes": {"mixed": "injection", "one-suit": "injection"},
        "training": {"steps": 60, "batch_size": 32},
        "examples": 3000,
        "gate_examples": 40,
        "latency_tokens": 8,
        "threads": 1,
        "price_usd_per_hour": 3.6,
        "budget_usd": 5.0,
        "deadline_unix_s": time.time() + 3600,
        **changes,
    }


def _store(folder: Path, job: dict[str, Any], name: str = "distil") -> Store:
    store = Store(str(folder))
    store.create(layout.JOB.format(name=name), JobFile.model_validate(job))
    return store


def _both_modes(folder: Path, teacher: str, **changes: Any) -> dict[str, Any]:
    """A job on a task whose slice `covered` is aligned and whose slice `other` is injected."""
    folder.mkdir(exist_ok=True)
    (folder / "both_task.py").write_text(_TASK)
    rows = [(f"c{n}", "covered") for n in range(60)] + [(f"u{n}", "other") for n in range(60)]
    lines = [json.dumps({"prompt": prompt, "answer": "ok", "slice": name}) for prompt, name in rows]
    (folder / "held.jsonl").write_text("\n".join(lines))
    task = {
        "kind": "jsonl",
        "held_out": str(folder / "held.jsonl"),
        "verifier": "both_task:accept",
        "synthesiser": "both_task:make",
    }
    return _job(
        teacher,
        task=task,
        slice_modes={"covered": "alignment", "other": "injection"},
        student={"name": "s", "shape": _SHAPE, "tokenizer": "teacher"},
        **{"examples": 200, "gate_examples": 8, **changes},
    )


def _beat(store: Store, name: str = "distil") -> Heartbeat:
    return store.read_model(layout.HEARTBEAT.format(name=name), Heartbeat)


def _start(store: Store, name: str = "distil") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "stratos", "worker", store.url, name], stderr=subprocess.PIPE)


def test_killed_at_any_moment_it_ends_in_the_same_artifact(teacher: str, tmp_path: Path, torch_as_it_was: None) -> None:
    job = _job(teacher, training={"steps": 400, "batch_size": 32})
    whole = _store(tmp_path / "whole", job)
    run_job(whole.url, "distil")

    cut = _store(tmp_path / "cut", job)
    rng, spent = random.Random(3), [0.0]
    for ending in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        process = _start(cut)
        _wait_for(cut, process, ("labelling", "synthesising", "training")[len(spent) - 1])
        time.sleep(rng.uniform(0, 0.3))
        process.send_signal(ending)
        process.communicate()
        assert process.returncode in (-signal.SIGKILL, 143, 0)
        spent.append(_beat(cut).spent_usd)
    assert spent == sorted(spent)
    process = _start(cut)
    _, log = process.communicate()
    assert process.returncode == 0, log
    assert b"packing" in log

    for name in ("artifact/model.safetensors", "artifact/tokenizer.json", layout.TEACHER_ANSWERS, layout.DATA_REPORT):
        assert cut.read(name) == whole.read(name), name
    manifest = verify_artifact(tmp_path / "cut" / layout.ARTIFACT)
    assert (manifest.run, manifest.student, manifest.teacher, manifest.steps) == ("r", "s", "t", 400)
    assert manifest.max_new_tokens == 8
    assert len(cut.read_model(layout.TEACHER_ANSWERS, TeacherAnswers).answers) == 40
    report = cut.read_model(layout.DATA_REPORT, DataReport)
    assert (report.injected, report.aligned, sum(report.by_slice.values())) == (3000, 0, 3000)
    points = cut.read_model(layout.LOSSES, Losses).points
    assert points[-1].step == 400
    assert points[-1].loss < points[0].loss
    beat = _beat(cut)
    assert beat.phase == "done"
    assert beat.spent_usd == pytest.approx(beat.worked_s / 1000)

    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "cut").rglob("*")}
    run_job(cut.url, "distil")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cut").rglob("*")} == written


_PHASES = ("labelling", "synthesising", "training", "packing", "done")


def _wait_for(store: Store, process: subprocess.Popen[bytes], phase: str) -> None:
    """Until the process is in the phase, or past it."""
    while process.poll() is None:
        if store.exists(layout.HEARTBEAT.format(name="distil")):
            beat = _beat(store)
            if beat.pid == process.pid and beat.phase in _PHASES[_PHASES.index(phase) :]:
                return
        time.sleep(0.02)


def test_each_slice_is_trained_in_its_mode(teacher: str, tmp_path: Path, torch_as_it_was: None) -> None:
    store = _store(tmp_path / "run", _both_modes(tmp_path, teacher))
    run_job(store.url, "distil")
    report = store.read_model(layout.DATA_REPORT, DataReport)
    assert (report.injected, report.aligned) == (100, 100)
    assert report.by_slice == {"covered": 100, "other": 100}
    aligned = read_shards(tmp_path / "run" / layout.DATA / "aligned")
    assert {(record.slice, record.mode) for record in aligned} == {("covered", "alignment")}
    assert all(record.distributions is not None for record in aligned)
    held = {json.loads(line)["prompt"] for line in (tmp_path / "held.jsonl").read_text().splitlines()}
    injected = read_shards(tmp_path / "run" / layout.DATA / "injected")
    assert not held & {record.prompt for record in (*aligned, *injected)}
    points = store.read_model(layout.LOSSES, Losses).points
    assert points[-1].loss < points[0].loss / 1.5
    model, tokenizer = load_model(str(tmp_path / "run" / layout.ARTIFACT))
    assert len(tokenizer) == model.config.vocab_size == 260


@pytest.mark.parametrize("student", [{"shape": {**_SHAPE, "vocab_size": 384}}, {"source": "teacher"}])
def test_what_a_student_learns_from_depends_on_its_tokens(
    student: dict[str, Any], teacher: str, tmp_path: Path, torch_as_it_was: None
) -> None:
    named = {"name": "s", **({"source": teacher} if "source" in student else student)}
    training = {"steps": 3, "batch_size": 8}
    job = _both_modes(tmp_path, teacher, examples=40, training=training) | {"student": named}
    store = _store(tmp_path / "run", job)
    run_job(store.url, "distil")
    aligned = read_shards(tmp_path / "run" / layout.DATA / "aligned")
    assert len(aligned) == 20
    assert all((record.distributions is not None) == ("source" in student) for record in aligned)
    assert ("other tokens" in _beat(store).note) == ("shape" in student)


def test_steps_fit_the_longest_duration(teacher: str, tmp_path: Path, torch_as_it_was: None) -> None:
    training = {"batch_size": 32, "max_duration": "3s"}
    store = _store(tmp_path, _job(teacher, training=training, gate_examples=0, examples=500))
    run_job(store.url, "distil")
    manifest = verify_artifact(tmp_path / layout.ARTIFACT)
    losses = store.read_model(layout.LOSSES, Losses)
    assert manifest.steps == losses.points[-1].step > 0
    assert manifest.stopped_early == losses.stopped_early
    assert store.read_model(layout.TEACHER_ANSWERS, TeacherAnswers).answers == ()
    (state,) = (tmp_path / layout.CHECKPOINTS).glob("*/state.json")
    assert json.loads(state.read_text())["state"]["trained_s"] < 10


def test_it_stops_at_the_budget_and_says_so(teacher: str, tmp_path: Path, torch_as_it_was: None) -> None:
    training = {"steps": 100_000, "batch_size": 16}
    job = _job(teacher, training=training, gate_examples=0, examples=300, budget_usd=6.0, price_usd_per_hour=3600)
    store = _store(tmp_path, job)
    run_job(store.url, "distil")
    manifest = verify_artifact(tmp_path / layout.ARTIFACT)
    assert "budget of $6.0000" in manifest.stopped_early
    assert f"after {manifest.steps} of 100000 steps" in manifest.stopped_early
    assert "stopped early" in _beat(store).note
    assert store.read_model(layout.LOSSES, Losses).stopped_early == manifest.stopped_early


def test_a_probe_counts_right_answers_by_slice(teacher: str, tmp_path: Path, torch_as_it_was: None) -> None:
    job = _both_modes(tmp_path, teacher)
    store = _store(tmp_path / "run", job | {"kind": "probe", "student": None, "examples": 20}, "probe-t")
    run_job(store.url, "probe-t")
    coverage = json.loads(store.read(layout.COVERAGE.format(name="probe-t")))
    assert coverage["slices"] == {"covered": {"right": 10, "asked": 10}, "other": {"right": 0, "asked": 10}}
    assert coverage["seconds"] > 0
    assert coverage["usd"] > 0
    beat = _beat(store, "probe-t")
    assert beat.phase == "done"
    run_job(store.url, "probe-t")
    assert _beat(store, "probe-t") == beat


def test_failures_are_said_in_the_heartbeat(teacher: str, tmp_path: Path, torch_as_it_was: None) -> None:
    over = _store(tmp_path / "over", _job(teacher, gate_examples=0, deadline_unix_s=time.time() - 1))
    with pytest.raises(BudgetError, match="deadline"):
        run_job(over.url, "distil")
    beat = _beat(over)
    assert beat.phase == "failed"
    assert "deadline" in beat.note
    assert beat.pid == os.getpid()

    missing = _store(tmp_path / "missing", _job(str(tmp_path / "nowhere")))
    with pytest.raises(StratosError):
        run_job(missing.url, "distil")
    assert "nowhere" in _beat(missing).note

    with pytest.raises(SpecError, match="no job 'other'"):
        run_job(missing.url, "other")


def test_a_teacher_that_knows_nothing_cannot_be_aligned_to(teacher: str, tmp_path: Path, torch_as_it_was: None) -> None:
    job = _both_modes(tmp_path, teacher, gate_examples=0, examples=30) | {"slice_modes": {"other": "alignment"}}
    store = _store(tmp_path / "run", job)
    with pytest.raises(StratosError, match="none of 30 questions"):
        run_job(store.url, "distil")
    assert "injection" in _beat(store).note
