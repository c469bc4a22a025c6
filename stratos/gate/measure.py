"""Measures a served model over HTTP: its answers, and its whole-answer times under the spec's load."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass

import httpx
import numpy as np

from stratos.errors import StratosError
from stratos.gate.client import Completion, Served, complete
from stratos.plan.model import Figure
from stratos.plan.verdict import LoadTimes
from stratos.spec.model import Constraints, Load

OnProgress = Callable[[int, int], None]

ANSWER_TIMEOUT_S = 120.0
FEWEST_REQUESTS = 60
FEWEST_SECONDS_OF_LOAD = 5.0
MOST_SECONDS = 20.0
ENOUGH_WHEN_SLOW = 20
IDLE_S = 0.02
TYPICAL_CHARACTERS_PER_TOKEN = 4.0


async def answers(
    served: Served, prompts: Sequence[str], max_tokens: int, concurrency: int, on_progress: OnProgress
) -> list[Completion]:
    """The greedy completion of every prompt, in order, `concurrency` at a time. Raises StratosError."""
    found: dict[int, Completion] = {}
    waiting = iter(enumerate(prompts))
    async with served.client(ANSWER_TIMEOUT_S) as client:

        async def work() -> None:
            for number, prompt in waiting:
                found[number] = await complete(client, served.model, prompt, max_tokens)
                on_progress(len(found), len(prompts))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(work())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
    return [found[number] for number in range(len(prompts))]


async def load_times(
    served: Served, prompts: Sequence[str], constraints: Constraints, seed: int, on_progress: OnProgress
) -> LoadTimes:
    """Times of whole answers under open-loop Poisson arrivals at the spec's rate, prompts cycled.

    Requests are sent when they are due, whether or not earlier ones were answered, and their time counts from when
    they were due. A stretch in which nothing is in flight is cut short: an idle server is as ready after a moment as
    after the whole gap. There are enough requests to see the percentile (a bound at 95 % confidence needs
    ln 0.05 / ln p of them), fewer where a slow endpoint takes longer than `MOST_SECONDS`. Failures are counted.
    Raises StratosError where every request fails.
    """
    load = constraints.load
    wanted = requests_needed(load, constraints.latency_percentile)
    timeout_s = max(5.0, 10 * constraints.latency_ms / 1000)
    async with served.client(timeout_s) as client:

        async def ask(number: int, due_s: float) -> _Timed:
            prompt = prompts[number % len(prompts)]
            timed = await _timed(client, served.model, prompt, load.completion_tokens, due_s)
            on_progress(number + 1, wanted)
            return timed

        timed = await _send(itertools.islice(_arrivals(load.requests_per_second, seed), wanted), ask)
    return _summary(timed, load, constraints.latency_percentile)


def requests_needed(load: Load, percentile: float) -> int:
    """How many requests the measurement sends where the endpoint keeps up."""
    to_see_it = math.ceil(math.log(0.05) / math.log(percentile / 100))
    return max(FEWEST_REQUESTS, to_see_it, math.ceil(FEWEST_SECONDS_OF_LOAD * load.requests_per_second))


def sized_prompts(prompts: Sequence[str], tokens: int, asked: Sequence[tuple[str, Completion]]) -> list[str]:
    """The prompts brought up to `tokens` by what follows them; longer ones stay as they are.

    Characters a token are taken from what the endpoint counted for the prompts it was `asked`.
    """
    counted = sum(completion.prompt_tokens for _, completion in asked)
    characters = sum(len(prompt) for prompt, _ in asked)
    per_token = characters / counted if counted and characters else TYPICAL_CHARACTERS_PER_TOKEN
    return [_sized(prompts, start, math.ceil(tokens * per_token)) for start in range(len(prompts))]


def _sized(prompts: Sequence[str], start: int, characters: int) -> str:
    text = prompts[start]
    if len(text) >= characters:
        return text
    following = itertools.count(start + 1)
    while len(text) < characters:
        text += "\n" + prompts[next(following) % len(prompts)]
    return text[:characters]


@dataclass(frozen=True, slots=True)
class _Timed:
    """A request under load: its time, and its completion or why there is none."""

    latency_ms: float
    completion: Completion | None
    failure: str = ""


async def _timed(client: httpx.AsyncClient, model: str, prompt: str, max_tokens: int, due_s: float) -> _Timed:
    try:
        completion = await complete(client, model, prompt, max_tokens)
    except StratosError as error:
        return _Timed(_since_ms(due_s), None, str(error))
    return _Timed(_since_ms(due_s), completion)


def _since_ms(due_s: float) -> float:
    return (asyncio.get_running_loop().time() - due_s) * 1000


def _arrivals(per_second: float, seed: int) -> Iterator[float]:
    rng = random.Random(seed)
    at = 0.0
    while True:
        at += rng.expovariate(per_second)
        yield at


async def _send(arrivals: Iterable[float], ask: Callable[[int, float], Coroutine[None, None, _Timed]]) -> list[_Timed]:
    loop = asyncio.get_running_loop()
    started, cut = loop.time(), 0.0
    tasks: list[asyncio.Task[_Timed]] = []
    in_flight: set[asyncio.Task[_Timed]] = set()
    for number, at in enumerate(arrivals):
        cut += await _wait(started + at - cut, in_flight)
        if loop.time() - started > MOST_SECONDS and number >= ENOUGH_WHEN_SLOW:
            break
        task = asyncio.create_task(ask(number, started + at - cut))
        in_flight.add(task)
        task.add_done_callback(in_flight.discard)
        tasks.append(task)
    return list(await asyncio.gather(*tasks))


async def _wait(due_s: float, in_flight: set[asyncio.Task[_Timed]]) -> float:
    """Waits until `due_s`, once nothing is in flight only IDLE_S more; returns the seconds that were cut."""
    loop = asyncio.get_running_loop()
    while (left_s := due_s - loop.time()) > 0:
        if not in_flight:
            cut = max(0.0, left_s - IDLE_S)
            await asyncio.sleep(left_s - cut)
            return cut
        await asyncio.wait(set(in_flight), timeout=left_s)
    return 0.0


def _summary(timed: Sequence[_Timed], load: Load, percentile: float) -> LoadTimes:
    done = [(one.latency_ms, one.completion) for one in timed if one.completion is not None]
    failures = [one.failure for one in timed if one.completion is None]
    if not done:
        raise StratosError(
            f"all {len(timed)} requests under load failed; the first: {failures[0]}",
            hint="see the endpoint's log with `stratos logs`",
        )
    latencies_ms = [latency_ms for latency_ms, _ in done]
    return LoadTimes(
        percentile=percentile,
        latency_ms=percentile_interval(latencies_ms, percentile),
        median_ms=float(np.percentile(latencies_ms, 50)),
        requests=len(timed),
        failed=len(failures),
        first_failure=failures[0] if failures else "",
        requests_per_second=load.requests_per_second,
        prompt_tokens=float(np.mean([completion.prompt_tokens for _, completion in done])),
        completion_tokens=float(np.mean([completion.completion_tokens for _, completion in done])),
    )


def percentile_interval(values: Sequence[float], percentile: float) -> Figure:
    """The percentile with its distribution-free 95 % interval between order statistics.

    Ranks np ± 1.96 sqrt(np(1 − p)) (W. J. Conover, Practical Nonparametric Statistics, 3rd edition, section 3.2); a
    rank past the last one becomes the largest value.
    """
    ordered, count, share = sorted(values), len(values), percentile / 100
    spread = 1.96 * math.sqrt(count * share * (1 - share))
    low = max(1, math.floor(count * share - spread))
    high = min(count, math.ceil(count * share + spread))
    value = float(np.percentile(ordered, percentile))
    return Figure(value=value, low=min(value, ordered[low - 1]), high=max(value, ordered[high - 1]))
