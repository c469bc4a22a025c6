"""How the next token is chosen from the model's scores."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Sampling:
    """What a request asks of each of its answers. `top_logprobs` None: no log probabilities are wanted."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    top_logprobs: int | None = None


class Sampler:
    """Picks the tokens of one answer. Equal seed, choice and scores give equal tokens."""

    def __init__(self, sampling: Sampling, choice: int) -> None:
        self._sampling = sampling
        self._counts: Counter[int] = Counter()
        self._random = torch.Generator().manual_seed(_seed(sampling.seed, choice))

    def pick(self, logits: Tensor) -> int:
        """The next token from float32 scores [vocabulary] on the CPU."""
        scores = self._adjusted(logits)
        wanted = self._sampling
        token = int(scores.argmax()) if min(wanted.temperature, wanted.top_p) == 0 else self._draw(scores)
        self._counts[token] += 1
        return token

    def _adjusted(self, logits: Tensor) -> Tensor:
        wanted = self._sampling
        penalised = bool(wanted.presence_penalty or wanted.frequency_penalty) and bool(self._counts)
        if not wanted.logit_bias and not penalised:
            return logits
        scores = logits.clone()
        for token, bias in wanted.logit_bias.items():
            scores[token] += bias
        for token, count in self._counts.items() if penalised else ():
            scores[token] -= wanted.presence_penalty + count * wanted.frequency_penalty
        return scores

    def _draw(self, scores: Tensor) -> int:
        """Nucleus sampling: from the likeliest tokens that together reach top_p."""
        probabilities = ((scores - scores.max()).double() / self._sampling.temperature).softmax(-1)
        if self._sampling.top_p >= 1:
            return int(torch.multinomial(probabilities, 1, generator=self._random))
        ordered, tokens = probabilities.sort(descending=True, stable=True)
        before = ordered.cumsum(-1) - ordered
        kept = torch.where(before < self._sampling.top_p, ordered, 0.0)
        return int(tokens[torch.multinomial(kept, 1, generator=self._random)])


def _seed(seed: int | None, choice: int) -> int:
    if seed is None:
        return secrets.randbits(63)
    return int.from_bytes(hashlib.sha256(f"{seed}/{choice}".encode()).digest()[:8], "big") >> 1
