"""What laptop and worker say to each other, each an object in the run's store."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stratos.spec.model import Frozen, Name, Student, TaskSpec, Teacher, Training


class JobFile(Frozen):
    """What a worker has to do. A worker knows this, the task and the store, and nothing else."""

    run: Name
    kind: Literal["probe", "distil"]
    task: TaskSpec
    teacher: Teacher
    student: Student | None = Field(description="None for a probe.")
    slice_modes: dict[str, Literal["alignment", "injection"]] = Field(default_factory=dict)
    training: Training = Training()
    examples: int = Field(ge=1, description="Examples to ask (probe) or to prepare (distil).")
    gate_examples: int = Field(0, ge=0, description="Held-out prompts of the gate that the teacher answers.")
    latency_tokens: int = Field(32, ge=1, description="Longest answer, in tokens, that teacher and student may give.")
    threads: int | None = None
    price_usd_per_hour: float = Field(ge=0)
    budget_usd: float = Field(gt=0, description="What this job may spend, over all its restarts.")
    deadline_unix_s: float = Field(gt=0, description="When training has to stop, by the wall clock.")


class Heartbeat(Frozen):
    """The worker's pulse, overwritten about once a second."""

    phase: Literal[
        "starting",
        "loading",
        "probing",
        "synthesising",
        "labelling",
        "training",
        "evaluating",
        "packing",
        "done",
        "failed",
    ]
    done: int = Field(ge=0, description="Units of this phase that are done (examples or steps).")
    total: int = Field(ge=0)
    loss: float | None = None
    tokens_per_second: float | None = None
    seconds_left: float | None = None
    spent_usd: float = Field(ge=0)
    worked_s: float = Field(ge=0, description="Machine-seconds of this job, over all its restarts.")
    at_unix_s: float
    pid: int
    note: str = Field("", description="What to tell the user, such as why training stopped early.")


class LossPoint(Frozen):
    """One point of the training curve."""

    step: int
    loss: float
    validation_accuracy: float | None = None


class Losses(Frozen):
    """The training curve so far."""

    points: tuple[LossPoint, ...]
    stopped_early: str = Field("", description="Why, where training ended before its last step.")


class DataReport(Frozen):
    """What went into training, and what was dropped and why."""

    injected: int = Field(ge=0)
    aligned: int = Field(ge=0)
    dropped_exact_duplicates_of_held_out: int = Field(ge=0)
    dropped_near_duplicates_of_held_out: int = Field(ge=0)
    dropped_repeats: int = Field(ge=0)
    rejected_by_verifier: int = Field(ge=0)
    by_slice: dict[str, int]


class TeacherAnswer(Frozen):
    """The teacher's completion for one held-out prompt of the gate."""

    prompt: str
    completion: str


class TeacherAnswers(Frozen):
    """The teacher's completions for the gate's prompts, which the gate verifies itself."""

    answers: tuple[TeacherAnswer, ...]


class ArtifactFile(Frozen):
    """One file of an artifact."""

    path: str
    sha256: str
    bytes: int = Field(ge=0)


class Manifest(Frozen):
    """What an artifact holds. Nothing in it needs pickle to be read."""

    schema_version: Literal[1] = 1
    run: Name
    student: Name
    teacher: Name
    prompt: Literal["raw", "task"] = Field(description="How the model wants its prompts: raw for a distilled student.")
    steps: int = Field(ge=0)
    parameters: int = Field(gt=0)
    max_new_tokens: int = Field(ge=1)
    stopped_early: str = ""
    files: tuple[ArtifactFile, ...]


class Endpoint(Frozen):
    """A served student. Its key lies beside it, readable by the owner only, and is never in here."""

    url: str
    model: str
    pid: int
    started_unix_s: float
    until_unix_s: float
    open: bool = Field(description="False while only the gate may ask.")
