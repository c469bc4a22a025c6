"""Plans: feasible, on the frontier, chosen by the weights; and what is said where nothing is feasible."""

from __future__ import annotations

import re
from typing import Any

import pytest
from planning_cases import coverage, offer, plan

from stratos.errors import InfeasibleError, SpecError
from stratos.plan.model import Coverage, Plan
from stratos.planner.factors import factor

WEIGHTS = ("accuracy", "latency", "training_time", "cost")
OFFERS = [
    offer("cheap", price_usd_per_hour=0.2, compute_tflops=0.05, memory_bandwidth_gb_per_s=10.0),
    offer("quick", price_usd_per_hour=4.0, compute_tflops=2.0, memory_bandwidth_gb_per_s=100.0),
    offer("gpu", price_usd_per_hour=2.0, gpu="L4", gpu_count=1, gpu_memory_gib=24.0, compute_tflops=121.0),
    offer("worse", price_usd_per_hour=5.0, compute_tflops=1.0, memory_bandwidth_gb_per_s=50.0),
]


def _only(weight: str) -> dict[str, float]:
    return {name: float(name == weight) for name in WEIGHTS}


@pytest.mark.parametrize("weight", WEIGHTS)
def test_with_one_weight_the_best_by_it_is_chosen(weight: str) -> None:
    made = plan(OFFERS, weights=_only(weight))
    best = {
        "accuracy": lambda c: -c.accuracy.value,
        "latency": lambda c: c.latency_ms.value,
        "training_time": lambda c: c.training_time_s.value,
        "cost": lambda c: c.cost_usd.value,
    }[weight]
    assert best(made.chosen) == min(best(candidate) for candidate in made.frontier)
    assert made.chosen.score == pytest.approx(1.0)


def test_a_plan_keeps_every_constraint_and_says_what_it_rejected() -> None:
    made = plan(OFFERS, latency_ms=60.0)
    limits = made.spec.constraints
    for candidate in made.frontier:
        assert candidate.cost_usd.high <= limits.budget_usd
        assert candidate.latency_ms.value <= limits.latency_ms
        assert candidate.training_time_s.value + factor("gate_s").value <= limits.deadline.total_seconds()
    assert made.considered == 8
    assert 0 < made.feasible < made.considered
    assert made.rejected
    assert {rejection.constraint for rejection in made.rejected} == {"latency_ms"}
    assert all(rejection.value > rejection.bound for rejection in made.rejected)


def test_nothing_on_the_frontier_is_beaten_in_everything() -> None:
    frontier = plan(OFFERS).frontier

    def objectives(c: Any) -> tuple[float, ...]:
        return (-c.accuracy.value, c.latency_ms.value, c.training_time_s.value, c.cost_usd.value)

    for one in frontier:
        for other in frontier:
            a, b = objectives(one), objectives(other)
            assert not (all(x <= y for x, y in zip(a, b, strict=True)) and a != b)


def test_a_cheaper_price_never_costs_more() -> None:
    costs = [plan([offer(price_usd_per_hour=price)]).chosen.cost_usd.value for price in (0.1, 0.5, 1.0, 2.0)]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


def test_dollars_add_up_and_figures_lie_in_their_intervals() -> None:
    chosen = plan(OFFERS).chosen
    assert chosen.dollars.total == pytest.approx(chosen.cost_usd.value)
    for figure in (chosen.accuracy, chosen.latency_ms, chosen.training_time_s, chosen.cost_usd):
        assert figure.low <= figure.value <= figure.high


def test_the_same_input_gives_the_same_plan() -> None:
    assert plan(OFFERS).content_hash() == plan(list(OFFERS)).content_hash()


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"budget_usd": 0.01}, "budget_usd"),
        ({"latency_ms": 1.0}, "latency_ms"),
        ({"deadline": "5s"}, "deadline"),
        ({"min_accuracy": 0.999}, "min_accuracy"),
    ],
)
def test_infeasible_names_the_constraint_and_a_change_that_suffices(changes: dict[str, Any], constraint: str) -> None:
    with pytest.raises(InfeasibleError, match=f"the tightest is {constraint}") as caught:
        plan(**changes)
    found = re.search(rf"constraints\.{constraint} at (?:least|most) ([\d.]+)(s?)", caught.value.hint)
    assert found is not None
    value: Any = f"{found[1]}s" if found[2] else float(found[1])
    assert isinstance(plan(**changes | {constraint: value}), Plan)


def test_too_little_memory_is_said_in_gib() -> None:
    with pytest.raises(InfeasibleError, match="memory") as caught:
        plan([offer(memory_gib=0.5)])
    assert "GiB" in caught.value.hint


def test_without_coverage_both_modes_are_priced() -> None:
    made = plan()
    assert made.coverage is None
    assert made.chosen.mode == "injection"
    assert made.other_mode is not None
    assert made.other_mode.mode == "alignment"
    assert (made.other_mode.offer, made.other_mode.student) == (made.chosen.offer, made.chosen.student)
    assert any("not probed" in reason for reason in made.reasons)


@pytest.mark.parametrize(
    ("easy", "hard", "mode"),
    [((40, 40), (40, 40), "alignment"), ((0, 40), (1, 40), "injection"), ((40, 40), (0, 40), "both")],
)
def test_coverage_decides_the_mode_slice_by_slice(easy: tuple[int, int], hard: tuple[int, int], mode: str) -> None:
    made = plan(known=coverage(easy, hard))
    assert made.chosen.mode == mode
    assert made.other_mode is None
    assert "95 % interval" in made.reasons[0]


def test_what_cannot_be_injected_is_aligned() -> None:
    made = plan(known=coverage((20, 40), (20, 40)), can_inject=False, min_accuracy=0.1)
    assert made.chosen.slice_modes == {"easy": "alignment", "hard": "alignment"}


def test_no_offer_is_an_error_of_the_spec() -> None:
    from planning_cases import CARDS, NOW, SHARES, spec

    from stratos.planner.make import make_plan

    with pytest.raises(SpecError, match="no offers"):
        make_plan(spec(), [], CARDS, {}, SHARES, NOW, can_inject=True)


SLOW = {"compute_tflops": 0.01, "provider": "local"}
FEW_STEPS = {"steps": 60, "batch_size": 16}


def test_a_probe_is_named_where_only_a_knowing_teacher_could_help() -> None:
    with pytest.raises(InfeasibleError, match="the tightest is min_accuracy") as caught:
        plan([offer(**SLOW)], min_accuracy=0.7, training=FEW_STEPS)
    assert "; or `stratos probe`: " in caught.value.hint
    assert plan([offer(**SLOW)], coverage((40, 40), (40, 40)), min_accuracy=0.7, training=FEW_STEPS).feasible


@pytest.mark.parametrize(
    ("known", "min_accuracy", "machine"),
    [
        (coverage((0, 40), (0, 40)), 0.7, SLOW),
        (None, 0.95, SLOW),
        (None, 0.7, SLOW | {"provider": "cloud"}),
        (None, 0.7, SLOW | {"price_usd_per_hour": 900.0}),
    ],
    ids=["was probed", "no probe could show that much", "nothing to probe on", "too dear in any mode"],
)
def test_no_probe_is_named_where_none_helps(
    known: Coverage | None, min_accuracy: float, machine: dict[str, Any]
) -> None:
    with pytest.raises(InfeasibleError) as caught:
        plan([offer(**machine)], known, min_accuracy=min_accuracy, training=FEW_STEPS)
    assert "stratos probe" not in caught.value.hint


@pytest.mark.parametrize(("tokenizer", "said"), [("task", True), ("teacher", False)])
def test_an_aligned_student_with_tokens_of_its_own_is_said_to_learn_from_answers(tokenizer: str, said: bool) -> None:
    student = {"name": "little", "shape": {"layers": 2, "hidden": 64, "heads": 4}, "tokenizer": tokenizer}
    made = plan(known=coverage((40, 40), (40, 40)), students=[student])
    assert any("tokens of its own" in reason for reason in made.reasons) == said
    injected = plan(known=coverage((0, 40), (0, 40)), students=[student])
    assert not any("tokens of its own" in reason for reason in injected.reasons)
