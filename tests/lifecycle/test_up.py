"""The main job on a small task: real training, a real gate, a real endpoint, and nothing left at the end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import stat
import time
from pathlib import Path

import httpx
import psutil
import pytest
from command_line import Stratos

from stratos.job import processes


def test_from_spec_to_answer_and_to_nothing(stratos: Stratos) -> None:
    spec = stratos.write_spec("ends")
    served = stratos.json("up", "--spec", str(spec), "--yes")
    assert served["endpoint"]["open"] is True

    assert stratos.json("ask", "--run", "ends", "horse")["answers"][0]["answer"] == "he"
    now = stratos.json("status", "--run", "ends")
    assert (now["state"], now["gate_passed"]) == ("served", True)
    assert 0 < sum(now["spent_usd"].values()) < now["budget_usd"]

    again = stratos.json("up", "--run", "ends", "--yes")
    assert again["endpoint"]["pid"] == served["endpoint"]["pid"]

    report = stratos.json("report", "--run", "ends")
    assert report["verdict"]["passed"] is True
    assert "<svg" in Path(report["report"]).read_text()
    assert "training" in stratos.run("logs", "--run", "ends")

    key = stratos.home / "keys" / now["id"]
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    secret = key.read_text().encode()
    kept = [path for path in (stratos.home / "runs").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if secret in path.read_bytes()]

    proof = stratos.json("destroy", "--run", "ends", "--yes")
    assert proof["ended_processes"]
    assert (proof["processes_left"], proof["paths_left"]) == ([], [])
    assert not processes.tagged(now["id"])
    assert not (stratos.home / "runs" / "ends").exists()
    assert not key.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(served["endpoint"]["url"] + "/livez")
    assert stratos.json("destroy", "--run", "ends", "--yes")["removed"] == []


def test_a_student_that_misses_its_bar_is_not_served(stratos: Stratos) -> None:
    spec = stratos.write_spec("poor", learning_rate=1e-9)
    said = stratos.run("up", "--spec", str(spec), "--yes", code=4)
    assert "min_accuracy" in said
    now = stratos.json("status", "--run", "poor")
    assert (now["state"], now["endpoint"]) == ("gate failed", None)
    assert not processes.tagged(now["id"])
    assert (stratos.home / "runs" / "poor" / "artifact" / "model.safetensors").exists()
    assert "Traceback" not in stratos.run("up", "--run", "poor", "--yes", code=4)


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_it_goes_on(stratos: Stratos, seed: int) -> None:
    spec = stratos.write_spec(f"killed-{seed}")
    rng = random.Random(seed)
    for _ in range(3):
        up = stratos.start("up", "--spec", str(spec), "--yes")
        time.sleep(rng.uniform(2, 14))
        _kill_all(up.pid, stratos, f"killed-{seed}", worker_too=rng.random() < 0.7)
        up.communicate()
    served = stratos.json("up", "--spec", str(spec), "--yes")
    assert served["endpoint"]["open"] is True
    assert stratos.json("ask", "--run", f"killed-{seed}", "mouse")["answers"][0]["answer"] == "me"


def test_two_runs_side_by_side_and_a_reviewed_plan(stratos: Stratos) -> None:
    spec = stratos.write_spec("right")
    stratos.run("plan", "--spec", str(spec), "--out", "right.json")
    first = stratos.start("up", "--spec", str(stratos.write_spec("left")), "--yes")
    second = stratos.start("up", "--spec", str(spec), "--plan", "right.json", "--yes")
    for up in (first, second):
        output, errors = up.communicate(timeout=240)
        assert up.returncode in (0, 4), output + errors
    assert {run["run"] for run in stratos.json("runs")["runs"]} == {"left", "right"}

    changed = stratos.write_spec("right", steps=251)
    said = stratos.run("up", "--spec", str(changed), "--plan", "right.json", "--yes", code=2)
    assert "spec" in said


def _kill_all(pid: int, stratos: Stratos, name: str, *, worker_too: bool) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    if not worker_too:
        return
    status = stratos.json("runs")["runs"]
    for run in status:
        for process in processes.tagged(run["id"]):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def test_after_an_infeasible_spec_the_mended_one_is_taken(stratos: Stratos) -> None:
    said = stratos.run("up", "--spec", str(stratos.write_spec("mended", budget_usd=1e-6)), "--yes", code=3)
    assert "budget_usd" in said
    mended = stratos.write_spec("mended", budget_usd=2e-6)
    assert "budget_usd" in stratos.run("up", "--spec", str(mended), "--yes", code=3)
