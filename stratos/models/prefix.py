"""The beginning that all prompts share, read by the model once and remembered."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from transformers import DynamicCache, PreTrainedModel


class PrefixCache:
    """Keys and values of the last shared beginning."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._tokens: list[int] = []
        self._cache = DynamicCache(config=model.config)
        self._can_share = not any(self._cache.is_sliding)

    def share(self, prompts: Sequence[list[int]]) -> None:
        """Reads the longest beginning of all the prompts, short of a whole prompt, unless it is known well enough.

        A shorter known one is kept where reading the difference with every prompt is cheaper than starting anew.
        Models with sliding windows share nothing: padding behind the prefix would move what a window covers.
        """
        if not prompts:
            return
        common = _common_beginning(prompts) if self._can_share else []
        known = len(self._tokens)
        missing = len(common) - known
        if known and self._tokens == common[:known] and missing * len(prompts) <= len(common):
            return
        self._tokens = common
        self._cache = DynamicCache(config=self._model.config)
        if common:
            inputs = torch.tensor([common], device=self._model.device)
            self._model(inputs, past_key_values=self._cache, use_cache=True, logits_to_keep=1)

    def start(self, sequences: list[list[int]]) -> tuple[DynamicCache, torch.Tensor, torch.Tensor]:
        """What a forward pass over sequences that begin so needs: (cache, input ids [B, S], attention mask [B, P + S]).

        The cache holds the P shared tokens, expanded over the batch; the ids are the rest, padded on the left.
        """
        shared, rows = len(self._tokens), len(sequences)
        assert all(tokens[:shared] == self._tokens for tokens in sequences)
        rest = [tokens[shared:] for tokens in sequences]
        width = max(map(len, rest))
        device = self._model.device
        ids = torch.tensor([[0] * (width - len(tokens)) + tokens for tokens in rest], device=device)
        mask = torch.tensor([[0] * (width - len(tokens)) + [1] * len(tokens) for tokens in rest], device=device)
        cache = copy.deepcopy(self._cache)
        cache.batch_repeat_interleave(rows)
        assert ids.shape == mask.shape == (rows, width)
        return cache, ids, torch.cat([mask.new_ones(rows, shared), mask], dim=-1)


def _common_beginning(prompts: Sequence[list[int]]) -> list[int]:
    """Of the first and the last in order, which differ soonest; at least a token short of the shortest prompt."""
    first, last = min(prompts), max(prompts)
    most = min(map(len, prompts)) - 1
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), most)
    return first[: min(same, most)]
