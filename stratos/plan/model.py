"""The saved plan: everything that `up` will do, to the digit."""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import Field

from stratos.catalog.types import ModelCard, Offer
from stratos.spec.model import Frozen, Name, Spec

Mode = Literal["alignment", "injection", "both"]
SliceMode = Literal["alignment", "injection"]


class Figure(Frozen):
    """A predicted or measured number with its interval (95 % for measured, 80 % for predicted)."""

    value: float
    low: float
    high: float


class SliceCoverage(Frozen):
    """How often the teacher was right on one slice of the task, as the verifier judged."""

    right: int = Field(ge=0)
    asked: int = Field(ge=1)
    share: Figure


class Coverage(Frozen):
    """A probe of one teacher on one task."""

    teacher: Name
    fingerprint: str = Field(description="SHA-256 of task, teacher and prompts: what the cached file is valid for.")
    slices: dict[str, SliceCoverage] = Field(min_length=1)
    overall: SliceCoverage
    seconds: float = Field(ge=0)
    usd: float = Field(ge=0)


class Dollars(Frozen):
    """The total by part. Hosting covers the whole horizon."""

    probe: float = Field(ge=0)
    labelling: float = Field(ge=0)
    training: float = Field(ge=0)
    gate: float = Field(ge=0)
    storage: float = Field(ge=0)
    hosting: float = Field(ge=0)

    @property
    def total(self) -> float:
        return self.probe + self.labelling + self.training + self.gate + self.storage + self.hosting


class Candidate(Frozen):
    """One way to do it, with everything predicted for it."""

    offer: Offer
    teacher: Name
    student: Name
    mode: Mode
    slice_modes: dict[str, SliceMode] = Field(description="Mode of each slice of the task.")
    accuracy: Figure
    latency_ms: Figure = Field(description="Of a whole answer, at the spec's percentile and load.")
    training_time_s: Figure = Field(description="From the start of the probe to the end of training.")
    cost_usd: Figure
    dollars: Dollars
    training_memory_gib: float
    serving_memory_gib: float
    steps: int = Field(ge=1, description="Optimiser steps that the prediction assumes.")
    examples: int = Field(ge=1, description="Training examples that the prediction assumes.")
    score: float | None = Field(None, description="Weighted score in 0..1 among the feasible; higher is better.")

    @property
    def id(self) -> str:
        return f"{self.offer.id} {self.teacher}→{self.student} {self.mode}"


class Rejection(Frozen):
    """A candidate that breaks a constraint."""

    candidate: Candidate
    constraint: Literal["budget_usd", "latency_ms", "deadline", "min_accuracy", "memory", "synthesiser"]
    value: float
    bound: float
    reason: str


class Plan(Frozen):
    """What was chosen, why, and against what; round-trips through JSON."""

    schema_version: Literal[1] = 1
    stratos_version: str
    created_at: str = Field(description="UTC, ISO 8601.")
    spec: Spec
    spec_hash: str
    teacher_card: ModelCard
    student_card: ModelCard
    coverage: Coverage | None = Field(description="Of the chosen teacher; None where it was not probed yet.")
    chosen: Candidate
    other_mode: Candidate | None = Field(
        None, description="Without coverage: the same offer and pair in the other mode, which a probe may choose."
    )
    reasons: tuple[str, ...] = Field(min_length=1, description="Sentences: why this mode, why this choice.")
    notes: tuple[str, ...] = Field((), description="What the catalogue left out.")
    considered: int = Field(ge=1)
    feasible: int = Field(ge=1)
    frontier: tuple[Candidate, ...] = Field(min_length=1)
    rejected: tuple[Rejection, ...] = Field(description="The nearest misses, each with the constraint that it breaks.")

    def content_hash(self) -> str:
        """SHA-256 of the plan's canonical JSON."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
