"""Estimates behave as machines do."""

from __future__ import annotations

import math

import pytest
from planning_cases import card, offer

from stratos.plan.model import Figure
from stratos.planner.accuracy import aligned, injected, pilots
from stratos.planner.latency import OVERLOADED_MS, latency_ms, queued_ms
from stratos.planner.memory import serving_gib, training_gib
from stratos.planner.speed import decode_s, step_s
from stratos.spec import Load


def test_faster_machines_take_less_time() -> None:
    slow, fast = offer(), offer(compute_tflops=4.0, memory_bandwidth_gb_per_s=400.0)
    model = card("m", 100_000_000, 24)
    assert decode_s(model, fast).value < decode_s(model, slow).value
    assert step_s(model, fast, 1000).value == pytest.approx(step_s(model, slow, 1000).value / 10)


def test_a_training_step_is_six_flops_a_parameter_and_token() -> None:
    found = step_s(card("m", 1_000_000), offer(compute_tflops=1.0), 1000)
    assert found.value == pytest.approx(6 * 1e6 * 1000 / (1e12 * 0.45))


def test_smollm2_on_two_cores_decodes_about_as_measured() -> None:
    two_cores = offer(compute_tflops=0.11, memory_bandwidth_gb_per_s=20.0)
    smollm2 = card("smollm2", 134_515_008, 30)
    found = decode_s(smollm2, two_cores)
    assert 1 / found.high < 17 < 1 / found.low


def test_waiting_grows_with_the_load_and_has_no_bound() -> None:
    waits = [queued_ms(100.0, rate, 95) for rate in (0.1, 2.0, 5.0, 9.0)]
    assert waits[0] == 100.0
    assert waits == sorted(waits)
    assert queued_ms(100.0, 10.0, 95) >= OVERLOADED_MS


def test_the_tail_of_the_wait_has_its_closed_form() -> None:
    rho, service = 0.5, 100.0
    expected = service + service / (2 * (1 - rho)) * math.log(rho / 0.05)
    assert queued_ms(service, 5.0, 95) == pytest.approx(expected)


def test_a_higher_percentile_is_never_quicker() -> None:
    load = Load(requests_per_second=20, prompt_tokens=16, completion_tokens=8)
    found = [latency_ms(card("m"), offer(), load, percentile).value for percentile in (50, 90, 99)]
    assert found == sorted(found)


def test_memory_grows_with_parameters_and_batch() -> None:
    assert training_gib(card("m", 10**9), 8, 128) > training_gib(card("m", 10**8), 8, 128)
    assert training_gib(card("m"), 64, 128) > training_gib(card("m"), 8, 128)
    assert training_gib(card("m", 10**9), 8, 128) > serving_gib(card("m", 10**9), Load())


def test_accuracy_under_injection_grows_with_examples_and_stays_honest() -> None:
    found = [injected("mahjong", 450_000, examples) for examples in (1_000, 10_000, 100_000, 1_000_000)]
    values = [figure.value for figure in found]
    assert values == sorted(values)
    unknown = injected("another", 450_000, 100_000)
    known = injected("mahjong", 450_000, 100_000)
    assert unknown.high - unknown.low > known.high - known.low


def test_the_pilots_lie_in_their_own_intervals() -> None:
    assert len(pilots()) >= 5
    for pilot in pilots():
        figure = injected(pilot.task, pilot.params, pilot.examples)
        assert figure.low <= pilot.accuracy <= figure.high


def test_an_aligned_student_is_not_promised_more_than_its_teacher() -> None:
    share = Figure(value=0.8, low=0.7, high=0.9)
    found = aligned(share, 100_000, 10_000_000)
    assert found.low < found.value < share.value
    assert found.high <= share.high


def test_pretraining_is_worth_most_where_examples_are_few_and_is_less_sure() -> None:
    def gain(examples: int) -> float:
        scratch = injected("another", 100_000_000, examples)
        pretrained = injected("another", 100_000_000, examples, pretrained=True)
        assert pretrained.low <= pretrained.value <= pretrained.high
        return pretrained.value - scratch.value

    assert gain(500) > gain(5_000_000) >= 0
