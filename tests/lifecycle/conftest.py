"""A task that a student of a few thousand parameters learns in seconds, and the real command line on it."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import Stratos
from tiny import tiny_teacher

_SYNTH = '''
import string

def make(rng):
    """Ends of a word: from the answer to a question that has it."""
    first, last = rng.choice(string.ascii_lowercase), rng.choice(string.ascii_lowercase)
    middle = "".join(rng.choice(string.ascii_lowercase) for _ in range(3))
    return {"prompt": first + middle + last, "answer": first + last}
'''


@pytest.fixture(scope="session")
def ends_of_words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the task, a teacher that knows nothing of it, and the spec."""
    folder = tmp_path_factory.mktemp("task")
    (folder / "ends_synth.py").write_text(_SYNTH)
    rng = random.Random(4)
    words = ["".join(rng.choice(string.ascii_lowercase) for _ in range(5)) for _ in range(160)]
    lines = (json.dumps({"prompt": word, "answer": word[0] + word[-1]}) for word in words)
    (folder / "held_out.jsonl").write_text("\n".join(lines) + "\n")
    teacher = tiny_teacher(folder, words)
    (folder / "spec.yaml").write_text(yaml.safe_dump(_spec(teacher)))
    return folder


def _spec(teacher: Path) -> dict[str, Any]:
    return {
        "name": "ends",
        "task": {"kind": "jsonl", "held_out": "held_out.jsonl", "synthesiser": "ends_synth:make"},
        "teachers": [{"name": "blank", "source": str(teacher), "prompt": "raw"}],
        "students": [{"name": "tiny", "shape": {"layers": 2, "hidden": 48, "heads": 2, "context": 64}}],
        "constraints": {
            "budget_usd": 1.0,
            "latency_ms": 2000,
            "deadline": "20m",
            "min_accuracy": 0.1,
            "load": {"requests_per_second": 4, "prompt_tokens": 8, "completion_tokens": 4},
            "hosting_horizon": "1h",
        },
        "targets": [{"provider": "local", "price_usd_per_hour": 0.1}],
        "training": {"steps": 250, "batch_size": 64},
    }


@pytest.fixture
def stratos(ends_of_words: Path, tmp_path: Path) -> Iterator[Stratos]:
    cli = Stratos(tmp_path / "home", ends_of_words)
    yield cli
    for run in cli.json("runs")["runs"]:
        cli.run("destroy", "--run", run["run"], "--yes")
