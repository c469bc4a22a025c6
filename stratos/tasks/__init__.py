"""What is learnt: examples, verifiers, reverse synthesisers; one small file a task."""

from stratos.tasks.base import Example, HeldOut, Spelling, Task
from stratos.tasks.load import load_task

__all__ = ["Example", "HeldOut", "Spelling", "Task", "load_task"]
