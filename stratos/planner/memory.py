"""Memory that training and serving need, in GiB."""

from __future__ import annotations

from stratos.catalog.types import ModelCard, Offer
from stratos.spec.model import Load

GIB = 2**30
BYTES = 4
_ADAM_STATES = 2
_ACTIVATION_BYTES = 2 * 34
_RUNTIME_GIB = 1.0
_CONCURRENT = 16


def training_gib(card: ModelCard, rows: int, tokens_per_row: int) -> float:
    """Weights, gradients and two optimiser states in fp32, activations of one batch, and the runtime itself.

    Activations: 34 bytes per layer, token and hidden unit in 16 bit (Korthikanti et al. 2022, equation 2, without the
    attention matrix), twice that in fp32.
    """
    states = card.params * BYTES * (2 + _ADAM_STATES)
    activations = rows * tokens_per_row * card.layers * card.hidden * _ACTIVATION_BYTES
    return (states + activations) / GIB + _RUNTIME_GIB


def serving_gib(card: ModelCard, load: Load) -> float:
    """Weights in fp32, keys and values of 16 requests at once, and the runtime."""
    per_token = 2 * card.layers * card.kv_heads * card.head_size * BYTES
    cached = per_token * (load.prompt_tokens + load.completion_tokens) * _CONCURRENT
    return (card.params * BYTES + cached) / GIB + _RUNTIME_GIB


def teaching_gib(card: ModelCard) -> float:
    """A teacher in bf16, with the same again for what it works on."""
    return card.params * 2 * 2 / GIB + _RUNTIME_GIB


def room_gib(offer: Offer) -> float:
    """What the offer has: the memory of its GPUs, or of the machine where it has none."""
    return offer.gpu_memory_gib * offer.gpu_count if offer.gpu else offer.memory_gib
