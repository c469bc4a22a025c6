"""Measuring over real HTTP: answers, load, and endpoints that refuse, hang up, talk nonsense or are gone."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta

import pytest
from endpoint_double import KEY, Double

from stratos.errors import StratosError
from stratos.gate.client import Completion, Served
from stratos.gate.measure import answers, load_times, percentile_interval, requests_needed, sized_prompts
from stratos.spec.model import Constraints, Load


def served(double: Double, key: str = KEY) -> Served:
    return Served(double.url, key, "student")


def constraints(per_second: float, latency_ms: float = 500) -> Constraints:
    return Constraints(
        budget_usd=1,
        latency_ms=latency_ms,
        deadline=timedelta(minutes=3),
        min_accuracy=0.5,
        load=Load(requests_per_second=per_second, prompt_tokens=8, completion_tokens=7),
    )


def ask_all(double: Double, prompts: list[str], key: str = KEY) -> list[Completion]:
    return asyncio.run(answers(served(double, key), prompts, 5, 4, lambda done, total: None))


def test_answers_come_in_the_order_of_the_prompts(endpoint: Double) -> None:
    prompts = [f"hand {number}" for number in range(30)]
    told: list[tuple[int, int]] = []
    found = asyncio.run(answers(served(endpoint), prompts, 5, 4, lambda done, total: told.append((done, total))))
    assert [one.text for one in found] == [prompt.upper() for prompt in prompts]
    assert told[-1] == (30, 30)


def test_the_raw_prompt_is_asked_greedily_as_one_user_message(endpoint: Double) -> None:
    ask_all(endpoint, ["123m"])
    assert endpoint.bodies == [
        {
            "model": "student",
            "messages": [{"role": "user", "content": "123m"}],
            "max_tokens": 5,
            "temperature": 0,
        }
    ]


def test_a_lone_surrogate_in_an_answer_can_still_be_saved(endpoint: Double) -> None:
    endpoint.broken = lambda number: r'{"choices": [{"message": {"content": "1m\ud8002m"}}]}'
    (found,) = ask_all(endpoint, ["a"])
    assert found == Completion("1m?2m", 0, 0)


def test_a_refusal_is_told_with_the_servers_own_words(endpoint: Double) -> None:
    with pytest.raises(StratosError, match="401 Incorrect API key provided"):
        ask_all(endpoint, ["a", "b"], key="wrong")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("drop", "cannot be reached"),
        ("not json", "does not answer as OpenAI's API does"),
        ('{"choices": []}', "does not answer as OpenAI's API does"),
        ("[1]", "does not answer as OpenAI's API does"),
    ],
)
def test_an_endpoint_that_breaks_off_is_an_error_with_words(endpoint: Double, how: str, words: str) -> None:
    endpoint.broken = lambda number: how if number == 3 else ""
    with pytest.raises(StratosError, match=words):
        ask_all(endpoint, ["a", "b", "c", "d", "e"])


def test_an_endpoint_that_is_gone_is_an_error_with_a_hint(endpoint: Double) -> None:
    endpoint.stop()
    with pytest.raises(StratosError, match="cannot be reached") as caught:
        ask_all(endpoint, ["a"])
    assert caught.value.hint


def test_load_measures_whole_answers(endpoint: Double) -> None:
    endpoint.delay_s = 0.05
    times = asyncio.run(load_times(served(endpoint), ["abcd", "efgh"], constraints(30), 1, lambda done, total: None))
    assert times.failed == 0
    assert times.requests == 150
    assert 50 <= times.median_ms <= times.latency_ms.value
    assert times.latency_ms.low <= times.latency_ms.value <= times.latency_ms.high
    assert (times.prompt_tokens, times.completion_tokens) == (2, 4)
    assert {body["max_tokens"] for body in endpoint.bodies} == {7}
    assert {body["messages"][0]["content"] for body in endpoint.bodies} == {"abcd", "efgh"}  # type: ignore[index]


def test_idle_stretches_are_cut_short(endpoint: Double) -> None:
    rare = asyncio.run(load_times(served(endpoint), ["a"], constraints(0.01), 1, lambda done, total: None))
    assert rare.requests == 60
    assert rare.failed == 0


def test_requests_that_wait_for_each_other_count_their_wait(endpoint: Double) -> None:
    one_at_a_time = threading.Lock()

    def answer(prompt: str) -> str:
        with one_at_a_time:
            time.sleep(0.05)
        return prompt

    endpoint.answer = answer
    times = asyncio.run(load_times(served(endpoint), ["a"], constraints(14), 1, lambda done, total: None))
    assert times.failed == 0
    assert times.latency_ms.value > 100


def test_failed_requests_are_counted_and_the_first_is_kept(endpoint: Double) -> None:
    endpoint.broken = lambda number: "drop" if number % 10 == 0 else ""
    times = asyncio.run(load_times(served(endpoint), ["a"], constraints(1), 1, lambda done, total: None))
    assert times.failed == 6
    assert "cannot be reached" in times.first_failure


def test_a_server_that_is_gone_under_load_is_an_error(endpoint: Double) -> None:
    endpoint.stop()
    with pytest.raises(StratosError, match="all 60 requests under load failed"):
        asyncio.run(load_times(served(endpoint), ["a"], constraints(1), 1, lambda done, total: None))


@pytest.mark.parametrize(
    ("percentile", "per_second", "wanted"), [(95, 1, 60), (99, 1, 299), (50, 1, 60), (95, 100, 500)]
)
def test_there_are_enough_requests_to_see_the_percentile(percentile: float, per_second: float, wanted: int) -> None:
    assert requests_needed(Load(requests_per_second=per_second), percentile) == wanted


def test_prompts_are_brought_to_the_loads_size() -> None:
    asked = [("x" * 30, Completion("", 10, 1))]
    assert [len(prompt) for prompt in sized_prompts(["abc", "defgh"], 20, asked)] == [60, 60]
    assert sized_prompts(["abc", "defgh"], 3, asked) == ["abc\ndefgh", "defgh\nabc"]
    assert sized_prompts(["a" * 50], 10, asked) == ["a" * 50]
    assert len(sized_prompts(["ab"], 10, [("ab", Completion("", 0, 0))])[0]) == 40


def test_the_percentiles_interval_comes_from_order_statistics() -> None:
    values = [float(number) for number in range(1, 1001)]
    interval = percentile_interval(values, 95)
    assert interval.value == pytest.approx(950.05)
    assert (interval.low, interval.high) == (936, 964)
    few = percentile_interval([5.0, 1.0], 95)
    assert few.high == 5.0
