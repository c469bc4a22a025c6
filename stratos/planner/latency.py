"""The time of a whole answer at a percentile of the load."""

from __future__ import annotations

import math

from stratos.catalog.types import ModelCard, Offer
from stratos.planner.factors import Span, factor
from stratos.planner.speed import added, decode_s, prefill_s, scaled
from stratos.spec.model import Load

OVERLOADED_MS = 1e6


def latency_ms(card: ModelCard, offer: Offer, load: Load, percentile: float) -> Span:
    """Service and queueing of one whole answer; OVERLOADED_MS times the utilisation where the load is too much."""
    service = added(
        factor("request_overhead_ms"),
        scaled(prefill_s(card, offer, load.prompt_tokens), 1000),
        scaled(decode_s(card, offer), load.completion_tokens * 1000),
    )
    return Span(*(queued_ms(ms, load.requests_per_second, percentile) for ms in service))


def queued_ms(service_ms: float, requests_per_second: float, percentile: float) -> float:
    """Percentile of service and wait for Poisson arrivals at one server of even service time.

    The mean wait is that of Pollaczek and Khinchine, rho S / (2 (1 - rho)); those rho of the requests that wait at all
    are taken to wait exponentially, so that P(wait > t) = rho exp(-2 (1 - rho) t / S).
    """
    rho = service_ms / 1000 * requests_per_second
    if rho >= 1:
        return OVERLOADED_MS * rho
    share_above = 1 - percentile / 100
    wait_ms = service_ms / (2 * (1 - rho)) * math.log(rho / share_above) if rho > share_above else 0.0
    return service_ms + wait_ms


def highest_rate(service_ms: float, percentile: float, bound_ms: float) -> float:
    """The most requests per second at which the percentile keeps to the bound, by bisection; 0 where none does."""
    low, high = 0.0, 1000 / service_ms
    for _ in range(60):
        rate = (low + high) / 2
        low, high = (rate, high) if queued_ms(service_ms, rate, percentile) <= bound_ms else (low, rate)
    return low
