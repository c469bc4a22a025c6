"""Everything predicted for one way to do it: an offer, a pair, a mode."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from stratos.catalog.types import ModelCard, Offer
from stratos.plan.model import Candidate, Coverage, Dollars, Figure
from stratos.planner import accuracy, memory
from stratos.planner.coverage import Decision
from stratos.planner.factors import Span, factor
from stratos.planner.latency import latency_ms
from stratos.planner.speed import added, answering_s, exactly, scaled, step_s
from stratos.spec.model import Spec

PROBE_PROMPTS = 48
INJECTED_GATE_PROMPTS_MOST = 64
TEACHER_PROMPT_TOKENS = 24
SHARED_PREFIX_TOKENS = 300
LABELLED_MOST = 24_576
TOKENS_PER_PARAMETER_MOST = 100
STEPS_LEAST = 50
ROUNDS_WORTH_NEW_EXAMPLES = 4
SYNTHESIS_S_PER_EXAMPLE = 6e-5
CHECKPOINTS_AND_ARTIFACT = 6


@dataclass(frozen=True, slots=True)
class Case:
    """What a prediction is made from."""

    spec: Spec
    offer: Offer
    teacher: ModelCard
    student: ModelCard
    decision: Decision
    coverage: Coverage | None
    shares: Mapping[str, float]
    distinct_examples: int | None = None
    gate_examples: int = 512


@dataclass(frozen=True, slots=True)
class _Times:
    probe: Span
    labelling: Span
    training: Span
    gate: Span
    start: Span

    @property
    def until_trained(self) -> Span:
        return added(self.start, self.probe, self.labelling, self.training)


def estimate(case: Case) -> Candidate:
    """The candidate with its figures. Deadline and budget bound the steps; whether they suffice is judged elsewhere."""
    load = case.spec.constraints.load
    steps, times = _steps_and_times(case)
    examples = steps * case.spec.training.batch_size
    dollars = {end: _dollars(case, times, end) for end in ("value", "low", "high")}
    tokens = load.prompt_tokens + load.completion_tokens
    return Candidate(
        offer=case.offer,
        teacher=case.teacher.name,
        student=case.student.name,
        mode=case.decision.mode,
        slice_modes=dict(case.decision.slice_modes),
        accuracy=accuracy.expected(
            case.spec.task.kind,
            case.decision.slice_modes,
            case.shares,
            case.coverage,
            case.student,
            case.teacher,
            _worth(case, examples),
        ),
        latency_ms=latency_ms(case.student, case.offer, load, case.spec.constraints.latency_percentile).figure(),
        training_time_s=times.until_trained.figure(),
        cost_usd=Figure(**{end: parts.total for end, parts in dollars.items()}),
        dollars=dollars["value"],
        training_memory_gib=max(
            memory.training_gib(case.student, case.spec.training.batch_size, tokens), memory.teaching_gib(case.teacher)
        ),
        serving_memory_gib=memory.serving_gib(case.student, load),
        steps=steps,
        examples=examples,
    )


def _steps_and_times(case: Case) -> tuple[int, _Times]:
    """As many steps as the spec says, or as its time, budget and the student's size allow."""
    spec, offer = case.spec, case.offer
    load = spec.constraints.load
    start = factor("machine_start_s") if offer.provider != "local" else exactly(0.0)
    gate = added(factor("gate_s"), _answering(case, _gate_prompts(case)))
    probe = exactly(case.coverage.seconds) if case.coverage else _answering(case, PROBE_PROMPTS)
    tokens = load.prompt_tokens + load.completion_tokens
    a_step = step_s(case.student, offer, spec.training.batch_size * tokens)
    fixed = _Times(probe, _labelling(case, LABELLED_MOST), training=exactly(0.0), gate=gate, start=start)
    steps = spec.training.steps or _most_steps(case, fixed, a_step)
    examples = steps * spec.training.batch_size
    data = added(_labelling(case, examples), _synthesis(case, examples))
    return steps, _Times(probe, data, training=scaled(a_step, steps), gate=gate, start=start)


def _most_steps(case: Case, fixed: _Times, a_step: Span) -> int:
    """Steps until the time, the budget or what the student can take in ends, and 50 at least; `fixed` comes besides."""
    spec = case.spec
    load, batch = spec.constraints.load, spec.training.batch_size
    with_data = added(a_step, _synthesis(case, batch))
    left_s = spec.constraints.deadline.total_seconds() - fixed.until_trained.value - fixed.gate.value
    counts = [
        left_s / with_data.value,
        _affordable_s(case, fixed) / with_data.high,
        TOKENS_PER_PARAMETER_MOST * case.student.params / (batch * (load.prompt_tokens + load.completion_tokens)),
    ]
    if spec.training.max_duration is not None:
        counts.append(spec.training.max_duration.total_seconds() / a_step.value)
    return max(STEPS_LEAST, int(min(counts)))


def _worth(case: Case, examples: int) -> int:
    """Examples that count: up to four rounds over a given set are nearly worth new ones, and later ones next to nothing
    (Muennighoff et al. 2023, Scaling Data-Constrained Language Models)."""
    if case.distinct_examples is None:
        return examples
    return max(1, min(examples, ROUNDS_WORTH_NEW_EXAMPLES * case.distinct_examples))


def _gate_prompts(case: Case) -> int:
    """A few settle that a student is better; that it is not worse than a teacher it follows takes all of them."""
    aligned = "alignment" in case.decision.slice_modes.values()
    return case.gate_examples if aligned else min(case.gate_examples, INJECTED_GATE_PROMPTS_MOST)


def _answering(case: Case, prompts: int) -> Span:
    """The teacher started, its shared prefix read, and so many prompts answered."""
    load = case.spec.constraints.load
    own = TEACHER_PROMPT_TOKENS + SHARED_PREFIX_TOKENS // prompts
    asked = answering_s(case.teacher, case.offer, prompts, max(own, load.prompt_tokens), load.completion_tokens)
    return added(factor("model_start_s"), asked)


def _aligned_share(case: Case) -> float:
    return sum(case.shares.get(name, 0.0) for name, mode in case.decision.slice_modes.items() if mode == "alignment")


def _labelling(case: Case, examples: int) -> Span:
    """The teacher answering what is aligned."""
    labelled = int(_aligned_share(case) * min(examples, LABELLED_MOST))
    return _answering(case, labelled) if labelled else exactly(0.0)


def _synthesis(case: Case, examples: int) -> Span:
    return exactly((1 - _aligned_share(case)) * examples * SYNTHESIS_S_PER_EXAMPLE)


def _affordable_s(case: Case, times: _Times) -> float:
    """Seconds of training that the budget leaves at the high ends of everything else."""
    price = case.offer.price_usd_per_hour
    if not price:
        return math.inf
    return (case.spec.constraints.budget_usd - _dollars(case, times, "high").total) / price * 3600


def _dollars(case: Case, times: _Times, end: str) -> Dollars:
    """Dollars by part, at one end of the times' intervals; a machine's start is paid with its training."""
    hourly = case.offer.price_usd_per_hour
    constraints = case.spec.constraints

    def usd(figure: Span) -> float:
        return float(getattr(figure, end)) / 3600 * hourly

    return Dollars(
        probe=usd(times.probe) if case.coverage is None else case.coverage.usd,
        labelling=usd(times.labelling),
        training=usd(added(times.start, times.training)),
        gate=usd(times.gate),
        storage=_storage_usd(case, end),
        hosting=constraints.hosting_horizon.total_seconds() / 3600 * hourly,
    )


def _storage_usd(case: Case, end: str) -> float:
    if case.offer.provider == "local":
        return 0.0
    gib = CHECKPOINTS_AND_ARTIFACT * case.student.params * memory.BYTES / memory.GIB
    months = case.spec.constraints.hosting_horizon.total_seconds() / (30 * 86400)
    return gib * months * float(getattr(factor("storage_usd_per_gib_month"), end))
