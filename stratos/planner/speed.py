"""Seconds that a machine takes for decoding, prefill and a training step."""

from __future__ import annotations

from stratos.catalog.types import ModelCard, Offer
from stratos.planner.factors import Span, factor
from stratos.planner.memory import BYTES


def scaled(span: Span, by: float, *, inverse: bool = False) -> Span:
    """`by` times the span, or `by` over it."""
    value, low, high = span
    if inverse:
        return Span(by / value, by / high, by / low)
    return Span(by * value, by * low, by * high)


def added(*spans: Span) -> Span:
    """The sum, its interval as if all erred the same way."""
    value = low = high = 0.0
    for one in spans:
        value += one[0]
        low += one[1]
        high += one[2]
    return Span(value, low, high)


def exactly(value: float) -> Span:
    """A number without doubt."""
    return Span(value, value, value)


def decode_s(card: ModelCard, offer: Offer) -> Span:
    """One token of one sequence: its weights through memory, and what the framework adds a layer."""
    on = "gpu" if offer.gpu else "cpu"
    used = factor("decode_mbu" if offer.gpu else "decode_mbu_cpu")
    bytes_s = card.params * BYTES / (offer.memory_bandwidth_gb_per_s * 1e9)
    overhead = scaled(factor(f"layer_overhead_ms_{on}"), card.layers / 1000)
    return added(scaled(used, bytes_s, inverse=True), overhead)


def prefill_s(card: ModelCard, offer: Offer, tokens: int) -> Span:
    """Reading a prompt: 2 FLOPs a parameter and token, and one pass through the layers."""
    flops_s = 2 * card.params * tokens / (offer.compute_tflops * 1e12)
    on = "gpu" if offer.gpu else "cpu"
    overhead = scaled(factor(f"layer_overhead_ms_{on}"), card.layers / 1000)
    return added(scaled(factor("prefill_mfu"), flops_s, inverse=True), overhead)


def step_s(card: ModelCard, offer: Offer, tokens: int) -> Span:
    """One optimiser step on so many tokens: 6 FLOPs a parameter and token (Kaplan et al. 2020, section 2.1)."""
    flops_s = 6 * card.params * tokens / (offer.compute_tflops * 1e12)
    used = factor("train_mfu_gpu" if offer.gpu else "train_mfu_cpu")
    return scaled(used, flops_s, inverse=True)


def answering_s(card: ModelCard, offer: Offer, prompts: int, prompt_tokens: int, completion_tokens: int) -> Span:
    """A teacher answering prompts in batches of 32: every row is read, every step decodes a whole batch."""
    batches = -(-prompts // 32)
    reading = prefill_s(card, offer, prompts * prompt_tokens)
    rows = prefill_s(card, offer, 32)
    a_step = decode_s(card, offer)
    return added(reading, *(scaled(part, batches * completion_tokens) for part in (rows, a_step)))
