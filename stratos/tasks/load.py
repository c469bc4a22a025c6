"""From a spec's task to the task itself."""

from __future__ import annotations

from stratos.spec.model import MahjongTask, TaskSpec
from stratos.tasks.base import Task
from stratos.tasks.jsonl import Jsonl
from stratos.tasks.mahjong import Mahjong


def load_task(spec: TaskSpec) -> Task:
    """Raises SpecError where the task's files or functions are missing or wrong."""
    return Mahjong(spec) if isinstance(spec, MahjongTask) else Jsonl(spec)
