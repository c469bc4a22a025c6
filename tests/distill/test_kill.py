"""A training that is killed with SIGKILL at random steps ends in the very bytes of one that was not."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from training_process import STEPS

_SCRIPT = Path(__file__).with_name("training_process.py")


def test_killed_at_random_steps_it_ends_in_the_same_bytes(tmp_path: Path) -> None:
    whole = _run(tmp_path / "whole", kill_at=None)
    assert whole == list(range(1, STEPS + 1))
    rng = random.Random(8)
    reached = 0
    for _ in range(2):
        seen = _run(tmp_path / "killed", kill_at=rng.randrange(reached + 2, reached + 16), rng=rng)
        assert seen[0] <= reached + 2
        reached = seen[-1]
    rest = _run(tmp_path / "killed", kill_at=None)
    assert 1 < rest[0] <= reached + 2
    assert rest[-1] == STEPS
    assert (tmp_path / "killed.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert [path.name for path in (tmp_path / "killed").iterdir()] == [f"step-{STEPS:09}"]


def _run(checkpoints: Path, kill_at: int | None, rng: random.Random | None = None) -> list[int]:
    """The steps that the process made; it is killed at some moment within the step behind `kill_at`."""
    arguments = [sys.executable, str(_SCRIPT), str(checkpoints)]
    patient = os.environ | {"OMP_WAIT_POLICY": "passive"}  # two threads on a busy machine, without spinning
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=patient) as process:
        assert process.stdout is not None
        steps: list[int] = []
        for line in process.stdout:
            steps.append(int(line))
            if steps[-1] == kill_at:
                time.sleep((rng or random).uniform(0, 0.03))
                process.kill()
        process.wait()
    assert (process.returncode == 0) == (kill_at is None)
    return steps
