"""What the constraints let through: the budget to the last step, a load that fits, an accuracy that is expected."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest
from planning_cases import card, offer, plan, spec

from stratos.errors import InfeasibleError
from stratos.plan.model import SliceMode
from stratos.planner.coverage import assumed
from stratos.planner.estimate import Case, estimate
from stratos.planner.latency import highest_rate, queued_ms

HEAVY = {"requests_per_second": 500.0, "prompt_tokens": 64, "completion_tokens": 32}


@pytest.mark.parametrize("price", [0.5, 3.0, 9.0])
def test_steps_that_the_budget_bounds_leave_everything_else_paid(price: float) -> None:
    large = card("large", 900_000_000, 12)
    wanted = spec(budget_usd=price * 4, deadline="30d", training={"batch_size": 32})
    machine = offer(price_usd_per_hour=price, memory_gib=256.0, compute_tflops=50.0)
    shares = {"all": 1.0}
    made = estimate(Case(wanted, machine, card("teacher", 10**8), large, assumed(["all"], "injection"), None, shares))
    assert made.steps > 50
    assert made.dollars.storage > 0
    assert 0.97 * price * 4 < made.cost_usd.high <= price * 4


def test_steps_of_the_spec_are_taken_as_they_are() -> None:
    made = plan(training={"steps": 123, "batch_size": 10}, min_accuracy=0.0)
    assert (made.chosen.steps, made.chosen.examples) == (123, 1230)


def test_more_of_the_same_examples_are_not_expected_to_help() -> None:
    little, more, many = (
        estimate(
            Case(
                spec(),
                offer(),
                card("teacher"),
                card("little"),
                assumed(["all"], "injection"),
                None,
                {"all": 1.0},
                count,
            )
        )
        for count in (100, 1000, None)
    )
    assert little.examples == more.examples == many.examples
    assert little.accuracy.value < more.accuracy.value < many.accuracy.value


@pytest.mark.parametrize("latency_ms", [5000.0, 1.0])
def test_too_heavy_a_load_is_told_as_a_load_with_one_that_fits(latency_ms: float) -> None:
    with pytest.raises(InfeasibleError, match="times what the machine can answer") as caught:
        plan(latency_ms=latency_ms, load=HEAVY)
    hint = caught.value.hint
    rate = re.search(r"constraints\.load\.requests_per_second at most ([\d.]+)", hint)
    bound = re.search(r"constraints\.latency_ms at least ([\d.]+)", hint)
    assert rate is not None
    assert (bound is None) == (latency_ms == 5000.0)
    fitting = plan(
        latency_ms=float(bound[1]) if bound else latency_ms, load=HEAVY | {"requests_per_second": float(rate[1])}
    )
    assert fitting.feasible


@pytest.mark.parametrize(
    ("service_ms", "percentile", "bound"), [(100.0, 95.0, 250.0), (40.0, 50.0, 41.0), (9.0, 99.0, 9.5)]
)
def test_the_highest_rate_is_the_last_within_the_bound(service_ms: float, percentile: float, bound: float) -> None:
    rate = highest_rate(service_ms, percentile, bound)
    assert queued_ms(service_ms, rate * 0.999, percentile) <= bound < queued_ms(service_ms, rate * 1.001, percentile)


def test_who_is_expected_to_reach_the_bar_goes_before_who_only_might() -> None:
    """The cheap machine trains too little; only where no machine is better may its doubtful student be planned."""
    slow = offer("slow", price_usd_per_hour=0.01, compute_tflops=0.03)
    quick = offer("quick", price_usd_per_hour=2.0, compute_tflops=2.0)
    cheapest = {"accuracy": 0.0, "latency": 0.0, "training_time": 0.0, "cost": 1.0}
    alone = plan([slow], min_accuracy=0.6, weights=cheapest)
    assert alone.chosen.accuracy.value < 0.6 <= alone.chosen.accuracy.high
    assert any("no candidate is expected to reach min_accuracy 0.6" in reason for reason in alone.reasons)
    both = plan([slow, quick], min_accuracy=0.6, weights=cheapest)
    assert both.chosen.offer == quick
    assert all(candidate.accuracy.value >= 0.6 for candidate in both.frontier)
    assert "min_accuracy" in {one.constraint for one in both.rejected}


def test_rejections_are_the_nearest_and_name_what_they_break_most() -> None:
    offers = [offer(f"m{n}", price_usd_per_hour=2.0 + n) for n in range(12)]
    made = plan(offers, budget_usd=9.0)
    assert len(made.rejected) == 5
    misses = [one.value / one.bound for one in made.rejected]
    assert misses == sorted(misses)
    assert all(one.constraint == "budget_usd" and one.reason.startswith("budget_usd: ") for one in made.rejected)
    assert made.considered == 24


@pytest.mark.parametrize("seed", range(4))
def test_the_plans_frontier_is_that_of_all_feasible_candidates(seed: int) -> None:
    rng = random.Random(seed)
    offers = [
        offer(
            f"m{n:02}",
            price_usd_per_hour=rng.uniform(0.1, 4.0),
            compute_tflops=rng.uniform(0.1, 5.0),
            memory_bandwidth_gb_per_s=rng.uniform(10, 400),
        )
        for n in range(25)
    ]
    singles = [
        plan([one], students=[student], min_accuracy=0.0)
        for one in offers
        for student in spec().model_dump()["students"]
    ]
    points = {
        single.chosen.id: (
            -single.chosen.accuracy.value,
            single.chosen.latency_ms.value,
            single.chosen.training_time_s.value,
            single.chosen.cost_usd.value,
        )
        for single in singles
    }
    undominated = {
        name
        for name, point in points.items()
        if not any(all(a <= b for a, b in zip(o, point, strict=True)) and o != point for o in points.values())
    }
    assert {candidate.id for candidate in plan(offers, min_accuracy=0.0).frontier} == undominated


def test_the_gate_asks_a_followed_teacher_everything_and_another_a_few() -> None:
    def gate_usd(mode: SliceMode, gate_examples: int) -> float:
        decision = assumed(["all"], mode)
        case = Case(spec(), offer(), card("teacher", 10**8), card("little"), decision, None, {"all": 1.0})
        return estimate(replace(case, gate_examples=gate_examples)).dollars.gate

    assert gate_usd("injection", 512) == gate_usd("injection", 64) > gate_usd("injection", 32)
    assert gate_usd("alignment", 512) > gate_usd("alignment", 64) == gate_usd("injection", 64)
