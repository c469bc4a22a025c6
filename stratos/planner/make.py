"""Makes a plan: every candidate estimated, the infeasible ones told apart, the frontier, the choice and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from stratos import __version__
from stratos.catalog.types import ModelCard, Offer
from stratos.errors import SpecError
from stratos.plan.intervals import wilson
from stratos.plan.model import Candidate, Coverage, Plan, Rejection
from stratos.planner.accuracy import basis
from stratos.planner.choose import best, scores
from stratos.planner.constraints import broken, distance, infeasible, miss, unlikely
from stratos.planner.coverage import Decision, assumed, decide
from stratos.planner.estimate import PROBE_PROMPTS, Case, estimate
from stratos.planner.frontier import objectives, on_frontier
from stratos.spec.model import Constraints, Spec

NEAREST = 5


def make_plan(
    spec: Spec,
    offers: Sequence[Offer],
    cards: Mapping[str, ModelCard],
    coverage: Mapping[str, Coverage],
    shares: Mapping[str, float],
    now: datetime,
    *,
    can_inject: bool,
    distinct_examples: int | None = None,
    gate_examples: int = 512,
    notes: Sequence[str] = (),
) -> Plan:
    """The plan for the spec among these offers. Pure: the same arguments give the same plan.

    `cards` are by the names of teachers and students, `coverage` by teacher where it was probed, `shares` by slice of
    the task; `distinct_examples` bounds what there is to inject, None where a synthesiser makes as many as are wanted;
    `gate_examples` are the held-out examples that the gate reads.
    Raises InfeasibleError where no candidate meets the constraints, SpecError where there is no offer.
    """
    if not offers:
        raise SpecError("the targets have no offers", hint="widen targets: other regions, gpus, or a local target")
    cases = [
        replace(case, distinct_examples=distinct_examples, gate_examples=gate_examples)
        for case in _cases(spec, offers, cards, coverage, shares, can_inject)
    ]
    candidates = [estimate(case) for case in cases]
    breaks = [broken(candidate, spec.constraints) for candidate in candidates]
    rejected = [found for found in breaks if found]
    kept = [index for index, found in enumerate(breaks) if not found]
    if not kept:
        raise infeasible(rejected, spec.constraints, _or_probe(cases, can_inject=can_inject))
    kept, doubtful = _likely(candidates, kept, spec.constraints)
    rejected += [[one] for one in doubtful]
    points = objectives([candidates[index] for index in kept])
    found = scores(points, spec.weights)
    optimal = [place for place, is_optimal in enumerate(on_frontier(points)) if is_optimal]
    frontier = [candidates[kept[place]].model_copy(update={"score": float(found[place])}) for place in optimal]
    place = best(found[optimal], [candidate.id for candidate in frontier])
    case, chosen = cases[kept[optimal[place]]], frontier[place]
    return Plan(
        stratos_version=__version__,
        created_at=now.isoformat(timespec="seconds"),
        spec=spec,
        spec_hash=spec.content_hash(),
        teacher_card=case.teacher,
        student_card=case.student,
        coverage=case.coverage,
        chosen=chosen,
        other_mode=_other_mode(case, can_inject=can_inject),
        reasons=_reasons(case, chosen, frontier),
        notes=tuple(notes),
        considered=len(candidates),
        feasible=len(kept),
        frontier=tuple(sorted(frontier, key=lambda candidate: (-(candidate.score or 0.0), candidate.id))),
        rejected=tuple(_nearest(rejected)),
    )


def _likely(
    candidates: Sequence[Candidate], kept: list[int], constraints: Constraints
) -> tuple[list[int], list[Rejection]]:
    """Where some are expected to reach the accuracy asked for, only these compete."""
    doubts = {index: unlikely(candidates[index], constraints) for index in kept}
    likely = [index for index, doubt in doubts.items() if doubt is None]
    if not likely:
        return kept, []
    return likely, [doubt for doubt in doubts.values() if doubt is not None]


def _cases(
    spec: Spec,
    offers: Sequence[Offer],
    cards: Mapping[str, ModelCard],
    coverage: Mapping[str, Coverage],
    shares: Mapping[str, float],
    can_inject: bool,
) -> Iterator[Case]:
    for teacher in spec.teachers:
        known = coverage.get(teacher.name)
        decision = (
            decide(known, list(shares), spec.constraints.min_accuracy, can_inject=can_inject)
            if known is not None
            else assumed(list(shares), "injection" if can_inject else "alignment")
        )
        for student in spec.students:
            for offer in offers:
                pair = (cards[teacher.name], cards[student.name])
                yield Case(spec, offer, *pair, decision, known, shares)


def _other_mode(case: Case, *, can_inject: bool) -> Candidate | None:
    """Without coverage, the same offer and pair in the mode that a probe may yet choose."""
    if case.coverage is not None or not can_inject:
        return None
    other: Decision = assumed(list(case.shares), "alignment")
    return estimate(replace(case, decision=other))


def _or_probe(cases: Sequence[Case], *, can_inject: bool) -> str:
    """Where only alignment could meet the constraints, and a probe could show it: that, to end a hint with."""
    constraints = cases[0].spec.constraints
    all_right = wilson(PROBE_PROMPTS, PROBE_PROMPTS).low
    if all_right < constraints.min_accuracy or not any(case.offer.provider == "local" for case in cases):
        return ""
    for case in cases:
        other = _other_mode(case, can_inject=can_inject)
        if other is not None and not broken(other, constraints):
            return f"; or `stratos probe`: {other.id} meets them all where {other.teacher} knows the task"
    return ""


def _reasons(case: Case, chosen: Candidate, frontier: Sequence[Candidate]) -> tuple[str, ...]:
    weights = case.spec.weights
    wanted = ", ".join(f"{name} {value:g}" for name, value in weights.model_dump().items() if value)
    choice = f"{chosen.student} on {chosen.offer.id} scores {chosen.score or 0.0:.3f}, the best of {len(frontier)}"
    sentences = [case.decision.reason, f"{choice} on the frontier by the weights {wanted}"]
    if chosen.mode != "alignment":
        sentences.append(basis(case.spec.task.kind))
    student = next(one for one in case.spec.students if one.name == chosen.student)
    if chosen.mode != "injection" and student.shape is not None and student.tokenizer == "task":
        sentences.append(f"{student.name} has tokens of its own: it learns from the teacher's answers, not its logits")
    if chosen.accuracy.value < case.spec.constraints.min_accuracy:
        sentences.append(
            f"no candidate is expected to reach min_accuracy {case.spec.constraints.min_accuracy:g}; "
            f"the upper end of this one's interval does ({chosen.accuracy.high:.3g})"
        )
    if case.coverage is None:
        sentences.append("both modes are priced; `stratos probe`, or `up` before it distils, decides")
    return tuple(sentences)


def _nearest(rejected: Sequence[Sequence[Rejection]]) -> list[Rejection]:
    """The constraint that each of the nearest misses breaks by most."""
    ordered = sorted(rejected, key=lambda breaks: (distance(breaks), breaks[0].candidate.id))
    return [max(breaks, key=miss) for breaks in ordered[:NEAREST]]
