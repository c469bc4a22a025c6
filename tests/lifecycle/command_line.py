"""The real command line, in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Stratos:
    """The command line in a home of its own."""

    home: Path
    folder: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "stratos", *arguments],
            cwd=self.folder,
            env=os.environ | {"STRATOS_HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """What the command prints; fails unless it ends with `code`."""
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=240)
        assert process.returncode == code, f"{arguments} ended with {process.returncode}:\n{output}\n{errors}"
        return output if code == 0 else output + errors

    def json(self, *arguments: str) -> dict[str, Any]:
        return dict(json.loads(self.run(*arguments, "--json")))

    def write_spec(self, name: str, **changes: Any) -> Path:
        """Writes the spec of a run of this name; `changes` replace keys of its constraints and training."""
        spec: dict[str, Any] = yaml.safe_load((self.folder / "spec.yaml").read_text())
        spec["name"] = name
        for key, value in changes.items():
            part = "training" if key in ("steps", "batch_size", "learning_rate") else "constraints"
            spec[part][key] = value
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(spec))
        return path
