"""The spec as frozen data: task, candidates, constraints, weights, targets."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from stratos.spec.duration import Duration

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Fraction = Annotated[float, Field(ge=0, le=1)]
CALLABLE_PATTERN = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
CallablePath = Annotated[str, Field(pattern=CALLABLE_PATTERN)]


class Frozen(BaseModel):
    """Base of everything in a spec: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MahjongTask(Frozen):
    """The waits of a closed Mahjong hand of 13 tiles, drawn from the standard distribution."""

    kind: Literal["mahjong"]
    gate_examples: int = Field(512, ge=32, description="Held-out hands that the gate reads, once.")
    validation_examples: int = Field(256, ge=32, description="Hands for the probe and for choices while training.")
    seed: int = Field(2026, ge=0, description="Draws the held-out hands.")


class JsonlTask(Frozen):
    """Prompts and answers from JSON Lines files: {"prompt": …, "answer": …, "slice": …} a line."""

    kind: Literal["jsonl"]
    held_out: Path = Field(description="Examples that are never trained on.")
    training: Path | None = Field(None, description="Examples to train on, or whose prompts the teacher labels.")
    verifier: Literal["exact", "numeric", "choice"] | CallablePath = Field(
        "exact", description="How an answer is judged: exact, numeric, choice, or your own module:function."
    )
    synthesiser: CallablePath | None = Field(
        None, description="Reverse synthesis, your own module:function taking random.Random, giving an example."
    )
    instructions: str = Field("", description="What a teacher is told before each prompt.")
    validation_fraction: float = Field(0.25, gt=0, lt=1, description="Share of held_out kept from the gate.")


TaskSpec = Annotated[MahjongTask | JsonlTask, Field(discriminator="kind")]


class Teacher(Frozen):
    """A model that may teach."""

    name: Name
    source: str = Field(
        min_length=1,
        description="A folder, a .gguf file, a hub name, package:MODULE/FILE of an installed package, or run:NAME.",
    )
    prompt: Literal["task", "raw"] = Field(
        "task", description="task: with the task's rules and worked examples; raw: the bare prompt."
    )


class StudentShape(Frozen):
    """The shape of a Llama-like student that is trained from scratch."""

    layers: int = Field(ge=1, le=128)
    hidden: int = Field(ge=8, le=16384)
    heads: int = Field(ge=1, le=128)
    kv_heads: int | None = Field(None, ge=1, description="Key-value heads; as many as heads unless given.")
    intermediate: int | None = Field(None, ge=8, description="Width of the MLP; 8/3 of hidden unless given.")
    context: int = Field(256, ge=16, le=131072, description="Longest prompt and answer together, in tokens.")
    vocab_size: int = Field(320, ge=320, le=262144, description="Most tokens that the trained tokenizer may have.")

    @model_validator(mode="after")
    def _heads_divide(self) -> StudentShape:
        if self.hidden % (2 * self.heads):
            raise ValueError(f"hidden ({self.hidden}) must be a multiple of twice heads ({self.heads})")
        if self.heads % (self.kv_heads or self.heads):
            raise ValueError(f"heads ({self.heads}) must be a multiple of kv_heads ({self.kv_heads})")
        return self


class Student(Frozen):
    """A model that may learn: a shape trained from scratch, or a pretrained source that is fine-tuned."""

    name: Name
    shape: StudentShape | None = None
    source: str | None = Field(None, min_length=1, description="As for a teacher.")
    tokenizer: Literal["task", "teacher"] = Field(
        "task", description="For a shape: trained on the task, or the teacher's own, which alignment by KL needs."
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Student:
        if (self.shape is None) == (self.source is None):
            raise ValueError("give either shape (trained from scratch) or source (fine-tuned), and not both")
        return self


class Load(Frozen):
    """What the endpoint must bear."""

    requests_per_second: float = Field(1.0, gt=0)
    prompt_tokens: int = Field(64, ge=1)
    completion_tokens: int = Field(32, ge=1)


class Constraints(Frozen):
    """What a candidate must keep to."""

    budget_usd: float = Field(gt=0, description="Everything: labelling, training, storage, hosting over the horizon.")
    latency_ms: float = Field(gt=0, description="Bound on the whole answer's time at latency_percentile.")
    latency_percentile: float = Field(95, ge=50, lt=100)
    deadline: Duration = Field(timedelta(hours=8), description="From `up` to a served student, such as 3m, 2h, 1d.")
    min_accuracy: Fraction = Field(description="The lower end of the student's 95 % interval must reach it.")
    alignment_margin: Fraction = Field(0.03, description="How much below its teacher an aligned student may be.")
    load: Load = Load()
    hosting_horizon: Duration = Field(timedelta(days=1), description="How long the endpoint is kept and paid for.")


class Weights(Frozen):
    """What matters, relative to each other."""

    accuracy: float = Field(1.0, ge=0)
    latency: float = Field(1.0, ge=0)
    training_time: float = Field(1.0, ge=0)
    cost: float = Field(1.0, ge=0)

    @model_validator(mode="after")
    def _some_weight(self) -> Weights:
        if self.accuracy + self.latency + self.training_time + self.cost == 0:
            raise ValueError("at least one weight must be above 0")
        return self


class Electricity(Frozen):
    """What an hour of this machine costs, from its power."""

    watts: float = Field(gt=0)
    usd_per_kwh: float = Field(gt=0)


class LocalTarget(Frozen):
    """This machine."""

    provider: Literal["local"]
    price_usd_per_hour: float | None = Field(None, ge=0)
    electricity: Electricity | None = None
    threads: int | None = Field(None, ge=1, description="CPU threads to use; all unless given.")

    @model_validator(mode="after")
    def _one_price(self) -> LocalTarget:
        if (self.price_usd_per_hour is None) == (self.electricity is None):
            raise ValueError("give either price_usd_per_hour or electricity, and not both")
        return self

    @property
    def usd_per_hour(self) -> float:
        if self.electricity is not None:
            return self.electricity.watts / 1000 * self.electricity.usd_per_kwh
        return self.price_usd_per_hour or 0.0


class CloudTarget(Frozen):
    """A cloud whose offers compete."""

    provider: Literal["aws", "azure", "gcp", "lambdalabs", "nebius", "oci", "runpod", "verda"]
    regions: tuple[str, ...] = Field((), description="Only these; all unless given.")
    gpus: tuple[str, ...] = Field((), description="Only these GPUs, such as L4 or A100; all unless given.")
    spot: bool | None = Field(None, description="Only spot (true) or only on demand (false); both unless given.")


Target = Annotated[LocalTarget | CloudTarget, Field(discriminator="provider")]


class Training(Frozen):
    """How a student is trained. The defaults suit most tasks."""

    steps: int | None = Field(None, ge=1, description="Optimiser steps; as many as max_duration allows unless given.")
    max_duration: Duration | None = Field(
        None, description="Training time that decides the steps, such as 110s; all until the deadline unless given."
    )
    batch_size: int = Field(256, ge=1, description="Examples a step.")
    optimizer: Literal["muon", "adamw"] = "muon"
    learning_rate: float | None = Field(None, gt=0, description="Peak; the optimiser's own default unless given.")
    top_k: int = Field(50, ge=1, description="Teacher tokens kept a position under alignment.")
    seed: int = Field(0, ge=0)


class Spec(Frozen):
    """A whole stratos.yaml."""

    name: Name
    task: TaskSpec
    teachers: tuple[Teacher, ...] = Field(min_length=1)
    students: tuple[Student, ...] = Field(min_length=1)
    constraints: Constraints
    weights: Weights = Weights()
    targets: tuple[Target, ...] = Field(min_length=1)
    training: Training = Training()

    @field_validator("teachers", "students")
    @classmethod
    def _names_differ(cls, models: tuple[Teacher | Student, ...]) -> tuple[Teacher | Student, ...]:
        names = [model.name for model in models]
        twice = [name for index, name in enumerate(names) if name in names[:index]]
        if twice:
            raise ValueError(f"the name {twice[0]!r} is used twice; give each a name of its own")
        return models

    @property
    def local_threads(self) -> int | None:
        """CPU threads that the local target may use; None for all, or where there is no such target."""
        return next((target.threads for target in self.targets if target.provider == "local"), None)

    def content_hash(self) -> str:
        """SHA-256 of the spec's canonical JSON."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
